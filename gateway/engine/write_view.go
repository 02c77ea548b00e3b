package engine

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// of is the field's value in the JSON of an object.
func (f *viewField) of(v view.Value) view.Value {
	if f.name != "" {
		return v.Get(f.name)
	}
	return v.At(f.pointer)
}

// view completes a value of a view: checked for its type, and copied.
func (w *writer) view(f *planField, t *ast.Type, v view.Value) bool {
	switch {
	case v.IsNull():
		return w.null(t, view.ErrNull)
	case t.Elem != nil:
		return w.viewList(f, t, v)
	case f.view.append != nil:
		var err error
		if w.buf, err = f.view.append(w.buf, v); err != nil {
			w.fail(err)
			return false
		}
		return true
	}
	o := f.children[0]
	if err := view.ObjectErr(v, o.name); err != nil {
		w.fail(err)
		return false
	}
	return w.members(o, nil, v, nil, 0)
}

func (w *writer) viewList(f *planField, t *ast.Type, v view.Value) bool {
	if err := view.ListErr(v); err != nil {
		w.fail(err)
		return false
	}
	l := w.openList(t)
	for i, e := range v.Elems() {
		l.next(w, i)
		l.done(w, w.view(f, t.Elem, e))
	}
	return l.close(w)
}
