package engine

import (
	"context"
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

// write gives the data of the response.
func write(r *run, root *group) []byte {
	w := getWriter(r)
	defer putWriter(w)
	if !w.object(root, 0) {
		w.buf = append(w.buf[:0], "null"...)
	}
	return w.buf
}

// object writes the i-th object of a group that was opened.
func (w *writer) object(g *group, i int) bool {
	return w.fields(g.plan, g.objs[i], g, i)
}

// plain writes an object without anything resolved.
func (w *writer) plain(o *planObject, obj any) bool {
	if o == nil {
		w.fail(&panicError{errStray})
		return false
	}
	return w.fields(o, obj, nil, 0)
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
		switch f.kind {
		case kindView:
			ok = w.view(f, f.typ, f.view.of(v))
		case kindRead:
			if obj == nil {
				obj = o.binding.pack(v)
			}
			ok = f.binding.source.(property).write(w, f, obj)
		default:
			ok = w.column(g.cols[f.column], i)
		}
		w.path = w.path[:len(w.path)-1]
		if !ok {
			w.buf = append(w.buf[:mark], "null"...)
			complete = complete && !f.typ.NonNull && !w.must
			w.must = false
		}
	}
	w.buf = append(w.buf, '}')
	return complete
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
			l.next(w, i)
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

// null says that a value is null, which is an error unless its type allows it.
func (w *writer) null(t *ast.Type, err error) bool {
	if t.NonNull {
		w.error(err)
	}
	return false
}

// error reports err unless a resolver has reported something for this place.
func (w *writer) error(err error) {
	if w.reported == nil || !w.reported[w.field().Path().String()] {
		w.fail(err)
	}
}

// fail reports an error of the value being written.
func (w *writer) fail(err error) {
	f := w.innermost()
	w.run.report(w.context(), named(err, f), w.run.collected(f).Position, w.shared)
}

// rescue turns a panic into an error of the value that was begun at this path and this length of the answer.
func (w *writer) rescue(ok *bool, path, length int) {
	p := recover()
	if p == nil {
		return
	}
	*ok = false
	w.path, w.buf = w.path[:path], w.buf[:length]
	w.fail(w.run.recovered(w.context(), p))
}

func (w *writer) innermost() *planField {
	for i := len(w.path) - 1; ; i-- {
		if f := w.path[i].field; f != nil {
			return f
		}
	}
}

// context is that of the value being written.
func (w *writer) context() context.Context {
	return &fixedContext{w.run.ctx, w.field()}
}

// field makes the FieldContexts from the root to the value being written.
func (w *writer) field() *graphql.FieldContext {
	fc := w.run.root
	for _, s := range w.path {
		if s.field == nil {
			fc = &graphql.FieldContext{Parent: fc, Index: &s.index}
			continue
		}
		fc = w.run.newField(s.field, fc)
		if s.field.args != none {
			if args := w.run.args[s.field.args].fc; args != nil {
				fc.Args = args.Args
			}
		}
	}
	return fc
}
