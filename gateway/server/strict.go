package server

import (
	"bytes"
	"strconv"
)

// encoding/json takes the last of two members with one name, and makes U+FFFD of half a surrogate pair. Who stands before
// the gateway and looks into bodies may take the first, or something else: what two readers can read differently is
// refused (RFC 8259, sections 4 and 8.2).

// ambiguous says what is wrong with a JSON text, well-formed, of which decoding made members members.
func ambiguous(text []byte, members int, what string) *problem {
	written, whole := survey(text)
	switch {
	case written > members:
		return malformed("%s has an object with the same member twice.", what)
	case !whole:
		return malformed("%s has a string with half of a surrogate pair.", what)
	}
	return nil
}

// countMembers counts the members of all objects in a value.
func countMembers(value any) int {
	n := 0
	switch value := value.(type) {
	case map[string]any:
		n = len(value)
		for _, member := range value {
			n += countMembers(member)
		}
	case []any:
		for _, item := range value {
			n += countMembers(item)
		}
	}
	return n
}

// survey counts the members that are written in a JSON text, and says whether its escapes are whole characters.
func survey(text []byte) (members int, whole bool) {
	whole = true
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ':':
			members++
		case '"':
			end := stringEnd(text, i+1)
			whole = whole && paired(text[i+1:min(end, len(text))])
			i = end
		}
	}
	return members, whole
}

// stringEnd is where the quote stands that ends the string which began before i.
func stringEnd(text []byte, i int) int {
	for ; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

// paired tells whether the surrogates among a string's escapes come in pairs.
func paired(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 >= len(text) {
			return true
		}
		text = text[i:]
		c, ok := escaped(text)
		switch {
		case !ok:
			text = text[2:]
			continue
		case c >= 0xdc00 && c < 0xe000:
			return false
		case c >= 0xd800 && c < 0xdc00:
			text = text[6:]
			if low, ok := escaped(text); !ok || low < 0xdc00 || low >= 0xe000 {
				return false
			}
		}
		text = text[6:]
	}
}

// escaped reads an escape of four digits at the beginning of text.
func escaped(text []byte) (c uint64, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	c, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return c, err == nil
}
