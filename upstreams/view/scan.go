package view

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// scanner fills an index in one pass over src.
type scanner struct {
	src   []byte
	nodes []node
}

// document scans a value with nothing but white space around it. It holds the open containers on a stack of its own, so
// that a text can't make it recurse. It's a machine of four states, each entered with i at the next character: value
// (one is due), member (a name is due), after (a value has ended) and closing (at the bracket of an open container).
func (s *scanner) document() error {
	var (
		open  [MaxDepth]uint32 // the nodes of the open containers
		depth int
		due   node // the value that comes next, as far as it is known: first its name, then its kind and end
		err   error
	)
	src := s.src
	i := s.space(0)

value:
	if i >= len(src) {
		return s.unexpected(i, "value")
	}
	due.start = uint32(i)
	switch c := src[i]; c {
	case '"':
		var flags uint32
		if i, flags, err = s.text(i + 1); err != nil {
			return err
		}
		due.meta |= uint32(KindString) | flags
	case '{', '[':
		if depth == MaxDepth {
			return &SyntaxError{Offset: i, Msg: "nesting too deep"}
		}
		open[depth] = uint32(len(s.nodes))
		depth++
		i = s.space(i + 1)
		if c == '[' {
			due.meta |= uint32(KindArray)
			s.nodes = append(s.nodes, due)
			due = node{}
			if i < len(src) && src[i] == ']' {
				goto closing
			}
			goto value
		}
		due.meta |= uint32(KindObject)
		s.nodes = append(s.nodes, due)
		if i < len(src) && src[i] == '}' {
			goto closing
		}
		goto member
	case 't':
		i, err = s.word(i, "true")
		due.meta |= uint32(KindBool)
	case 'f':
		i, err = s.word(i, "false")
		due.meta |= uint32(KindBool)
	case 'n':
		i, err = s.word(i, "null")
		due.meta |= uint32(KindNull)
	default:
		i, err = s.number(i)
		due.meta |= uint32(KindNumber)
	}
	if err != nil {
		return err
	}
	due.end = uint32(i)
	due.next = uint32(len(s.nodes)) + 1
	s.nodes = append(s.nodes, due)

after:
	i = s.space(i)
	if depth == 0 {
		if i < len(src) {
			return s.unexpected(i, "end of text")
		}
		return nil
	}
	{
		parent := &s.nodes[open[depth-1]]
		if parent.meta>>countShift == maxCount {
			return &SyntaxError{Offset: i, Msg: "too many values"}
		}
		parent.meta += 1 << countShift
		object := parent.meta&kindMask == uint32(KindObject)
		if i < len(src) {
			switch c := src[i]; {
			case c == ',':
				i = s.space(i + 1)
				if object {
					goto member
				}
				due = node{}
				goto value
			case c == '}' && object, c == ']' && !object:
				goto closing
			}
		}
		if object {
			return s.unexpected(i, "',' or '}'")
		}
		return s.unexpected(i, "',' or ']'")
	}

member:
	if i >= len(src) || src[i] != '"' {
		return s.unexpected(i, "member name")
	}
	due = node{key: uint32(i + 1)}
	{
		var flags uint32
		if i, flags, err = s.text(i + 1); err != nil {
			return err
		}
		due.meta = flags << 1 // escaped becomes keyEscaped
	}
	due.keyLen = uint32(i-1) - due.key
	i = s.space(i)
	if i >= len(src) || src[i] != ':' {
		return s.unexpected(i, "':'")
	}
	i = s.space(i + 1)
	goto value

closing:
	i++
	depth--
	{
		closed := &s.nodes[open[depth]]
		closed.end, closed.next = uint32(i), uint32(len(s.nodes))
	}
	goto after
}

