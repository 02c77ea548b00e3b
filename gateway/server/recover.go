package server

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// recoverPanics answers 500 for a request whose handling panics, or breaks the connection off when the answer has begun.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w, closing: &s.draining}
		defer func() {
			thrown := recover()
			if thrown == nil {
				return
			}
			if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			// The id is in the answer's headers: the context that has it was made further in.
			id := rec.Header().Get(requestIDHeader)
			s.logger.LogAttrs(r.Context(), slog.LevelError, "panic in a request",
				slog.String("request_id", id), slog.Any("cause", thrown), slog.String("stack", string(debug.Stack())))
			if rec.status != 0 {
				panic(http.ErrAbortHandler)
			}
			refuse(rec, problem{status: http.StatusInternalServerError, kind: fail.Internal, requestID: id})
		}()
		next.ServeHTTP(rec, r)
	})
}
