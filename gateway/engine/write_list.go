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

// patience is how many elements are written without a look at whether somebody still waits for them.
const patience = 256

// next begins the i-th element; it's false when there is no point in that any more.
func (l *openList) next(w *writer, i int) bool {
	if w.steps++; w.steps%patience == 0 && w.run.ctx.Err() != nil {
		w.gone = true
	}
	if w.gone {
		return false
	}
	if i > 0 {
		w.buf = append(w.buf, ',')
	}
	w.path[l.depth-1].index = i
	l.mark = len(w.buf)
	return true
}

// done ends an element: one that isn't ok is null.
func (l *openList) done(w *writer, ok bool) {
	if !ok {
		w.cut(l.mark)
		l.complete = l.complete && !l.elem.NonNull
	}
}

// close ends the list. It's false when an element is null that may not be.
func (l *openList) close(w *writer) bool {
	w.path = w.path[:l.depth-1]
	w.buf = append(w.buf, ']')
	return l.complete
}
