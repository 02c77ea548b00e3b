package server

import (
	"net/http"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// problem is an answer to what isn't a GraphQL request, or was no success as one of HTTP.
type problem struct {
	status    int
	kind      fail.Kind
	message   string // empty means the kind's own text
	allow     string // the methods that would do, for 405
	media     media  // empty means jsonMedia
	requestID string // told when the cause is only in the log
}

// refuse writes a problem in the shape of GraphQL's errors, which clients of every route can read.
func refuse(w http.ResponseWriter, p problem) {
	if p.allow != "" {
		w.Header().Set("Allow", p.allow)
	}
	if p.status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close") // else net/http reads on to keep the connection
	}
	if p.media == "" {
		p.media = jsonMedia
	}
	if p.message == "" {
		p.message = p.kind.Text()
	}
	extensions := map[string]any{"code": p.kind.Code()}
	if p.requestID != "" {
		extensions["requestId"] = p.requestID
	}
	type entry struct {
		Message    string         `json:"message"`
		Extensions map[string]any `json:"extensions"`
	}
	write(w, p.status, p.media, encode(map[string]any{"errors": []entry{{p.message, extensions}}}))
}
