package engine

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Shape is how Go values of type R become GraphQL values (October 2021, section 6.4.3, value completion). What is
// nullable stands in the schema; a shape knows which Go values mean null. Shapes are made of others, as types are:
// List(Pointer(Leaf(scalar.MarshalString))) is for []*string.
type Shape[R any] interface {
	// expand puts the objects in v into groups of the next level.
	expand(x *expansion, t *ast.Type, v R) cell
	// write appends v. When it returns false v is null or broken, whatever it has written is to be cut off, and the
	// error, if there has to be one, is reported.
	write(w *writer, f *planField, t *ast.Type, v R) bool
	// at is a pointer to an element of a list.
	at(v R, index []int32) any
}

// Leaf is for scalars and enums, which marshal to graphql.Null when they have no value.
func Leaf[R any](marshal func(R) graphql.Marshaler) Shape[R] { return leaf[R]{marshal: marshal} }

// ContextLeaf is Leaf for scalars that can fail.
func ContextLeaf[R any](marshal func(R) graphql.ContextMarshaler) Shape[R] {
	return contextLeaf[R]{marshal: marshal}
}

// Pointer is a shape where nil is null.
func Pointer[E any](elem Shape[E]) Shape[*E] { return pointer[E]{elem} }

// Nilable is a shape where some other value than a nil pointer is null.
func Nilable[R any](isNil func(R) bool, shape Shape[R]) Shape[R] { return nilable[R]{isNil, shape} }

// List is for lists. Nil is null where the schema allows it, and an empty list elsewhere.
func List[E any](elem Shape[E]) Shape[[]E] { return list[E]{elem} }

// flat is for shapes that have no objects.
type flat[R any] struct{}

func (flat[R]) expand(*expansion, *ast.Type, R) cell { panic("engine: a leaf has no objects") }
func (flat[R]) at(R, []int32) any                    { return nil }

type leaf[R any] struct {
	flat[R]

	marshal func(R) graphql.Marshaler
}

func (s leaf[R]) write(w *writer, _ *planField, t *ast.Type, v R) (ok bool) {
	defer w.rescue(&ok, len(w.path), len(w.buf))
	m := s.marshal(v)
	if m == nil || m == graphql.Null {
		return w.null(t, errNull)
	}
	m.MarshalGQL(w)
	return true
}

type contextLeaf[R any] struct {
	flat[R]

	marshal func(R) graphql.ContextMarshaler
}

func (s contextLeaf[R]) write(w *writer, _ *planField, t *ast.Type, v R) (ok bool) {
	defer w.rescue(&ok, len(w.path), len(w.buf))
	m := s.marshal(v)
	if m == nil || m == graphql.ContextMarshaler(graphql.Null) {
		return w.null(t, errNull)
	}
	if err := m.MarshalGQLContext(w.context(), w); err != nil {
		w.fail(err)
		return false
	}
	return true
}

type pointer[E any] struct{ elem Shape[E] }

func (s pointer[E]) expand(x *expansion, t *ast.Type, v *E) cell {
	if v == nil {
		return cell{kind: cellNull}
	}
	return s.elem.expand(x, t, *v)
}

func (s pointer[E]) write(w *writer, f *planField, t *ast.Type, v *E) bool {
	if v == nil {
		return w.null(t, errNull)
	}
	return s.elem.write(w, f, t, *v)
}

func (s pointer[E]) at(v *E, index []int32) any {
	if v == nil {
		return nil
	}
	return s.elem.at(*v, index)
}

type nilable[R any] struct {
	isNil func(R) bool
	Shape[R]
}

func (s nilable[R]) write(w *writer, f *planField, t *ast.Type, v R) bool {
	if s.isNil(v) {
		return w.null(t, errNull)
	}
	return s.Shape.write(w, f, t, v)
}

type list[E any] struct{ elem Shape[E] }

func (s list[E]) expand(x *expansion, t *ast.Type, v []E) cell {
	if v == nil && !t.NonNull {
		return cell{kind: cellNull}
	}
	at := x.room(len(v))
	depth := len(x.index)
	x.index = append(x.index, 0)
	for i := range v {
		x.index[depth] = int32(i)
		c := s.elem.expand(x, t.Elem, v[i])
		x.col.cells[at+i] = c
	}
	x.index = x.index[:depth]
	return cell{kind: cellList, at: int32(at), n: int32(len(v))}
}

func (s list[E]) write(w *writer, f *planField, t *ast.Type, v []E) bool {
	if v == nil && !t.NonNull {
		return false
	}
	l := w.openList(t)
	for i := range v {
		if !l.next(w, i) {
			break
		}
		l.done(w, s.elem.write(w, f, t.Elem, v[i]))
	}
	return l.close(w)
}

func (s list[E]) at(v []E, index []int32) any {
	if int(index[0]) >= len(v) {
		return nil
	}
	if len(index) == 1 {
		return &v[index[0]]
	}
	return s.elem.at(v[index[0]], index[1:])
}
