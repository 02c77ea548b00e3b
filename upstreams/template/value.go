package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// Value is any literal with templates inside: a JSON body, or a parameter of a query. It is a constant, a text, a list or
// an object; with no field set it is an empty list.
type Value struct {
	json   []byte // a literal's JSON
	plain  string // the same as a query has it; empty for null
	text   *Text
	items  []*Value // of a list
	object []member // not nil for an object, even an empty one
}

// member is one of an object.
type member struct {
	name  string
	value *Value
}

// NewValue reads a literal of a directive.
func NewValue(v *ast.Value) (*Value, error) {
	switch v.Kind {
	case ast.Variable:
		return nil, fmt.Errorf(`$%s: a directive of a schema has no variables; write "{%s}"`, v.Raw, v.Raw)
	case ast.StringValue, ast.BlockValue:
		text, err := Parse(v.Raw)
		if err != nil {
			return nil, err
		}
		return &Value{text: text}, nil
	case ast.EnumValue:
		return &Value{json: appendQuoted(nil, v.Raw), plain: v.Raw}, nil
	case ast.NullValue:
		return &Value{json: []byte("null")}, nil
	case ast.ListValue:
		out := new(Value)
		for _, child := range v.Children {
			item, err := NewValue(child.Value)
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
		return out, nil
	case ast.ObjectValue:
		out := &Value{object: make([]member, 0, len(v.Children))}
		for _, child := range v.Children {
			value, err := NewValue(child.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", child.Name, err)
			}
			out.object = append(out.object, member{name: child.Name, value: value})
		}
		return out, nil
	default:
		return &Value{json: []byte(v.Raw), plain: v.Raw}, nil
	}
}

// nested tells whether the value is a list or an object.
func (v *Value) nested() bool { return v.json == nil && v.text == nil }

// Placeholders lists the placeholders in the order they are written.
func (v *Value) Placeholders() []Placeholder {
	if v.text != nil {
		return v.text.Placeholders()
	}
	var all []Placeholder
	for _, item := range v.items {
		all = append(all, item.Placeholders()...)
	}
	for i := range v.object {
		all = append(all, v.object[i].value.Placeholders()...)
	}
	return all
}

// AppendJSON appends the value as JSON. A text that is one placeholder and nothing else keeps its value's type; null
// stays null; what is absent is left out of an object and null in a list. It is false, and nothing is appended, when
// the whole value is absent.
func (v *Value) AppendJSON(dst []byte, s *Scope, as KeyAs) ([]byte, bool, error) {
	switch {
	case v.json != nil:
		return append(dst, v.json...), true, nil
	case v.text != nil:
		return v.text.appendJSON(dst, s, as)
	case v.object != nil:
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
	start := len(dst)
	for i := range v.object {
		m := &v.object[i]
		mark := len(dst)
		if mark > start {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, m.name), ':')
		out, ok, err := m.value.AppendJSON(dst, s, as)
		if err != nil {
			return dst, false, err
		}
		if dst = out; !ok {
			dst = dst[:mark]
		}
	}
	return append(dst, '}'), true, nil
}

// appendJSON appends one placeholder's value with its type, or a text with all of its values.
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
		dst, err = appendKey(dst, o.key, as)
	case ofKeys:
		dst = append(dst, '[')
		for i := 0; i < len(o.keys) && err == nil; i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, err = appendKey(dst, o.keys[i], as)
		}
		dst = append(dst, ']')
	}
	return dst, err == nil, err
}

// Members calls add for the members of an object that are there: with the argument itself where a member is one
// placeholder of an argument, files too, and else with JSON, as a json.RawMessage. Null is nil.
func (v *Value) Members(s *Scope, add func(name string, value any)) error {
	for i := range v.object {
		m := &v.object[i]
		if m.value.text != nil {
			if hole := m.value.text.single(); hole != nil && hole.Root == Arg {
				switch o := hole.find(s); o.kind {
				case null:
					add(m.name, nil)
				case ofGo:
					add(m.name, o.any)
				}
				continue
			}
		}
		text, ok, err := m.value.AppendJSON(nil, s, AsIs)
		if err != nil {
			return err
		}
		switch {
		case !ok:
		case string(text) == "null":
			add(m.name, nil)
		default:
			add(m.name, json.RawMessage(text))
		}
	}
	return nil
}

// AppendArgs appends an object of the arguments with these names, those that were given.
func AppendArgs(dst []byte, s *Scope, names []string) ([]byte, error) {
	dst = append(dst, '{')
	start := len(dst)
	for i, name := range names {
		value, ok := s.Args[name]
		if !ok {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, name), ':')
		p := Placeholder{Root: Arg, Path: names[i : i+1]}
		var err error
		if dst, err = p.appendGo(dst, value); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// AppendArg appends one argument as JSON, and is false when it wasn't given.
func AppendArg(dst []byte, s *Scope, name string) ([]byte, bool, error) {
	p := Placeholder{Root: Arg, Path: []string{name}}
	return p.appendJSON(dst, s, AsIs)
}

// appendGo appends an argument as JSON. Members are sorted, so that the same argument is the same body.
func (p *Placeholder) appendGo(dst []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return appendQuoted(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, p.refuse("must be a finite number")
		}
		return appendFloat(dst, v), nil
	case json.Number:
		if !isNumber(string(v)) {
			return dst, p.refuse("must be a number")
		}
		return append(dst, v...), nil
	case []any:
		dst = append(dst, '[')
		for i := 0; i < len(v) && err == nil; i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, err = p.appendGo(dst, v[i])
		}
		return append(dst, ']'), err
	case map[string]any:
		dst = append(dst, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, name), ':')
			if dst, err = p.appendGo(dst, v[name]); err != nil {
				break
			}
		}
		return append(dst, '}'), err
	default:
		return dst, p.unknown(v)
	}
}