// space returns the first position from i on that isn't white space.
func (s *scanner) space(i int) int {
	for i < len(s.src) {
		switch s.src[i] {
		case ' ', '\n', '\t', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// text scans a string whose first byte after the quote is at i. It returns the position after the closing quote, and
// the flag escaped or 0. Only strings can have characters beyond ASCII, and few do: that they are UTF-8 is checked here,
// for the error to be given a place by who calls.
func (s *scanner) text(i int) (end int, flags uint32, err error) {
	src, start := s.src, i
	var seen uint64 // all bytes, by or
	for {
		// Eight bytes at a time: the lowest high bit of stop marks the first byte that is a quote, a backslash or a
		// control character. A borrow can only spoil bits above it.
		for i+8 <= len(src) {
			w := binary.LittleEndian.Uint64(src[i:])
			seen |= w
			quote, slash := w^('"'*ones), w^('\\'*ones)
			stop := ((w - 0x20*ones) | (quote - ones) | (slash - ones)) &^ w & highs
			if stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
		}
		for i < len(src) && src[i] >= 0x20 && src[i] != '"' && src[i] != '\\' {
			seen |= uint64(src[i])
			i++
		}
		switch {
		case i >= len(src):
			return 0, 0, s.unexpected(i, "closing quote")
		case src[i] == '"':
			if seen&highs != 0 && !utf8.Valid(src[start:i]) {
				return 0, 0, &SyntaxError{Offset: start, Msg: "invalid UTF-8"}
			}
			return i + 1, flags, nil
		case src[i] == '\\':
			flags = escaped
			if i, err = s.escape(i); err != nil {
				return 0, 0, err
			}
		default:
			return 0, 0, &SyntaxError{Offset: i, Msg: "control character in a string"}
		}
	}
}

// escape scans one escape sequence, or the pair of them that makes a character outside the basic plane.
func (s *scanner) escape(i int) (int, error) {
	if i+1 >= len(s.src) {
		return 0, s.unexpected(i+1, "escape sequence")
	}
	switch s.src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
	default:
		return 0, &SyntaxError{Offset: i + 1, Msg: "unknown escape sequence"}
	}
	unit, ok := hex4(s.src[i+2:])
	switch {
	case !ok:
		return 0, &SyntaxError{Offset: i, Msg: `\u without four hexadecimal digits`}
	case unit < 0xd800 || unit > 0xdfff:
		return i + 6, nil
	case unit < 0xdc00 && i+8 <= len(s.src) && s.src[i+6] == '\\' && s.src[i+7] == 'u':
		if low, ok := hex4(s.src[i+8:]); ok && low >= 0xdc00 && low <= 0xdfff {
			return i + 12, nil
		}
	}
	return 0, &SyntaxError{Offset: i, Msg: "lone surrogate in a string"}
}

// number scans a number: -? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?
func (s *scanner) number(i int) (int, error) {
	start := i
	if s.src[i] == '-' {
		i++
	}
	first := i
	if i = s.digits(i); i == first {
		if first == start {
			return 0, s.unexpected(i, "value")
		}
		return 0, s.unexpected(i, "digit")
	}
	if s.src[first] == '0' && i > first+1 {
		return 0, &SyntaxError{Offset: first + 1, Msg: "digit after a leading zero"}
	}
	if i < len(s.src) && s.src[i] == '.' {
		fraction := i + 1
		if i = s.digits(fraction); i == fraction {
			return 0, s.unexpected(i, "digit")
		}
	}
	if i < len(s.src) && s.src[i]|0x20 == 'e' {
		i++
		if i < len(s.src) && (s.src[i] == '+' || s.src[i] == '-') {
			i++
		}
		exponent := i
		if i = s.digits(exponent); i == exponent {
			return 0, s.unexpected(i, "digit")
		}
	}
	return i, nil
}

func (s *scanner) digits(i int) int {
	for i < len(s.src) && s.src[i]-'0' <= 9 {
		i++
	}
	return i
}

func (s *scanner) word(i int, word string) (int, error) {
	if end := i + len(word); end <= len(s.src) && string(s.src[i:end]) == word {
		return end, nil
	}
	return 0, s.unexpected(i, "value")
}

// unexpected is the error for a position where something else was due.
func (s *scanner) unexpected(i int, due string) error {
	if i >= len(s.src) {
		return &SyntaxError{Offset: len(s.src), Msg: "unexpected end of text, " + due + " due"}
	}
	return &SyntaxError{Offset: i, Msg: "unexpected character, " + due + " due"}
}
