package view

import (
	"strconv"
	"unicode/utf8"
)

// inspectRunes is how much of a value an error message shows.
const inspectRunes = 60

// inspect is a value for an error message, as graphql-js prints values: `"text"`, `[1, 2]`, `{ id: 1, tags: [Array] }`,
// cut at inspectRunes. It looks no further into the value than that needs.
func inspect(v Value) string {
	p := printer{}
	p.value(v, 0)
	text := p.text
	for i, runes := 0, 0; i < len(text); runes++ {
		if runes == inspectRunes {
			return string(text[:i]) + "…"
		}
		_, n := utf8.DecodeRune(text[i:])
		i += n
	}
	return string(text)
}

// printer collects the text of a value until there is more than can be shown.
type printer struct{ text []byte }

// The limits of graphql-js.
const (
	inspectDepth = 2
	inspectItems = 10
)

func (p *printer) full() bool { return len(p.text) > utf8.UTFMax*inspectRunes }

func (p *printer) value(v Value, depth int) {
	switch k := v.Kind(); {
	case k == KindArray && v.Len() == 0:
		p.add("[]")
	case k == KindObject && v.Len() == 0:
		p.add("{}")
	case k == KindArray && depth == inspectDepth:
		p.add("[Array]")
	case k == KindObject && depth == inspectDepth:
		p.add("[Object]")
	case k == KindArray:
		p.array(v, depth)
	case k == KindObject:
		p.object(v, depth)
	case k == KindAbsent:
		p.add("undefined")
	default:
		raw := v.Raw()
		p.text = append(p.text, raw[:min(len(raw), utf8.UTFMax*inspectRunes+1)]...)
	}
}

func (p *printer) array(v Value, depth int) {
	p.add("[")
	for i, e := range v.Elems() {
		if i > 0 {
			p.add(", ")
		}
		if p.full() {
			break
		}
		if more := v.Len() - i; i == inspectItems {
			if more == 1 {
				p.add("... 1 more item")
			} else {
				p.add("... " + strconv.Itoa(more) + " more items")
			}
			break
		}
		p.value(e, depth+1)
	}
	p.add("]")
}

func (p *printer) object(v Value, depth int) {
	p.add("{ ")
	first := true
	for name, m := range v.Members() {
		if !first {
			p.add(", ")
		}
		if first = false; p.full() {
			break
		}
		p.add(name + ": ")
		p.value(m, depth+1)
	}
	p.add(" }")
}

func (p *printer) add(s string) { p.text = append(p.text, s...) }
