package engine

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// find appends the members of a view that are selected to w.found.
func (w *writer) find(o *planObject, v view.Value) {
	at := len(w.found)
	w.found = slices.Grow(w.found, len(o.names))[:at+len(o.names)]
	w.finders[o.number].Find(v, o.names, w.found[at:])
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
		if !l.next(w, i) {
			break
		}
		l.done(w, w.view(f, t.Elem, e))
	}
	return l.close(w)
}
