package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// decoder fills a struct from a YAML document and collects every mistake instead of stopping at the first. goccy's own
// decoder stops; so this one walks the document's tree itself, against the same struct tags.
type decoder struct {
	src      *source
	lookup   func(string) (string, bool)
	anchors  map[string]ast.Node
	places   map[string]place // of every setting that the file mentions
	problems Problems
}

// maxAliases bounds how far aliases and merges may lead into one another.
const maxAliases = 16

func newDecoder(src *source, lookup func(string) (string, bool)) *decoder {
	return &decoder{src: src, lookup: lookup, anchors: map[string]ast.Node{}, places: map[string]place{}}
}

func (d *decoder) add(at place, path string, err error) { d.addHidden(at, path, err, 0) }

// addHidden is add; with hide above 0 the excerpt ends before that column.
func (d *decoder) addHidden(at place, path string, err error, hide int) {
	p := &Problem{Source: d.src.name, Line: at.line, Column: at.column, Path: path, Message: err.Error(), Excerpt: d.src.excerpt(at, hide)}
	var v *valueError
	if errors.As(err, &v) {
		p.Message, p.Hint = v.message, v.advice
	}
	d.problems = append(d.problems, p)
}

// value decodes n into v; key is where the key of n stands, for values that have no place of their own.
func (d *decoder) value(n ast.Node, v reflect.Value, path string, key place, hops int) {
	n, err := d.resolve(n)
	if err != nil {
		d.add(placeOr(n, key), path, err)
		return
	}
	t := v.Type()
	if t.Kind() == reflect.Pointer && !isText(t.Elem()) && isSection(t.Elem()) {
		if v.IsNil() {
			v.Set(reflect.New(t.Elem()))
		}
		d.value(n, v.Elem(), path, key, hops)
		return
	}
	switch {
	case !isSection(t):
		d.scalar(n, v, path, key)
	case n.Type() == ast.NullType: // "limits:" with every line under it commented out
	case d.brief(n, v, path, key):
	case t.Kind() == reflect.Slice:
		d.list(n, v, path, key, hops)
	default:
		d.mapping(n, v, path, key, hops)
	}
}

// brief decodes a section that is written as one text. It's false where it isn't.
func (d *decoder) brief(n ast.Node, v reflect.Value, path string, key place) bool {
	if _, scalar := n.(ast.ScalarNode); !scalar || !v.CanAddr() {
		return false
	}
	section, ok := v.Addr().Interface().(brief)
	if !ok {
		return false
	}
	var text string
	before := len(d.problems)
	d.scalar(n, reflect.ValueOf(&text).Elem(), path, key)
	if len(d.problems) > before {
		return true
	}
	if err := section.FromText(text); err != nil {
		d.add(placeOr(n, key), path, err)
	}
	return true
}

// isSection says whether t is decoded from a mapping or a list.
func isSection(t reflect.Type) bool {
	if isText(t) {
		return false
	}
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Map || t.Kind() == reflect.Slice
}

// resolve leads through anchors and aliases to what they stand for.
func (d *decoder) resolve(n ast.Node) (ast.Node, error) {
	for range maxAliases {
		switch node := n.(type) {
		case *ast.AnchorNode:
			d.anchors[node.Name.GetToken().Value] = node.Value
			n = node.Value
		case *ast.AliasNode:
			name := node.Value.GetToken().Value
			target, ok := d.anchors[name]
			if !ok {
				return n, wrong("no anchor &%s above", name)
			}
			n = target
		case *ast.TagNode:
			return n, wrong("tags like %s mean nothing here", short(node.GetToken().Value))
		case nil:
			return n, wrong("no value")
		default:
			return n, nil
		}
	}
	return n, wrong("aliases lead in a circle")
}

