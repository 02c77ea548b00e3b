package rest

import (
	"context"

	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// carry tells the transport what it can't see in a request: that it may be sent again, and what it's balanced by.
func (c *Client) carry(ctx context.Context, r *Request, s *template.Scope) (context.Context, error) {
	if !r.Idempotent && c.service.BalanceBy == nil {
		return ctx, nil
	}
	call := &transport.Call{Idempotent: r.Idempotent}
	if c.service.BalanceBy != nil {
		key, _, err := c.service.BalanceBy.Append(nil, s)
		if err != nil {
			return ctx, err
		}
		call.Key = string(key)
	}
	return transport.WithCall(ctx, call), nil
}
