package engine

import (
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Ref is for objects of the named type, by pointer.
func Ref[T any](name string) Shape[*T] { return ref[T]{name} }

// Value is for objects of the named type that are held by value, and resolved by a pointer to them.
func Value[T any](name string) Shape[T] { return value[T]{name} }

// Opaque is for objects of the named type that are neither: maps and interfaces.
func Opaque[T any](name string, isNil func(T) bool) Shape[T] { return opaque[T]{name, isNil} }

// Abstract is for interfaces and unions. of tells the name of the object type behind a Go value and its object, which is
// nil for a nil pointer; an empty name when the value is none of the schema's types.
func Abstract[I any](of func(I) (name string, object any)) Shape[I] { return abstract[I]{of} }

// ObjectOf gives a pointer for the function of Abstract: nil stays nil.
func ObjectOf[T any](name string, p *T) (string, any) {
	if p == nil {
		return name, nil
	}
	return name, p
}

type ref[T any] struct{ name string }

func (s ref[T]) expand(x *expansion, _ *ast.Type, v *T) cell {
	if v == nil {
		return cell{kind: cellNull}
	}
	return x.add(s.name, v)
}

func (s ref[T]) write(w *writer, f *planField, t *ast.Type, v *T) bool {
	if v == nil {
		return w.null(t, errNull)
	}
	return w.plain(f.child(s.name), v)
}

func (s ref[T]) at(*T, []int32) any { return nil }

type value[T any] struct{ name string }

func (s value[T]) expand(x *expansion, _ *ast.Type, v T) cell { return x.add(s.name, &v) }

func (s value[T]) write(w *writer, f *planField, _ *ast.Type, v T) bool {
	return w.plain(f.child(s.name), &v)
}

func (s value[T]) at(T, []int32) any { return nil }

type opaque[T any] struct {
	name  string
	isNil func(T) bool
}

func (s opaque[T]) expand(x *expansion, _ *ast.Type, v T) cell {
	if s.isNil(v) {
		return cell{kind: cellNull}
	}
	return x.add(s.name, v)
}

func (s opaque[T]) write(w *writer, f *planField, t *ast.Type, v T) bool {
	if s.isNil(v) {
		return w.null(t, errNull)
	}
	return w.plain(f.child(s.name), v)
}

func (s opaque[T]) at(T, []int32) any { return nil }

type abstract[I any] struct {
	of func(I) (string, any)
}

func (s abstract[I]) expand(x *expansion, t *ast.Type, v I) cell {
	if any(v) == nil {
		return cell{kind: cellNil}
	}
	name, obj := s.of(v)
	if name != "" && obj == nil {
		return cell{kind: cellNull}
	}
	if name != "" {
		return x.add(name, obj)
	}
	if m, ok := any(v).(graphql.Marshaler); ok {
		return x.foreign(m)
	}
	return x.fault(&panicError{s.unexpected(t, v)})
}

func (s abstract[I]) write(w *writer, f *planField, t *ast.Type, v I) bool {
	if any(v) == nil {
		return w.null(t, errNull)
	}
	name, obj := s.of(v)
	if name != "" && obj == nil {
		return w.null(t, errNull)
	}
	if name != "" {
		return w.plain(f.child(name), obj)
	}
	if m, ok := any(v).(graphql.Marshaler); ok {
		return w.foreign(t, m)
	}
	w.fail(&panicError{s.unexpected(t, v)})
	return false
}

func (s abstract[I]) at(I, []int32) any { return nil }

func (s abstract[I]) unexpected(t *ast.Type, v I) error {
	return fmt.Errorf("unexpected type %T; non-generated variants of %s must implement graphql.Marshaler", v, t.Name())
}
