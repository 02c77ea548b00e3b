package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

var (
	// errNull is for null where the schema doesn't allow it. The field's name is added when it's reported.
	errNull = view.ErrNull
	// errStray is for a type that isn't one of its interface or union: bindings and schema don't belong together.
	errStray = errors.New("an object of a type that the field can't have")
	// errSilent fails a field without an error of its own: the recover function wants it so.
	errSilent = errors.New("silent")
)

// panicError is a panic of the engine's, for the recover function.
type panicError struct{ error }

// recovered is what a panic becomes.
func (r *run) recovered(ctx context.Context, p any) error {
	f := r.op.RecoverFunc
	if f == nil {
		f = graphql.DefaultRecover
	}
	if err := f(ctx, p); err != nil {
		return err
	}
	return errSilent
}

// report adds the errors in err to the response, at the path in ctx and with the locations of its field. shared errors
// belong to several paths and are copied, as are those that come as they are and have no path yet.
func (r *run) report(ctx context.Context, err error, at *ast.Position, shared bool) {
	if err == errSilent { //nolint:errorlint // it's never wrapped
		return
	}
	if e, ok := err.(*panicError); ok { //nolint:errorlint // it's never wrapped
		r.report(ctx, r.recovered(ctx, e.error), at, false)
		return
	}
	if r.reports.Add(1) > mostReports {
		return
	}
	switch e := err.(type) { //nolint:errorlint // what is wrapped is looked for below
	case gqlerror.List:
		for _, one := range e {
			if one != nil {
				graphql.AddError(ctx, locate(one, at))
			}
		}
		return
	case *gqlerror.Error:
		graphql.AddError(ctx, locate(e, at))
		return
	case *argumentError:
		r.reportArgument(ctx, e, at)
		return
	}
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && shared {
		graphql.AddError(ctx, locate(e, at))
		return
	} else if ok {
		graphql.AddError(ctx, graphql.AddFieldLocationToError(ctx, err))
		return
	}
	wrapped := gqlerror.WrapPath(graphql.GetPath(ctx), err)
	wrapped.Locations = locationsOf(at)
	graphql.AddError(ctx, wrapped)
}

// mostReports is how many errors of one run are reported. Each costs some microseconds and a hundred times the memory of the
// null that it's about, and a service that answers 100,000 items with one mistake makes 100,000 of them.
const mostReports = 100

// Unreported stands in the errors of a response for those that were counted only.
type Unreported int

// Error says how many there are.
func (n Unreported) Error() string { return fmt.Sprintf("and %d more errors", int(n)) }

// More is how many there are.
func (n Unreported) More() int { return int(n) }

// unreported is the entry that counts what wasn't reported, nil for nothing.
func (r *run) unreported() gqlerror.List {
	if n := r.reports.Load() - mostReports; n > 0 {
		return gqlerror.List{{Message: Unreported(n).Error(), Err: Unreported(n)}}
	}
	return nil
}

// locate is a copy of e with locations. AddError gives it its path.
func locate(e *gqlerror.Error, at *ast.Position) *gqlerror.Error {
	clone := *e
	if clone.Locations == nil {
		clone.Locations = locationsOf(at)
	}
	return &clone
}

// reportArgument reports an argument's error at the path of the field: gqlgen goes on into the argument there, but that is
// no path in the response. The location tells which argument it is.
func (r *run) reportArgument(ctx context.Context, e *argumentError, at *ast.Position) {
	list, ok := e.error.(gqlerror.List) //nolint:errorlint // as gqlgen
	if one, single := errors.AsType[*gqlerror.Error](e.error); !ok && single {
		list = gqlerror.List{one}
	} else if !ok {
		list = gqlerror.List{gqlerror.Wrap(e.error)}
	}
	for _, one := range list {
		clone := *one
		// The path starts at the field whose context coerces.
		if len(one.Path) > 1 {
			if name, isName := one.Path[1].(ast.PathName); isName {
				if a := e.arguments.ForName(string(name)); a != nil && a.Position != nil {
					at = a.Position
				}
			}
		}
		clone.Path = nil
		graphql.AddError(ctx, locate(&clone, at))
	}
}

func locationsOf(at *ast.Position) []gqlerror.Location {
	if at == nil || at.Line == 0 {
		return nil
	}
	return []gqlerror.Location{{Line: at.Line, Column: at.Column}}
}

// named puts the field's name into view.ErrNull.
func named(err error, f *planField) error {
	if err != view.ErrNull { //nolint:errorlint // accessors return it as it is
		return err
	}
	return fail.Newf(fail.UpstreamInvalidResponse, "Cannot return null for non-nullable field %s.%s.", f.object, f.selected[0].field.Name)
}
