package playground

import (
	"net/http"
	"strings"
)

// policy is the Content-Security-Policy of the page and of the workers it starts. All that the page needs comes from
// its own origin. Two doors are wider than that: Monaco creates style elements and writes style attributes while it
// draws, hence 'unsafe-inline' for styles; and its stylesheet has four small pictures as data: URLs. Scripts have no
// exception: nothing inline, no eval, no blob.
var policy = strings.Join([]string{
	"default-src 'none'",
	"script-src 'self'",
	"worker-src 'self'",
	"connect-src 'self'",
	"style-src 'self' 'unsafe-inline'",
	"font-src 'self'",
	"img-src 'self' data:",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
}, "; ")

// protect sets the headers that every answer has.
func protect(head http.Header) {
	head.Set("Content-Security-Policy", policy)
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
}
