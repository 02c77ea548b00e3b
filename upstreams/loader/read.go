package loader

import (
	"cmp"
	"context"
	"errors"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Reader turns a service's answer into the Go value of a field. Generated resolvers compose theirs from the functions
// below: ListOf(Scalar(view.ID)) reads a [ID!]!.
type Reader[T any] func(at *Place, a Answer) (T, error)

// Place is where in the response a value will stand, for errors of single items. It is used for the next value when a
// Reader has returned.
type Place struct {
	ctx    context.Context
	parent int // index of the batch's parent; -1 for a field that isn't batched
	outer  *Place
	failed int // counts the errors of items
	index  int
	// parents is how many parents the batch has, and made the objects that were read for them, a *[]T.
	parents int
	made    any
}

// fail adds an error at the place of an item.
func (p *Place) fail(err error) {
	From(p.ctx).report(p.ctx, func() error { return p.locate(err) })
	for ; p != nil; p = p.outer {
		p.failed++
	}
}

// locate gives an error the place of an item, unless it has the place of something inside it.
func (p *Place) locate(err error) error {
	if inner, ok := errors.AsType[*gqlerror.Error](err); ok && inner.Path != nil {
		return err
	}
	if field := graphql.GetFieldContext(p.ctx); field != nil && errors.Is(err, view.ErrNull) {
		err = fail.Newf(fail.UpstreamInvalidResponse, "Cannot return null for non-nullable field %s.%s.", field.Object, field.Field.Name)
	}
	var inner ast.Path
	for ; p.outer != nil; p = p.outer {
		inner = append(ast.Path{ast.PathIndex(p.index)}, inner...)
	}
	path := graphql.GetPath(p.ctx)
	if o := From(p.ctx); p.parent >= 0 && o != nil {
		path = o.upstreams.batchPath(p.ctx, p.parent)
	}
	if fc := graphql.GetFieldContext(p.ctx); errors.Is(err, view.ErrNull) && fc != nil && fc.Field.Field != nil {
		err = fail.Newf(fail.UpstreamInvalidResponse, "Cannot return null for non-nullable field %s.%s.", fc.Object, fc.Field.Name)
	}
	err = gqlerror.WrapPath(append(path[:len(path):len(path)], inner...), err)
	return graphql.AddFieldLocationToError(p.ctx, err)
}

// Object reads an object as a typed view, nil for null.
func Object[T view.Of](at *Place, a Answer) (*T, error) {
	if a.Value.Kind() == view.KindObject {
		return pack[T](at, a.Value), nil
	}
	return nil, view.ObjectErr(a.Value, reflect.TypeFor[T]().Name())
}

// pack is view.Pack for the objects of a batch, which are made in one piece of memory.
func pack[T view.Of](at *Place, v view.Value) *T {
	if at.parents <= 1 {
		return view.Pack[T](v)
	}
	made, ok := at.made.(*[]T)
	if !ok {
		room := make([]T, 0, at.parents)
		made = &room
		at.made = made
	}
	if len(*made) == cap(*made) { // it never grows: views that were given out stay where they are
		return view.Pack[T](v)
	}
	*made = append(*made, T(v))
	return &(*made)[len(*made)-1]
}

// Objects reads a list of objects as typed views, all in one piece of memory.
func Objects[T view.Of](at *Place, a Answer) ([]*T, error) {
	if !a.Grouped && a.Value.IsNull() {
		return nil, nil
	}
	if !a.Grouped && a.Value.Kind() != view.KindArray {
		return nil, view.ListErr(a.Value)
	}
	n := a.len()
	list, views := make([]*T, n), make([]T, n)
	a.each(func(i int, item Answer) {
		switch {
		case item.Err == nil && item.Value.Kind() == view.KindObject:
			views[i] = T(item.Value)
			list[i] = &views[i]
		default:
			readItem(at.item(), list, i, item, Object[T])
		}
	})
	return list, nil
}

// Scalar reads a value with a function such as view's coercions.
func Scalar[T any](coerce func(view.Value) (T, error)) Reader[T] {
	return func(_ *Place, a Answer) (T, error) { return coerce(a.Value) }
}

// Nullable is Scalar with nil for null.
func Nullable[T any](coerce func(view.Value) (T, error)) Reader[*T] {
	return func(_ *Place, a Answer) (*T, error) { return view.Opt(a.Value, coerce) }
}

// OrZero is Scalar with the Go type's own nil for null.
func OrZero[T any](coerce func(view.Value) (T, error)) Reader[T] {
	return func(_ *Place, a Answer) (T, error) { return view.OrZero(a.Value, coerce) }
}

// Succeeded reads the answer of a Boolean! field: true when the service answered with nothing, such as with 204.
func Succeeded(_ *Place, a Answer) (bool, error) {
	if a.Value.Kind() == view.KindAbsent {
		return true, nil
	}
	return view.Bool(a.Value)
}

// NullableSucceeded is Succeeded with nil for null.
func NullableSucceeded(at *Place, a Answer) (*bool, error) {
	if a.Value.Kind() == view.KindNull {
		return nil, nil
	}
	ok, err := Succeeded(at, a)
	if err != nil {
		return nil, err
	}
	return &ok, nil
}

// ListOf reads a list. An item that can't be read is an error at its own place and the zero value in the list.
func ListOf[T any](item Reader[T]) Reader[[]T] {
	return func(at *Place, a Answer) ([]T, error) {
		if !a.Grouped {
			if a.Value.IsNull() {
				return nil, nil
			}
			if err := view.ListErr(a.Value); err != nil {
				return nil, err
			}
		}
		list := make([]T, a.len())
		here := at.item()
		a.each(func(i int, v Answer) { readItem(here, list, i, v, item) })
		return list, nil
	}
}

// item is the place of a list's items.
func (p *Place) item() *Place { return &Place{ctx: p.ctx, parent: p.parent, outer: p} }

// StrictListOf reads a list whose items can't be null and have no nil in Go: when one can't be read there is no list, and
// the error stands at the item's place.
func StrictListOf[T any](item Reader[T]) Reader[[]T] {
	return func(at *Place, a Answer) ([]T, error) {
		var failed error
		list, err := ListOf(func(here *Place, a Answer) (T, error) {
			value, err := item(here, a)
			if err != nil && failed == nil {
				failed = here.locate(err)
			}
			return value, nil
		})(at, a)
		if err = cmp.Or(err, failed); err != nil {
			return nil, err
		}
		return list, nil
	}
}

// readItem reads item i of a list, whose place is here.
func readItem[T any](here *Place, list []T, i int, a Answer, read Reader[T]) {
	here.index = i
	value, err := list[i], a.Err
	if err == nil {
		value, err = read(here, a)
	}
	if err != nil {
		here.fail(err)
		return
	}
	list[i] = value
}

// len is how many items a list has.
func (a Answer) len() int {
	if a.Grouped {
		return len(a.Items)
	}
	return a.Value.Len()
}

// each calls do for the items of a list.
func (a Answer) each(do func(i int, item Answer)) {
	if a.Grouped {
		for i, item := range a.Items {
			do(i, Answer{Value: item.Value, Err: item.Err})
		}
		return
	}
	for i, v := range a.Value.Elems() {
		do(i, Answer{Value: v})
	}
}