// mapping decodes n into a struct or a map.
func (d *decoder) mapping(n ast.Node, v reflect.Value, path string, key place, hops int) {
	pairs, ok := n.(ast.MapNode)
	if !ok {
		d.add(placeOr(n, key), path, wrong("expected keys and values, found %s", describe(n)))
		return
	}
	if hops > maxAliases {
		d.add(placeOr(n, key), path, wrong("merges lead in a circle"))
		return
	}
	var own []*ast.MappingValueNode
	for iter := pairs.MapRange(); iter.Next(); {
		pair := iter.KeyValue()
		if _, merge := pair.Key.(*ast.MergeKeyNode); merge {
			d.value(pair.Value, v, path, placeOf(pair.Key), hops+1) // first: own keys win
			continue
		}
		own = append(own, pair)
	}
	first := map[string]int{}
	for _, pair := range own {
		at := placeOf(pair.Key)
		hidden := 0
		if v.Kind() == reflect.Map && v.Type().Elem() == secretType {
			hidden = at.afterKey()
		}
		name, err := keyText(pair.Key)
		if err != nil {
			d.addHidden(at, path, err, hidden)
			continue
		}
		if line, seen := first[name]; seen {
			d.addHidden(at, path, wrong("the key %s is here twice", short(name)).hint("it was first in line %d; remove one", line), hidden)
			continue
		}
		first[name] = at.line
		d.places[join(path, name)] = at
		if v.Kind() == reflect.Map {
			d.entry(pair.Value, v, name, join(path, name), at, hops)
			continue
		}
		fields := fieldsOf(v.Type())
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			d.add(at, path, unknownKey(name, path, fields))
			continue
		}
		d.value(pair.Value, fields[i].in(v), join(path, name), at, hops)
	}
}

// entry decodes n as v[name], over what v[name] has already.
func (d *decoder) entry(n ast.Node, v reflect.Value, name, path string, key place, hops int) {
	item := newItem(v, name)
	d.value(n, item, path, key, hops)
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), item)
}

// newItem is a settable copy of v[name], or the default when there's none yet.
func newItem(v reflect.Value, name string) reflect.Value {
	item := reflect.New(v.Type().Elem()).Elem()
	if old := v.MapIndex(reflect.ValueOf(name).Convert(v.Type().Key())); old.IsValid() {
		item.Set(old)
	} else if item.Type() == reflect.TypeFor[Service]() {
		item.Set(reflect.ValueOf(DefaultService()))
	}
	return item
}

func (d *decoder) list(n ast.Node, v reflect.Value, path string, key place, hops int) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		err := wrong("expected a list, found %s", describe(n))
		if s, ok := n.(ast.ScalarNode); ok {
			err = err.hint("write [%s]", s.GetToken().Value)
		}
		d.add(placeOr(n, key), path, err)
		return
	}
	list := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		d.places[itemPath] = placeOr(item, key)
		d.value(item, list.Index(i), itemPath, placeOr(item, key), hops)
	}
	v.Set(list)
}

// scalar decodes one value.
func (d *decoder) scalar(n ast.Node, v reflect.Value, path string, key place) {
	at := placeOr(n, key)
	hidden := 0
	if v.Type() == secretType && at != key {
		hidden = at.column
	}
	text, isString, err := scalarText(n)
	if err != nil {
		d.addHidden(at, path, err, hidden)
		return
	}
	expanded := false
	if isString {
		var column int
		text, expanded, column, err = expand(text, d.lookup)
		if err != nil {
			if hidden == 0 {
				at = d.within(at, n, column)
			}
			d.addHidden(at, path, err, hidden)
			return
		}
	}
	if !expanded {
		if err := wrongKind(n, v.Type(), isString); err != nil {
			d.addHidden(at, path, err, hidden)
			return
		}
	}
	if err := setText(v, text); err != nil {
		d.addHidden(at, path, err, hidden)
	}
}

// within moves at to the mistake inside the value, where the value stands in the file as it is.
func (d *decoder) within(at place, n ast.Node, column int) place {
	if tok := n.GetToken(); tok.Type == token.DoubleQuoteType || tok.Type == token.SingleQuoteType {
		column++
	}
	line := []rune(d.src.line(at.line))
	start := at.column - 1 + column
	if start+1 >= len(line) || line[start] != '$' || line[start+1] != '{' {
		return at
	}
	width := slices.Index(line[start:], '}') + 1
	return place{at.line, start + 1, max(width, 2)}
}

func unknownKey(name, path string, fields []field) error {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	e := wrong("unknown key %s", short(name))
	if near := nearest(name, names); near != "" {
		return e.hint("did you mean %q?", near)
	}
	if path != "" || len(owners(reflect.TypeFor[Config](), name, "")) > 0 {
		elsewhere := slices.DeleteFunc(owners(reflect.TypeFor[Config](), name, ""), func(o string) bool { return o == path })
		if len(elsewhere) > 0 {
			return e.hint("%q belongs under %s", name, strings.Join(elsewhere, " or "))
		}
	}
	slices.Sort(names)
	return e.hint("known here: %s", strings.Join(names, ", "))
}
