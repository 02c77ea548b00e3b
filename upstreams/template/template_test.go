package template_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// literal reads a GraphQL literal as it stands in a directive.
func literal(t testing.TB, text string) *ast.Value {
	t.Helper()
	document, err := parser.ParseQuery(&ast.Source{Input: "{ f(x: " + text + ") }"})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return document.Operations[0].SelectionSet[0].(*ast.Field).Arguments[0].Value
}

func parseJSON(t testing.TB, text string) view.Value {
	t.Helper()
	document, err := view.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return document.Root()
}

// scope has a value of every kind under every root.
func scope(t testing.TB) *template.Scope {
	claims := parseJSON(t, `{"sub": "u1", "org": {"id": 7}}`)
	return &template.Scope{
		Args: map[string]any{
			"id": "a/b", "n": int64(-3), "f": 1.5, "big": json.Number("12345678901234567890"), "yes": true, "nil": nil,
			"empty": "", "dot": ".", "dots": "..", "space": "a b&c=d", "quote": "\"\\\n\x00é\xff",
			"list": []any{"x", nil, int64(2)}, "none": []any{}, "lists": []any{[]any{"x"}}, "nul": json.Number("1x"),
			"input": map[string]any{"name": "Ada", "tags": []any{"p", "q"}, "nil": nil},
		},
		This: parseJSON(t, `{"id": 42, "name": "O\"Neil", "price": 1.50, "ids": [1, null, "two"], "no": null,
			"deep": {"at": ["x", {"y": true}]}, "object": {"a" : [1, 2]}}`),
		Key:      template.LookupKey{Text: "k/1"},
		Keys:     []template.LookupKey{{Text: "1", Number: true}, {Text: "b&c"}},
		ClientID: "app",
		Header: func(name string) string {
			return map[string]string{"X-Tenant": "acme", "X-Evil": "a\r\nb"}[name]
		},
		Claim: func(path []string) view.Value {
			v := claims
			for _, name := range path {
				v = v.Get(name)
			}
			return v
		},
	}
}

func TestParse(t *testing.T) {
	type hole = template.Placeholder
	for text, want := range map[string][]hole{
		"":                      nil,
		"plain":                 nil,
		"{{not}} {{{a}}}":       {{Root: template.Arg, Path: []string{"a"}, Text: "{a}"}},
		"{input.name}-{_x1}":    {{Root: template.Arg, Path: []string{"input", "name"}, Text: "{input.name}"}, {Root: template.Arg, Path: []string{"_x1"}, Text: "{_x1}"}},
		"{this.user-id}":        {{Root: template.This, Path: []string{"user-id"}, Text: "{this.user-id}"}},
		"{this.a.0.b}":          {{Root: template.This, Path: []string{"a", "0", "b"}, Text: "{this.a.0.b}"}},
		"{key}{keys}":           {{Root: template.Key, Text: "{key}"}, {Root: template.Keys, Text: "{keys}"}},
		"{header.X-Tenant.Id}":  {{Root: template.Header, Path: []string{"X-Tenant.Id"}, Text: "{header.X-Tenant.Id}"}},
		"{claim.org.id}":        {{Root: template.Claim, Path: []string{"org", "id"}, Text: "{claim.org.id}"}},
		"{client.id}":           {{Root: template.Client, Text: "{client.id}"}},
		"{keyword} {thisThing}": {{Root: template.Arg, Path: []string{"keyword"}, Text: "{keyword}"}, {Root: template.Arg, Path: []string{"thisThing"}, Text: "{thisThing}"}},
	} {
		got, err := template.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got.Placeholders()); diff != "" || got.String() != text {
			t.Errorf("%s (%s): %s", text, got, diff)
		}
	}
}

func TestParseMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"a}":           `"a}" has a "}" without a "{"; a literal brace is written "}}"`,
		"{a":           `"{a" has a "{" that is never closed; a literal brace is written "{{"`,
		"{a{b}":        `"{a{b}" has a "{" that is never closed; a literal brace is written "{{"`,
		"{}":           `{} names nothing; write an argument, such as {id}, or {this.name}, {key}, {keys}, {header.Name}, {claim.name}, {client.id}`,
		"{ id }":       `{ id } has spaces in it; write {id}`,
		"{key.id}":     `{key.id} asks for a part of a key, which has none; write {key}`,
		"{keys.0}":     `{keys.0} asks for a part of a key, which has none; write {keys}`,
		"{client}":     `{client} is unknown: of the client there is {client.id} only`,
		"{client.ip}":  `{client.ip} is unknown: of the client there is {client.id} only`,
		"{header}":     `{header} names no header; write {header.X-Tenant}`,
		"{header.a:b}": `{header.a:b} names no header; write {header.X-Tenant}`,
		"{this}":       `{this} names no property; write {this.name}`,
		"{claim.}":     `{claim.} names no property; write {claim.name}`,
		"{this.a..b}":  `{this.a..b} has an empty name between its dots; write {input.name}`,
		"{a.}":         `{a.} has an empty name between its dots; write {input.name}`,
		"{1st}":        `{1st} is no placeholder: "1st" can't be an argument's name; a literal brace is written "{{"`,
		`{"a":1}`:      `{"a":1} is no placeholder: "\"a\":1" can't be an argument's name; a literal brace is written "{{"`,
	} {
		if _, err := template.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestAppendText(t *testing.T) {
	for text, want := range map[string]string{
		"{{{n}}} {f} {yes} {big}":  "{-3} 1.5 true 12345678901234567890",
		"{this.name} {this.price}": `O"Neil 1.50`,
		"{this.deep.at.1.y}":       "true",
		"{input.tags.1}":           "q",
		"{claim.org.id}":           "7",
		"{header.X-Tenant}":        "acme",
		"{client.id}/{key}":        "app/k/1",
		"{keys}":                   "1,b&c",
		// nothing there
		"{missing}": "∅", "a{nil}": "∅", "{input.missing.deeper}": "∅", "{input.nil}": "∅", "{input.tags.2}": "∅", "{id.x}": "∅",
		"{this.no}": "∅", "{this.ids.x}": "∅", "{this.ids.9}": "∅", "{this.id.x}": "∅", "{header.None}": "∅", "{claim.none}": "∅",
		// refused
		"a{list}":        "The value of {list} can't be a list in a text.",
		"a{input}":       "The value of {input} can't be an object in a text.",
		"a{this.ids}":    "The value of {this.ids} can't be a list in a text.",
		"a{this.object}": "The value of {this.object} can't be an object in a text.",
		"{nul}":          "The value of {nul} must be a number.",
	} {
		parsed, err := template.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, ok, err := parsed.Append([]byte(">"), scope(t))
		result := strings.TrimPrefix(string(got), ">")
		switch {
		case err != nil:
			result += publicText(t, err)
		case !ok:
			result += "∅"
		}
		if result != want {
			t.Errorf("%s: %s\nwant %s", text, result, want)
		}
	}
}

// TestNothingInScope: a call may have no claims, no headers and no parent.
func TestNothingInScope(t *testing.T) {
	for _, text := range []string{"{a}", "{this.a}", "{header.A}", "{claim.a}", "{client.id}"} {
		parsed, err := template.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok, err := parsed.Append(nil, &template.Scope{}); ok || err != nil || len(got) > 0 {
			t.Errorf("%s: %q %v %v", text, got, ok, err)
		}
	}
}

func TestForeignGoValueIsOurMistake(t *testing.T) {
	s := &template.Scope{Args: map[string]any{"a": struct{}{}}}
	parsed, _ := template.Parse("{a}")
	_, _, err := parsed.Append(nil, s)
	value, valueErr := template.NewValue(literal(t, `"{a}"`))
	if valueErr != nil {
		t.Fatal(valueErr)
	}
	_, _, jsonErr := value.AppendJSON(nil, s, template.AsIs)
	if fail.KindOf(err) != fail.Internal || fail.KindOf(jsonErr) != fail.Internal || err == nil || jsonErr == nil {
		t.Errorf("%v, %v", err, jsonErr)
	}
}

func TestRootNames(t *testing.T) {
	var names []string
	for root := template.Arg; root <= template.Client+1; root++ {
		names = append(names, root.String())
	}
	if want := []string{"argument", "this", "key", "keys", "header", "claim", "client", "Root(7)"}; !slices.Equal(names, want) {
		t.Error(names)
	}
}

// publicText is what a client may read of an error, which must be one of its input.
func publicText(t *testing.T, err error) string {
	t.Helper()
	if fail.KindOf(err) != fail.BadInput {
		t.Errorf("%v is of the kind %s", err, fail.KindOf(err))
	}
	return err.Error()
}
