package rest

import (
	"context"
	"net/http"

	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Caller is what services may learn of the request that an operation came with.
type Caller struct {
	// RequestID is sent as X-Request-Id.
	RequestID string
	// Traceparent and Tracestate are W3C Trace Context, passed on.
	Traceparent, Tracestate string
	// Header is the client's request header. A service gets what its Forward list names, and nothing else.
	Header http.Header
	// ClientID and Claim are of the authenticated client.
	ClientID string
	Claim    func(path []string) view.Value
}

type callerKey struct{}

// WithCaller puts the caller into ctx.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// nobody is the caller of a context that has none.
var nobody = &Caller{}

func callerOf(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok && c != nil {
		return c
	}
	return nobody
}

// Scope is what templates of a field with these arguments can see. Headers are added for each service by itself.
func Scope(ctx context.Context, args map[string]any) template.Scope {
	c := callerOf(ctx)
	return template.Scope{Args: args, ClientID: c.ClientID, Claim: c.Claim}
}
