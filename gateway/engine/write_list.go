package engine

import "github.com/vektah/gqlparser/v2/ast"

// openList is a list being written.
type openList struct {
	elem     *ast.Type
	depth    int // of the path
	mark     int // where the element begins
	complete bool
}

func (w *writer) openList(t *ast.Type) openList {
	w.buf = append(w.buf, '[')
	w.path = append(w.path, step{})
	return openList{elem: t.Elem, depth: len(w.path), complete: true}
}

// next begins the i-th element.
func (l *openList) next(w *writer, i int) {
	if i > 0 {
		w.buf = append(w.buf, ',')
	}
	w.path[l.depth-1].index = i
	l.mark = len(w.buf)
}

// done ends an element: one that isn't ok is null.
func (l *openList) done(w *writer, ok bool) {
	if !ok {
		w.buf = append(w.buf[:l.mark], "null"...)
		l.complete = l.complete && !l.elem.NonNull
	}
}

// close ends the list. It's false when an element is null that may not be.
func (l *openList) close(w *writer) bool {
	w.path = w.path[:l.depth-1]
	w.buf = append(w.buf, ']')
	return l.complete
}
