package template

import (
	"strconv"
	"strings"

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
	return fail.Newf(fail.BadInput, "The value of %s %s.", p.name(), why)
}

// name is the placeholder as written, also of one that stands for an argument that nobody wrote a template for.
func (p *Placeholder) name() string {
	if p.Text != "" {
		return p.Text
	}
	return "{" + strings.Join(p.Path, ".") + "}"
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
