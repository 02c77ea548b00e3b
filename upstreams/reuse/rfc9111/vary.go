package rfc9111

import (
	"net/http"
	"slices"
	"strings"
)

// Vary are the fields of the request that an answer depends on (RFC 9110, section 12.5.5), in canonical form, sorted,
// each once. all says that it depends on more than that: with *, or when something in it is no name.
func Vary(h http.Header) (names []string, all bool) {
	for _, field := range h["Vary"] {
		for name := range strings.SplitSeq(field, ",") {
			name = strings.Trim(name, " \t")
			switch {
			case name == "":
			case name == "*" || !isToken(name):
				return nil, true
			default:
				names = append(names, canonical(name))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), false
}

// isNames says that a list has nothing but names in it, and no *.
func isNames(list string) bool {
	ended := false // a name, by a space
	name := false
	for i := range len(list) {
		switch c := list[i]; {
		case c == ',':
			name, ended = false, false
		case c == ' ' || c == '\t':
			ended = name
		case c == '*' || ended || !tokenChars[c]:
			return false
		default:
			name = true
		}
	}
	return true
}

// varies says whether an answer depends on a field, by its canonical name, or on everything.
func varies(h http.Header, name string) bool {
	names, all := Vary(h)
	return all || slices.Contains(names, name)
}
