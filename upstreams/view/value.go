package view

import (
	"encoding/json"
	"iter"
)

// Kind is what a value is.
type Kind uint8

// The kinds. They carry their type's name because String and Bool are coercions.
const (
	// KindAbsent is the kind of a value that isn't there, such as a property that an object doesn't have.
	KindAbsent Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

var kindNames = [...]string{"absent", "null", "bool", "number", "string", "array", "object"}

// String is the kind's name in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Value is a JSON value inside a Document. The zero Value is absent.
type Value struct {
	doc  *Document
	node uint32
}

func (v Value) at() *node { return &v.doc.nodes[v.node] }

// Kind says what the value is.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return KindAbsent
	}
	return Kind(v.at().meta & kindMask)
}

// IsNull reports whether there is nothing to see: the value is null or absent.
func (v Value) IsNull() bool { return v.Kind() <= KindNull }

// Ordinal numbers the values of a document in the order of the text. It is 0 for the root, and for an absent value.
func (v Value) Ordinal() int { return int(v.node) }

// Raw is the value as the service wrote it: a part of the source, to be read only. It is nil for an absent value.
func (v Value) Raw() []byte {
	if v.doc == nil {
		return nil
	}
	n := v.at()
	return v.doc.src[n.start:n.end:n.end]
}

// Len is the number of elements or members, repeated names included, and 0 for everything but arrays and objects.
func (v Value) Len() int {
	if v.doc == nil {
		return 0
	}
	return int(v.at().meta >> countShift)
}

// Get is the object's member of this name, the last one when the name is repeated (as in encoding/json). It is absent
// when there is none or v isn't an object. The cost is linear in the number of members.
func (v Value) Get(name string) Value {
	if v.Kind() != KindObject {
		return Value{}
	}
	var found Value
	nodes, src := v.doc.nodes, v.doc.src
	for i, end := v.node+1, nodes[v.node].next; i < end; {
		n := &nodes[i]
		if n.meta&keyEscaped != 0 {
			if n.name(src) == name {
				found = Value{v.doc, i}
			}
		} else if int(n.keyLen) == len(name) && string(src[n.key:n.key+n.keyLen]) == name {
			found = Value{v.doc, i}
		}
		i = n.next
	}
	return found
}

// name is the member name of a node inside an object.
func (n *node) name(src []byte) string {
	raw := src[n.key : n.key+n.keyLen]
	if n.meta&keyEscaped == 0 {
		return string(raw)
	}
	return string(unescape(make([]byte, 0, len(raw)), raw))
}

// Index is the array's element at i, absent when there is none or v isn't an array. The cost is linear in i: use Elems
// to see them all.
func (v Value) Index(i int) Value {
	if v.Kind() != KindArray || i < 0 || i >= v.Len() {
		return Value{}
	}
	at := v.node + 1
	for ; i > 0; i-- {
		at = v.doc.nodes[at].next
	}
	return Value{v.doc, at}
}

// Elems yields the elements of an array, and nothing for other values.
func (v Value) Elems() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if v.Kind() != KindArray {
			return
		}
		at := v.node + 1
		for i := range v.Len() {
			if !yield(i, Value{v.doc, at}) {
				return
			}
			at = v.doc.nodes[at].next
		}
	}
}

// Members yields the members of an object in the order of the text, and nothing for other values. A repeated name comes
// repeatedly: who stores them in a map ends with the last, as Get does.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != KindObject {
			return
		}
		at := v.node + 1
		for range v.Len() {
			n := &v.doc.nodes[at]
			if !yield(n.name(v.doc.src), Value{v.doc, at}) {
				return
			}
			at = n.next
		}
	}
}

// Any decodes the value: nil, bool, json.Number, string, []any or map[string]any. Absent is nil too.
func (v Value) Any() any {
	switch v.Kind() {
	case KindBool:
		return v.isTrue()
	case KindNumber:
		return json.Number(v.Raw())
	case KindString:
		return v.text()
	case KindArray:
		list := make([]any, 0, v.Len())
		for _, e := range v.Elems() {
			list = append(list, e.Any())
		}
		return list
	case KindObject:
		object := make(map[string]any, v.Len())
		for name, m := range v.Members() {
			object[name] = m.Any()
		}
		return object
	default:
		return nil
	}
}

// isTrue tells true from false. v must be a bool.
func (v Value) isTrue() bool { return v.doc.src[v.at().start] == 't' }
