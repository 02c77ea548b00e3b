package subscription

import (
	"mime"
	"net/http"
	"strings"
)

// kind is what a request wants of this package.
type kind int

const (
	other     kind = iota
	handshake      // opens a WebSocket
	distinct       // an event stream of one operation
	reserve        // reserves an event stream for many
	attach         // opens the reserved stream
	enter          // begins an operation in the stream
	withdraw       // ends an operation in the stream
	parts          // an answer in parts
)

// tokenHeader carries the token of a reserved event stream; so does tokenQuery, for those who can't set headers.
const (
	tokenHeader = "X-Graphql-Event-Stream-Token"
	tokenQuery  = "token"
)

func kindOf(r *http.Request) kind {
	switch r.Method {
	case http.MethodGet:
		switch {
		case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
			return handshake
		case !accepts(r, "text/event-stream"):
			return other
		case tokenOf(r) != "":
			return attach
		default:
			return distinct
		}
	case http.MethodPost:
		switch {
		case tokenOf(r) != "":
			return enter
		case accepts(r, "text/event-stream"):
			return distinct
		case acceptsParts(r):
			return parts
		}
	case http.MethodPut:
		return reserve
	case http.MethodDelete:
		return withdraw
	}
	return other
}

// tokenOf is the token of the reserved stream that a request is about.
func tokenOf(r *http.Request) string {
	if token := r.Header.Get(tokenHeader); token != "" {
		return token
	}
	if !strings.Contains(r.URL.RawQuery, tokenQuery+"=") {
		return ""
	}
	return r.URL.Query().Get(tokenQuery)
}

// accepts tells whether a media type is named in Accept. Streams are never what a range such as */* means.
func accepts(r *http.Request, media string) bool {
	return acceptsLike(r, media, func(map[string]string) bool { return true })
}

// acceptsParts tells whether a client takes parts in the form of 2022, or says nothing of a form. Later forms, and
// subscriptions as multipart, are for those who name another: they get one answer.
func acceptsParts(r *http.Request) bool {
	return acceptsLike(r, "multipart/mixed", func(params map[string]string) bool {
		form, given := params["deferspec"]
		_, other := params["incrementalspec"]
		_, subscription := params["subscriptionspec"]
		return given && form == deferSpec || !given && !other && !subscription
	})
}

func acceptsLike(r *http.Request, media string, fits func(params map[string]string) bool) bool {
	for _, line := range r.Header["Accept"] {
		if !strings.Contains(line, media) {
			continue // as nearly all are
		}
		for part := range strings.SplitSeq(line, ",") {
			name, params, err := mime.ParseMediaType(part)
			if err != nil && name == "" {
				name, _, _ = strings.Cut(strings.TrimSpace(part), ";")
				name = strings.ToLower(strings.TrimSpace(name))
			}
			if name == media && params["q"] != "0" && fits(params) {
				return true
			}
		}
	}
	return false
}
