package engine

import (
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// writer appends the answer to one buffer. A value that turns out to be null where that isn't allowed is cut off again,
// up to the nearest place that can be null.
type writer struct {
	run  *run
	buf  []byte
	path []step
	// must says that the value just found to be null may not be, although its type allows it.
	must bool
	// shared says that the errors being reported may belong to other objects too.
	shared bool
	failed int // counts the errors
	// steps counts the elements of lists; gone says that nobody waits for the answer any more.
	steps int
	gone  bool
	// finders look into the views of each planObject, by its number; found has the members of the views that are being
	// written, from the outermost on.
	finders []view.Finder
	found   []view.Value
	written memo
	// above is where the object stands that is written; nil for the root.
	above *graphql.FieldContext
	// later are the objects that were written and of which something comes later, in their order.
	later []laterObject
	// reported has the paths of errors that resolvers have added themselves: null there has its error.
	reported map[string]bool
}

// step is a part of the path to the value being written: a field, or an index when field is nil.
type step struct {
	field *planField
	index int
}

var _ io.Writer = (*writer)(nil)

// Write lets gqlgen's marshalers append.
func (w *writer) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	return len(p), nil
}

// write gives the data of the response, nil when the operation has ended meanwhile: the i-th object of a group, which stands
// below above. later are the objects in it of which something comes later.
func write(r *run, g *group, i int, above *graphql.FieldContext) (data []byte, later []laterObject) {
	w := getWriter(r)
	defer putWriter(w)
	w.above = above
	if !w.object(g, i) {
		w.cut(0)
	}
	if w.gone {
		Recycle(w.buf)
		return nil, nil
	}
	return w.buf, w.later
}

// object writes the i-th object of a group that was opened.
func (w *writer) object(g *group, i int) bool {
	if len(g.plan.defers) > 0 {
		w.later = append(w.later, laterObject{g, i, len(w.buf)})
	}
	return w.fields(g.plan, g.objs[i], g, i)
}

// plain writes an object without anything resolved. A view that stands in the answer already is copied from there: many
// parents may share one.
func (w *writer) plain(o *planObject, obj any) bool {
	if o == nil {
		w.fail(&panicError{errStray})
		return false
	}
	if o.binding.unpack == nil {
		return w.fields(o, obj, nil, 0)
	}
	v := o.binding.unpack(obj)
	if from, to, ok := w.written.find(o, v); ok {
		w.buf = append(w.buf, w.buf[from:to]...)
		return true
	}
	from, failed := len(w.buf), w.failed
	ok := w.fields(o, obj, nil, 0)
	if ok && failed == w.failed && !w.must {
		w.written.add(o, v, from, len(w.buf))
	}
	return ok
}

// fields writes an object of Go, or of a view.
func (w *writer) fields(o *planObject, obj any, g *group, i int) bool {
	if o.binding.unpack == nil {
		return w.members(o, obj, view.Value{}, g, i)
	}
	v := o.binding.unpack(obj)
	if err := view.ObjectErr(v, o.name); err != nil {
		w.fail(err)
		return false
	}
	return w.members(o, obj, v, g, i)
}

// members writes the selected fields. All of them are visited even when one is null that may not be: each has its error.
func (w *writer) members(o *planObject, obj any, v view.Value, g *group, i int) bool {
	start, complete := len(w.buf), true
	members := len(w.found)
	if len(o.names) > 0 {
		w.find(o, v)
	}
	w.buf = append(w.buf, '{')
	for _, s := range o.slots {
		f := s.field
		if s.when != always && !w.run.active[s.when] {
			continue
		}
		key := s.key
		if len(w.buf) == start+1 {
			key = key[1:]
		}
		w.buf = append(w.buf, key...)
		if f.kind == kindTypename {
			w.buf = append(w.buf, o.quoted...)
			continue
		}
		mark := len(w.buf)
		w.path = append(w.path, step{field: f})
		ok := false
		switch {
		case (f.kind == kindView || f.kind == kindRead) && w.run.denies(f):
			w.fail(w.run.denials.Err())
		case f.kind == kindView:
			var member view.Value
			if f.view.place != none {
				member = w.found[members+f.view.place]
			} else {
				member = v.At(f.view.pointer)
			}
			ok = w.view(f, f.typ, member)
		case f.kind == kindRead:
			if obj == nil {
				obj = o.binding.pack(v)
			}
			ok = f.binding.source.(property).write(w, f, obj)
		default:
			ok = w.column(g.cols[f.column], i)
		}
		w.path = w.path[:len(w.path)-1]
		if !ok {
			w.cut(mark)
			complete = complete && !f.typ.NonNull && !w.must
			w.must = false
		}
	}
	w.found = w.found[:members]
	w.buf = append(w.buf, '}')
	return complete
}

// cut replaces all from mark on by null.
func (w *writer) cut(mark int) {
	w.buf = append(w.buf[:mark], "null"...)
	w.written.cut(mark)
	for n := len(w.later); n > 0 && w.later[n-1].from >= mark; n-- {
		w.later = w.later[:n-1]
	}
}

// column writes what was resolved for the i-th object.
func (w *writer) column(c *column, i int) bool {
	f := c.field
	err := c.err
	if err == nil && c.errs != nil {
		err = c.errs[i]
	}
	ok := false
	switch {
	case err != nil:
		w.shared = c.shared || c.err != nil
		w.fail(err)
		w.shared = false
	case c.cells != nil:
		ok = w.cell(c, f.typ, c.cells[i])
	default:
		ok = c.results.write(w, f, i)
	}
	if !ok && c.required[i] {
		if err == nil && !f.typ.NonNull {
			w.error(errNull)
		}
		w.must = true
	}
	return ok
}

// cell writes a completed result.
func (w *writer) cell(c *column, t *ast.Type, at cell) bool {
	switch at.kind {
	case cellNil:
		return w.null(t, errNull)
	case cellObject:
		return w.object(c.children[at.group], int(at.at))
	case cellList:
		l := w.openList(t)
		for i := range int(at.n) {
			if !l.next(w, i) {
				break
			}
			l.done(w, w.cell(c, t.Elem, c.cells[int(at.at)+i]))
		}
		return l.close(w)
	case cellFault:
		w.fail(c.faults[at.at])
		return false
	case cellForeign:
		return w.foreign(t, c.foreign[at.at])
	default:
		return w.null(t, errNull)
	}
}

// foreign writes a value that brings its own JSON.
func (w *writer) foreign(t *ast.Type, m graphql.Marshaler) (ok bool) {
	defer w.rescue(&ok, len(w.path), len(w.buf))
	if m == graphql.Null {
		return w.null(t, errNull)
	}
	m.MarshalGQL(w)
	return true
}
