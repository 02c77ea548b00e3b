package template

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/view"
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
			if item.items != nil || item.object {
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
	for _, name := range names {
		p := argument(name)
		if err := w.operand(name, p, p.find(s), Repeat); err != nil {
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

func (w *queryWriter) name(name, suffix string) {
	if len(w.dst) > w.start {
		w.dst = append(w.dst, '&')
	}
	from := len(w.dst)
	w.dst = escapeTail(append(append(w.dst, name...), suffix...), from, true)
	w.dst = append(w.dst, '=')
}

func (w *queryWriter) text(name, suffix string, p *Placeholder, o operand) error {
	w.name(name, suffix)
	from := len(w.dst)
	out, err := p.appendText(w.dst, o, "in a query")
	if err != nil {
		return err
	}
	w.dst = escapeTail(out, from, true)
	return nil
}

func (w *queryWriter) param(p *Param, s *Scope, style Style) error {
	if p.value.text != nil || p.value.literal != nil {
		return w.value(p.Name, p.value, s, style)
	}
	for _, item := range p.value.items {
		if err := w.value(p.Name, item, s, style); err != nil {
			return err
		}
	}
	return nil
}

func (w *queryWriter) value(name string, v *Value, s *Scope, style Style) error {
	if v.literal != nil {
		if literal := strings.Trim(string(v.literal), `"`); literal != "null" {
			w.name(name, "")
			from := len(w.dst)
			w.dst = escapeTail(append(w.dst, literal...), from, true)
		}
		return nil
	}
	if hole := v.text.single(); hole != nil {
		return w.operand(name, hole, hole.find(s), style)
	}
	text, ok, err := v.text.Append(nil, s)
	if err == nil && ok {
		w.name(name, "")
		from := len(w.dst)
		w.dst = escapeTail(append(w.dst, text...), from, true)
	}
	return err
}

// operand appends a value; a list repeats the name.
func (w *queryWriter) operand(name string, p *Placeholder, o operand, style Style) error {
	switch {
	case o.kind == absent || o.kind == null:
		return nil
	case o.kind == ofKeys:
		return w.keys(name, p, o.keys, style)
	case o.kind == ofView && o.view.Kind() == view.KindArray:
		for _, item := range o.view.Elems() {
			if item.IsNull() {
				continue
			}
			if err := w.text(name, "", p, viewOperand(item)); err != nil {
				return err
			}
		}
		return nil
	}
	if items, ok := o.any.([]any); ok && o.kind == ofGo {
		for _, item := range items {
			if item == nil {
				continue
			}
			if err := w.text(name, "", p, goOperand(item)); err != nil {
				return err
			}
		}
		return nil
	}
	return w.text(name, "", p, o)
}

func (w *queryWriter) keys(name string, p *Placeholder, keys []LookupKey, style Style) error {
	suffix := ""
	if style == Brackets {
		suffix = "[]"
	}
	if style == Comma {
		w.name(name, "")
	}
	for i, key := range keys {
		switch {
		case style != Comma:
			w.name(name, suffix)
		case i > 0:
			w.dst = append(w.dst, ',')
			fallthrough
		default:
			if err := p.checkComma(key); err != nil {
				return err
			}
		}
		from := len(w.dst)
		w.dst = escapeTail(append(w.dst, key.Text...), from, true)
	}
	return nil
}

// Headers are the templates of a request's headers.
type Headers []HeaderText

// HeaderText is one header.
type HeaderText struct {
	Name string
	text *Text
}

// NewHeaders reads the object literal of a directive's headers. GraphQL's names have no hyphens, so an underscore
// stands for one: X_Tenant is X-Tenant.
func NewHeaders(v *ast.Value) (Headers, error) {
	if v.Kind != ast.ObjectValue {
		return nil, fmt.Errorf(`it must be an object of headers, such as {Prefer: "return=minimal"}`)
	}
	var h Headers
	for _, child := range v.Children {
		if !isToken(child.Name) {
			return nil, fmt.Errorf("%q can't be the name of a header", child.Name)
		}
		if child.Value.Kind != ast.StringValue && child.Value.Kind != ast.BlockValue {
			return nil, fmt.Errorf("%s: a header's value is a text; write it in quotes", child.Name)
		}
		text, err := Parse(child.Value.Raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", child.Name, err)
		}
		if strings.ContainsFunc(child.Value.Raw, isControl) {
			return nil, fmt.Errorf("%s: a header can't have control characters", child.Name)
		}
		h = append(h, HeaderText{Name: strings.ReplaceAll(child.Name, "_", "-"), text: text})
	}
	return h, nil
}

// Placeholders lists the placeholders in the order they are written.
func (h Headers) Placeholders() []Placeholder {
	var all []Placeholder
	for i := range h {
		all = append(all, h[i].text.Placeholders()...)
	}
	return all
}

// Expand calls set for each header whose values are there. A value with control characters is refused.
func (h Headers) Expand(s *Scope, set func(name, value string)) error {
	for i := range h {
		text, ok, err := h[i].text.Append(nil, s)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if strings.ContainsFunc(string(text), isControl) {
			return h[i].text.Placeholders()[0].refuse("can't have control characters in a header")
		}
		set(h[i].Name, string(text))
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
