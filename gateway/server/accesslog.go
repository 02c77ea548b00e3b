package server

import (
	"log/slog"
	"net/http"
	"time"
)

// statusClientGone is logged, never sent, when the client hung up before an answer began.
const statusClientGone = 499

// loggable cuts a name that a client wrote, which may be as long as a document.
func loggable(name string) string { return name[:min(len(name), 128)] }

// logAccess writes one line for every request, also for one that panics.
func (s *Server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		level := s.config.AccessLog
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			level -= slog.LevelInfo - slog.LevelDebug
		}
		rec, ok := w.(*recorder)
		if !ok {
			rec = &recorder{ResponseWriter: w, closing: &s.draining}
		}
		if len(r.TransferEncoding) > 0 {
			// There may have been a Content-Length, too, which net/http ignores and doesn't tell. A proxy that went by it sees
			// another request in the rest of the connection, so that there must be no rest (RFC 9112, section 6.1).
			w.Header().Set("Connection", "close")
		}
		panicked := true
		defer func() {
			if !s.logger.Enabled(r.Context(), level) {
				return
			}
			status := rec.status
			switch {
			case status != 0:
			case panicked:
				status = http.StatusInternalServerError
			case r.Context().Err() != nil:
				status = statusClientGone
			default: // net/http answers for a handler that wrote nothing
				status = http.StatusOK
			}
			client := r.RemoteAddr
			if address := s.options.Edge.Proxies.Of(r); address.IsValid() {
				client = address.String()
			}
			attrs := []slog.Attr{
				slog.String("method", r.Method),
				slog.String("path", r.URL.Path[:min(len(r.URL.Path), 256)]),
				slog.Int("status", status),
				slog.Duration("duration", time.Since(start)),
				slog.Int64("bytes", rec.bytes),
				slog.String("client", client),
				slog.String("request_id", RequestID(r.Context())),
			}
			if name := exchangeOf(r.Context()).operationName(); name != "" {
				attrs = append(attrs, slog.String("operation", loggable(name)))
			}
			// Not by LogAttrs, which looks up who called it.
			line := slog.NewRecord(time.Now(), level, "request", 0)
			line.AddAttrs(attrs...)
			_ = s.logger.Handler().Handle(r.Context(), line) // a log that can't be written fails nobody
		}()
		next.ServeHTTP(rec, r)
		panicked = false
	})
}
