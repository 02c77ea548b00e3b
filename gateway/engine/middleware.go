package engine

import (
	"context"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
)

// middleware is how gqlgen's executor looks when nobody has installed an interceptor for fields: it then puts two
// functions into the operation context that only call the next one. Functions can't be compared, their code can.
type middleware struct{ field, root uintptr }

// plainMiddleware asks an executor without extensions. It fills in the functions before it looks at the document, so an
// empty one will do.
func plainMiddleware(generated graphql.ExecutableSchema) middleware {
	ctx := graphql.StartOperationTrace(context.Background())
	op, _ := executor.New(generated).CreateOperationContext(ctx, &graphql.RawParams{})
	return middleware{
		field: reflect.ValueOf(op.ResolverMiddleware).Pointer(),
		root:  reflect.ValueOf(op.RootResolverMiddleware).Pointer(),
	}
}

// is tells whether the operation has no interceptor for fields. No function at all counts as none.
func (m middleware) is(op *graphql.OperationContext) bool {
	return (op.ResolverMiddleware == nil || reflect.ValueOf(op.ResolverMiddleware).Pointer() == m.field) &&
		(op.RootResolverMiddleware == nil || reflect.ValueOf(op.RootResolverMiddleware).Pointer() == m.root)
}
