package rfc9111

import (
	"net/http"
	"net/url"
	"strings"
)

// Safe says whether a method only reads (RFC 9110, section 9.2.1).
func Safe(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// Invalidates are the addresses of which nothing that is kept holds any more after a request with an unsafe method was
// answered (section 4.4): its own, and those in Location and Content-Location that have its origin.
func Invalidates(method string, target *url.URL, status int, h http.Header) []*url.URL {
	if Safe(method) || status < 200 || status > 399 {
		return nil
	}
	all := []*url.URL{target}
	for _, name := range [...]string{"Location", "Content-Location"} {
		for _, text := range h[name] {
			u, err := target.Parse(text)
			if err == nil && sameOrigin(u, target) {
				all = append(all, u)
			}
		}
	}
	return all
}

func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
}
