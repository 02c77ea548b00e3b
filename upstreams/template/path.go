package template

import (
	"fmt"
	"strings"
)

// Path is the template of a URL's path. A value in it is one segment, or a part of one.
type Path struct {
	text     *Text
	segments [][]part
}

// ParsePath reads a path template: it begins with "/" and has neither query nor fragment nor dot segments.
func ParsePath(text string) (*Path, error) {
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
		return nil, fmt.Errorf(`path %q must begin with one "/"; the service's address stands in gateway.yaml`, text)
	}
	t, err := Parse(text)
	if err != nil {
		return nil, err
	}
	p := &Path{text: t, segments: [][]part{nil}}
	for _, piece := range t.parts {
		if piece.hole != nil {
			p.add(piece)
			continue
		}
		if i := strings.IndexFunc(piece.literal, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>\^`+"`{|}", r) }); i >= 0 {
			return nil, fmt.Errorf("path %q has %q in it; percent-encode it", text, piece.literal[i:i+1])
		}
		if i := strings.IndexAny(piece.literal, "?#"); i >= 0 {
			return nil, fmt.Errorf(`path %q has a %q in it; parameters go into query: {name: "{value}"}`, text, piece.literal[i:i+1])
		}
		for i, literal := range strings.Split(piece.literal, "/") {
			if i > 0 {
				p.segments = append(p.segments, nil)
			}
			if literal != "" {
				p.add(part{literal: literal})
			}
		}
	}
	for _, segment := range p.segments {
		if len(segment) == 1 && (segment[0].literal == "." || segment[0].literal == "..") {
			return nil, fmt.Errorf("path %q has the segment %q, which leads elsewhere", text, segment[0].literal)
		}
	}
	return p, nil
}

func (p *Path) add(piece part) {
	last := len(p.segments) - 1
	p.segments[last] = append(p.segments[last], piece)
}

// Placeholders lists the placeholders in the order they are written.
func (p *Path) Placeholders() []Placeholder { return p.text.Placeholders() }

// String is the template as written. It is safe to log.
func (p *Path) String() string { return p.text.source }

// Append appends the path with its values. A value is one segment or a part of one: everything but RFC 3986's
// unreserved characters is percent-encoded, and what is empty, null, absent or a dot segment is refused with
// fail.BadInput.
func (p *Path) Append(dst []byte, s *Scope) ([]byte, error) {
	for i, segment := range p.segments {
		if i > 0 {
			dst = append(dst, '/')
		}
		start := len(dst)
		var hole *Placeholder
		for _, piece := range segment {
			if piece.hole == nil {
				dst = append(dst, piece.literal...)
				continue
			}
			hole = piece.hole
			var err error
			if dst, err = hole.appendSegment(dst, s); err != nil {
				return dst, err
			}
		}
		if hole == nil {
			continue
		}
		if whole := string(dst[start:]); whole == "." || whole == ".." {
			return dst, hole.refuse(fmt.Sprintf("can't be %q in a path", whole))
		}
	}
	return dst, nil
}

// appendSegment appends a value as a part of one segment. Keys are joined by commas.
func (p *Placeholder) appendSegment(dst []byte, s *Scope) ([]byte, error) {
	o := p.find(s)
	start := len(dst)
	switch o.kind {
	case absent, null:
		return dst, p.refuse("is missing, and a path needs it")
	case ofKeys:
		for i, key := range o.keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			if err := p.checkComma(key); err != nil {
				return dst, err
			}
			from := len(dst)
			dst = escapeTail(append(dst, key.Text...), from, false)
		}
	default:
		var err error
		if dst, err = p.appendText(dst, o, "in a path"); err != nil {
			return dst, err
		}
		dst = escapeTail(dst, start, false)
	}
	if len(dst) == start {
		return dst, p.refuse("is empty, and a path needs it")
	}
	return dst, nil
}
