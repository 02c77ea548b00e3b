package server

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
)

// Cache answers operations from what was answered before, or has identical ones executed once.
type Cache interface {
	// Answer gives the response to an operation: one that is kept, one that is under way for somebody else, or what run
	// gives. run may be called in another goroutine, with a context of its own, and not at all. The Kept is nil when there is
	// nothing to be told, and the response is run's own then; otherwise its data belongs to the cache. Without a
	// response, the operation's context has ended.
	Answer(ctx context.Context, r *http.Request, operation *graphql.OperationContext, run func(context.Context) *graphql.Response) (*graphql.Response, Kept)
}

// Kept is how an answer came about.
type Kept interface {
	// Hit says that nothing was executed for it.
	Hit() bool
	// SetHeaders says how the answer may be kept by the client. exact says that the body is the data and nothing else.
	SetHeaders(h http.Header, exact bool)
	// NotModified says whether a client that has what If-None-Match names has this answer.
	NotModified(ifNoneMatch string) bool
}

// hitPrice is what a Ticket is told of an answer for which nothing was executed.
type hitPrice interface{ Hit(price *Price) }

// answered executes an operation, or takes the answer that the cache has.
func (s *Server) answered(ctx context.Context, r *http.Request, operation *graphql.OperationContext, ticket Ticket) (*graphql.Response, Kept) {
	s.remember(ctx, operation)
	if s.options.Cache == nil {
		return s.run(ctx, operation), nil
	}
	response, kept := s.options.Cache.Answer(ctx, r, operation, func(ctx context.Context) *graphql.Response { return s.run(ctx, operation) })
	if price, ok := ticket.(hitPrice); ok && kept != nil && kept.Hit() {
		price.Hit(nil)
	}
	return response, kept
}
