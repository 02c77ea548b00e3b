package assemble_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// greeter is a schema with one field, whose resolver is as a generated one.
type greeter struct{ schema *ast.Schema }

func newGreeter(t *testing.T) greeter {
	t.Helper()
	directives, err := os.ReadFile("../../schema/directives.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(
		&ast.Source{Name: "directives.graphql", Input: string(directives)},
		&ast.Source{Name: "greeter.graphql", Input: `type Query { greeting: String @rest(service: "hello", get: "/greeting", select: "/text") }`})
	if err != nil {
		t.Fatal(err)
	}
	return greeter{schema}
}

func (g greeter) Schema() *ast.Schema { return g.schema }

func (g greeter) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (g greeter) Exec(ctx context.Context) graphql.ResponseHandler {
	text, err := loader.Call(ctx, "Query.greeting", nil, loader.Nullable(view.String))
	if err != nil {
		graphql.AddError(ctx, err)
	}
	data, err := json.Marshal(map[string]any{"greeting": text})
	if err != nil {
		graphql.AddError(ctx, err)
	}
	return graphql.OneShot(&graphql.Response{Data: data})
}

// startService answers with a status and a body, and keeps the header of the last request.
func startService(t *testing.T, status int, body string) (address string, header *http.Header) {
	t.Helper()
	header = new(http.Header)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*header = r.Header
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(service.Close)
	return service.URL, header
}

// configure reads a gateway.yaml.
func configure(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("gateway.yaml", []byte(text), config.Inputs{})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// ask posts the one query there is to a handler.
func ask(t *testing.T, handler http.Handler, headers map[string]string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ greeting }"}`))
	r.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return strings.TrimSpace(w.Body.String())
}

func TestServerAnswersFromTheService(t *testing.T) {
	address, got := startService(t, http.StatusOK, `{"text": "Good morning"}`)
	s, err := assemble.New(newGreeter(t), configure(t, `
services:
  hello:
    url: `+address+`
    user_agent: greeter
    forward: [Accept-Language]
    headers: {X-Api-Key: sesame}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	answer := ask(t, s.Handler(), map[string]string{
		"Accept-Language": "de", "Authorization": "Bearer mine", "Traceparent": trace, "Tracestate": "a=b",
	})
	if answer != `{"data":{"greeting":"Good morning"}}` {
		t.Errorf("answer %s", answer)
	}
	for name, want := range map[string]string{
		"User-Agent": "greeter", "Accept-Language": "de", "X-Api-Key": "sesame",
		"Traceparent": trace, "Tracestate": "a=b", "Authorization": "",
	} {
		if value := got.Get(name); value != want {
			t.Errorf("the service got %s: %q, want %q", name, value, want)
		}
	}
	if got.Get("X-Request-Id") == "" {
		t.Error("the service got no request id")
	}
}

func TestServiceExplainsItsErrors(t *testing.T) {
	address, _ := startService(t, http.StatusConflict, `{"error": {"title": "Not before noon", "code": "EARLY"}}`)
	s, err := assemble.New(newGreeter(t), configure(t, `
services:
  hello: {url: `+address+`, errors: {message: /error/title, code: /error/code}}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	answer := ask(t, s.Handler(), nil)
	for _, want := range []string{`"Not before noon"`, `"EARLY"`, `"CONFLICT"`} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %s in %s", want, answer)
		}
	}
}

func TestPlayground(t *testing.T) {
	for text, want := range map[string]int{
		"services: {hello: {url: http://hello}}\nplayground: {headers: {X-Team: shop}}": http.StatusOK,
		"services: {hello: {url: http://hello}}\nplayground: {enabled: false}":          http.StatusNotFound,
	} {
		s, err := assemble.New(newGreeter(t), configure(t, text), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != want {
			t.Errorf("%s\nstatus %d, want %d", text, w.Code, want)
		}
	}
}

func TestServerRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(cfg *config.Config)
		want   string
	}{
		{"a schema whose service isn't configured", func(cfg *config.Config) {
			cfg.Services = map[string]config.Service{"goodbye": cfg.Services["hello"]}
		}, `service "hello" isn't in gateway.yaml`},
		{"an address that is none", func(cfg *config.Config) { set(cfg, func(s *config.Service) { s.URL = "hello" }) }, "hello: instances[0]: url"},
		{"a pointer that is none", func(cfg *config.Config) { set(cfg, func(s *config.Service) { s.Errors.Code = "code" }) }, "service hello: "},
		{"connections that contradict", func(cfg *config.Config) {
			set(cfg, func(s *config.Service) { s.Connections.MaxIdle, s.Connections.MaxConns = 2, 1 })
		}, "service hello: max_idle"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := configure(t, "services: {hello: {url: http://hello}}")
			c.change(cfg)
			_, err := assemble.New(newGreeter(t), cfg, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err := assemble.Run(t.Context(), newGreeter(t), cfg, nil); err == nil {
				t.Error("it ran")
			}
		})
	}
}

// set changes the service hello.
func set(cfg *config.Config, change func(*config.Service)) {
	s := cfg.Services["hello"]
	change(&s)
	cfg.Services["hello"] = s
}

func TestRunServesUntilItsContextEnds(t *testing.T) {
	address, _ := startService(t, http.StatusOK, `{"text": "Hello"}`)
	cfg := configure(t, "listen: 127.0.0.1:0\nserver: {drain_grace: 1ms}\nservices: {hello: {url: "+address+"}}")
	log, write := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- assemble.Run(ctx, newGreeter(t), cfg, slog.New(slog.NewJSONHandler(write, nil)))
		_ = write.Close()
	}()
	lines := json.NewDecoder(log)
	var serving struct{ Msg, Address string }
	for serving.Msg != "serving" {
		if err := lines.Decode(&serving); err != nil {
			t.Fatal(err)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	res, err := http.Post("http://"+serving.Address+"/graphql", "application/json", strings.NewReader(`{"query":"{ greeting }"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(body), `"Hello"`) {
		t.Errorf("got %s, %v", body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestRunOnAnAddressThatIsTaken(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := configure(t, "services: {hello: {url: http://hello}}")
	cfg.Listen = taken.Addr().String()
	if err := assemble.Run(t.Context(), newGreeter(t), cfg, nil); err == nil || !strings.HasPrefix(err.Error(), "listen: ") {
		t.Errorf("got %v", err)
	}
}
