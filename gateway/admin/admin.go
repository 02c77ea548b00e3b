// Package admin is the listener for operators: what the gateway sees of its services, and what may be done by hand.
//
// It stands on an address of its own, which clients can't reach, and answers JSON. Which pages there are is said by
// whoever puts the gateway together. Where others than the machine itself can reach it, every request must bring the
// token. It has nothing that it depends on.
package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Admin answers operators. Handle and Report come before Serve.
type Admin struct {
	mux    *http.ServeMux
	token  [sha256.Size]byte // of the token; comparing hashes takes the same time for every guess
	open   bool              // no token is wanted
	logger *slog.Logger
}

// New makes a listener's handler. logger gets a line for each request that changes something; nil means silence.
func New(c Config, logger *slog.Logger) (*Admin, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	a := &Admin{mux: http.NewServeMux(), token: sha256.Sum256([]byte(c.Token.Reveal())), open: c.Token == "", logger: logger}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		Refuse(w, http.StatusNotFound, fail.New(fail.NotFound, "There is no such page."))
	})
	return a, nil
}

// Handle adds a page; the pattern is one of http.ServeMux: "POST /cache/purge".
func (a *Admin) Handle(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

// Report adds a page that shows what report gives, as JSON.
func (a *Admin) Report(path string, report func() any) {
	a.Handle("GET "+path, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { Answer(w, report()) }))
}

// Answer writes a value as JSON.
func Answer(w http.ResponseWriter, value any) { answer(w, http.StatusOK, value) }

// Refuse writes a failure in the shape of GraphQL's errors.
func Refuse(w http.ResponseWriter, status int, failure *fail.Error) {
	extensions := map[string]any{"code": failure.Kind.Code()}
	answer(w, status, map[string]any{"errors": []any{map[string]any{"message": failure.Message(), "extensions": extensions}}})
}

func answer(w http.ResponseWriter, status int, value any) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil { // a report that is no JSON
		status, text = http.StatusInternalServerError, []byte(`{"errors": [{"message": "The report can't be written."}]}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // an operator who hung up
}

// ServeHTTP answers one request.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !a.admitted(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="admin"`)
		Refuse(w, http.StatusUnauthorized, fail.New(fail.Unauthenticated, "The admin token is missing or wrong."))
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		a.logger.InfoContext(r.Context(), "admin", "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr)
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostBody)
	a.mux.ServeHTTP(w, r)
}

// mostBody is how much of a request is read, in bytes.
const mostBody = 64 << 10

func (a *Admin) admitted(r *http.Request) bool {
	// A page on another site can make a browser send requests to loopback, but not with a Host of ours.
	if a.open {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		return loopback(strings.Trim(host, "[]"))
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(given[:], a.token[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// Serve answers the listener's connections until ctx ends, and closes the listener.
func (a *Admin) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(a.logger.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
