package server

import (
	"net/http"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/edge"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

// eventsPath is where events are pushed to.
const eventsPath = "/events"

// playgroundFiles is the path below which the playground's own files are.
const playgroundFiles = "/graphiql/"

func (s *Server) routes() http.Handler {
	guarded := s.options.Edge.Guard(http.HandlerFunc(s.graphql))
	var playground http.Handler
	if s.options.Playground != nil { // it isn't guarded: links from anywhere may lead to it
		playground = edge.Page(s.options.Playground)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/graphql":
			guarded.ServeHTTP(w, r)
		case path == eventsPath && s.options.Events != nil:
			s.options.Events.ServeHTTP(w, r)
		case path == "/healthz":
			s.page(w, r, http.HandlerFunc(s.healthz))
		case path == "/readyz":
			s.page(w, r, http.HandlerFunc(s.readyz))
		case playground != nil && (path == "/" || strings.HasPrefix(path, playgroundFiles)):
			s.page(w, r, playground)
		default:
			refuse(w, problem{status: http.StatusNotFound, kind: fail.NotFound, message: "There is nothing here. GraphQL is at /graphql."})
		}
	})
}

// page lets GET and HEAD through to what can be looked at only.
func (s *Server) page(w http.ResponseWriter, r *http.Request, h http.Handler) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.ServeHTTP(w, r)
	default:
		otherMethod(w, r, "GET, HEAD, OPTIONS")
	}
}

// otherMethod answers OPTIONS, and refuses every method that is not in allow.
func otherMethod(w http.ResponseWriter, r *http.Request, allow string) {
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", allow)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	refuse(w, problem{status: http.StatusMethodNotAllowed, kind: fail.BadRequest, allow: allow, message: "This method is not allowed here."})
}

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusOK, "ok") }

// readyz says whether it should get requests.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		status(w, http.StatusServiceUnavailable, "draining")
		return
	}
	if s.options.Ready != nil {
		if err := s.options.Ready(); err != nil {
			s.logger.WarnContext(r.Context(), "not ready", "cause", err)
			status(w, http.StatusServiceUnavailable, "not ready")
			return
		}
	}
	status(w, http.StatusOK, "ready")
}

func status(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	write(w, code, jsonMedia, []byte(`{"status":"`+text+`"}`))
}
