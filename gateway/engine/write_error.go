package engine

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

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
	w.failed++
	if _, panicked := err.(*panicError); w.run.reports.Load() >= mostReports && !panicked && err != errSilent { //nolint:errorlint // they're never wrapped
		w.run.reports.Add(1) // without its place, which is most of the work
		return
	}
	f := w.innermost()
	if f == nil {
		w.run.report(w.context(), err, nil, w.shared)
		return
	}
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
	w.written.cut(length)
	w.fail(w.run.recovered(w.context(), p))
}

// innermost is the field whose value is written; nil for an object that comes later.
func (w *writer) innermost() *planField {
	for i := len(w.path) - 1; i >= 0; i-- {
		if f := w.path[i].field; f != nil {
			return f
		}
	}
	return nil
}

// context is that of the value being written.
func (w *writer) context() context.Context {
	return &fixedContext{w.run.ctx, w.field()}
}

// field makes the FieldContexts from the root to the value being written.
func (w *writer) field() *graphql.FieldContext {
	fc := w.run.root
	if w.above != nil {
		fc = w.above
	}
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
