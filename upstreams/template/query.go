package template

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// Query is the templates of a URL's query.
type Query []Param

// Param is one parameter.
type Param struct {
	Name  string
	value *Value
}

// NewQuery reads the object literal of a directive's query.
func NewQuery(v *ast.Value) (Query, error) {
	if v.Kind != ast.ObjectValue {
		return nil, fmt.Errorf(`it must be an object of parameters, such as {id: "{id}"}`)
	}
	var q Query
	for _, child := range v.Children {
		if child.Value.Kind == ast.ObjectValue {
			return nil, fmt.Errorf("%s: a query has no objects in it; give each property a parameter of its own", child.Name)
		}
		value, err := NewValue(child.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", child.Name, err)
		}
		for _, item := range value.items {
			if item.nested() {
				return nil, fmt.Errorf("%s: a query's list can't hold lists or objects", child.Name)
			}
		}
		q = append(q, Param{Name: child.Name, value: value})
	}
	return q, nil
}

// Placeholders lists the placeholders in the order they are written.
func (q Query) Placeholders() []Placeholder {
	var all []Placeholder
	for i := range q {
		all = append(all, q[i].value.Placeholders()...)
	}
	return all
}

// Append appends "a=1&b=2", form-encoded, without a leading "?". A list repeats the name; null and absent values leave
// the parameter out. {keys} are written in a style.
func (q Query) Append(dst []byte, s *Scope, style Style) ([]byte, error) {
	w := queryWriter{dst: dst, start: len(dst)}
	for i := range q {
		if err := w.param(&q[i], s, style); err != nil {
			return dst, err
		}
	}
	return w.dst, nil
}

// AppendQueryArgs appends the arguments with these names, those that were given and aren't null.
func AppendQueryArgs(dst []byte, s *Scope, names []string) ([]byte, error) {
	w := queryWriter{dst: dst, start: len(dst)}
	for i := range names {
		p := Placeholder{Root: Arg, Path: names[i : i+1]}
		if err := w.operand(names[i], &p, p.find(s), Repeat); err != nil {
			return dst, err
		}
	}
	return w.dst, nil
}

// queryWriter appends parameters, with "&" between them.
type queryWriter struct {
	dst   []byte
	start int
}

// name begins a parameter.
func (w *queryWriter) name(name, suffix string) {
	if len(w.dst) > w.start {
		w.dst = append(w.dst, '&')
	}
	w.escaped(name)
	w.escaped(suffix)
	w.dst = append(w.dst, '=')
}

// escaped appends form-encoded text.
func (w *queryWriter) escaped(text string) {
	from := len(w.dst)
	w.dst = escapeTail(append(w.dst, text...), from, true)
}

func (w *queryWriter) param(p *Param, s *Scope, style Style) error {
	if !p.value.nested() {
		return w.value(p.Name, p.value, s, style)
	}
	for _, item := range p.value.items {
		if err := w.value(p.Name, item, s, style); err != nil {
			return err
		}
	}
	return nil
}

// value appends a parameter for a literal or a text.
func (w *queryWriter) value(name string, v *Value, s *Scope, style Style) error {
	if v.text == nil {
		if v.plain != "" { // it isn't null
			w.name(name, "")
			w.escaped(v.plain)
		}
		return nil
	}
	if hole := v.text.single(); hole != nil {
		return w.operand(name, hole, hole.find(s), style)
	}
	mark := len(w.dst)
	w.name(name, "")
	from := len(w.dst)
	out, ok, _, err := v.text.append(w.dst, s, "in a query")
	if err != nil {
		return err
	}
	if w.dst = out[:mark]; ok {
		w.dst = escapeTail(out, from, true)
	}
	return nil
}

// operand appends a value; a list repeats the name.
func (w *queryWriter) operand(name string, p *Placeholder, o operand, style Style) error {
	if o.kind == ofKeys {
		return w.keys(name, o.keys, style)
	}
	return o.each(func(item operand) error {
		w.name(name, "")
		from := len(w.dst)
		out, err := p.appendText(w.dst, item, "in a query")
		if err == nil {
			w.dst = escapeTail(out, from, true)
		}
		return err
	})
}

func (w *queryWriter) keys(name string, keys []LookupKey, style Style) error {
	switch {
	case len(keys) == 0:
		return nil
	case style == Comma:
		w.name(name, "")
		var err error
		w.dst, err = appendKeyList(w.dst, keys, true)
		return err
	}
	suffix := ""
	if style == Brackets {
		suffix = "[]"
	}
	for i := range keys {
		w.name(name, suffix)
		w.escaped(keys[i].Text)
	}
	return nil
}
