package operation

import (
	"context"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// NotAllowedError says that a transport can't carry this kind of operation. It is in the chain of the request error.
type NotAllowedError struct {
	// Operation is the kind that was asked for.
	Operation ast.Operation
}

// Error is for the log.
func (e *NotAllowedError) Error() string {
	return fmt.Sprintf("no %s over this transport", e.Operation)
}

type introspectionKey struct{}

// WithIntrospection says whether introspection is on in requests with this context, whatever the configuration says. Where
// it's off, "Did you mean" isn't said either.
func WithIntrospection(ctx context.Context, on bool) context.Context {
	return context.WithValue(ctx, introspectionKey{}, on)
}

type allowKey struct{}

// Allow lets only operations of these kinds pass in requests with this context. The check comes before the extensions
// that reserve something for the operation. Without Allow every kind passes.
func Allow(ctx context.Context, kinds ...ast.Operation) context.Context {
	return context.WithValue(ctx, allowKey{}, kinds)
}

func allowed(ctx context.Context, operation *ast.OperationDefinition) *gqlerror.Error {
	kinds, restricted := ctx.Value(allowKey{}).([]ast.Operation)
	if !restricted || slices.Contains(kinds, operation.Operation) {
		return nil
	}
	err := refusal(fail.BadRequest, fmt.Sprintf("A %s can't be sent this way.", operation.Operation), locate(operation.Position)...)
	err.Err = &fail.Error{Kind: fail.BadRequest, Public: err.Message, Err: &NotAllowedError{operation.Operation}}
	return err
}
