package engine

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Guard says which fields an operation may have. Its methods are called concurrently.
type Guard interface {
	// Need numbers what a field of an object type asks of the caller. It's 0 when that is nothing, and never changes.
	Need(object, field string) int
	// Check decides about the operation in ctx before anything of it runs. A nil Denials denies nothing. Errors refuse the
	// operation as a whole.
	Check(ctx context.Context, op *graphql.OperationContext) (Denials, gqlerror.List)
}

// Denials are what one operation may not have.
type Denials interface {
	// Denied says whether the fields with this need are denied. The need isn't 0.
	Denied(need int) bool
	// Err is the error of a denied field, which is null.
	Err() error
	// Resolver is the same for gqlgen's executor: it fails denied fields and calls next for others.
	Resolver(ctx context.Context, next graphql.Resolver) (any, error)
}

// WithGuard asks g before fields are resolved.
func WithGuard(g Guard) Option {
	return func(s *schema) { s.guard = g }
}

// check asks the guard, and puts its answer before the fields that gqlgen's executor resolves.
func (s *schema) check(ctx context.Context, op *graphql.OperationContext) (Denials, gqlerror.List) {
	if s.guard == nil {
		return nil, nil
	}
	denials, refused := s.guard.Check(ctx, op)
	if denials != nil && refused == nil {
		inner := op.ResolverMiddleware
		op.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
			return denials.Resolver(ctx, func(ctx context.Context) (any, error) {
				if inner == nil {
					return next(ctx)
				}
				return inner(ctx, next)
			})
		}
	}
	return denials, refused
}

// denies says whether a field is denied in this run.
func (r *run) denies(f *planField) bool {
	return r.denials != nil && f.need != 0 && r.denials.Denied(f.need)
}

// Guarded says whether a schema is an engine's with a guard.
func Guarded(of graphql.ExecutableSchema) bool {
	switch s := of.(type) {
	case *schema:
		return s.guard != nil
	case *eventSchema:
		return s.guard != nil
	}
	return false
}

// Refuse answers an operation with null and the errors, as the server presents them.
func Refuse(errs gqlerror.List) graphql.ResponseHandler {
	next := graphql.OneShot(&graphql.Response{Data: []byte("null")})
	return func(ctx context.Context) *graphql.Response {
		response := next(ctx)
		for _, err := range errs {
			if response != nil {
				graphql.AddError(ctx, err)
			}
		}
		return response
	}
}
