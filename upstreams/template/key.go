package template

import (
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
	AsIs     KeyAs = iota // as the service sent it, or as the client wrote it
	AsString              // "1"
	AsNumber              // 1; a key that is no number is refused with fail.BadInput
)

// Style is how a list of keys is written in a query.
type Style uint8

// The styles.
const (
	Repeat   Style = iota // id=1&id=2
	Comma                 // id=1,2; a key that is empty or has a comma is refused with fail.BadInput
	Brackets              // id[]=1&id[]=2, with the brackets percent-encoded
)

// AppendKeys appends the places that the keys which a text stands for have in ring, where new ones are added: none when a
// value is null or absent, several when it is one placeholder that holds a list. list tells the last case; nulls in such
// a list are left out.
func (t *Text) AppendKeys(dst []int32, s *Scope, ring *Keyring) (places []int32, list bool, err error) {
	hole := t.single()
	if hole == nil {
		text, ok, err := t.Append(nil, s)
		if err == nil && ok {
			dst = append(dst, ring.Add(LookupKey{Text: string(text)}))
		}
		return dst, false, err
	}
	o := hole.find(s)
	switch {
	case o.kind == ofKeys:
		for _, key := range o.keys {
			dst = append(dst, ring.Add(key))
		}
		return dst, true, nil
	case o.kind == ofView && o.view.Kind() != view.KindArray:
		place, err := ring.AddValue(o.view)
		if err == nil {
			dst = append(dst, place)
		}
		return dst, false, err
	}
	start, known := len(dst), ring.Len()
	err = o.each(func(item operand) error {
		key, err := hole.key(item)
		if err == nil {
			dst = append(dst, ring.Add(key))
		}
		return err
	})
	if err != nil {
		ring.Cut(known)
		dst = dst[:start]
	}
	return dst, o.isList(), err
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
	return LookupKey{Text: string(text), Number: o.kind == ofGo && !isText && isNumber(string(text))}, nil
}

// appendKey appends a key to a JSON body.
func appendKey(dst []byte, key LookupKey, as KeyAs) ([]byte, error) {
	number := (as == AsNumber || as == AsIs && key.Number) && isNumber(key.Text)
	switch {
	case number:
		return append(dst, key.Text...), nil
	case as == AsNumber:
		return dst, fail.Newf(fail.BadInput, "The key %s must be a number.", strconv.Quote(key.Text))
	default:
		return appendQuoted(dst, key.Text), nil
	}
}

// appendKeyList appends keys with commas between them, percent-encoded for a path or, with form set, for a query. A key
// that would be read as two, or none, would give the following keys each other's answers; it is refused.
func appendKeyList(dst []byte, keys []LookupKey, form bool) ([]byte, error) {
	for i, key := range keys {
		if err := checkListed(key); err != nil {
			return dst, err
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		from := len(dst)
		dst = escapeTail(append(dst, key.Text...), from, form)
	}
	return dst, nil
}

// checkListed refuses a key that can't stand between commas.
func checkListed(key LookupKey) error {
	if key.Text == "" || strings.Contains(key.Text, ",") {
		return fail.Newf(fail.BadInput, "The key %s can't stand in a list with commas.", strconv.Quote(key.Text))
	}
	return nil
}
