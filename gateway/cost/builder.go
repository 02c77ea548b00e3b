package cost

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// builder adds groups, entries and sizers to a formula.
type builder struct {
	formula *Formula
	ids     map[*ast.Field]int32
	sizers  map[sizerKey]int32
	entries int // how many there are
}

type sizerKey struct{ shape, syntax int32 }

func newBuilder(f *Formula) builder {
	return builder{formula: f, ids: map[*ast.Field]int32{nil: 0}, sizers: map[sizerKey]int32{}}
}

// id numbers the document's fields; 0 is none.
func (b *builder) id(f *ast.Field) int32 {
	n, ok := b.ids[f]
	if !ok {
		n = int32(len(b.ids))
		b.ids[f] = n
	}
	return n
}

func (b *builder) add(g group) int32 {
	b.formula.groups = append(b.formula.groups, g)
	return int32(len(b.formula.groups) - 1)
}

// newEntry is an entry without what is below it. size is the sizer of the parent's field.
func (b *builder) newEntry(f *field, syntax *ast.Field, when, size int32) *entry {
	e := &entry{
		name: syntax.Alias, field: f, syntax: syntax, when: when,
		typeWeight: f.typ.weight, call: f.weight, own: none, inherited: none,
	}
	if e.name == "" {
		e.name = syntax.Name
	}
	for _, in := range f.args {
		var v *ast.Value
		if arg := syntax.Arguments.ForName(in.name); arg != nil {
			v = arg.Value
		}
		if variable(v) {
			e.args = append(e.args, in)
		} else {
			e.call += (&values{}).paid(in, v)
		}
	}
	if f.size != nil {
		e.own = b.sizer(f, syntax)
	}
	if f.list && size != none && slices.Contains(b.formula.sizers[size].size.sized, syntax.Name) {
		e.inherited = size
	}
	return e
}

func (b *builder) sizer(f *field, syntax *ast.Field) int32 {
	key := sizerKey{f.shape, b.id(syntax)}
	n, ok := b.sizers[key]
	if !ok {
		n = int32(len(b.formula.sizers))
		b.sizers[key] = n
		b.formula.sizers = append(b.formula.sizers, sizer{size: f.size, syntax: syntax})
	}
	return n
}

// handsDown is the sizer for the lists below.
func (e *entry) handsDown() int32 {
	if e.field.size != nil && len(e.field.size.sized) > 0 {
		return e.own
	}
	return none
}

// add notes what is selected of an object; types of which the same is selected share an alternative.
func (e *entry) add(group int32, o *object) {
	for i := range e.below {
		if e.below[i].group == group {
			e.below[i].objects = append(e.below[i].objects, o)
			return
		}
	}
	e.below = append(e.below, alternative{group, []*object{o}})
}

// pricedDirectives tells whether directives of one of the selections cost something.
func (b *builder) pricedDirectives(uses []use) bool {
	return slices.ContainsFunc(uses, func(u use) bool {
		return slices.ContainsFunc(u.syntax.Directives, func(d *ast.Directive) bool {
			return len(b.formula.prices.directives[d.Name]) > 0
		})
	})
}
