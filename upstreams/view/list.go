package view

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// Opt makes a coercion nullable: nil for null and absent values.
func Opt[T any](v Value, f func(Value) (T, error)) (*T, error) {
	if v.IsNull() {
		return nil, nil
	}
	t, err := f(v)
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// List coerces the elements of an array. An element that f refuses is the zero T, and its error goes to the response in
// ctx with the element's index in its path; the rest of the list stands. The error is ErrNull for null and absent
// values, and a *CoerceError for what is no array.
func List[T any](ctx context.Context, v Value, f func(Value) (T, error)) ([]T, error) {
	list, err := newList[T](v)
	if err != nil {
		return nil, err
	}
	for i, e := range v.Elems() {
		item, err := f(e)
		if err != nil {
			graphql.AddError(itemContext(ctx, i), err)
			continue
		}
		list[i] = item
	}
	return list, nil
}

// OptList is List with nil for null and absent values.
func OptList[T any](ctx context.Context, v Value, f func(Value) (T, error)) ([]T, error) {
	if v.IsNull() {
		return nil, nil
	}
	return List(ctx, v, f)
}

// Nested is List for elements that are lists themselves: f gets a context that knows its element's place, for the List
// inside.
func Nested[T any](ctx context.Context, v Value, f func(context.Context, Value) (T, error)) ([]T, error) {
	list, err := newList[T](v)
	if err != nil {
		return nil, err
	}
	for i, e := range v.Elems() {
		at := itemContext(ctx, i)
		item, err := f(at, e)
		if err != nil {
			graphql.AddError(at, err)
			continue
		}
		list[i] = item
	}
	return list, nil
}

// newList has room for the elements of v.
func newList[T any](v Value) ([]T, error) {
	if v.IsNull() {
		return nil, ErrNull
	}
	if err := ListErr(v); err != nil {
		return nil, err
	}
	return make([]T, v.Len()), nil
}

func itemContext(ctx context.Context, i int) context.Context {
	return graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i))
}
