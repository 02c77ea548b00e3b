package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

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

// isList tells whether the value is a list.
func (o *operand) isList() bool {
	switch o.kind {
	case ofKeys:
		return true
	case ofView:
		return o.view.Kind() == view.KindArray
	}
	_, list := o.any.([]any)
	return list
}

// each calls do for a scalar, and for the items of a list of values that aren't null. It doesn't go into keys.
func (o operand) each(do func(operand) error) error {
	switch {
	case o.kind == absent || o.kind == null:
		return nil
	case o.kind == ofView && o.view.Kind() == view.KindArray:
		for _, item := range o.view.Elems() {
			if item.IsNull() {
				continue
			}
			if err := do(viewOperand(item)); err != nil {
				return err
			}
		}
		return nil
	}
	items, list := o.any.([]any)
	if !list {
		return do(o)
	}
	for _, item := range items {
		if item == nil {
			continue
		}
		if err := do(goOperand(item)); err != nil {
			return err
		}
	}
	return nil
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
			if err := checkListed(key); err != nil {
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
		if !isNumber(string(v)) {
			return dst, p.refuse("must be a number")
		}
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
	return &fail.Error{Kind: fail.Internal, Op: "expand " + p.name(), Err: fmt.Errorf("no argument has the type %T", v)}
}

// appendViewText appends a scalar of a service's JSON. A string without escapes is copied.
func appendViewText(dst []byte, v view.Value) ([]byte, error) {
	raw := v.Raw()
	if v.Kind() != view.KindString {
		return append(dst, raw...), nil
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		s, err := view.String(v)
		return append(dst, s...), err
	}
	return append(dst, raw[1:len(raw)-1]...), nil
}
