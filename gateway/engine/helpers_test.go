package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty/graph"
)

// newExecutor is gqlgen's, with introspection and without panics on the terminal.
func newExecutor(es graphql.ExecutableSchema) *executor.Executor {
	e := executor.New(es)
	e.SetRecoverFunc(func(_ context.Context, p any) error { return gqlerror.Errorf("panic: %v", p) })
	e.Use(introspection{})
	return e
}

type introspection struct{}

func (introspection) ExtensionName() string                   { return "introspection" }
func (introspection) Validate(graphql.ExecutableSchema) error { return nil }
func (introspection) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	op.DisableIntrospection = false
	return nil
}

func newStock() graphql.ExecutableSchema { return graph.NewExecutableSchema(nasty.Config()) }

func newEngine(options ...engine.Option) graphql.ExecutableSchema {
	return engine.New(newStock(), graph.Bindings(nasty.Config()), options...)
}

// answer is all responses of an operation.
type answer struct {
	data   string
	errors gqlerror.List
}

// run executes an operation; requests that aren't valid are answered with their errors.
func run(ctx context.Context, e *executor.Executor, query string, variables map[string]any) answer {
	ctx = graphql.StartOperationTrace(ctx)
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	if errs != nil {
		return answer{errors: errs}
	}
	next, ctx := e.DispatchOperation(ctx, op)
	var a answer
	for {
		r := next(ctx)
		if r == nil {
			return a
		}
		if a.data != "" {
			a.data += "\n"
		}
		a.data += string(r.Data)
		a.errors = append(a.errors, r.Errors...)
		if op.Operation.Operation != "subscription" && (r.HasNext == nil || !*r.HasNext) {
			return a
		}
	}
}

func ask(t *testing.T, es graphql.ExecutableSchema, query string, variables map[string]any) answer {
	t.Helper()
	return run(t.Context(), newExecutor(es), query, variables)
}

// check compares an answer with the data and errors expected, an error being "path line:column message".
func (a answer) check(t *testing.T, data string, errs ...string) {
	t.Helper()
	if a.data != data {
		t.Errorf("data\n got %s\nwant %s", a.data, data)
	}
	if got := fmt.Sprintf("%q", texts(a.errors)); got != fmt.Sprintf("%q", errs) && len(errs)+len(a.errors) > 0 {
		t.Errorf("errors\n got %s\nwant %q", got, errs)
	}
}

func texts(errs gqlerror.List) []string {
	list := make([]string, len(errs))
	for i, e := range errs {
		location := "-"
		if len(e.Locations) > 0 {
			location = fmt.Sprintf("%d:%d", e.Locations[0].Line, e.Locations[0].Column)
		}
		list[i] = fmt.Sprintf("%s %s %s", e.Path, location, e.Message)
	}
	return list
}

// tokens is JSON without differences of escaping, order kept.
func tokens(t *testing.T, text string) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var b bytes.Buffer
	for {
		tok, err := d.Token()
		if err != nil {
			if d.More() || !json.Valid([]byte(text)) {
				t.Errorf("no JSON: %s", text)
			}
			return b.String()
		}
		fmt.Fprintf(&b, "%T %v\n", tok, tok)
	}
}
