package server

import (
	"bytes"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/documents"
)

// readPlain reads the parameters from a body, valid UTF-8, that is as clients make it: one object with the known members, each at most
// once and of its right type. It is for speed alone, a few times that of readObject: whatever is out of the ordinary,
// right or wrong, isn't ok here and is readObject's to read or to explain.
func readPlain(body []byte) (params *graphql.RawParams, ok bool) {
	p := plain{text: body}
	if !p.take('{') {
		return nil, false
	}
	params = new(graphql.RawParams)
	var query, operationName, variables, extensions, named bool // seen
	id := ""
	for {
		name, ok := p.key()
		if !ok {
			return nil, false
		}
		seen := false
		switch name {
		case "query":
			seen, query = query, true
			params.Query, ok = p.string()
		case "operationName":
			seen, operationName = operationName, true
			if ok = p.null(); !ok {
				params.OperationName, ok = p.string()
			}
		case "variables":
			seen, variables = variables, true
			if ok = p.null(); !ok {
				params.Variables, ok = p.object(0)
			}
		case "extensions":
			seen, extensions = extensions, true
			if ok = p.null(); !ok {
				params.Extensions, ok = p.object(0)
			}
		case documents.Members[0]:
			seen, named = named, true
			id, ok = p.string()
			ok = ok && id != ""
		default:
			return nil, false
		}
		if !ok || seen {
			return nil, false
		}
		if p.take(',') {
			continue
		}
		documents.SetID(params, id)
		ok = p.take('}') && p.atEnd() && (params.Query != "" || documents.Names(params))
		return params, ok
	}
}

// plain reads JSON that is well-formed and has no escapes but the short ones. Every method skips white space first, and
// what it reads isn't ok when it's anything else; then the place is lost.
type plain struct {
	text   []byte
	at     int
	values int // read so far, below the parameters
}

// mostPlain is how many values are read here. What has more may turn out to be wrong at its very end, and takes its memory
// once only when readObject alone reads it.
const mostPlain = 4000

// deepest is how far objects and lists may stand in one another here.
const deepest = 32

func (p *plain) next() byte {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return c
		}
	}
	return 0
}

func (p *plain) atEnd() bool { return p.next() == 0 && p.at == len(p.text) }

func (p *plain) take(c byte) bool {
	if p.next() != c {
		return false
	}
	p.at++
	return true
}

func (p *plain) null() bool { return p.word("null") }

func (p *plain) word(w string) bool {
	p.next()
	if end := p.at + len(w); end <= len(p.text) && string(p.text[p.at:end]) == w {
		p.at = end
		return true
	}
	return false
}

// key reads a member's name with its colon.
func (p *plain) key() (name string, ok bool) {
	if name, ok = p.string(); ok {
		ok = p.take(':')
	}
	return name, ok
}

func (p *plain) string() (text string, ok bool) {
	if !p.take('"') {
		return "", false
	}
	start := p.at
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return string(p.text[start : p.at-1]), true
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// shorts are the escapes of one character.
var shorts = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped reads the string that began at start, from its first escape on.
func (p *plain) escaped(start int) (text string, ok bool) {
	out := append(make([]byte, 0, 2*(p.at-start)+64), p.text[start:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return string(out), true
		case c < ' ':
			return "", false
		case c == '\\':
			if p.at == len(p.text) || shorts[p.text[p.at]] == 0 {
				return "", false
			}
			c = shorts[p.text[p.at]]
			p.at++
		}
		out = append(out, c)
	}
	return "", false
}

func (p *plain) object(depth int) (members map[string]any, ok bool) {
	if depth > deepest || !p.take('{') {
		return nil, false
	}
	members = map[string]any{}
	if p.take('}') {
		return members, true
	}
	for {
		name, ok := p.key()
		if !ok {
			return nil, false
		}
		before := len(members)
		if members[name], ok = p.value(depth + 1); !ok || len(members) == before { // it stands twice
			return nil, false
		}
		if !p.take(',') {
			return members, p.take('}')
		}
	}
}

func (p *plain) list(depth int) (items []any, ok bool) {
	if depth > deepest || !p.take('[') {
		return nil, false
	}
	items = []any{}
	if p.take(']') {
		return items, true
	}
	for {
		item, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		items = append(items, item)
		if !p.take(',') {
			return items, p.take(']')
		}
	}
}

// value reads a value as encoding/json has it, with numbers as they are.
func (p *plain) value(depth int) (value any, ok bool) {
	if p.values++; p.values > mostPlain {
		return nil, false
	}
	switch p.next() {
	case '"':
		return p.string()
	case '{':
		return p.object(depth)
	case '[':
		return p.list(depth)
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		return p.number()
	}
}

func (p *plain) number() (value json.Number, ok bool) {
	start := p.at
	for p.at < len(p.text) && bytes.IndexByte([]byte("0123456789-+.eE"), p.text[p.at]) >= 0 {
		p.at++
	}
	text := p.text[start:p.at]
	// Of what is made of these characters, valid JSON is a number and nothing else.
	return json.Number(text), json.Valid(text)
}
