package assemble

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/identity"
)

// guard lets the engine ask the schema's rules about the client in the context.
type guard struct{ rules *authorize.Rules }

func (g guard) Need(object, field string) int { return int(g.rules.Need(object, field)) }

func (g guard) Check(ctx context.Context, op *graphql.OperationContext) (engine.Denials, gqlerror.List) {
	c := identity.From(ctx)
	v := g.rules.Of(op.Doc, op.Operation).Check(authorize.Caller{Authenticated: c.Authenticated, Scopes: c.Scopes})
	if v == nil {
		return nil, nil
	}
	return denials{v}, v.Refusals(op.Doc, op.Operation, op.Variables)
}

type denials struct{ *authorize.Verdict }

func (d denials) Denied(need int) bool { return d.Verdict.Denied(authorize.Need(need)) }
func (denials) Err() error             { return authorize.ErrDenied }

// guarded is a gqlgen extension that does for other executors what the engine's guard does for itself: a schema whose
// directives nobody enforces must not be served.
type guarded struct{ rules *authorize.Rules }

func (guarded) ExtensionName() string { return "Authorize" }

func (guarded) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation puts the verdict before the fields, or refuses the operation as a whole.
func (g guarded) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	verdict, refused := guard(g).Check(ctx, op)
	if refused != nil {
		return engine.Refuse(refused)
	}
	if inner := op.ResolverMiddleware; verdict != nil {
		op.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
			return verdict.Resolver(ctx, func(ctx context.Context) (any, error) { return inner(ctx, next) })
		}
	}
	return next(ctx)
}
