package template

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Headers are the templates of a request's headers.
type Headers []HeaderText

// HeaderText is one header.
type HeaderText struct {
	Name string
	text *Text
}

// reserved are the headers of one connection (RFC 9110, section 7.6.1), and those that say how a message is sent, or to
// whom. Whoever could write them could make one request two.
var reserved = map[string]bool{
	"Accept-Encoding": true, "Connection": true, "Content-Encoding": true, "Content-Length": true, "Expect": true,
	"Host": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// Reserved tells whether a header is the gateway's own: neither a directive nor a service's configuration can set it, and
// none is passed on from a client.
func Reserved(name string) bool { return reserved[http.CanonicalHeaderKey(name)] }

// NewHeaders reads the object literal of a directive's headers. GraphQL's names have no hyphens, so an underscore
// stands for one: X_Tenant is X-Tenant.
func NewHeaders(v *ast.Value) (Headers, error) {
	if v.Kind != ast.ObjectValue {
		return nil, fmt.Errorf(`it must be an object of headers, such as {Prefer: "return=minimal"}`)
	}
	var h Headers
	for _, child := range v.Children {
		name := http.CanonicalHeaderKey(strings.ReplaceAll(child.Name, "_", "-"))
		switch {
		case !isToken(name):
			return nil, fmt.Errorf("%q can't be the name of a header", child.Name)
		case Reserved(name):
			return nil, fmt.Errorf("%s: the gateway writes this header itself; leave it out", child.Name)
		}
		if child.Value.Kind != ast.StringValue && child.Value.Kind != ast.BlockValue {
			return nil, fmt.Errorf("%s: a header's value is a text; write it in quotes", child.Name)
		}
		text, err := Parse(child.Value.Raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", child.Name, err)
		}
		if strings.ContainsFunc(child.Value.Raw, isControl) {
			return nil, fmt.Errorf("%s: a header can't have control characters", child.Name)
		}
		h = append(h, HeaderText{Name: name, text: text})
	}
	return h, nil
}

// Placeholders lists the placeholders in the order they are written.
func (h Headers) Placeholders() []Placeholder {
	var all []Placeholder
	for i := range h {
		all = append(all, h[i].text.Placeholders()...)
	}
	return all
}

// Expand calls set for each header whose values are there. A value with control characters is refused.
func (h Headers) Expand(s *Scope, set func(name, value string)) error {
	for i := range h {
		text, ok, _, err := h[i].text.append(nil, s, "in a header")
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if strings.ContainsFunc(string(text), isControl) {
			return h[i].text.controlled(s)
		}
		set(h[i].Name, string(text))
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// controlled is the failure for the first value of the text that has control characters.
func (t *Text) controlled(s *Scope) error {
	for i := range t.parts {
		hole := t.parts[i].hole
		if hole == nil {
			continue
		}
		if text, err := hole.appendText(nil, hole.find(s), "in a header"); err != nil || strings.ContainsFunc(string(text), isControl) {
			return hole.refuse("can't have control characters in a header")
		}
	}
	return nil
}
