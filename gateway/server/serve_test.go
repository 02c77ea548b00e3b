package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/operation"
	"github.com/tributary-gateway/tributary/gateway/server"
)

func listen(t *testing.T, h http.Handler) string {
	t.Helper()
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	return ts.URL
}

func TestRequestID(t *testing.T) {
	address := start(t, server.Config{}, server.Options{})
	for _, c := range []struct {
		id   string
		kept bool
	}{
		{"abc-DEF_1.2:3/4+5=", true},
		{strings.Repeat("x", 128), true},
		{strings.Repeat("x", 129), false},
		{"with space", false},
		{"quote\"", false},
		{"ü", false},
		{"", false},
	} {
		request := query("{ id }")
		request.header = map[string]string{"X-Request-Id": c.id}
		got := request.do(t, address)
		id := got.header.Get("X-Request-Id")
		if id == "" || (id == c.id) != c.kept || !strings.Contains(got.body, `"`+id+`"`) {
			t.Errorf("%q: answered %q, resolver saw %s", c.id, id, got.body)
		}
	}
}

func TestAccessLog(t *testing.T) {
	var log logs
	address := start(t, server.Config{}, server.Options{Logger: log.logger(slog.LevelInfo)})
	request := call{
		body:   `{"query":"query Shop { __typename } query Other { id }","operationName":"Shop"}`,
		header: map[string]string{"X-Request-Id": "me"},
	}
	got := request.do(t, address)
	call{method: http.MethodGet, path: "/healthz"}.do(t, address) // debug, not here
	call{method: http.MethodGet, path: "/nothing"}.do(t, address)
	lines := log.named(t, "request")
	if len(lines) != 2 {
		t.Fatalf("logged %v", lines)
	}
	for name, want := range map[string]any{
		"method": "POST", "path": "/graphql", "operation": "Shop", "status": 200.0, "bytes": float64(len(got.body)),
		"client": "127.0.0.1", "request_id": "me", "level": "INFO",
	} {
		if lines[0][name] != want {
			t.Errorf("%s is %v, want %v", name, lines[0][name], want)
		}
	}
	if took, ok := lines[0]["duration"].(float64); !ok || took <= 0 {
		t.Errorf("duration is %v", lines[0]["duration"])
	}
	if lines[1]["status"] != 404.0 || lines[1]["operation"] != nil {
		t.Errorf("logged %v", lines[1])
	}
}

func TestReady(t *testing.T) {
	var log logs
	var failing atomic.Bool
	address := start(t, server.Config{}, server.Options{Logger: log.logger(slog.LevelInfo), Ready: func() error {
		if failing.Load() {
			return errors.New("secret reason")
		}
		return nil
	}})
	probe := call{method: http.MethodGet, path: "/readyz"}
	if got := probe.do(t, address); got.status != 200 {
		t.Errorf("got %+v", got)
	}
	failing.Store(true)
	if got := probe.do(t, address); got.status != 503 || got.body != `{"status":"not ready"}` {
		t.Errorf("got %+v", got)
	}
	if lines := log.named(t, "not ready"); len(lines) != 1 || lines[0]["cause"] != "secret reason" {
		t.Errorf("logged %v", lines)
	}
}

// serving runs Serve on a real listener; stop tells it to end, ended has what it returned.
func serving(t *testing.T, config server.Config, options server.Options) (address string, stop func(), ended <-chan error) {
	t.Helper()
	s, err := server.New(config, options)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- s.Serve(ctx, listener) }()
	return "http://" + listener.Addr().String(), stop, result
}

// signal is a log handler that says when a message comes.
type signal struct {
	slog.Handler
	message string
	came    chan struct{}
}

func newSignal(message string) signal {
	return signal{slog.DiscardHandler, message, make(chan struct{})}
}

func (signal) Enabled(context.Context, slog.Level) bool { return true }

func (s signal) Handle(_ context.Context, r slog.Record) error {
	if r.Message == s.message {
		close(s.came)
	}
	return nil
}

// Clients that keep their connections busy while the server stops lose nothing: each is told with an answer.
func TestDrainLosesNothing(t *testing.T) {
	const clients = 16
	draining := newSignal("draining")
	address, stop, ended := serving(t, server.Config{DrainGrace: 400 * time.Millisecond}, server.Options{Schema: standard(), Logger: slog.New(draining)})
	var answered atomic.Int64
	var wg sync.WaitGroup
	warm := make(chan struct{}, clients)
	for range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
			for i := 0; ; i++ {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/graphql", strings.NewReader(query("{ __typename }").body))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "application/json")
				response, err := client.Do(r)
				if err != nil {
					t.Errorf("request %d was lost: %v", i, err)
					return
				}
				body, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if err != nil || string(body) != `{"data":{"__typename":"Query"}}` {
					t.Errorf("request %d: %v %s", i, err, body)
				}
				answered.Add(1)
				if i == 3 {
					warm <- struct{}{}
				}
				if response.Close {
					return
				}
			}
		})
	}
	for range clients {
		<-warm
	}
	stop()
	<-draining.came
	if got := (call{method: http.MethodGet, path: "/readyz"}).do(t, address); got.status != 503 || got.body != `{"status":"draining"}` {
		t.Errorf("readiness while draining: %+v", got)
	}
	wg.Wait()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	t.Logf("%d answers", answered.Load())
}

