package template_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/template"
)

// seeds are values with which other gateways were talked into another request.
var seeds = []string{
	"42", "", ".", "..", "../admin", "..%2fadmin", "%2e%2e", "%2e", "a/b", `a\b`, "?admin=1", "#x", "a&b=c", "a;b", "a b", "+", "%", "%zz",
	"@evil.example", "//evil.example", "http://evil.example/", ":80", "\x00", "\r\nHost: evil", "é", "\xff", "\u2025", "\u2028", `"`, `","x":"`,
	"{id}", "{{", "[]", "1,2", strings.Repeat("a/", 50),
}

// FuzzPath: no value changes a URL's host, its query, the number of its segments or the literal ones.
func FuzzPath(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed, "x")
		f.Add("x", seed)
	}
	templates := []struct {
		text     string
		segments []string // "*" is one with a value
	}{
		{"/a/{x}", []string{"a", "*"}},
		{"/{x}/b/{y}", []string{"*", "b", "*"}},
		{"/a/{x}{y}/c", []string{"a", "*", "c"}},
		{"/{x}.{y}/", []string{"*", ""}},
		{"/%2e{x}/..{y}", []string{"*", "*"}},
		{"/{key}/{keys}", []string{"*", "*"}},
	}
	paths := make([]*template.Path, len(templates))
	for i, c := range templates {
		path, err := template.ParsePath(c.text)
		if err != nil {
			f.Fatal(err)
		}
		paths[i] = path
	}
	f.Fuzz(func(t *testing.T, x, y string) {
		s := &template.Scope{
			Args: map[string]any{"x": x, "y": y},
			Key:  template.LookupKey{Text: x}, Keys: []template.LookupKey{{Text: x}, {Text: y}},
		}
		for i, c := range templates {
			text, err := paths[i].Append([]byte("http://host:80"), s)
			if err != nil {
				if fail.KindOf(err) != fail.BadInput {
					t.Fatalf("%s: %v", c.text, err)
				}
				continue
			}
			u, err := url.Parse(string(text))
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if u.Scheme != "http" || u.Host != "host:80" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
				t.Fatalf("%s leads elsewhere", text)
			}
			// Servers clean paths before they route; nothing may be left to clean.
			if clean := u.JoinPath(); clean.EscapedPath() != u.EscapedPath() {
				t.Fatalf("%s is cleaned to %s", text, clean)
			}
			segments := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
			if len(segments) != len(c.segments) {
				t.Fatalf("%s: %s has %d segments", c.text, text, len(segments))
			}
			for j, want := range c.segments {
				plain, err := url.PathUnescape(segments[j])
				dots := plain == "." || plain == ".." || plain == ""
				if err != nil || want == "*" && dots || want != "*" && segments[j] != want {
					t.Fatalf("%s: segment %d of %s", c.text, j, text)
				}
			}
			if i == 0 {
				if back, _ := url.PathUnescape(segments[1]); back != x {
					t.Fatalf("%q became %q", x, back)
				}
			}
		}
	})
}

