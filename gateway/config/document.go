package config

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// document decodes text into the struct v. An empty document leaves v as it is.
func (d *decoder) document(text []byte, v reflect.Value) {
	if i := invalidUTF8(text); i >= 0 {
		before := text[:i]
		line := strings.Count(string(before), "\n") + 1
		column := utf8.RuneCount(before[strings.LastIndexByte(string(before), '\n')+1:]) + 1
		d.add(place{line, column, 1}, "", wrong("the file is not UTF-8"))
		return
	}
	// The parser calls itself for every level, and this file needs five.
	if at, ok := tooDeep(text); ok {
		d.add(at, "", wrong("brackets are nested too deep"))
		return
	}
	// Duplicate keys are found below, all of them at once.
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			d.add(placeOf(doc.Body), "", wrong("a second document").hint("the configuration is one document: remove the ---"))
			return
		}
		body = doc.Body
	}
	if body != nil {
		d.value(body, v, "", place{1, 1, 1}, 0)
	}
}

func (d *decoder) syntax(err error) {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil || syntax.Token.Position == nil {
		d.problems = append(d.problems, &Problem{Source: d.src.name, Message: "not YAML: " + err.Error()})
		return
	}
	at := place{syntax.Token.Position.Line, syntax.Token.Position.Column, 1}
	e := wrong("not YAML: %s", strings.ReplaceAll(syntax.Message, "\t", `\t`))
	line := d.src.line(at.line)
	before, _, variable := strings.Cut(line, "${")
	switch {
	case strings.Contains(syntax.Message, "tab character") || strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		e = e.hint("indent with spaces; YAML has no tabs")
	case variable && strings.ContainsAny(before, "{["):
		e = e.hint(`between braces a variable needs quotes: "${NAME}"`)
	case strings.Contains(syntax.Message, "mapping value is not allowed") && indent(d.src.line(at.line+1)) > indent(line):
		e = e.hint("line %d is indented more than line %d; align them", at.line+1, at.line)
	case strings.Contains(syntax.Message, "mapping value is not allowed"):
		e = e.hint("a text with a colon and a space needs quotes")
	}
	d.addHidden(at, "", e, d.src.headerValue(at.line))
}

// invalidUTF8 is the offset of the first byte that isn't UTF-8, or -1.
func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// maxDepth is how many brackets a file may have open. The configuration has five levels.
const maxDepth = 100

// tooDeep finds the first place with more than maxDepth brackets or block entries open at once. It counts brackets in
// texts and comments too, which no real configuration has that many of.
func tooDeep(text []byte) (place, bool) {
	open, number := 0, 0
	for line := range bytes.Lines(text) {
		number++
		entries := 0 // "- - - -" and "? ? ?" open a level each
		for i, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(open-1, 0)
			case '-', '?', ':':
				entries++
			}
			if open > maxDepth || entries > 10*maxDepth {
				return place{number, utf8.RuneCount(line[:i]) + 1, 1}, true
			}
		}
	}
	return place{}, false
}