// A request that is under way at the end is completed, though its client came before the end and waits beyond it.
func TestDrainWaitsForRequests(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	schema := standard()
	schema["slow"] = func(ctx context.Context, _ map[string]any) (string, error) {
		close(begun)
		<-release
		return `"done"`, ctx.Err()
	}
	draining := newSignal("draining")
	address, stop, ended := serving(t, server.Config{DrainGrace: -1}, server.Options{Schema: schema, Logger: slog.New(draining)})
	got := make(chan reply, 1)
	go func() { got <- query("{ slow }").do(t, address) }()
	<-begun
	stop()
	<-draining.came
	close(release)
	if r := <-got; r.body != `{"data":{"slow":"done"}}` {
		t.Errorf("got %+v", r)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestDrainCutsOffWhatTakesTooLong(t *testing.T) {
	begun := make(chan struct{})
	schema := standard()
	schema["slow"] = func(ctx context.Context, _ map[string]any) (string, error) {
		close(begun)
		<-ctx.Done() // ends with Serve
		return "null", nil
	}
	address, stop, ended := serving(t, server.Config{DrainGrace: -1, DrainTimeout: 10 * time.Millisecond}, server.Options{Schema: schema})
	lost := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, address+"/graphql", strings.NewReader(query("{ slow }").body))
		if err == nil {
			r.Header.Set("Content-Type", "application/json")
			var response *http.Response
			if response, err = http.DefaultClient.Do(r); err == nil {
				_ = response.Body.Close()
			}
		}
		lost <- err
	}()
	<-begun
	stop()
	if err := <-ended; err == nil || err.Error() != "server: requests were still under way after 10ms and were cut off" {
		t.Errorf("got %v", err)
	}
	if err := <-lost; err == nil {
		t.Error("the request was answered")
	}
}

func TestServeTellsOfABrokenListener(t *testing.T) {
	s, err := server.New(server.Config{}, server.Options{Schema: standard()})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := s.Serve(t.Context(), listener); err == nil || !strings.HasPrefix(err.Error(), "server: ") {
		t.Errorf("got %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := server.New(server.Config{}, server.Options{}); err == nil || err.Error() != "server: no schema" {
		t.Errorf("got %v", err)
	}
	_, err := server.New(server.Config{
		ReadTimeout: -1, MaxBodyBytes: -1, Operation: operation.Config{CacheEntries: -1},
	}, server.Options{Schema: standard()})
	if err == nil || err.Error() != "server: read_timeout is negative\nmax_body_bytes is negative\noperation: cache_entries is negative" {
		t.Errorf("got %v", err)
	}
	for config, want := range map[server.Config]string{
		{WriteTimeout: time.Second}:                  "write_timeout (1s) is not over operation_timeout (30s): an answer at the deadline could not be written",
		{ReadTimeout: time.Second}:                   "read_header_timeout (5s) is over read_timeout (1s), which includes it",
		{MaxHeaderBytes: 1 << 40}:                    "max_header_bytes is 1099511627776, over 1073741824",
		{OperationTimeout: time.Hour}:                "",
		(server.Config{}).WithDefaults():             "",
		{DrainGrace: -1, AccessLog: slog.LevelDebug}: "",
	} {
		err := config.Validate()
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// Headers over the limit are refused before anything of the gateway runs.
func TestHeadersTooLong(t *testing.T) {
	address, stop, ended := serving(t, server.Config{DrainGrace: -1}, server.Options{Schema: standard()})
	request := query("{ __typename }")
	request.header = map[string]string{"X-Long": strings.Repeat("x", 40<<10)}
	if got := request.do(t, address); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", got.status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestPlayground(t *testing.T) {
	address := start(t, server.Config{}, server.Options{Playground: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "page "+r.URL.Path)
	})})
	for path, want := range map[string]string{"/": "page /", "/graphiql/a.js": "page /graphiql/a.js"} {
		if got := (call{method: http.MethodGet, path: path}).do(t, address); got.status != 200 || got.body != want {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := (call{path: "/"}).do(t, address); got.status != 405 {
		t.Errorf("POST /: %d", got.status)
	}
}
