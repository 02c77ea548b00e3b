// Package template fills values into the texts of @rest and @ref.
//
// A template is read once, at start, and expanded for every call. It knows three places: a path, where a value is one
// segment and nothing more; a query or header, where a value is text; and a JSON body, where a text that is one
// placeholder keeps the value's type. Each place has its own encoding, chosen by the type of the template and never by
// the value, so a value can't change a path's shape, a query's names, or a body's structure.
//
// Values are looked up in a Scope. Nothing there is no error by itself: a parameter, header or property is left out.
// Only a path can't do without, and refuses with fail.BadInput. The package does no I/O and keeps no state.
package template

import (
	"errors"
	"fmt"
	"strings"
)

// Root says where a placeholder's value is looked up.
type Root uint8

// The roots. Arg is the one without a word of its own: {first}, {input.name}.
const (
	Arg    Root = iota // {name}, {input.name}: Scope.Args; Path begins with the argument's name
	This               // {this.name}: Scope.This
	Key                // {key}: Scope.Key
	Keys               // {keys}: Scope.Keys
	Header             // {header.Name}: Scope.Header; Path is the one name
	Claim              // {claim.name}: Scope.Claim
	Client             // {client.id}: Scope.ClientID
	roots
)

var rootNames = [roots]string{"argument", "this", "key", "keys", "header", "claim", "client"}

// String is the word a placeholder begins with, and "argument" for Arg, which has none.
func (r Root) String() string {
	if r >= roots {
		return fmt.Sprintf("Root(%d)", uint8(r))
	}
	return rootNames[r]
}

// Placeholder is one {…} of a template.
type Placeholder struct {
	Root Root
	// Path is what follows the root's word, and everything for Arg. A number is a place in a list.
	Path []string
	// Text is the placeholder as written: "{this.userId}".
	Text string
}

// Text is literal text with placeholders in it.
type Text struct {
	source string
	parts  []part
}

// part is either literal text or a placeholder.
type part struct {
	literal string
	hole    *Placeholder
}

// Parse reads text with placeholders. "{{" and "}}" are literal braces. Errors say what is wrong and what would be
// right; they carry no position, which the caller knows.
func Parse(text string) (*Text, error) {
	t := &Text{source: text}
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			t.parts = append(t.parts, part{literal: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); {
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			literal.WriteByte(text[i])
			i += 2
		case rest[0] == '}':
			return nil, fmt.Errorf(`%q has a "}" without a "{"; a literal brace is written "}}"`, text)
		case rest[0] == '{':
			end := strings.IndexAny(rest[1:], "{}") + 1
			if end == 0 || rest[end] == '{' {
				return nil, fmt.Errorf(`%q has a "{" that is never closed; a literal brace is written "{{"`, text)
			}
			hole, err := parsePlaceholder(rest[1:end])
			if err != nil {
				return nil, err
			}
			flush()
			t.parts = append(t.parts, part{hole: hole})
			i += end + 1
		default:
			literal.WriteByte(text[i])
			i++
		}
	}
	flush()
	return t, nil
}

// Placeholders lists the placeholders in the order they are written.
func (t *Text) Placeholders() []Placeholder {
	var all []Placeholder
	for _, p := range t.parts {
		if p.hole != nil {
			all = append(all, *p.hole)
		}
	}
	return all
}

// String is the template as written.
func (t *Text) String() string { return t.source }

// single returns the placeholder of a text that is one placeholder and nothing else, or nil.
func (t *Text) single() *Placeholder {
	if len(t.parts) != 1 {
		return nil
	}
	return t.parts[0].hole
}

func parsePlaceholder(inner string) (*Placeholder, error) {
	p := &Placeholder{Text: "{" + inner + "}"}
	if strings.TrimSpace(inner) == "" {
		return nil, errors.New(`{} names nothing; write an argument, such as {id}, or {this.name}, {key}, {keys}, {header.Name}, {claim.name}, {client.id}`)
	}
	if tight := strings.Join(strings.Fields(inner), ""); tight != inner {
		return nil, fmt.Errorf("%s has spaces in it; write {%s}", p.Text, tight)
	}
	word, rest, dotted := strings.Cut(inner, ".")
	switch word {
	case "key", "keys":
		if dotted {
			return nil, fmt.Errorf("%s asks for a part of a key, which has none; write {%s}", p.Text, word)
		}
		p.Root = Key
		if word == "keys" {
			p.Root = Keys
		}
		return p, nil
	case "client":
		if rest != "id" {
			return nil, fmt.Errorf("%s is unknown: of the client there is {client.id} only", p.Text)
		}
		p.Root = Client
		return p, nil
	case "header":
		if !isToken(rest) {
			return nil, fmt.Errorf("%s names no header; write {header.X-Tenant}", p.Text)
		}
		p.Root, p.Path = Header, []string{rest}
		return p, nil
	case "this":
		p.Root = This
	case "claim":
		p.Root = Claim
	default:
		if !isName(word) {
			return nil, fmt.Errorf(`%s is no placeholder: %q can't be an argument's name; a literal brace is written "{{"`, p.Text, word)
		}
		rest = inner
	}
	if p.Path = strings.Split(rest, "."); rest == "" {
		return nil, fmt.Errorf("%s names no property; write {%s.name}", p.Text, word)
	}
	for _, name := range p.Path {
		if name == "" {
			return nil, fmt.Errorf("%s has an empty name between its dots; write {input.name}", p.Text)
		}
	}
	return p, nil
}

// isName tells whether s is a name of GraphQL.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// isToken tells whether s can be the name of a header.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !unreserved[c] && !strings.ContainsRune("!#$%&'*+^`|", rune(c)) {
			return false
		}
	}
	return s != ""
}
