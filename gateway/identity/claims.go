package identity

import (
	"encoding/json"
	"strings"
)

// Claims are what a verified token says. The zero value says nothing. Numbers are json.Number.
type Claims struct{ members map[string]any }

// Lookup is the claim at a path: the name of a claim as it is, with dots or without ("sub", "https://example.com/roles"),
// or steps into objects that are separated by dots ("realm_access.roles").
func (c Claims) Lookup(path string) (any, bool) {
	if v, ok := c.members[path]; ok {
		return v, true
	}
	members := c.members
	for {
		name, rest, more := strings.Cut(path, ".")
		v, ok := members[name]
		if !ok || !more {
			return v, ok && v != nil
		}
		if members, ok = v.(map[string]any); !ok {
			return nil, false
		}
		path = rest
	}
}

// Text is the claim at a path when it's a string, a number or a boolean, as text.
func (c Claims) Text(path string) (string, bool) {
	v, _ := c.Lookup(path)
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	default:
		return "", false
	}
}

// words are those of a claim: a list of strings, or a string with spaces in it.
func (c Claims) words(path string) ([]string, bool) {
	v, ok := c.Lookup(path)
	if !ok {
		return nil, false
	}
	switch v := v.(type) {
	case string:
		return strings.Fields(v), true
	case []any:
		var words []string
		for _, item := range v {
			if s, ok := item.(string); ok && s != "" {
				words = append(words, s)
			}
		}
		return words, true
	default:
		return nil, false
	}
}

// MarshalJSON is the object of all claims, {} when there are none.
func (c Claims) MarshalJSON() ([]byte, error) {
	if c.members == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(c.members)
}
