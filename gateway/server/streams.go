package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Streams serves operations that have more than one answer, or come over more than one request: subscriptions, and answers
// in parts.
type Streams interface {
	// Handles tells whether a request to /graphql is one of them.
	Handles(r *http.Request) bool
	http.Handler
	// Drain ends what is open in good order, and refuses what is new. When ctx ends before all is over it cuts off the rest,
	// and the error says so.
	Drain(ctx context.Context) error
}

// Executor checks and executes operations as the server does. It is for operations that were admitted.
func (s *Server) Executor() graphql.GraphExecutor { return outer{s.executor, s} }

// outer is the executor with what the server has before it.
type outer struct {
	graphql.GraphExecutor

	server *Server
}

// DispatchOperation is graphql.GraphExecutor's. Answers in parts aren't kept; mutations change what is, however they come.
func (c outer) DispatchOperation(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	c.server.remember(ctx, op)
	if c.server.options.Cache == nil {
		return c.GraphExecutor.DispatchOperation(ctx, op)
	}
	inParts := defers(op)
	if op.Operation.Operation == ast.Subscription || inParts && op.Operation.Operation == ast.Query {
		return c.GraphExecutor.DispatchOperation(ctx, op)
	}
	r := &http.Request{Header: op.Headers}
	if !inParts {
		ticket := TicketOf(op)
		done := false
		return func(ctx context.Context) *graphql.Response {
			if done {
				return nil
			}
			done = true
			response, kept := c.server.answered(ctx, r, op, ticket)
			if x := exchangeOf(ctx); x != nil && kept != nil {
				x.setKept(response, kept)
			}
			return response
		}, ctx
	}
	var later graphql.ResponseHandler
	return func(ctx context.Context) *graphql.Response {
		if later != nil {
			return later(ctx)
		}
		response, _ := c.server.options.Cache.Answer(ctx, r, op, func(ctx context.Context) *graphql.Response {
			next, within := c.GraphExecutor.DispatchOperation(ctx, op)
			later = func(context.Context) *graphql.Response { return next(within) }
			return next(within)
		})
		return response
	}, ctx
}

// defers says whether @defer stands anywhere in an operation or in a fragment beside it.
func defers(op *graphql.OperationContext) bool {
	return deferred(op.Operation.SelectionSet) ||
		slices.ContainsFunc(op.Doc.Fragments, func(f *ast.FragmentDefinition) bool { return deferred(f.SelectionSet) })
}

func deferred(set ast.SelectionSet) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return deferred(s.SelectionSet)
		case *ast.InlineFragment:
			return s.Directives.ForName("defer") != nil || deferred(s.SelectionSet)
		case *ast.FragmentSpread:
			return s.Directives.ForName("defer") != nil
		}
		return false
	})
}

// ReadParams reads the parameters of an operation as those in the body of a POST. The error's text is for the client.
func (*Server) ReadParams(data []byte) (*graphql.RawParams, error) {
	params, wrong := readBytes(data)
	if wrong != nil {
		return nil, notParams(strings.TrimSuffix(wrong.message, "."))
	}
	return params, nil
}

// notParams is why a text isn't the parameters of an operation.
type notParams string

func (e notParams) Error() string { return string(e) }

// Answer answers a request to which there is one response as any other. Header has what the client accepts.
func (s *Server) Answer(ctx context.Context, w http.ResponseWriter, r *http.Request, response *graphql.Response) {
	chosen, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		chosen = jsonMedia // it wants parts only, and there is but one
	}
	header := w.Header()
	header["Cache-Control"] = noStore
	varyByAccept(header)
	kept := Kept(elsewhere{})
	if x := exchangeOf(ctx); x != nil {
		if of := x.keptOf(response); of != nil {
			kept = of
		}
	}
	s.answer(ctx, w, r, chosen, response, kept)
}

// elsewhere is a Kept of which nothing is told. The data may be the cache's.
type elsewhere struct{}

func (elsewhere) Hit() bool                    { return false }
func (elsewhere) SetHeaders(http.Header, bool) {}
func (elsewhere) NotModified(string) bool      { return false }

// Created notes an operation for the log.
func (*Server) Created(ctx context.Context, operation *graphql.OperationContext) {
	if x := exchangeOf(ctx); x != nil && operation.Operation != nil {
		x.setOperation(operation.Operation.Name)
	}
}

// methods are those of /graphql.
func (s *Server) methods() string {
	if s.streams == nil {
		return "GET, HEAD, POST, OPTIONS"
	}
	return "GET, HEAD, POST, PUT, DELETE, OPTIONS"
}

func (s *Server) drainStreams(ctx context.Context) error {
	if s.streams == nil {
		return nil
	}
	return s.streams.Drain(ctx)
}
