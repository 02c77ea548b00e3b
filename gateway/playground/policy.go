package playground

import (
	"net/http"
	"strings"
)

// policy is the Content-Security-Policy of the page's files, and with a nonce of the page itself. All that the page needs
// comes from its own origin, and nothing is inline: no script, no eval, no blob, no style. Monaco creates style elements
// while it draws, which web/styles.js gives the nonce, and writes style attributes, which it sets by the object model. One
// door is wider: Monaco's stylesheet has four small pictures as data: URLs.
func policy(nonce string) string {
	styles := "style-src 'self'"
	if nonce != "" {
		styles += " 'nonce-" + nonce + "'"
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"worker-src 'self'",
		"connect-src 'self'",
		styles,
		"font-src 'self'",
		"img-src 'self' data:",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// protect sets the headers that every answer has.
func protect(head http.Header, nonce string) {
	head.Set("Content-Security-Policy", policy(nonce))
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
}
