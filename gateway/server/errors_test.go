package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/server"
)

// What clients read of errors, and what the log has of them.
func TestErrors(t *testing.T) {
	const at = `"path":["fails"],"locations":[{"line":1,"column":3}],"extensions":`
	for _, c := range []struct {
		how, want string
		level     string // of the log's one entry, "" for none
		cause     string
	}{
		{"unknown", `{"message":"Something went wrong on our side.",` + at + `{"code":"INTERNAL","requestId":"me"}}`, "ERROR",
			"dial tcp 10.0.0.7:5432: *net.OpError secret"},
		{"wrapped", `{"message":"Something went wrong on our side.",` + at + `{"code":"INTERNAL","requestId":"me"}}`, "ERROR",
			"dial tcp 10.0.0.7:5432: *net.OpError secret"},
		{"service", `{"message":"It was changed.",` + at + `{"code":"CONFLICT","service":"users","serviceCode":"E7","status":409}}`, "", ""},
		{"unavailable", `{"message":"The service can't be reached.",` + at + `{"code":"UPSTREAM_UNAVAILABLE","service":"users"}}`, "WARN",
			"dial tcp 10.0.0.7:5432: *net.OpError secret"},
		{"author", `{"message":"Not on Sundays.",` + at + `{"code":"CLOSED"}}`, "", ""},
		{"null", `{"message":"Cannot return null for non-nullable field Query.fails.",` + at + `{"code":"UPSTREAM_INVALID_RESPONSE"}}`, "WARN", "Cannot return null for non-nullable field Query.fails."},
	} {
		t.Run(c.how, func(t *testing.T) {
			var log logs
			address := start(t, server.Config{}, server.Options{Logger: log.logger(slog.LevelInfo)})
			request := query(`{ fails(how: "` + c.how + `") }`)
			request.header = map[string]string{"X-Request-Id": "me"}
			got := request.do(t, address)
			if want := `{"data":{"fails":null},"errors":[` + c.want + `]}`; got.status != 200 || got.body != want {
				t.Errorf("got %d %s\nwant %s", got.status, got.body, want)
			}
			lines := log.named(t, "error answered")
			if c.level == "" {
				if len(lines) != 0 {
					t.Errorf("logged %v", lines)
				}
				return
			}
			if len(lines) != 1 || lines[0]["level"] != c.level || lines[0]["cause"] != c.cause || lines[0]["request_id"] != "me" {
				t.Errorf("logged %v", lines)
			}
		})
	}
}

func TestPanicCostsOneField(t *testing.T) {
	var log logs
	address := start(t, server.Config{}, server.Options{Logger: log.logger(slog.LevelInfo)})
	request := query("query Q { a: panics b: panics __typename }")
	request.header = map[string]string{"X-Request-Id": "me"}
	got := request.do(t, address)
	masked := func(path, column string) string {
		return `{"message":"Something went wrong on our side.","path":["` + path + `"],"locations":[{"line":1,"column":` + column + `}],"extensions":{"code":"INTERNAL","requestId":"me"}}`
	}
	want := `{"data":{"a":null,"b":null,"__typename":"Query"},"errors":[` + masked("a", "11") + "," + masked("b", "21") + `]}`
	if got.status != 200 || got.body != want {
		t.Errorf("got %d %s", got.status, got.body)
	}
	lines := log.named(t, "error answered")
	if len(lines) != 1 { // the same failure at two fields is one
		t.Fatalf("logged %v", lines)
	}
	if cause, _ := lines[0]["cause"].(string); !strings.Contains(cause, "panic: dial tcp") || lines[0]["operation"] != "Q" {
		t.Errorf("logged %v", lines[0])
	}
	if stack, _ := lines[0]["stack"].(string); !strings.Contains(stack, "schema_test.go") {
		t.Errorf("the stack doesn't lead to the resolver: %s", stack)
	}
}

