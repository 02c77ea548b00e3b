package server

import (
	"fmt"
	"net/http"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/upload"
)

// limitBody refuses a body that says it's too long, and ends one that doesn't say at the limit; whoever reads it then
// gets an *http.MaxBytesError.
func (s *Server) limitBody(next http.Handler) http.Handler {
	limit := s.config.MaxBodyBytes
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.options.Events != nil && r.URL.Path == eventsPath {
			next.ServeHTTP(w, r) // which has a limit of its own
			return
		}
		limit := limit
		if s.options.Uploads.Enabled && upload.Is(r) {
			limit = s.options.Uploads.MaxRequestBytes(limit)
		}
		if r.ContentLength > limit {
			refuse(w, tooLong(limit))
			return
		}
		if r.ContentLength < 0 { // net/http reads no more than a length says
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		next.ServeHTTP(w, r)
	})
}

func tooLong(limit int64) problem {
	return problem{
		status:  http.StatusRequestEntityTooLarge,
		kind:    fail.TooLarge,
		message: fmt.Sprintf("The body is over the limit of %d bytes.", limit),
	}
}