// FuzzQuery: a value is the value of its parameter and nothing else.
func FuzzQuery(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed, "x")
		f.Add("x", seed)
	}
	query, err := template.NewQuery(literal(f, `{a: "{x}", b: ["1", "-{y}-"], id: "{keys}"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, x, y string) {
		s := &template.Scope{
			Args: map[string]any{"x": x, "y": y},
			Keys: []template.LookupKey{{Text: x}, {Text: y}},
		}
		for style, idName := range map[template.Style]string{template.Repeat: "id", template.Brackets: "id[]", template.Comma: "id"} {
			text, err := query.Append(nil, s, style)
			if err != nil {
				listed := x != "" && y != "" && !strings.Contains(x+y, ",")
				if style != template.Comma || listed || fail.KindOf(err) != fail.BadInput {
					t.Fatalf("%v", err)
				}
				continue
			}
			for _, c := range text {
				if c <= ' ' || c >= 0x7f || c == '#' {
					t.Fatalf("%q in %s", c, text)
				}
			}
			values, err := url.ParseQuery(string(text))
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			want := url.Values{"a": {x}, "b": {"1", "-" + y + "-"}, idName: {x, y}}
			if style == template.Comma {
				want["id"] = []string{x + "," + y}
			}
			if values.Encode() != want.Encode() {
				t.Fatalf("%s\nmeans %v\nwant  %v", text, values, want)
			}
		}
	})
}

// FuzzBody: a body is JSON with the values in their places, whatever they are.
func FuzzBody(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed, seed, 1.5, int64(7))
	}
	value, err := template.NewValue(literal(f, `{a: "{x}", b: "<{x}{y}>", c: ["{o}", "{f}", "{n}", "{num}"], d: "{gone}", k: "{keys}"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, x, y string, float float64, n int64) {
		s := &template.Scope{
			Args: map[string]any{"x": x, "y": y, "o": map[string]any{x: []any{y, nil, true}}, "f": float, "n": n, "num": json.Number(y)},
			Keys: []template.LookupKey{{Text: x, Number: true}, {Text: y}},
		}
		for _, as := range []template.KeyAs{template.AsIs, template.AsString, template.AsNumber} {
			got, ok, err := value.AppendJSON(nil, s, as)
			if err != nil {
				if fail.KindOf(err) != fail.BadInput {
					t.Fatal(err)
				}
				s.Args["num"], s.Args["f"] = json.Number("1e2"), 1.0
				if got, ok, err = value.AppendJSON(nil, s, template.AsString); err != nil {
					t.Fatal(err)
				}
			}
			if !ok || !json.Valid(got) || !utf8.Valid(got) {
				t.Fatalf("not JSON: %q", got)
			}
			var body struct {
				A, B string
				C    [4]any
				K    []any
			}
			d := json.NewDecoder(bytes.NewReader(got))
			d.DisallowUnknownFields()
			if err := d.Decode(&body); err != nil {
				t.Fatalf("%s: %v", got, err)
			}
			if body.A != readable(x) || body.B != "<"+readable(x+y)+">" || len(body.K) != 2 || body.C[2] != float64(n) {
				t.Fatalf("%s with x = %q, y = %q", got, x, y)
			}
		}
	})
}

// readable is s with U+FFFD for every byte that isn't UTF-8, as encoding/json has it.
func readable(s string) string { return string([]rune(s)) }

// FuzzHeader: what a service gets as a header is one line.
func FuzzHeader(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	headers, err := template.NewHeaders(literal(f, `{X_A: "a {x}"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, x string) {
		err := headers.Expand(&template.Scope{Args: map[string]any{"x": x}}, func(name, value string) {
			if strings.ContainsAny(value, "\r\n\x00") || name != "X-A" || value != "a "+x {
				t.Fatalf("%s: %q", name, value)
			}
		})
		if err != nil && fail.KindOf(err) != fail.BadInput {
			t.Fatal(err)
		}
	})
}

// FuzzParse: what is accepted has the literal text and the placeholders that were written.
func FuzzParse(f *testing.F) {
	for _, seed := range append(seeds, "/users/{key}", "{a}{{b}}", "{this.x.0}", "{header.X-A}", "{}", "}{") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := template.Parse(text)
		if err != nil {
			return
		}
		length := len(strings.NewReplacer("{{", "{", "}}", "}").Replace(text))
		for _, hole := range parsed.Placeholders() {
			if !strings.Contains(text, hole.Text) {
				t.Fatalf("%s isn't in %q", hole.Text, text)
			}
		}
		if got, ok, err := parsed.Append(nil, &template.Scope{}); err != nil || ok && len(got) > length {
			t.Fatalf("%q gave %q, %v", text, got, err)
		}
		if path, err := template.ParsePath(text); err == nil && path.String() != text {
			t.Fatalf("%q became %q", text, path)
		}
	})
}
