package event_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/event"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

const directives = `
	directive @rest(service: String!, get: String, post: String, query: RestObject, headers: RestObject, body: RestValue, select: String = "", key: String = "id",
		timeout: String, idempotent: Boolean = false) repeatable on OBJECT | FIELD_DEFINITION
	directive @poll(every: String!) on FIELD_DEFINITION
	directive @sse(service: String!, path: String!, query: RestObject, headers: RestObject, event: String, select: String = "") on FIELD_DEFINITION
	directive @event(topic: String!, select: String = "") on FIELD_DEFINITION
	scalar RestObject
	scalar RestValue
	scalar JSON
`

const shop = directives + `
	type Query { price(id: ID!): JSON @rest(service: "shop", get: "/prices/{id}", select: "/price") }
	type Subscription {
		price(id: ID!): JSON @poll(every: "2s")
		sure(id: ID!): JSON! @poll(every: "2s")
		mine(id: ID!): JSON @sse(service: "shop", path: "/events/{id}", query: {of: "{client.id}"}, event: "order", select: "/order")
		order(id: ID!): JSON @event(topic: "orders:{id}", select: "/order")
	}
`

// graphOf compiles a schema. A subscription field is polled as the query's field of the same name, or as price.
func graphOf(t testing.TB, source string) *call.Graph {
	t.Helper()
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "shop.graphql", Input: source})
	graph, err := call.Compile(schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range schema.Subscription.Fields {
		if f.Directives.ForName("poll") == nil {
			continue
		}
		if of := graph.Fields["Query.price"]; of != nil {
			graph.Fields["Subscription."+f.Name] = of
		}
	}
	return graph
}

// service is a RoundTripper that answers in this process, so that time can be virtual.
type service struct {
	mu       sync.Mutex
	requests []string
	answer   func(n int, r *http.Request) *http.Response
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Last-Event-ID")))
	n, answer := len(s.requests), s.answer
	s.mu.Unlock()
	res := answer(n, r)
	if res == nil {
		return nil, io.ErrUnexpectedEOF
	}
	return res, nil
}

func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func answer(status int, contentType, body string) *http.Response {
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func priceOf(price any) *http.Response {
	return answer(200, "application/json", fmt.Sprintf(`{"price": %v}`, price))
}

// gate is a schema with its sources behind gqlgen's executor.
type gate struct {
	*event.Sources
	hub      *event.Hub
	executor *executor.Executor
}

// schema is what gqlgen would generate.
type schema struct{ ast *ast.Schema }

func (s schema) Schema() *ast.Schema { return s.ast }

func (s schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	field := op.Operation.SelectionSet[0].(*ast.Field)
	at := graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: graphql.CollectedField{Field: field}})
	values, err := event.Subscribe(at, "Subscription."+field.Name, func(_ context.Context, v view.Value) (string, error) {
		if v.IsNull() && field.Definition.Type.NonNull {
			return "", view.ErrNull
		}
		return string(v.Raw()), nil
	})
	if err != nil {
		graphql.AddError(at, err)
		return nil
	}
	return func(ctx context.Context) *graphql.Response {
		select {
		case v, ok := <-values:
			if !ok {
				return nil
			}
			if v == "" {
				graphql.AddError(ctx, fmt.Errorf("the zero value"))
				v = "null"
			}
			if v == `"bad"` { // a field below the event fails
				graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithField("below")), fmt.Errorf("bad"))
			}
			return &graphql.Response{Data: []byte(`{"` + field.Alias + `":` + v + `}`)}
		case <-ctx.Done():
			return nil
		}
	}
}

func newGate(t testing.TB, s *service, config event.Config) *gate {
	t.Helper()
	graph := graphOf(t, shop)
	fields, err := event.Read(graph, []string{"shop"})
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.NewClient(rest.Service{Name: "shop", Base: "http://shop.internal/v1", Transport: s, Forward: []string{"Authorization"}})
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	if g.hub, err = event.NewHub(config, nil); err != nil {
		t.Fatal(err)
	}
	g.Sources, err = event.New(config, event.Options{Schema: graph.Schema, Fields: fields, Hub: g.hub, Services: map[string]event.Service{
		"shop": {Client: client, Base: "http://shop.internal/v1/", Transport: s, Forward: []string{"authorization"}, Headers: map[string]string{"X-Key": "k"}}}})
	if err != nil {
		t.Fatal(err)
	}
	g.executor = executor.New(schema{graph.Schema})
	g.executor.Use(event.Extension{Sources: g.Sources})
	g.executor.SetErrorPresenter(func(ctx context.Context, err error) *gqlerror.Error {
		told := graphql.DefaultErrorPresenter(ctx, err)
		told.Message = fail.KindOf(err).Code()
		return told
	})
	return g
}

// subscriber is one subscription.
type subscriber struct {
	next  graphql.ResponseHandler
	ctx   context.Context
	leave context.CancelFunc
}

func (g *gate) subscribe(t testing.TB, query string, header ...string) *subscriber {
	t.Helper()
	h := http.Header{}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(leave)
	ctx = rest.WithCaller(graphql.StartOperationTrace(ctx), &rest.Caller{Header: h, ClientID: h.Get("X-Client")})
	op, errs := g.executor.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Headers: h})
	if errs != nil {
		t.Fatal(errs)
	}
	next, ctx := g.executor.DispatchOperation(ctx, op)
	return &subscriber{next, ctx, leave}
}

// hear is the next response: data and errors, or "end".
func (s *subscriber) hear() string {
	r := s.next(s.ctx)
	if r == nil {
		return "end"
	}
	text := string(r.Data)
	for _, err := range r.Errors {
		text += fmt.Sprintf(" %s at %s", err.Message, err.Path)
		if len(err.Locations) > 0 {
			text += fmt.Sprintf(" (%d:%d)", err.Locations[0].Line, err.Locations[0].Column)
		}
	}
	return text
}

func (s *subscriber) want(t testing.TB, all ...string) {
	t.Helper()
	for _, want := range all {
		if got := s.hear(); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// eventually waits for a condition that is about to become true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		<-tick.C
	}
}
