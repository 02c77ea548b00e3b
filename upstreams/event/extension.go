package event

import (
	"context"
	"errors"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Extension is the gqlgen extension that lets subscription fields use the sources. gqlgen's channels of values have no
// place for an error; it brings those of a source to the response that stands for them.
type Extension struct {
	Sources *Sources
}

var (
	_ graphql.HandlerExtension     = Extension{}
	_ graphql.OperationInterceptor = Extension{}
	_ graphql.ResponseInterceptor  = Extension{}
)

// ExtensionName is the extension's name in gqlgen.
func (Extension) ExtensionName() string { return "Events" }

// Validate reports an Extension without sources.
func (e Extension) Validate(graphql.ExecutableSchema) error {
	if e.Sources == nil {
		return errors.New("event.Extension needs Sources")
	}
	return nil
}

// InterceptOperation puts the sources into the context of a subscription.
func (e Extension) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if op := graphql.GetOperationContext(ctx).Operation; op == nil || op.Operation != ast.Subscription {
		return next(ctx)
	}
	return next(With(ctx, e.Sources))
}

// InterceptResponse makes of a response that stands for an error of its source one that says so.
func (Extension) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	m := mailOf(ctx)
	if m == nil {
		return next(ctx)
	}
	if field := m.field(); field != nil {
		// gqlgen resolves what is below an event without the field that it is the value of, whose place in the response
		// paths of errors begin with.
		ctx = graphql.WithFieldContext(ctx, field)
	}
	response := next(ctx)
	at, wrong := m.take()
	err := wrong.err
	if response != nil && err == nil {
		response.Errors = append(wrong.items, response.Errors...)
	}
	if err == nil || response == nil && ctx.Err() != nil {
		return response
	}
	if response == nil {
		response = &graphql.Response{} // the last one: there is no event, and the source has said why
	} else {
		response.Data = at.null
	}
	graphql.AddError(ctx, &gqlerror.Error{Err: err, Path: at.path, Locations: at.locations})
	if all := graphql.GetErrors(ctx); len(all) > 0 {
		response.Errors = all[len(all)-1:] // those before are of the zero value that stood in the channel
	}
	return response
}

// mail has the errors of one subscription, by the number of the response that they are for.
type mail struct {
	sources *Sources

	mu    sync.Mutex // guards what follows
	at    place
	taken int
	errs  map[int]report
}

// place is where the subscription's field stands.
type place struct {
	path      ast.Path
	locations []gqlerror.Location
	null      []byte // the data of a response without a value
	field     *graphql.FieldContext
}

type mailKey struct{}

// With puts the sources into ctx. Call it once for every subscription.
func With(ctx context.Context, s *Sources) context.Context {
	return context.WithValue(ctx, mailKey{}, &mail{sources: s})
}

func mailOf(ctx context.Context) *mail {
	m, _ := ctx.Value(mailKey{}).(*mail)
	return m
}

func (m *mail) put(n int, wrong report) {
	if wrong.err == nil && len(wrong.items) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.errs == nil {
		m.errs = map[int]report{}
	}
	m.errs[n] = wrong
}

// take is what is wrong with the next response.
func (m *mail) take() (place, report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wrong := m.errs[m.taken]
	delete(m.errs, m.taken)
	m.taken++
	return m.at, wrong
}

// field is the context of the subscription's field, which WithFieldContext wants for itself.
func (m *mail) field() *graphql.FieldContext {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at.field == nil {
		return nil
	}
	own := *m.at.field
	return &own
}

// settle notes where the field stands.
func (m *mail) settle(ctx context.Context) {
	at := place{path: graphql.GetPath(ctx), null: []byte("null")}
	at.field = graphql.GetFieldContext(ctx)
	if fc := at.field; fc != nil && fc.Field.Field != nil {
		if p := fc.Field.Position; p != nil {
			at.locations = []gqlerror.Location{{Line: p.Line, Column: p.Column}}
		}
		if def := fc.Field.Definition; def != nil && !def.Type.NonNull {
			at.null = []byte(`{"` + fc.Field.Alias + `":null}`)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = at
}

// internal is a failure of how the gateway is put together.
func internal(coordinate, why string) error {
	return &fail.Error{Kind: fail.Internal, Op: coordinate, Err: errors.New(why)}
}
