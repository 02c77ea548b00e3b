package edge

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers are those that every answer has.
type Headers struct {
	// HSTS is for how long browsers may come by https only; sent over https only, and only if it isn't 0. Default: 0s.
	HSTS time.Duration `yaml:"hsts" json:"hsts,omitempty"`
	// HSTSSubdomains says that this holds for all hosts below as well. Default: false.
	HSTSSubdomains bool `yaml:"hsts_subdomains" json:"hsts_subdomains,omitempty"`
}

// Validate names everything wrong, by its keys.
func (h Headers) Validate() error {
	switch {
	case h.HSTS < 0 || h.HSTS > 5*365*24*time.Hour:
		return fmt.Errorf("hsts: is %v; give 0s to 43800h", h.HSTS)
	case h.HSTSSubdomains && h.HSTS == 0:
		return fmt.Errorf("hsts_subdomains: needs hsts")
	}
	return nil
}

// Values for every answer. Handlers that need others, as the playground does, replace them.
var (
	apiPolicy   = []string{"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}
	noReferrer  = []string{"no-referrer"}
	sameOrigin  = []string{"same-origin"}
	permissions = []string{strings.Join([]string{
		"accelerometer=()", "autoplay=()", "camera=()", "display-capture=()", "geolocation=()", "gyroscope=()", "magnetometer=()",
		"microphone=()", "midi=()", "payment=()", "publickey-credentials-get=()", "usb=()", "browsing-topics=()",
	}, ", ")}
)

// Page puts headers on the answers of pages for people, which tell nobody where their visitor comes from and ask for none of
// a browser's powers. The page's own policy is the page's to set.
func Page(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Referrer-Policy"] = noReferrer
		w.Header()["Permissions-Policy"] = permissions
		next.ServeHTTP(w, r)
	})
}

// Secure puts headers on every answer that keep a browser from guessing its type, framing it, embedding it in other pages,
// and from running anything in it.
func Secure(h Headers) (Middleware, error) {
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("headers: %w", err)
	}
	var hsts []string
	if h.HSTS > 0 {
		text := "max-age=" + strconv.Itoa(int(h.HSTS.Seconds()))
		if h.HSTSSubdomains {
			text += "; includeSubDomains"
		}
		hsts = []string{text}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			header := w.Header()
			header["X-Content-Type-Options"] = nosniff
			header["Content-Security-Policy"] = apiPolicy
			header["Cross-Origin-Resource-Policy"] = sameOrigin // pages that CORS lets read aren't asked about this
			if hsts != nil && r.TLS != nil {
				header["Strict-Transport-Security"] = hsts
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}
