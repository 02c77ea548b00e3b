package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/server"
	"github.com/tributary-gateway/tributary/internal/journal"
)

var parsed = gqlparser.MustLoadSchema(&ast.Source{Name: "test.graphql", Input: `
type Query { echo(value: Any): Any  id: String  fails(how: String!): String  hangs: String  panics: String  slow: String }
type Mutation { change: String }
type Subscription { ticks: Int }
scalar Any
`})

// resolver answers one root field with JSON.
type resolver func(ctx context.Context, args map[string]any) (string, error)

// world is a schema by hand: root fields only, each resolved by a function, with gqlgen's contexts around it.
type world map[string]resolver

func (w world) Schema() *ast.Schema { return parsed }

func (world) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (w world) Exec(ctx context.Context) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx)
	first := true
	return func(ctx context.Context) *graphql.Response {
		if !first {
			return nil
		}
		first = false
		var members []string
		for _, field := range graphql.CollectFields(operation, operation.Operation.SelectionSet, nil) {
			members = append(members, fmt.Sprintf("%q:%s", field.Alias, w.field(ctx, operation, field)))
		}
		return &graphql.Response{Data: []byte("{" + strings.Join(members, ",") + "}")}
	}
}

func (w world) field(ctx context.Context, operation *graphql.OperationContext, field graphql.CollectedField) (value string) {
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query", Field: field})
	defer func() {
		if thrown := recover(); thrown != nil {
			graphql.AddError(ctx, operation.Recover(ctx, thrown))
			value = "null"
		}
	}()
	args := field.ArgumentMap(operation.Variables)
	resolve, ok := w[field.Name]
	if !ok {
		switch field.Name {
		case "__typename":
			return `"Query"`
		default:
			return "null"
		}
	}
	value, err := resolve(ctx, args)
	if err != nil {
		graphql.AddError(ctx, err)
		return "null"
	}
	return value
}

var errSecret = errors.New("dial tcp 10.0.0.7:5432: *net.OpError secret")

// standard is the world of most tests.
func standard() world {
	return world{
		"echo": func(_ context.Context, args map[string]any) (string, error) {
			text, err := json.Marshal(args["value"])
			return string(text), err
		},
		"id": func(ctx context.Context, _ map[string]any) (string, error) {
			return `"` + server.RequestID(ctx) + `"`, nil
		},
		"change": func(context.Context, map[string]any) (string, error) { return `"changed"`, nil },
		"panics": func(context.Context, map[string]any) (string, error) { panic(errSecret) },
		"hangs": func(ctx context.Context, _ map[string]any) (string, error) {
			<-ctx.Done()
			return "", fmt.Errorf("users.get: %w", ctx.Err())
		},
		"fails": func(ctx context.Context, args map[string]any) (string, error) {
			switch args["how"] {
			case "unknown":
				return "", errSecret
			case "service":
				return "", fmt.Errorf("loader: %w", &fail.Error{
					Kind: fail.Conflict, Op: "users.put", Public: "It was changed.", Service: "users", Status: 409, Code: "E7", Err: errSecret,
				})
			case "unavailable":
				return "", &fail.Error{Kind: fail.UpstreamUnavailable, Service: "users", Err: errSecret}
			case "author":
				return "", &gqlerror.Error{Message: "Not on Sundays.", Extensions: map[string]any{"code": "CLOSED", "file": "/x"}}
			case "null":
				graphql.AddErrorf(ctx, "must not be null")
				return "null", nil
			case "wrapped":
				return "", gqlerror.WrapPath(nil, errSecret)
			}
			return "null", nil
		},
	}
}

// logs keeps what was logged, a JSON object a line.
type logs struct{ journal.Journal }

// named returns the log lines with a message.
func (l *logs) named(t *testing.T, message string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(l.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry["msg"] == message {
			lines = append(lines, entry)
		}
	}
	return lines
}

func (l *logs) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level}))
}

// start serves a world over a real socket and returns its address.
func start(t *testing.T, config server.Config, options server.Options) string {
	t.Helper()
	if options.Schema == nil {
		options.Schema = standard()
	}
	s, err := server.New(config, options)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s.Handler())
	t.Cleanup(ts.Close)
	return ts.URL
}

// call is a request and what came back.
type call struct {
	method, path, body string
	header             map[string]string
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (c call) do(t *testing.T, address string) reply {
	t.Helper()
	method := c.method
	if method == "" {
		method = http.MethodPost
	}
	path := c.path
	if path == "" {
		path = "/graphql"
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.header {
		if value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// query is a POST of one document.
func query(text string) call {
	body, _ := json.Marshal(map[string]string{"query": text})
	return call{body: string(body)}
}
