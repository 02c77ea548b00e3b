package operation

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Executor is gqlgen's executor with this package's gates before it. Extensions work as they do with gqlgen's
// handler.Server. It is set up first and then safe for concurrent use.
type Executor struct {
	schema     graphql.ExecutableSchema
	documents  *Documents
	other      *Documents // with introspection where documents is without, and the other way round
	extensions []graphql.HandlerExtension
	present    graphql.ErrorPresenterFunc
	recovered  graphql.RecoverFunc
	inner      *executor.Executor
}

var _ graphql.GraphExecutor = (*Executor)(nil)

// NewExecutor makes an executor for a schema. present turns every error into what the client reads, recovered makes an
// error of a resolver's panic; nil means gqlgen's own.
func NewExecutor(
	schema graphql.ExecutableSchema, config Config, present graphql.ErrorPresenterFunc, recovered graphql.RecoverFunc,
) (*Executor, error) {
	documents, err := NewDocuments(schema.Schema(), config)
	if err != nil {
		return nil, err
	}
	config.DisableIntrospection = !config.DisableIntrospection
	other, err := NewDocuments(schema.Schema(), config)
	if err != nil {
		return nil, err
	}
	e := &Executor{schema: schema, documents: documents, other: other, present: present, recovered: recovered}
	e.build()
	return e, nil
}

// Use adds an extension; the first added is the outermost. It must not be called once requests are served.
func (e *Executor) Use(ext graphql.HandlerExtension) error {
	if err := ext.Validate(e.schema); err != nil {
		return fmt.Errorf("extension %s: %w", ext.ExtensionName(), err)
	}
	e.extensions = append(e.extensions, ext)
	e.build()
	return nil
}

// build makes the inner executor anew: the gate comes after all other extensions, so that it sees the document which
// they may have put in the request.
func (e *Executor) build() {
	e.inner = executor.New(e.schema)
	if e.present != nil {
		e.inner.SetErrorPresenter(e.present)
	}
	if e.recovered != nil {
		e.inner.SetRecoverFunc(e.recovered)
	}
	for _, ext := range e.extensions {
		e.inner.Use(ext)
	}
	e.inner.Use(gate{e.documents, e.other})
	e.inner.SetQueryCache(handover{})
}

// CreateOperationContext checks a request and makes what its execution needs, or returns what is wrong with it.
func (e *Executor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	operation, errs := e.inner.CreateOperationContext(ctx, params)
	if all, ok := operation.Stats.GetExtension(refusals).(gqlerror.List); ok {
		return operation, all
	}
	return operation, errs
}

// DispatchOperation executes; see graphql.GraphExecutor. An answer tells MaxErrors errors and counts the others: a response, or
// all parts of one together.
func (e *Executor) DispatchOperation(ctx context.Context, operation *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	responses, ctx := e.inner.DispatchOperation(ctx, operation)
	told := 0 // in the parts before
	return func(ctx context.Context) *graphql.Response {
		response := responses(ctx)
		if response == nil || len(response.Errors) == 0 {
			return response
		}
		most := MaxErrors
		if response.HasNext != nil {
			most = max(0, MaxErrors-told)
			told += len(response.Errors)
		}
		response.Errors = bound(response.Errors, most)
		return response
	}, ctx
}

// DispatchError makes a response of request errors; see graphql.GraphExecutor.
func (e *Executor) DispatchError(ctx context.Context, errs gqlerror.List) *graphql.Response {
	return e.inner.DispatchError(ctx, errs)
}

// refusals is the key under which the gate leaves its errors: its signature has room for one only.
const refusals = "operation.refusals"

// gate is where gqlgen asks before it looks at a document. What it lets through is in the operation context, where
// gqlgen finds it instead of parsing again.
type gate struct{ documents, other *Documents }

// of are the documents for a caller.
func (g gate) of(ctx context.Context) *Documents {
	if on, said := ctx.Value(introspectionKey{}).(bool); said && on == g.documents.config.DisableIntrospection {
		return g.other
	}
	return g.documents
}

func (gate) ExtensionName() string { return "OperationGate" }

func (gate) Validate(graphql.ExecutableSchema) error { return nil }

func (g gate) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	operation := graphql.GetOperationContext(ctx)
	doc, variables, errs := g.admit(ctx, params)
	if errs != nil {
		operation.Stats.SetExtension(refusals, errs)
		return errs[0]
	}
	operation.Doc, params.Variables = doc, variables
	return nil
}

// MutateOperationContext lets gqlgen answer introspection; when it is off, the rules have refused the document.
func (g gate) MutateOperationContext(ctx context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	operation.DisableIntrospection = g.of(ctx).config.DisableIntrospection
	return nil
}

func (g gate) admit(ctx context.Context, params *graphql.RawParams) (*ast.QueryDocument, map[string]any, gqlerror.List) {
	doc, errs := g.of(ctx).Load(ctx, params.Query)
	if errs != nil {
		return nil, nil, errs
	}
	operation := doc.Operations.ForName(params.OperationName)
	switch {
	case operation == nil && params.OperationName == "":
		return nil, nil, gqlerror.List{refusal(fail.ValidationFailed, "The document has several operations: operationName must say which.")}
	case operation == nil:
		return nil, nil, gqlerror.List{refusal(fail.ValidationFailed, fmt.Sprintf("The document has no operation named %q.", cut(params.OperationName)))}
	}
	if err := allowed(ctx, operation); err != nil {
		return nil, nil, gqlerror.List{err}
	}
	variables, errs := coerce(g.documents.schema, operation, params.Variables)
	return doc, variables, errs
}

// handover gives gqlgen the document that the gate let through.
type handover struct{}

func (handover) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc := graphql.GetOperationContext(ctx).Doc
	return doc, doc != nil
}

func (handover) Add(context.Context, string, *ast.QueryDocument) {}
