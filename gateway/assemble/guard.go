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
