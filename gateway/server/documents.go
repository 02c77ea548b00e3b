package server

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/documents"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

// named puts documents in the place of their names, and refuses those that may not run. It is an extension of the
// executor, which every operation passes, on whatever road it came.
type named struct {
	documents *documents.Documents
	plan      func(context.Context) string // nil for none
}

// ExtensionName is graphql.HandlerExtension's.
func (named) ExtensionName() string { return "Documents" }

// Validate is graphql.HandlerExtension's.
func (named) Validate(graphql.ExecutableSchema) error { return nil }

// lessonKey is where a text waits to be remembered until its operation is let in.
const lessonKey = "server.lesson"

// MutateOperationParameters is graphql.OperationParameterMutator's.
func (n named) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	plan := ""
	if n.plan != nil {
		plan = n.plan(ctx)
	}
	lesson, err := n.documents.Resolve(ctx, params, documents.IDOf(params), plan)
	if err != nil {
		return refusalOf(err)
	}
	if lesson != (documents.Lesson{}) {
		graphql.GetOperationContext(ctx).Stats.SetExtension(lessonKey, lesson)
	}
	return nil
}

// misnamed says that a request doesn't name a document as one can be named.
type misnamed struct {
	error

	public string
}

func (m *misnamed) Unwrap() error { return m.error }

// refusalOf makes a request error of one of documents.
func refusalOf(err error) *gqlerror.Error {
	if told := new(gqlerror.Error); errors.As(err, &told) {
		return told
	}
	public := fail.KindOf(err).Text()
	if failure := new(fail.Error); errors.As(err, &failure) {
		public = failure.Message()
	}
	return &gqlerror.Error{Err: &misnamed{err, public}, Message: public, Extensions: map[string]any{"code": fail.KindOf(err).Code()}}
}

// remember lets a text be known by its hash from now on, when its operation was let in.
func (s *Server) remember(ctx context.Context, operation *graphql.OperationContext) {
	if lesson, ok := operation.Stats.GetExtension(lessonKey).(documents.Lesson); ok {
		operation.Stats.SetExtension(lessonKey, nil)
		s.options.Documents.Remember(ctx, lesson)
	}
}
