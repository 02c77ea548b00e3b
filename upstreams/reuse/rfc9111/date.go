package rfc9111

import (
	"net/http"
	"strings"
	"time"
)

// Date reads an HTTP-date in any of its three forms (RFC 9110, section 5.6.7), without regard to case; a zone other than
// GMT or UTC makes it no date (section 4.2).
func Date(text string) (time.Time, bool) {
	text = strings.Trim(text, " \t")
	if n := len(text) - 4; n > 0 && (strings.EqualFold(text[n:], " GMT") || strings.EqualFold(text[n:], " UTC")) {
		text = text[:n] + " GMT"
		for _, form := range []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT"} {
			if t, err := time.Parse(form, text); err == nil {
				return t, true
			}
		}
		return time.Time{}, false
	}
	t, err := time.Parse(time.ANSIC, text)
	return t, err == nil
}

// dateOf reads a field that holds one date. When it's there more than once, with different values, it's none.
func dateOf(h http.Header, name string) (t time.Time, ok bool) {
	values := h[name]
	if len(values) == 0 {
		return t, false
	}
	for _, v := range values[1:] {
		if v != values[0] {
			return t, false
		}
	}
	return Date(values[0])
}
