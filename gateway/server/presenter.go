package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// presenter is where the story of every error ends: the client reads what fail lets it read, the log gets the cause.
// It works with and without an operation in the context.
type presenter struct{ logger *slog.Logger }

// null is what clients read of a null that the schema doesn't allow; the field's coordinate is added.
const null = "Cannot return null for non-nullable field"

// byGQLGen are the texts that gqlgen makes plain errors of, with what clients read of them.
var byGQLGen = map[string]struct {
	kind   fail.Kind
	public string
}{
	"must not be null": {fail.UpstreamInvalidResponse, null},
	"the requested element is null which the schema does not allow": {fail.UpstreamInvalidResponse, null},
	"introspection disabled": {fail.ValidationFailed, "introspection disabled"},
}

// present makes what the client reads of an error; gqlgen calls it for every one.
func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	var shell *gqlerror.Error // gqlgen's: path, locations, perhaps a text
	told := &gqlerror.Error{Extensions: map[string]any{}}
	if errors.As(err, &shell) {
		told.Path, told.Locations = shell.Path, shell.Locations
	} else {
		told.Path = graphql.GetPath(ctx)
	}
	if told.Locations == nil {
		told.Locations = fieldLocation(ctx)
	}

	var failure *fail.Error
	switch {
	case errors.As(err, &failure):
	case shell != nil && shell.Err == nil:
		// Its author wrote the text for clients.
		told.Message = shell.Message
		maps.Copy(told.Extensions, shell.Extensions)
		delete(told.Extensions, "file")
		if told.Extensions["code"] == nil {
			told.Extensions["code"] = fail.Internal.Code()
		}
		return told
	default:
		failure = classify(ctx, err, shell)
	}
	told.Message = failure.Message()
	describe(told.Extensions, failure)
	if failure.Kind == fail.Internal {
		if id := RequestID(ctx); id != "" {
			told.Extensions["requestId"] = id
		}
	}
	p.log(ctx, err, failure, told)
	return told
}

// describe says what a client may know of a failure.
func describe(extensions map[string]any, failure *fail.Error) {
	maps.Copy(extensions, failure.Extensions)
	extensions["code"] = failure.Kind.Code()
	if failure.Service != "" {
		extensions["service"] = failure.Service
	}
	if failure.Status != 0 {
		extensions["status"] = failure.Status
	}
	if failure.Code != "" {
		extensions["serviceCode"] = failure.Code
	}
}

// classify gives a kind to an error that brings none.
func classify(ctx context.Context, err error, shell *gqlerror.Error) *fail.Error {
	if shell != nil {
		if known, ok := byGQLGen[shell.Err.Error()]; ok {
			if known.public == null {
				return fail.New(known.kind, null+coordinate(ctx)+".")
			}
			return fail.New(known.kind, known.public)
		}
		err = shell.Err // the shell's text is only the path again
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &fail.Error{Kind: fail.UpstreamTimeout, Public: "The operation took too long.", Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &fail.Error{Kind: fail.UpstreamTimeout, Err: err}
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return &fail.Error{Kind: fail.Canceled, Err: err}
	default:
		return &fail.Error{Kind: fail.Internal, Err: err}
	}
}

// coordinate is the field that ctx belongs to, with a space before it: " Post.title".
func coordinate(ctx context.Context) string {
	for field := graphql.GetFieldContext(ctx); field != nil; field = field.Parent {
		if field.Object != "" && field.Field.Field != nil {
			return " " + field.Object + "." + field.Field.Name
		}
	}
	return ""
}

// fieldLocation is where the field that ctx belongs to stands in the document.
func fieldLocation(ctx context.Context) []gqlerror.Location {
	field := graphql.GetFieldContext(ctx)
	if field == nil || field.Field.Field == nil || field.Field.Position == nil || field.Field.Position.Line == 0 {
		return nil
	}
	return []gqlerror.Location{{Line: field.Field.Position.Line, Column: field.Field.Position.Column}}
}

// log writes the cause, once for each failure of a request. What clients do wrong is no news; nor is what breaks
// because they hung up, except for a panic.
func (p presenter) log(ctx context.Context, err error, failure *fail.Error, told *gqlerror.Error) {
	level := levelOf(failure.Kind)
	var panicked *panicError
	if errors.As(err, &panicked) {
		level = slog.LevelError
	} else if errors.Is(ctx.Err(), context.Canceled) {
		level = slog.LevelDebug
	}
	cause := causeOf(failure)
	if !p.logger.Enabled(ctx, level) || !exchangeOf(ctx).firstTime(cause) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", RequestID(ctx)),
		slog.String("code", failure.Kind.Code()),
		slog.String("path", told.Path.String()),
		slog.String("cause", cause),
	}
	if failure.Service != "" {
		attrs = append(attrs, slog.String("service", failure.Service))
	}
	if graphql.HasOperationContext(ctx) {
		if op := graphql.GetOperationContext(ctx).Operation; op != nil && op.Name != "" {
			attrs = append(attrs, slog.String("operation", loggable(op.Name)))
		}
	}
	if panicked != nil {
		attrs = append(attrs, slog.String("stack", panicked.stack))
	}
	p.logger.LogAttrs(ctx, level, "error answered", attrs...)
}

// causeOf is what the log has to say: the public text stands in the code already.
func causeOf(failure *fail.Error) string {
	switch {
	case failure.Err == nil:
		return failure.Error()
	case failure.Op == "":
		return failure.Err.Error()
	default:
		return failure.Op + ": " + failure.Err.Error()
	}
}

func levelOf(kind fail.Kind) slog.Level {
	switch kind {
	case fail.Internal:
		return slog.LevelError
	case fail.UpstreamError, fail.UpstreamUnavailable, fail.UpstreamTimeout, fail.UpstreamInvalidResponse, fail.UpstreamRateLimited:
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

// panicError is a resolver's panic on its way to the log.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// recovered makes a masked error of a resolver's panic; gqlgen calls it where it has recovered.
func (presenter) recovered(_ context.Context, thrown any) error {
	return &fail.Error{Kind: fail.Internal, Op: "resolver", Err: &panicError{thrown, string(debug.Stack())}}
}
