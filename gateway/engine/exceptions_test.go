package engine_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty/graph"
)

// TestExceptions shows where the engine's answer differs from that of gqlgen's executor, and what the specification
// (October 2021) says. Together with the comment of TestDifferential this is the list of all known differences.
func TestExceptions(t *testing.T) {
	tests := []struct {
		name, query          string
		stock, ours          string
		stockErrors, oursErr []string
	}{
		{
			// 6.3.2: fields are merged by response name; validation has made sure that they can be. gqlgen wants the types of
			// the fragments to be related, resolves the field twice otherwise, and writes the first.
			"fields of unrelated interfaces are merged", `{ node(id: "10") { ... on Left { twin { id } } ... on Right { twin { kind } } } }`,
			`{"node":{"twin":{"id":"10"}}}`, `{"node":{"twin":{"id":"10","kind":"cat"}}}`, nil, nil,
		},
		{
			// 6.4.4: a Float! that has no value is an error that goes up. gqlgen writes null in its place.
			"scalars that can't be written go up", `{ ratio(bad: true) }`, `{"ratio":null}`, `null`,
			[]string{"ratio - Float cannot represent non numeric value: NaN"},
			[]string{"ratio 1:3 Float cannot represent non numeric value: NaN"},
		},
		{
			// 7.1.2: the path is that of the response, and there are locations. The argument is found by its location.
			"paths end at the field", `{ echo(filter: {min: 1, void: "bad"}) }`, `{"echo":null}`, `{"echo":null}`,
			[]string{"echo.filter.void - bad void"}, []string{"echo 1:8 bad void"},
		},
		{
			// 6.4.2: one object's field doesn't see the others. gqlgen asks batch resolvers for the fields of null, too, and its
			// groups are single lists.
			"batches have locations", `{ cat(id: 3) { kittens { id } } }`, `{"cat":null}`, `{"cat":null}`,
			[]string{"cat.kittens - kittens of 3 failed"}, []string{"cat.kittens 1:16 kittens of 3 failed"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ask(t, newStock(), test.query, nil).check(t, test.stock, test.stockErrors...)
			ask(t, newEngine(), test.query, nil).check(t, test.ours, test.oursErr...)
		})
	}
}

// gqlgen reports a batch resolver's panic for one object and complains about the results for the others; a panic while an
// element is marshaled makes an empty list. With the engine each field that failed has the error.
func TestPanicsOfBatches(t *testing.T) {
	es := newLab(`type Query { things: [Thing] } type Thing { many: Int }`,
		engine.Fields{"things": constant(things, someThings(2))},
		engine.Fields{"many": engine.Batch(func(context.Context, []*thing, *graphql.FieldContext) ([]int32, error) { panic("many") }, number)})
	ask(t, es, `{ things { many } }`, nil).check(t, `{"things":[{"many":null},{"many":null}]}`,
		"things[0].many 1:12 panic: many", "things[1].many 1:12 panic: many")
}

// What the engine leaves to gqlgen's executor is answered as a whole.
func TestFallbacks(t *testing.T) {
	t.Run("introspection beside data", func(t *testing.T) {
		query := `{ __type(name: "Mood") { enumValues { name } } cat(id: 2) { id } __schema { queryType { name } } }`
		ask(t, newEngine(), query, nil).check(t,
			`{"__type":{"enumValues":[{"name":"HAPPY"},{"name":"SAD"}]},"cat":{"id":"2"},"__schema":{"queryType":{"name":"Query"}}}`)
	})
	t.Run("subscription", func(t *testing.T) {
		ask(t, newEngine(), `subscription { count }`, nil).check(t, `{"count":1}`)
	})
	t.Run("directives of the schema", func(t *testing.T) {
		ask(t, newEngine(), `{ loud(name: "x") sure(id: "2") { ... on Human { home { shout } } } }`, nil).check(t,
			`{"loud":"X","sure":{"home":{"shout":"HOME 2"}}}`)
	})
	t.Run("defer", func(t *testing.T) {
		a := ask(t, newEngine(), `{ cat(id: 2) { id ... @defer(label: "l") { friends { id } } } }`, nil)
		if parts := strings.Split(a.data, "\n"); len(parts) != 2 {
			t.Error(a.data)
		}
	})
	t.Run("field interceptors", func(t *testing.T) {
		e := newExecutor(newEngine())
		var seen atomic.Int32
		e.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) { seen.Add(1); return next(ctx) })
		run(t.Context(), e, `{ greet cat(id: 2) { id } }`, nil).check(t, `{"greet":"hi you","cat":{"id":"2"}}`)
		if seen.Load() != 3 {
			t.Errorf("saw %d fields", seen.Load())
		}
	})
	t.Run("root field interceptors", func(t *testing.T) {
		e := newExecutor(newEngine())
		e.AroundRootFields(func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler { return graphql.Null })
		run(t.Context(), e, `{ cat { id } }`, nil).check(t, `{"cat":null}`)
	})
	t.Run("operation and response interceptors", func(t *testing.T) {
		// They are around the engine: what they put into the context arrives, what they do with the response counts.
		type key struct{}
		es := newLab(`type Query { a: String }`, engine.Fields{
			"a": root(text, func(ctx context.Context) (string, error) { return ctx.Value(key{}).(string), nil }),
		}, nil)
		e := newExecutor(es)
		e.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
			return next(context.WithValue(ctx, key{}, "given"))
		})
		e.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
			r := next(ctx)
			if r == nil {
				return nil
			}
			graphql.RegisterExtension(ctx, "size", len(r.Data))
			r.Extensions = graphql.GetExtensions(ctx)
			return r
		})
		ctx := graphql.StartOperationTrace(t.Context())
		op, _ := e.CreateOperationContext(ctx, &graphql.RawParams{Query: `{ a }`})
		next, ctx := e.DispatchOperation(ctx, op)
		if r := next(ctx); string(r.Data) != `{"a":"given"}` || r.Extensions["size"] != 13 {
			t.Error(r)
		}
		if next(ctx) != nil {
			t.Error("a second response")
		}
	})
	t.Run("bindings and configuration", func(t *testing.T) {
		es := engine.New(newStock(), graph.Bindings(nasty.Config()))
		if es.Schema() != newStock().Schema() {
			t.Error("another schema")
		}
	})
}
