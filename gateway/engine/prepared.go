package engine

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// prepared is the context of an operation with what Bindings prepare, which is only made when somebody looks for it:
// resolvers that read input objects by themselves do.
type prepared struct {
	context.Context

	prepare func(context.Context) context.Context
	once    sync.Once
	made    context.Context
}

// Value has the unmarshalers of input objects under gqlgen's key.
func (c *prepared) Value(key any) any {
	if key != inputKey {
		return c.Context.Value(key)
	}
	c.once.Do(func() { c.made = c.prepare(c.Context) })
	return c.made.Value(key)
}

// inputKey is the key under which gqlgen looks for unmarshalers. It's of a private type, so we ask what it asks for.
var inputKey = func() any {
	p := &keyProbe{Context: context.Background()}
	_ = graphql.UnmarshalInputFromContext(p, nil, new(struct{})) // it finds nothing there
	return p.key
}()
