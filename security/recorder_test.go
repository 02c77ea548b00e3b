package security_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tributary-gateway/tributary/internal/demo"
)

// recorder is the shop's services, which note what they are asked.
type recorder struct {
	servers map[string]*httptest.Server
	shop    map[string]http.Handler

	mu      sync.Mutex // guards what follows
	got     []received
	instead http.HandlerFunc
}

// received is a request of the gateway's.
type received struct {
	service, method, uri, host, body string
	header                           http.Header
}

func (r received) String() string { return r.service + " " + r.method + " " + r.uri }

// kept bounds what is noted of one attack.
const kept = 2000

func newRecorder(t testing.TB) *recorder {
	r := &recorder{servers: map[string]*httptest.Server{}, shop: map[string]http.Handler{}}
	for _, name := range demo.Names {
		r.shop[name] = demo.Handler(name, demo.ReviewDelay(0))
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.serve(name, w, q) }))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		t.Cleanup(server.Close)
		t.Cleanup(server.CloseClientConnections)
		r.servers[name] = server
	}
	return r
}

func (r *recorder) address(name string) string { return r.servers[name].URL }

func (r *recorder) serve(name string, w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	q.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	instead := r.instead
	if len(r.got) < kept {
		r.got = append(r.got, received{name, q.Method, q.RequestURI, q.Host, string(body), q.Header.Clone()})
	}
	r.mu.Unlock()
	if instead != nil {
		instead(w, q)
		return
	}
	q.URL.Path, q.URL.RawPath = strings.TrimPrefix(q.URL.Path, "/base"), strings.TrimPrefix(q.URL.RawPath, "/base")
	r.shop[name].ServeHTTP(w, q)
}

// begin forgets what was asked, and lets another handler answer if it isn't nil.
func (r *recorder) begin(instead http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.instead = nil, instead
}

func (r *recorder) received() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// known are the headers that a service may see, whatever a client sends.
var known = list(`Accept Accept-Encoding User-Agent X-Request-Id Traceparent Tracestate X-Api-Key X-Tenant Authorization
	Accept-Language Content-Type Content-Length Prefer Idempotency-Key Connection X-Request-Timeout-Ms Referer`)

// check says what is wrong with a request, whatever the attack was.
func (r *recorder) check(got received) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if want := strings.TrimPrefix(r.address(got.service), "http://"); got.host != want {
		wrong("Host is %q", got.host)
	}
	path, _, _ := strings.Cut(got.uri, "?")
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(got.uri, "\\ \r\n\t\x00#\"<>") {
		wrong("the URI isn't clean")
	}
	for _, segment := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, ";@:") {
			wrong("the path has the segment %q", segment)
		}
	}
	if got.service == "catalog" && !strings.HasPrefix(path, "/base/") {
		wrong("the path left its base")
	}
	for name, values := range got.header {
		if !slices.Contains(known, name) {
			wrong("the header %s: %q", name, values)
		}
		if len(values) != 1 && name != "X-Tenant" || strings.ContainsFunc(values[0], func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			wrong("the header %s: %q", name, values)
		}
	}
	if key := got.header.Get("X-Api-Key"); key != sesame {
		wrong("X-Api-Key is %q", key)
	}
	if len(errs) > 0 {
		return fmt.Errorf("%v: %w", got, errors.Join(errs...))
	}
	return nil
}
