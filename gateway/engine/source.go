package engine

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
)

// results are what one field has for the objects of a group, in the order of the objects.
type results interface {
	// expand completes the i-th result into a cell, and puts its objects into the groups of the next level.
	expand(x *expansion, i int) cell
	// write completes the i-th result straight into the answer. There are no tasks below it.
	write(w *writer, f *planField, i int) bool
	// at is what FieldContext.Result has: the result, or a pointer to the element of it that index leads to.
	at(i int, index []int32) any
}

type resultsOf[R any] struct {
	values []R
	shape  Shape[R]
}

func (o *resultsOf[R]) expand(x *expansion, i int) cell {
	return o.shape.expand(x, x.col.field.typ, o.values[i])
}

func (o *resultsOf[R]) write(w *writer, f *planField, i int) bool {
	return o.shape.write(w, f, f.typ, o.values[i])
}

func (o *resultsOf[R]) at(i int, index []int32) any {
	if len(index) == 0 {
		return o.values[i]
	}
	return o.shape.at(o.values[i], index)
}

// property is a source that is read inline.
type property interface {
	source
	// contextual tells whether it looks at its context.
	contextual() bool
	// write reads and completes in one go, for fields without tasks below them.
	write(w *writer, f *planField, obj any) bool
}

// source is one that is called for one object at a time.
type source interface {
	make(n int) results
	// call puts the result for obj at i. It may be called concurrently for different i.
	call(ctx context.Context, obj any, fc *graphql.FieldContext, into results, i int) error
}

// batchSource is called once for all objects.
type batchSource interface {
	batch(ctx context.Context, objs []any, fc *graphql.FieldContext, field string) (results, []error, error)
}

type getter[P, R any] struct {
	get   func(context.Context, P) (R, error)
	shape Shape[R]
	ctx   bool // get looks at its context
}

func (g getter[P, R]) contextual() bool { return g.ctx }

func (g getter[P, R]) make(n int) results { return &resultsOf[R]{make([]R, n), g.shape} }

func (g getter[P, R]) call(ctx context.Context, obj any, _ *graphql.FieldContext, into results, i int) (err error) {
	into.(*resultsOf[R]).values[i], err = g.get(ctx, obj.(P))
	return err
}

func (g getter[P, R]) write(w *writer, f *planField, obj any) (ok bool) {
	defer w.rescue(&ok, len(w.path), len(w.buf))
	ctx := w.run.ctx
	if g.ctx {
		ctx = w.context()
	}
	v, err := g.get(ctx, obj.(P))
	if err != nil {
		w.fail(err)
		return false
	}
	return g.shape.write(w, f, f.typ, v)
}

type caller[P, R any] struct {
	fn    func(context.Context, P, *graphql.FieldContext) (R, error)
	shape Shape[R]
}

func (c caller[P, R]) make(n int) results { return &resultsOf[R]{make([]R, n), c.shape} }

func (c caller[P, R]) call(ctx context.Context, obj any, fc *graphql.FieldContext, into results, i int) (err error) {
	into.(*resultsOf[R]).values[i], err = c.fn(ctx, obj.(P), fc)
	return err
}

type batcher[P, R any] struct {
	fn    func(context.Context, []P, *graphql.FieldContext) ([]R, error)
	shape Shape[R]
}

func (b batcher[P, R]) batch(ctx context.Context, objs []any, fc *graphql.FieldContext, field string) (results, []error, error) {
	parents := make([]P, len(objs))
	for i, o := range objs {
		parents[i] = o.(P)
	}
	values, err := b.fn(ctx, parents, fc)
	var errs []error
	if err != nil {
		// A type assertion, as in gqlgen: a wrapped list is one error for all.
		list, ok := err.(graphql.BatchErrors) //nolint:errorlint // as gqlgen does: what is wrapped is one error of all
		if !ok {
			return nil, nil, err
		}
		if errs = list.Errors(); len(values) == len(objs) && len(errs) != len(objs) {
			return nil, nil, fmt.Errorf("batch resolver %s returned %d errors for %d parents", field, len(errs), len(objs))
		}
	}
	if len(values) != len(objs) {
		return nil, nil, fmt.Errorf("batch resolver %s returned %d results for %d parents", field, len(values), len(objs))
	}
	return &resultsOf[R]{values, b.shape}, errs, nil
}

// delegate's results are written by gqlgen, which has reported the errors below them.
type delegate[P any] struct {
	fn func(context.Context, P, graphql.CollectedField) graphql.Marshaler
}

// delegated is what the engine sees of a delegate.
type delegated interface {
	run(ctx context.Context, obj any, field graphql.CollectedField) graphql.Marshaler
}

func (d delegate[P]) run(ctx context.Context, obj any, field graphql.CollectedField) graphql.Marshaler {
	return d.fn(ctx, obj.(P), field)
}

type delegatedResults []graphql.Marshaler

func (d delegatedResults) expand(x *expansion, i int) cell { return x.foreign(d[i]) }

func (d delegatedResults) write(w *writer, _ *planField, i int) (ok bool) {
	defer w.rescue(&ok, len(w.path), len(w.buf))
	switch m := d[i]; m {
	case nil, graphql.Null:
		return false
	case graphql.RequiredNull:
		w.must = true
		return false
	default:
		m.MarshalGQL(w)
		return true
	}
}

func (d delegatedResults) at(int, []int32) any { return nil }
