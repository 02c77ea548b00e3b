package template

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Scope is what placeholders are looked up in. The zero Scope has nothing in it. Expanding only reads it.
type Scope struct {
	// Args are the field's coerced arguments: nil, bool, int64, float64, json.Number, string, []any and
	// map[string]any. A name that isn't there was not given, which is not the same as null.
	Args map[string]any
	// This is the parent's JSON.
	This view.Value
	// Key and Keys are the key of a single fetch and the keys of a batch.
	Key  LookupKey
	Keys []LookupKey
	// Header gives a header of the client's request, "" for none. May be nil.
	Header func(name string) string
	// Claim gives a claim of the authenticated caller, the zero Value for none. May be nil.
	Claim func(path []string) view.Value
	// ClientID names the authenticated client, "" for none.
	ClientID string
}

// operand is a value found in a Scope, in the form in which it was found.
type operand struct {
	kind operandKind
	text string     // ofText
	any  any        // ofGo
	view view.Value // ofView
	key  LookupKey  // ofKey
	keys []LookupKey
}

type operandKind uint8

const (
	absent operandKind = iota
	null
	ofText
	ofGo
	ofView
	ofKey
	ofKeys
)

func goOperand(v any) operand {
	if v == nil {
		return operand{kind: null}
	}
	return operand{kind: ofGo, any: v}
}

func viewOperand(v view.Value) operand {
	switch v.Kind() {
	case view.KindAbsent:
		return operand{}
	case view.KindNull:
		return operand{kind: null}
	default:
		return operand{kind: ofView, view: v}
	}
}

func textOperand(s string) operand {
	if s == "" {
		return operand{}
	}
	return operand{kind: ofText, text: s}
}

// find looks the placeholder up.
func (p *Placeholder) find(s *Scope) operand {
	switch p.Root {
	case Arg:
		return findArg(s.Args, p.Path)
	case This:
		return findView(s.This, p.Path)
	case Key:
		return operand{kind: ofKey, key: s.Key}
	case Keys:
		return operand{kind: ofKeys, keys: s.Keys}
	case Header:
		if s.Header != nil {
			return textOperand(s.Header(p.Path[0]))
		}
	case Claim:
		if s.Claim != nil {
			return viewOperand(s.Claim(p.Path))
		}
	case Client:
		return textOperand(s.ClientID)
	}
	return operand{}
}

func findArg(args map[string]any, path []string) operand {
	value, ok := args[path[0]]
	for _, name := range path[1:] {
		switch in := value.(type) {
		case map[string]any:
			value, ok = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if ok = err == nil && i >= 0 && i < len(in); ok {
				value = in[i]
			}
		default:
			ok = false
		}
		if !ok {
			break
		}
	}
	if !ok {
		return operand{}
	}
	return goOperand(value)
}

func findView(value view.Value, path []string) operand {
	for _, name := range path {
		if value.Kind() != view.KindArray {
			value = value.Get(name)
			continue
		}
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= value.Len() {
			return operand{}
		}
		value = value.Index(i)
	}
	return viewOperand(value)
}

// refuse is the failure for a value that can't be used where its placeholder stands.
func (p *Placeholder) refuse(why string) error {
	return fail.Newf(fail.BadInput, "The value of %s %s.", p.Text, why)
}

// appendText appends a scalar as plain text. The operand must be there: neither absent nor null. Keys are joined
// by commas. place is for the error: "in a path".
func (p *Placeholder) appendText(dst []byte, o operand, place string) ([]byte, error) {
	switch o.kind {
	case ofText:
		return append(dst, o.text...), nil
	case ofKey:
		return append(dst, o.key.Text...), nil
	case ofKeys:
		for i, key := range o.keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			if err := p.checkComma(key); err != nil {
				return dst, err
			}
			dst = append(dst, key.Text...)
		}
		return dst, nil
	case ofView:
		switch o.view.Kind() {
		case view.KindObject:
			return dst, p.refuse("can't be an object " + place)
		case view.KindArray:
			return dst, p.refuse("can't be a list " + place)
		default:
			return appendViewText(dst, o.view)
		}
	}
	switch v := o.any.(type) {
	case string:
		return append(dst, v...), nil
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
		return append(dst, v...), nil
	case map[string]any:
		return dst, p.refuse("can't be an object " + place)
	case []any:
		return dst, p.refuse("can't be a list " + place)
	default:
		return dst, p.unknown(v)
	}
}

// unknown is the failure for a Go value that no coerced argument has: a mistake of ours.
func (p *Placeholder) unknown(v any) error {
	e := fail.New(fail.Internal, "")
	e.Op = "expand " + p.Text
	e.Err = unknownType(v)
	return e
}

// appendViewText appends a scalar of a service's JSON. A string without escapes is copied.
func appendViewText(dst []byte, v view.Value) ([]byte, error) {
	raw := v.Raw()
	if v.Kind() != view.KindString {
		return append(dst, raw...), nil
	}
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' {
			s, err := view.String(v)
			return append(dst, s...), err
		}
	}
	return append(dst, inner...), nil
}

// append appends the whole text without any encoding. It is false, and nothing is appended, when a placeholder's
// value is null or absent; null tells which of the two.
func (t *Text) append(dst []byte, s *Scope, place string) (out []byte, ok, isNull bool, err error) {
	start := len(dst)
	for i := range t.parts {
		hole := t.parts[i].hole
		if hole == nil {
			dst = append(dst, t.parts[i].literal...)
			continue
		}
		o := hole.find(s)
		if o.kind == absent || o.kind == null {
			return dst[:start], false, o.kind == null, nil
		}
		if dst, err = hole.appendText(dst, o, place); err != nil {
			return dst[:start], false, false, err
		}
	}
	return dst, true, false, nil
}

// Append appends the text with its values and without any encoding. It is false, and appends nothing, when a value
// is null or absent. A list or an object is refused with fail.BadInput.
func (t *Text) Append(dst []byte, s *Scope) ([]byte, bool, error) {
	out, ok, _, err := t.append(dst, s, "in a text")
	return out, ok, err
}
