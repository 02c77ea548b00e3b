package view

import (
	"fmt"
	"strconv"
	"strings"
)

// Pointer is a JSON Pointer (RFC 6901), read once and followed often. The zero Pointer is "", the whole value.
type Pointer struct {
	text  string
	steps []step
}

// step is one reference token.
type step struct {
	name  string
	index int // the element it means in an array; -1 when it can mean none
}

// ParsePointer reads a pointer such as "/data/items/0". The error quotes it and says what's wrong.
func ParsePointer(s string) (Pointer, error) {
	p := Pointer{text: s}
	if s == "" {
		return p, nil
	}
	if s[0] != '/' {
		return Pointer{}, fmt.Errorf(`JSON Pointer %q must be empty or start with "/"`, s)
	}
	for token := range strings.SplitSeq(s[1:], "/") {
		for i := range len(token) {
			if token[i] == '~' && (i+1 == len(token) || token[i+1] != '0' && token[i+1] != '1') {
				return Pointer{}, fmt.Errorf(`JSON Pointer %q has a "~" that is neither "~0" nor "~1"`, s)
			}
		}
		// In this order: "~01" is "~1" and not "/".
		name := strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		p.steps = append(p.steps, step{name: name, index: arrayIndex(token)})
	}
	return p, nil
}

// String is the pointer as it was written.
func (p Pointer) String() string { return p.text }

// At is the value that p leads to from v: absent when nothing is there.
func (v Value) At(p Pointer) Value {
	for _, s := range p.steps {
		switch v.Kind() {
		case KindObject:
			v = v.Get(s.name)
		case KindArray:
			v = v.Index(s.index)
		default:
			return Value{}
		}
	}
	return v
}

// arrayIndex reads a token as RFC 6901 writes an index: decimal digits without leading zeros. -1 means that it is none.
func arrayIndex(token string) int {
	if token == "" || token[0] == '+' || token[0] == '-' || token[0] == '0' && token != "0" {
		return -1
	}
	i, err := strconv.Atoi(token)
	if err != nil {
		return -1
	}
	return i
}

// MustPointer is ParsePointer for pointers that are known to be right, as in generated code. It panics otherwise.
func MustPointer(s string) Pointer {
	p, err := ParsePointer(s)
	if err != nil {
		panic(err)
	}
	return p
}
