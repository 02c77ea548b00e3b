package template

import (
	"fmt"
	"net/url"
	"strings"
)

// Path is the template of a URL's path. A value in it is one segment, or a part of one.
type Path struct{ text *Text }

// ParsePath reads a path template: it begins with "/" and has neither host, query, fragment, dot segments nor empty ones,
// except for a last slash. Errors say what would be right.
func ParsePath(text string) (*Path, error) {
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
		return nil, fmt.Errorf(`path %q must begin with one "/"; the service's address stands in gateway.yaml`, text)
	}
	t, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if err := checkPath(t); err != nil {
		return nil, err
	}
	return &Path{text: t}, nil
}

// checkPath checks the literal part of a path, with a harmless letter for each value. What holds with it holds with
// every value, as values are encoded and never empty or a dot segment.
func checkPath(t *Text) error {
	var shape strings.Builder
	for _, piece := range t.parts {
		if piece.hole != nil {
			shape.WriteByte('x')
			continue
		}
		for _, r := range piece.literal {
			switch {
			case r == '?' || r == '#':
				return fmt.Errorf(`path %q has a %q in it; parameters go into query: {name: "{value}"}`, t.source, string(r))
			case r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>\^`+"`{|}[]", r):
				return fmt.Errorf("path %q has %q in it; write it as %s", t.source, string(r), escapeTail([]byte(string(r)), 0, false))
			}
		}
		shape.WriteString(piece.literal)
	}
	segments := strings.Split(shape.String()[1:], "/")
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		switch {
		case err != nil:
			return fmt.Errorf(`path %q has a "%%" in it that begins no escape; write it as %%25`, t.source)
		case plain == "." || plain == "..":
			return fmt.Errorf("path %q has the segment %q, which leads elsewhere", t.source, segment)
		case plain == "" && i < len(segments)-1:
			return fmt.Errorf(`path %q has "//" in it; write one "/"`, t.source)
		}
	}
	return nil
}

// Placeholders lists the placeholders in the order they are written.
func (p *Path) Placeholders() []Placeholder { return p.text.Placeholders() }

// String is the template as written. It is safe to log.
func (p *Path) String() string { return p.text.source }

// Append appends the path with its values. A value is one segment or a part of one: everything but RFC 3986's
// unreserved characters is percent-encoded, and what is empty, null, absent, "." or ".." is refused with
// fail.BadInput. {keys} are joined by commas.
func (p *Path) Append(dst []byte, s *Scope) ([]byte, error) {
	var err error
	for i := range p.text.parts {
		piece := &p.text.parts[i]
		if piece.hole == nil {
			dst = append(dst, piece.literal...)
			continue
		}
		if dst, err = piece.hole.appendSegment(dst, s); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendSegment appends a value as one segment, or as a part of one.
func (p *Placeholder) appendSegment(dst []byte, s *Scope) ([]byte, error) {
	o := p.find(s)
	start := len(dst)
	switch o.kind {
	case absent, null:
		return dst, p.refuse("is missing, and a path needs it")
	case ofKeys:
		var err error
		if dst, err = appendKeyList(dst, o.keys, false); err != nil {
			return dst, err
		}
	default:
		var err error
		if dst, err = p.appendText(dst, o, "in a path"); err != nil {
			return dst, err
		}
		dst = escapeTail(dst, start, false)
	}
	switch string(dst[start:]) {
	case "":
		return dst, p.refuse("is empty, and a path needs it")
	case ".":
		return dst, p.refuse(`can't be "." in a path`)
	case "..":
		return dst, p.refuse(`can't be ".." in a path`)
	}
	return dst, nil
}
