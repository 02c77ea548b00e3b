package template

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// LookupKey is a key by which something is fetched. Two keys are the same when their texts are, as GraphQL IDs are:
// 1 and "1" are one key.
type LookupKey struct {
	Text string
	// Number tells that it was a number where it came from; with KeyAs AsIs it becomes one again.
	Number bool
}

// KeyOf makes a key of a service's value: a string or a whole number. The error is one for the client.
func KeyOf(v view.Value) (LookupKey, error) {
	text, err := view.ID(v)
	return LookupKey{Text: text, Number: v.Kind() == view.KindNumber}, err
}

// KeyAs is how a key is written in a JSON body.
type KeyAs uint8

// The ways to write a key.
const (
	AsIs KeyAs = iota
	AsString
	AsNumber
)

// Style is how a list of keys is written in a query.
type Style uint8

// The styles.
const (
	Repeat   Style = iota // id=1&id=2
	Comma                 // id=1,2
	Brackets              // id[]=1&id[]=2
)

// Keys gives the keys that a text stands for: none when a value is null or absent, several when it is one placeholder
// that holds a list. list tells the last case; nulls in such a list are left out.
func (t *Text) Keys(s *Scope) (keys []LookupKey, list bool, err error) {
	hole := t.single()
	if hole == nil {
		text, ok, err := t.Append(nil, s)
		if err != nil || !ok {
			return nil, false, err
		}
		return []LookupKey{{Text: string(text)}}, false, nil
	}
	o := hole.find(s)
	switch {
	case o.kind == absent || o.kind == null:
		return nil, false, nil
	case o.kind == ofKeys:
		return o.keys, true, nil
	case o.kind == ofView && o.view.Kind() == view.KindArray:
		for _, item := range o.view.Elems() {
			if item.IsNull() {
				continue
			}
			key, err := KeyOf(item)
			if err != nil {
				return nil, true, err
			}
			keys = append(keys, key)
		}
		return keys, true, nil
	}
	if items, ok := o.any.([]any); ok && o.kind == ofGo {
		for _, item := range items {
			if item == nil {
				continue
			}
			key, err := hole.key(goOperand(item))
			if err != nil {
				return nil, true, err
			}
			keys = append(keys, key)
		}
		return keys, true, nil
	}
	key, err := hole.key(o)
	if err != nil {
		return nil, false, err
	}
	return []LookupKey{key}, false, nil
}

// key makes a key of a scalar.
func (p *Placeholder) key(o operand) (LookupKey, error) {
	switch o.kind {
	case ofKey:
		return o.key, nil
	case ofView:
		return KeyOf(o.view)
	}
	text, err := p.appendText(nil, o, "as a key")
	if err != nil {
		return LookupKey{}, err
	}
	_, isText := o.any.(string)
	_, isBool := o.any.(bool)
	return LookupKey{Text: string(text), Number: o.kind == ofGo && !isText && !isBool}, nil
}

// appendKey appends a key to a JSON body.
func (p *Placeholder) appendKey(dst []byte, key LookupKey, as KeyAs) ([]byte, error) {
	switch {
	case as == AsNumber && !isNumber(key.Text):
		return dst, fail.Newf(fail.BadInput, "The key %s must be a number.", strconv.Quote(key.Text))
	case as == AsNumber, as == AsIs && key.Number:
		return append(dst, key.Text...), nil
	default:
		return appendQuoted(dst, key.Text), nil
	}
}

// checkComma refuses a key that would be two in a list separated by commas.
func (p *Placeholder) checkComma(key LookupKey) error {
	if strings.Contains(key.Text, ",") {
		return fail.Newf(fail.BadInput, "The key %s can't have a comma.", strconv.Quote(key.Text))
	}
	return nil
}

func unknownType(v any) error { return fmt.Errorf("no argument has the type %T", v) }

// appendGo appends a coerced argument as JSON.
func (p *Placeholder) appendGo(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendQuoted(dst, v), nil
	case json.Number:
		if !isNumber(string(v)) {
			return dst, p.refuse("must be a number")
		}
		return append(dst, v...), nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		e := fail.New(fail.Internal, "")
		e.Op, e.Err = "expand "+p.Text, err
		return dst, e
	}
	return append(dst, text...), nil
}