// A panic outside of resolvers is a 500 with the id that the log has.
func TestPanicInTheRequest(t *testing.T) {
	var log logs
	address := start(t, server.Config{}, server.Options{
		Logger:  log.logger(slog.LevelInfo),
		Context: func(context.Context, *http.Request) context.Context { panic("secret") },
	})
	got := query("{ __typename }").do(t, address)
	id := got.header.Get("X-Request-Id")
	if want := `{"errors":[{"message":"Something went wrong on our side.","extensions":{"code":"INTERNAL","requestId":"` + id + `"}}]}`; got.status != 500 || got.body != want {
		t.Errorf("got %d %s", got.status, got.body)
	}
	lines := log.named(t, "panic in a request")
	if len(lines) != 1 || lines[0]["request_id"] != id || lines[0]["cause"] != "secret" {
		t.Errorf("logged %v", lines)
	}
	if lines = log.named(t, "request"); len(lines) != 1 || lines[0]["status"] != 500.0 {
		t.Errorf("access log has %v", lines)
	}
}

// half is a playground that panics in the middle of its answer.
type half struct{}

func (half) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
	panic("secret")
}

func TestPanicInTheMiddleOfAnAnswer(t *testing.T) {
	var log logs
	address := start(t, server.Config{}, server.Options{Logger: log.logger(slog.LevelInfo), Playground: half{}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err == nil {
		_, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	if err == nil {
		t.Error("the answer looks complete")
	}
	if lines := log.named(t, "panic in a request"); len(lines) != 1 {
		t.Errorf("logged %v", lines)
	}
}

// A client that hangs up is not an error of ours: nothing above debug but the access log, with status 499.
func TestClientGone(t *testing.T) {
	var log logs
	begun, done := make(chan struct{}), make(chan struct{})
	schema := standard()
	schema["slow"] = func(ctx context.Context, _ map[string]any) (string, error) {
		close(begun)
		<-ctx.Done()
		return "", errors.New("a service's connection broke because of it")
	}
	s, err := server.New(server.Config{}, server.Options{Schema: schema, Logger: log.logger(slog.LevelInfo)})
	if err != nil {
		t.Fatal(err)
	}
	address := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		s.Handler().ServeHTTP(w, r)
	}))
	ctx, hangUp := context.WithCancel(t.Context())
	go func() { <-begun; hangUp() }()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/graphql", strings.NewReader(query("{ slow }").body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if response, err := http.DefaultClient.Do(r); err == nil {
		_ = response.Body.Close()
		t.Fatal("an answer came")
	}
	<-done
	if lines := log.named(t, "error answered"); len(lines) != 0 {
		t.Errorf("logged %v", lines)
	}
	if lines := log.named(t, "request"); len(lines) != 1 {
		t.Errorf("access log has %v", lines)
	}
}

// answering is an extension that refuses every operation, as a rate limit does, and one that forgets to answer.
type answering struct{ response *graphql.Response }

func (answering) ExtensionName() string                   { return "Answering" }
func (answering) Validate(graphql.ExecutableSchema) error { return nil }

func (a answering) InterceptResponse(context.Context, graphql.ResponseHandler) *graphql.Response {
	return a.response
}

func TestExtensions(t *testing.T) {
	address := start(t, server.Config{}, server.Options{Extensions: []graphql.HandlerExtension{
		answering{&graphql.Response{Errors: gqlerror.List{{Message: "<No>"}}, Extensions: map[string]any{"left": 0}}},
	}})
	request := query("{ __typename }")
	request.header = map[string]string{"Accept": newJSON}
	if got := request.do(t, address); got.status != 400 || got.body != `{"errors":[{"message":"<No>"}],"extensions":{"left":0}}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
	address = start(t, server.Config{}, server.Options{Extensions: []graphql.HandlerExtension{answering{&graphql.Response{}}}})
	if got := request.do(t, address); got.status != 200 || got.body != `{"data":null}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
