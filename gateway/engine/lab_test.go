package engine_test

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/scalar"
)

// lab is a schema for one test, bound by hand.
type lab struct{ schema *ast.Schema }

func (l lab) Schema() *ast.Schema { return l.schema }

func (l lab) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

// Exec tells that gqlgen's executor would have run.
func (l lab) Exec(context.Context) graphql.ResponseHandler {
	return graphql.OneShot(&graphql.Response{Data: []byte(`"stock"`)})
}

// thing is the only object of most labs.
type thing struct {
	n int
}

var (
	text   = engine.Leaf(scalar.MarshalString)
	number = engine.Leaf(scalar.MarshalInt)
	aThing = engine.Ref[thing]("Thing")
	things = engine.List(aThing)
)

// things(n) makes that many.
func someThings(n int) []*thing {
	list := make([]*thing, n)
	for i := range list {
		list[i] = &thing{n: i}
	}
	return list
}

// newLab binds Query and Thing.
func newLab(schema string, query, thing engine.Fields, options ...engine.Option) graphql.ExecutableSchema {
	l := newLabSchema(schema)
	objects := []*engine.Object{engine.NewObject("Query", query), engine.NewObject("Thing", thing)}
	return engine.New(l, engine.NewBindings(nil, objects...), options...)
}

// root is a field of Query.
func root[R any](shape engine.Shape[R], call func(ctx context.Context) (R, error)) engine.Field {
	return engine.Resolver(func(ctx context.Context, _ engine.Root, _ *graphql.FieldContext) (R, error) { return call(ctx) }, shape)
}

// of is a resolver of Thing.
func of[R any](shape engine.Shape[R], call func(ctx context.Context, t *thing) (R, error)) engine.Field {
	return engine.Resolver(func(ctx context.Context, t *thing, _ *graphql.FieldContext) (R, error) { return call(ctx, t) }, shape)
}

func constant[R any](shape engine.Shape[R], v R) engine.Field {
	return root(shape, func(context.Context) (R, error) { return v, nil })
}

var thingNumber = engine.Variable(func(t *thing) int32 { return int32(t.n) }, number)

func newLabSchema(schema string) lab {
	return lab{gqlparser.MustLoadSchema(&ast.Source{Input: schema})}
}

func runWith(ctx context.Context, es graphql.ExecutableSchema, query string) answer {
	return run(ctx, newExecutor(es), query, nil)
}
