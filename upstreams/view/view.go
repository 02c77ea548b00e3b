// Package view reads the JSON of services without decoding it.
//
// Parse walks a body once. It checks that it is JSON (RFC 8259, valid UTF-8, no lone surrogates, at most MaxDepth
// levels) and notes where each value starts and ends; nothing is copied. A Value is a position in that index: 16
// bytes, free to copy, safe for concurrent readers. A typed view is a defined type over Value, such as
// `type Product view.Value`, whose accessors name the property and the GraphQL type that it has to become.
//
// Values become GraphQL results by the coercion functions (String, Int, …), which follow graphql-js, or by their Append
// forms, which copy the service's bytes where those are already the answer. A value of the wrong type is an error of
// that one value: the document around it stays readable. The package does no I/O, so it has nothing that can be down.
package view

import (
	"bytes"
	"fmt"
	"math"
	"unicode/utf8"
)

// MaxDepth is how many arrays and objects may be open at once.
const MaxDepth = 128

// Document is a JSON text and the index of its values. The zero Document has no value: its Root is absent.
type Document struct {
	src   []byte
	nodes []node
}

// node is one value of the text. A container is followed by everything inside it, so that the tree needs no pointers.
type node struct {
	start, end  uint32 // the value's bytes
	key, keyLen uint32 // the member name's bytes, between its quotes; both 0 outside an object
	next        uint32 // the node after everything inside this one: the next sibling, if there is one
	meta        uint32 // kind, flags, and from countShift on the number of elements or members
}

const (
	kindMask   = 1<<3 - 1
	escaped    = 1 << 3 // the string has at least one escape sequence
	keyEscaped = 1 << 4 // the member name has
	countShift = 5
	maxCount   = math.MaxUint32 >> countShift
)

// SyntaxError says where a text stops being acceptable JSON.
type SyntaxError struct {
	// Offset is the number of bytes before the offending one.
	Offset int
	Msg    string
}

// Error has the message and the offset, and nothing of the text.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset) }

// Parse checks and indexes src, and keeps it: src must not change as long as the document or one of its values is in
// use. The error is a *SyntaxError.
func Parse(src []byte) (*Document, error) {
	d := new(Document)
	if err := ParseInto(d, src); err != nil {
		return nil, err
	}
	return d, nil
}

// ParseInto is Parse into a document that served before, whose memory it uses again. All values of the former text
// become invalid: do it only with documents that nobody else can still see. After an error d is empty.
func ParseInto(d *Document, src []byte) error {
	d.src, d.nodes = nil, d.nodes[:0]
	if uint64(len(src)) > math.MaxUint32 {
		return &SyntaxError{Offset: len(src), Msg: "text over 4 GiB"}
	}
	if cap(d.nodes) == 0 { // one that served before grows if it has to
		d.nodes = make([]node, 0, estimate(src))
	}
	s := scanner{src: src, nodes: d.nodes}
	err := s.document()
	if err != nil {
		d.nodes = s.nodes[:0]
		if !utf8.Valid(src) {
			return &SyntaxError{Offset: validUTF8(src), Msg: "invalid UTF-8"}
		}
		return err
	}
	d.src, d.nodes = src, s.nodes
	return nil
}

// Root is the whole text's value.
func (d *Document) Root() Value {
	if d == nil || len(d.nodes) == 0 {
		return Value{}
	}
	return Value{doc: d}
}

// estimate is how many values src seems to have: each but the first of all follows a comma or opens a container.
// Punctuation inside strings makes it too high, so it is bounded by one value per eight bytes; the index grows beyond.
func estimate(src []byte) int {
	n := 1 + bytes.Count(src, []byte{','}) + bytes.Count(src, []byte{'{'}) + bytes.Count(src, []byte{'['})
	return min(n, len(src)/8+8)
}

// Forget empties the document and keeps the memory of its index for the next ParseInto. All values of the text become
// invalid.
func (d *Document) Forget() { d.src, d.nodes = nil, d.nodes[:0] }

// Size is how many values the document has memory for.
func (d *Document) Size() int { return cap(d.nodes) }

// validUTF8 is the length of the valid beginning of src.
func validUTF8(src []byte) int {
	i := 0
	for i < len(src) {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		i += n
	}
	return i
}
