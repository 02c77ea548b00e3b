package streams_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/internal/demo"
	e2e "github.com/tributary-gateway/tributary/internal/e2e/gateway/graph"
	e2eresolvers "github.com/tributary-gateway/tributary/internal/e2e/gateway/resolvers"
	"github.com/tributary-gateway/tributary/resolvers"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// running is a gateway that serves.
type running struct {
	address string // host and port
	ctx     context.Context
	stop    context.CancelFunc
	served  chan error
}

// start serves a schema until the test ends.
func start(t *testing.T, schema graphql.ExecutableSchema, cfg *config.Config) *running {
	t.Helper()
	g, err := assemble.New(schema, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{address: listener.Addr().String(), ctx: t.Context(), stop: stop, served: make(chan error, 1)}
	go func() { r.served <- g.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-r.served; err != nil {
			t.Error(err)
		}
		r.served <- nil
	})
	return r
}

// startDemo serves the demo's graph, with one service for all.
func startDemo(t *testing.T, service http.Handler) *running {
	t.Helper()
	backend := httptest.NewServer(service)
	t.Cleanup(backend.Close)
	cfg := config.Default()
	cfg.Server.DrainGrace = -1
	cfg.Services = map[string]config.Service{}
	for _, name := range demo.Names {
		s := config.DefaultService()
		s.URL = backend.URL
		cfg.Services[name] = s
	}
	own := graph.Config{Resolvers: &resolvers.Resolver{}}
	return start(t, assemble.Schema(graph.NewExecutableSchema(own), graph.Bindings(own)), cfg)
}

// startSources serves the graph of the end-to-end tests, with one service for all and more settings: of the section events,
// and other sections.
func startSources(t *testing.T, service http.Handler, settings string, sections ...string) *running {
	t.Helper()
	backend := httptest.NewServer(service)
	t.Cleanup(backend.Close)
	const file = "../e2e/gateway/gateway.yaml"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for _, name := range []string{"people", "blog", "stock", "forms", "fussy", "zoo", "tiny"} {
		environ = append(environ, strings.ToUpper(name)+"_URL="+backend.URL)
	}
	cfg, err := config.Parse(file, []byte(strings.Replace(string(text), "events:\n", "events:\n"+settings, 1)+strings.Join(sections, "\n")), config.Inputs{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Server.DrainGrace = -1
	own := e2e.Config{Resolvers: &e2eresolvers.Resolver{}}
	return start(t, assemble.Schema(e2e.NewExecutableSchema(own), e2e.Bindings(own)), cfg)
}

// dial opens a WebSocket that is acknowledged.
func (r *running) dial(t *testing.T, protocol string) *websocket.Conn {
	t.Helper()
	ws, res, err := websocket.Dial(r.ctx, "ws://"+r.address+"/graphql", &websocket.DialOptions{Subprotocols: []string{protocol}})
	if err != nil {
		t.Fatal(err, res)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	say(t, ws, `{"type":"connection_init"}`)
	if got := hear(t, ws); got != `{"type":"connection_ack"}` {
		t.Fatalf("got %s", got)
	}
	return ws
}

func say(t *testing.T, ws *websocket.Conn, text string) {
	t.Helper()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatalf("sending %s: %v", text, err)
	}
}

// hear is the next message that isn't there to keep the connection, or "close" with its code.
func hear(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		_, data, err := ws.Read(ctx)
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed):
			return fmt.Sprintf("close %d", closed.Code)
		case err != nil:
			return "broken: " + err.Error()
		case string(data) != `{"type":"ka"}`:
			return string(data)
		}
	}
}

// listen is the body of an answer that comes in parts, line by line.
type listen struct {
	*http.Response

	lines *bufio.Reader
}

// post sends an operation and gives the answer when it begins.
func (r *running) post(t *testing.T, accept, body string) *listen {
	t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.address+"/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", accept)
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return &listen{res, bufio.NewReader(res.Body)}
}

// next is the next line that says something: no empty one, and no comment of an event stream.
func (l *listen) next(t *testing.T) string {
	t.Helper()
	for {
		line, err := l.lines.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line != "" && line != ":":
			return line
		case err == io.EOF:
			return "end"
		case err != nil:
			t.Fatal(err)
		}
	}
}

// expect compares what comes.
func expect(t *testing.T, next func(t *testing.T) string, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := next(t); got != w {
			t.Fatalf("got  %s\nwant %s", got, w)
		}
	}
}

// on makes hear a function of the test alone.
func on(ws *websocket.Conn) func(t *testing.T) string {
	return func(t *testing.T) string { t.Helper(); return hear(t, ws) }
}
