package template

import (
	"fmt"
	"sort"

	"github.com/vektah/gqlparser/v2/ast"
)

// Value is any literal with templates inside: a JSON body, or a parameter of a query.
type Value struct {
	literal []byte // JSON, when there is nothing to fill in
	text    *Text
	names   []string // of an object's members
	items   []*Value // of an object or a list
	object  bool
}

// NewValue reads a literal of a directive.
func NewValue(v *ast.Value) (*Value, error) {
	switch v.Kind {
	case ast.Variable:
		return nil, fmt.Errorf("$%s: a directive of a schema has no variables; write {%s}", v.Raw, v.Raw)
	case ast.StringValue, ast.BlockValue:
		text, err := Parse(v.Raw)
		if err != nil {
			return nil, err
		}
		return &Value{text: text}, nil
	case ast.EnumValue:
		return &Value{literal: appendQuoted(nil, v.Raw)}, nil
	case ast.NullValue:
		return &Value{literal: []byte("null")}, nil
	case ast.ListValue, ast.ObjectValue:
		out := &Value{object: v.Kind == ast.ObjectValue}
		for _, child := range v.Children {
			item, err := NewValue(child.Value)
			if err != nil {
				return nil, err
			}
			out.names = append(out.names, child.Name)
			out.items = append(out.items, item)
		}
		return out, nil
	default:
		return &Value{literal: []byte(v.Raw)}, nil
	}
}

// Placeholders lists the placeholders in the order they are written.
func (v *Value) Placeholders() []Placeholder {
	if v.text != nil {
		return v.text.Placeholders()
	}
	var all []Placeholder
	for _, item := range v.items {
		all = append(all, item.Placeholders()...)
	}
	return all
}

// AppendJSON appends the value as JSON. A text that is one placeholder and nothing else keeps its value's type; null
// stays null; what is absent is left out of an object and null in a list. It is false, and nothing is appended, when
// the whole value is absent.
func (v *Value) AppendJSON(dst []byte, s *Scope, as KeyAs) ([]byte, bool, error) {
	switch {
	case v.literal != nil:
		return append(dst, v.literal...), true, nil
	case v.text != nil:
		return v.text.appendJSON(dst, s, as)
	case v.object:
		return v.appendObject(dst, s, as)
	}
	dst = append(dst, '[')
	for i, item := range v.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		out, ok, err := item.AppendJSON(dst, s, as)
		if err != nil {
			return dst, false, err
		}
		if dst = out; !ok {
			dst = append(dst, "null"...)
		}
	}
	return append(dst, ']'), true, nil
}

func (v *Value) appendObject(dst []byte, s *Scope, as KeyAs) ([]byte, bool, error) {
	dst = append(dst, '{')
	first := true
	for i, item := range v.items {
		mark := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, v.names[i]), ':')
		out, ok, err := item.AppendJSON(dst, s, as)
		if err != nil {
			return dst, false, err
		}
		if dst = out; !ok {
			dst = dst[:mark]
			continue
		}
		first = false
	}
	return append(dst, '}'), true, nil
}

func (t *Text) appendJSON(dst []byte, s *Scope, as KeyAs) ([]byte, bool, error) {
	if hole := t.single(); hole != nil {
		return hole.appendJSON(dst, s, as)
	}
	text, ok, isNull, err := t.append(nil, s, "in a text")
	switch {
	case err != nil:
		return dst, false, err
	case ok:
		return appendQuoted(dst, string(text)), true, nil
	case isNull:
		return append(dst, "null"...), true, nil
	default:
		return dst, false, nil
	}
}

func (p *Placeholder) appendJSON(dst []byte, s *Scope, as KeyAs) ([]byte, bool, error) {
	o := p.find(s)
	var err error
	switch o.kind {
	case absent:
		return dst, false, nil
	case null:
		dst = append(dst, "null"...)
	case ofText:
		dst = appendQuoted(dst, o.text)
	case ofView:
		dst = append(dst, o.view.Raw()...)
	case ofGo:
		dst, err = p.appendGo(dst, o.any)
	case ofKey:
		dst, err = p.appendKey(dst, o.key, as)
	case ofKeys:
		dst = append(dst, '[')
		for i, key := range o.keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = p.appendKey(dst, key, as); err != nil {
				break
			}
		}
		dst = append(dst, ']')
	}
	return dst, err == nil, err
}

// AppendArgs appends an object of the arguments with these names, those that were given.
func AppendArgs(dst []byte, s *Scope, names []string) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	sorted := append([]string(nil), names...)
	sort.Strings(sorted)
	for _, name := range sorted {
		value, ok := s.Args[name]
		if !ok {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendQuoted(dst, name), ':')
		var err error
		if dst, err = argument(name).appendGo(dst, value); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// AppendArg appends one argument as JSON, and is false when it wasn't given.
func AppendArg(dst []byte, s *Scope, name string) ([]byte, bool, error) {
	value, ok := s.Args[name]
	if !ok {
		return dst, false, nil
	}
	out, err := argument(name).appendGo(dst, value)
	return out, err == nil, err
}

func argument(name string) *Placeholder {
	return &Placeholder{Root: Arg, Path: []string{name}, Text: "{" + name + "}"}
}
