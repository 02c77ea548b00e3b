package server_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/server"
)

// booth lets operations in by their name, and keeps what it was told.
type booth struct {
	mu   sync.Mutex
	told []string
}

func (b *booth) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, text)
}

func (b *booth) Admit(_ context.Context, _ http.Header, operation *graphql.OperationContext) (server.Ticket, error) {
	b.note("admit " + operation.Operation.Name)
	t := ticket{booth: b}
	switch operation.Operation.Name {
	case "dear":
		return t, &fail.Error{Kind: fail.TooExpensive, Extensions: map[string]any{"cost": map[string]any{"estimated": 7, "max": 5}}}
	case "spent":
		return t, fail.New(fail.RateLimited, "")
	case "many":
		return t, fail.New(fail.ConcurrencyLimited, "")
	case "down":
		return t, fail.New(fail.RateLimiterUnavailable, "")
	case "priced":
		t.instead = &graphql.Response{Data: []byte("null"), Extensions: map[string]any{"cost": 3}}
	}
	return t, nil
}

func (b *booth) Invalid(context.Context) (server.Ticket, error) {
	b.note("invalid")
	return ticket{booth: b}, nil
}

type ticket struct {
	booth   *booth
	instead *graphql.Response
}

func (t ticket) Instead() *graphql.Response { return t.instead }

func (t ticket) Header(h http.Header) { h.Set("RateLimit", `"burst";r=4;t=1`) }

func (t ticket) Settle(response *graphql.Response) {
	if response == nil {
		t.booth.note("settle nothing")
		return
	}
	t.booth.note("settle " + string(response.Data))
	if response.Data != nil && t.instead == nil {
		response.Extensions = map[string]any{"cost": 1}
	}
}

func TestAdmission(t *testing.T) {
	const newMedia = "application/graphql-response+json"
	for _, c := range []struct {
		operation, accept string
		config            server.Config
		status            int
		body              string
		told              string
	}{
		{operation: "cheap", status: 200, body: `{"data":{"id":"1"},"extensions":{"cost":1}}`, told: `admit cheap, settle {"id":"1"}`},
		{operation: "priced", status: 200, body: `{"data":null,"extensions":{"cost":3}}`, told: "admit priced, settle null"},
		{operation: "dear", status: 422, body: `"extensions":{"code":"COST_ESTIMATED_TOO_EXPENSIVE","cost":{"estimated":7,"max":5}}`, told: "admit dear, settle "},
		{operation: "dear", accept: newMedia, status: 422, body: `"COST_ESTIMATED_TOO_EXPENSIVE"`, told: "admit dear, settle "},
		{operation: "dear", config: server.Config{ErrorStatus: server.Always200}, status: 200, body: `"COST_ESTIMATED_TOO_EXPENSIVE"`, told: "admit dear, settle "},
		{operation: "spent", status: 429, body: `"RATE_LIMITED"`, told: "admit spent, settle "},
		{operation: "many", status: 429, body: `"CONCURRENCY_LIMITED"`, told: "admit many, settle "},
		{operation: "down", status: 503, body: `"RATE_LIMITER_UNAVAILABLE"`, told: "admit down, settle "},
		{operation: "1", status: 200, body: `"GRAPHQL_PARSE_FAILED"`, told: "invalid, settle "},
	} {
		b := &booth{}
		schema := standard()
		schema["id"] = func(context.Context, map[string]any) (string, error) { return `"1"`, nil }
		request := query("query " + c.operation + " { id }")
		if c.accept != "" {
			request.header = map[string]string{"Accept": c.accept}
		}
		got := request.do(t, start(t, c.config, server.Options{Schema: schema, Admission: b}))
		if got.status != c.status || !strings.Contains(got.body, c.body) {
			t.Errorf("%s: %d %s", c.operation, got.status, got.body)
		}
		if got.header.Get("RateLimit") == "" {
			t.Errorf("%s: no RateLimit in %v", c.operation, got.header)
		}
		if told := strings.Join(b.told, ", "); told != c.told {
			t.Errorf("%s: the admission was told %q, want %q", c.operation, told, c.told)
		}
	}
}

// TestSettledWhateverHappens: an operation that panics outside of its fields, or whose client hangs up, has cost something.
func TestSettledWhateverHappens(t *testing.T) {
	b := &booth{}
	settled := make(chan struct{})
	address := start(t, server.Config{}, server.Options{Admission: &announcing{b, settled}, Extensions: []graphql.HandlerExtension{panicking{}}})
	if got := query("query boom { id }").do(t, address); got.status != http.StatusInternalServerError {
		t.Errorf("%d %s", got.status, got.body)
	}
	<-settled
	if !slices.Contains(b.told, "settle nothing") {
		t.Errorf("the admission was told %q", b.told)
	}
}

// announcing tells when something was settled.
type announcing struct {
	*booth
	settled chan struct{}
}

func (a *announcing) Admit(ctx context.Context, h http.Header, o *graphql.OperationContext) (server.Ticket, error) {
	inner, err := a.booth.Admit(ctx, h, o)
	return announced{inner, a.settled}, err
}

type announced struct {
	server.Ticket
	settled chan struct{}
}

func (a announced) Settle(response *graphql.Response) {
	a.Ticket.Settle(response)
	close(a.settled)
}

// panicking is an extension with a mistake.
type panicking struct{}

func (panicking) ExtensionName() string { return "panicking" }

func (panicking) Validate(graphql.ExecutableSchema) error { return nil }

func (panicking) InterceptOperation(context.Context, graphql.OperationHandler) graphql.ResponseHandler {
	panic("an extension")
}

// ada is the only client there is.
type ada struct{ err error }

type clientKey struct{}

func (a ada) Identify(ctx context.Context, _ *http.Request) (context.Context, error) {
	return context.WithValue(ctx, clientKey{}, "ada"), a.err
}

func (ada) Challenge(error) string { return "Bearer" }

func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		err          error
		status       int
		body, demand string
	}{
		{nil, 200, `{"data":{"id":"ada"}}`, ""},
		{fail.New(fail.Unauthenticated, ""), 401, `"UNAUTHENTICATED"`, "Bearer"},
		{&fail.Error{Kind: fail.Internal, Err: errSecret}, 503, `"INTERNAL"`, ""},
	} {
		schema := standard()
		schema["id"] = func(ctx context.Context, _ map[string]any) (string, error) {
			return `"` + ctx.Value(clientKey{}).(string) + `"`, nil
		}
		got := query("{ id }").do(t, start(t, server.Config{}, server.Options{
			Schema:   schema,
			Identity: ada{c.err},
		}))
		if got.status != c.status || !strings.Contains(got.body, c.body) || got.header.Get("WWW-Authenticate") != c.demand {
			t.Errorf("%v: %d %s", c.err, got.status, got.body)
		}
		if strings.Contains(got.body, "10.0.0.7") {
			t.Errorf("the cause was told: %s", got.body)
		}
	}
}
