package config

import (
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// placeOf is where n begins. The tree gives a mapping the place of its first colon; here it's that of its first key.
func placeOf(n ast.Node) place {
	switch node := n.(type) {
	case *ast.MappingNode:
		if len(node.Values) > 0 && !node.IsFlowStyle {
			return placeOf(node.Values[0])
		}
	case *ast.MappingValueNode:
		return placeOf(node.Key)
	}
	tok := n.GetToken()
	if tok == nil || tok.Position == nil {
		return place{1, 1, 1}
	}
	width := 1
	if s := strings.TrimSpace(tok.Origin); s != "" && !strings.Contains(s, "\n") {
		width = utf8.RuneCountInString(s)
	}
	return place{tok.Position.Line, tok.Position.Column, width}
}

// placeOr is placeOf for values that are written, and the key's place for those that are not: an empty value has the
// place of whatever comes before it.
func placeOr(n ast.Node, key place) place {
	if n == nil {
		return key
	}
	if tok := n.GetToken(); tok != nil && tok.Type == token.ImplicitNullType {
		return key
	}
	return placeOf(n)
}

// keyText reads a key. Keys are not expanded.
func keyText(n ast.MapKeyNode) (string, error) {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value, nil
	}
	if s, ok := n.(ast.ScalarNode); ok && s.GetToken() != nil {
		return s.GetToken().Value, nil
	}
	return "", wrong("a key has to be plain text")
}

// scalarText reads a single value as it's written. isString says that YAML takes it for text.
func scalarText(n ast.Node) (text string, isString bool, err error) {
	switch node := n.(type) {
	case *ast.StringNode:
		return node.Value, true, nil
	case *ast.LiteralNode:
		return node.Value.Value, true, nil
	case *ast.NullNode:
		return "", false, wrong("no value").hint("give one, or remove the key to have the default")
	case ast.ScalarNode:
		return node.GetToken().Value, false, nil
	default:
		return "", false, wrong("expected a single value, found %s", describe(n))
	}
}

// wrongKind refuses a number where text belongs and the other way round, so that a version 1.10 isn't silently 1.1.
// Durations and sizes say themselves what is wrong with a number.
func wrongKind(n ast.Node, t reflect.Type, isString bool) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == durationType || isText(t) || isSize(t):
		return nil
	case t.Kind() == reflect.String && !isString:
		if t == secretType {
			return wrong("expected text, found %s", describe(n)).hint("put it in quotes")
		}
		return wrong("expected text, found %s", describe(n)).hint("put it in quotes: %q", n.GetToken().Value)
	case t.Kind() == reflect.Bool && isString:
		return wrong("expected true or false, found %s", describe(n))
	case t.Kind() != reflect.String && isString:
		return wrong("expected a number, found %s", describe(n))
	case t.Kind() == reflect.Bool && n.Type() != ast.BoolType:
		return wrong("expected true or false, found %s", describe(n))
	case t.Kind() != reflect.String && t.Kind() != reflect.Bool && n.Type() == ast.BoolType:
		return wrong("expected a number, found %s", describe(n))
	}
	return nil
}

// describe names what n is, in words.
func describe(n ast.Node) string {
	switch n.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "keys and values"
	case ast.SequenceType:
		return "a list"
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		return "a number"
	case ast.BoolType:
		return "true or false"
	case ast.NullType:
		return "nothing"
	default:
		return "text"
	}
}
