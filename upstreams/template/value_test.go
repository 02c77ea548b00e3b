package template_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/template"
)

func TestValue(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                           `{}`,
		`[]`:                           `[]`,
		`null`:                         `null`,
		`{a: 1, b: [1.5, ASC, "x\n"]}`: `{"a":1,"b":[1.5,"ASC","x\n"]}`,
		`"{n}"`:                        `-3`,
		`"{missing}"`:                  `∅`,
		`"{nil}"`:                      `null`,
		`{a: "{missing}", b: "{nil}", c: "{yes}", d: "{missing}"}`: `{"b":null,"c":true}`,
		`["{missing}", "{nil}", "{f}"]`:                            `[null,null,1.5]`,
		`{a: {b: "{missing}"}, c: ["{missing}"]}`:                  `{"a":{},"c":[null]}`,
		`"{big}"`:                           `12345678901234567890`,
		`"{quote}"`:                         `"\"\\\n\u0000é` + "\uFFFD" + `"`,
		`"{empty}"`:                         `""`,
		`"n={n} {f} {yes}"`:                 `"n=-3 1.5 true"`,
		`"a{missing}"`:                      `∅`,
		`"a{nil}"`:                          `null`,
		`["a{missing}", "a{nil}"]`:          `[null,null]`,
		`"{list}"`:                          `["x",null,2]`,
		`"{none}"`:                          `[]`,
		`"{input}"`:                         `{"name":"Ada","nil":null,"tags":["p","q"]}`,
		`{n: "{input.name}"}`:               `{"n":"Ada"}`,
		`"{this.price}"`:                    `1.50`,
		`"{this.name}"`:                     `"O\"Neil"`,
		`"{this.object}"`:                   `{"a" : [1, 2]}`,
		`"{this.no}"`:                       `null`,
		`"{header.X-Evil}"`:                 `"a\r\nb"`,
		`["{claim.org.id}", "{client.id}"]`: `[7,"app"]`,
		`"{nul}"`:                           `The value of {nul} must be a number.`,
		`["x{input}"]`:                      `The value of {input} can't be an object in a text.`,
	} {
		value, err := template.NewValue(literal(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, ok, err := value.AppendJSON(nil, scope(t), template.AsIs)
		result := string(got)
		switch {
		case err != nil:
			result = publicText(t, err)
		case !ok:
			result += "∅"
		case !json.Valid(got):
			t.Errorf("%s: not JSON: %s", text, got)
		}
		if result != want {
			t.Errorf("%s: %s\nwant %s", text, result, want)
		}
	}
}

func TestKeyAs(t *testing.T) {
	value, err := template.NewValue(literal(t, `{one: "{key}", all: "{keys}", text: "k{key}"}`))
	if err != nil {
		t.Fatal(err)
	}
	numbers := &template.Scope{
		Key:  template.LookupKey{Text: "1", Number: true},
		Keys: []template.LookupKey{{Text: "1", Number: true}, {Text: "2"}},
	}
	words := &template.Scope{Key: template.LookupKey{Text: "x"}, Keys: []template.LookupKey{{Text: `"`}}}
	lying := &template.Scope{Key: template.LookupKey{Text: "01", Number: true}}
	for _, c := range []struct {
		name  string
		scope *template.Scope
		as    template.KeyAs
		want  string
	}{
		{"numbers as is", numbers, template.AsIs, `{"one":1,"all":[1,"2"],"text":"k1"}`},
		{"numbers as texts", numbers, template.AsString, `{"one":"1","all":["1","2"],"text":"k1"}`},
		{"numbers as numbers", numbers, template.AsNumber, `{"one":1,"all":[1,2],"text":"k1"}`},
		{"words as is", words, template.AsIs, `{"one":"x","all":["\""],"text":"kx"}`},
		{"words as texts", words, template.AsString, `{"one":"x","all":["\""],"text":"kx"}`},
		{"words as numbers", words, template.AsNumber, `The key "x" must be a number.`},
		{"no number after all", lying, template.AsIs, `{"one":"01","all":[],"text":"k01"}`},
		{"no number after all, as one", lying, template.AsNumber, `The key "01" must be a number.`},
	} {
		got, _, err := value.AppendJSON(nil, c.scope, c.as)
		result := string(got)
		if err != nil {
			result = publicText(t, err)
		}
		if result != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, result, c.want)
		}
	}
}

func TestFloats(t *testing.T) {
	value, err := template.NewValue(literal(t, `"{f}"`))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []float64{0, 1, -1.5, 0.1, 1e20, 1e21, 1e-6, 9.9e-7, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		got, _, err := value.AppendJSON(nil, &template.Scope{Args: map[string]any{"f": f}}, template.AsIs)
		var back float64
		if err != nil || json.Unmarshal(got, &back) != nil || back != f {
			t.Errorf("%g: %s %v", f, got, err)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1)} {
		s := &template.Scope{Args: map[string]any{"f": f}}
		if _, _, err := value.AppendJSON(nil, s, template.AsIs); err == nil || publicText(t, err) != "The value of {f} must be a finite number." {
			t.Errorf("%g: %v", f, err)
		}
	}
}

func TestArgsAsBody(t *testing.T) {
	s := scope(t)
	got, err := template.AppendArgs(nil, s, []string{"yes", "missing", "nil", "input", "n"})
	if want := `{"yes":true,"nil":null,"input":{"name":"Ada","nil":null,"tags":["p","q"]},"n":-3}`; string(got) != want || err != nil {
		t.Errorf("%s %v", got, err)
	}
	if got, err := template.AppendArgs(nil, s, []string{"missing"}); string(got) != `{}` || err != nil {
		t.Errorf("%s %v", got, err)
	}
	if _, err := template.AppendArgs(nil, s, []string{"nul"}); err == nil || publicText(t, err) != "The value of {nul} must be a number." {
		t.Error(err)
	}
	for name, want := range map[string]string{"input": `{"name":"Ada","nil":null,"tags":["p","q"]}`, "nil": "null", "missing": ""} {
		got, ok, err := template.AppendArg(nil, s, name)
		if string(got) != want || ok != (want != "") || err != nil {
			t.Errorf("%s: %s %v %v", name, got, ok, err)
		}
	}
}

func TestValueMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`$input`:                `$input: a directive of a schema has no variables; write "{input}"`,
		`{a: {b: ["{"]}}`:       `a: b: "{" has a "{" that is never closed; a literal brace is written "{{"`,
		`"{\"a\": 1}"`:          `{"a": 1} has spaces in it; write {"a":1}`,
		"{a: \"\"\"{b}}\"\"\"}": `a: "{b}}" has a "}" without a "{"; a literal brace is written "}}"`,
	} {
		if _, err := template.NewValue(literal(t, text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestPlaceholdersOfEveryPart(t *testing.T) {
	value, err := template.NewValue(literal(t, `{a: ["{x}", {b: "{y}{z}"}], c: 1}`))
	if err != nil {
		t.Fatal(err)
	}
	query, err := template.NewQuery(literal(t, `{a: ["{x}", "{y}"], b: "{z}"}`))
	if err != nil {
		t.Fatal(err)
	}
	headers, err := template.NewHeaders(literal(t, `{a: "{x}{y}", b: "{z}"}`))
	if err != nil {
		t.Fatal(err)
	}
	path, err := template.ParsePath("/{x}/{y}.{z}")
	if err != nil {
		t.Fatal(err)
	}
	for _, holes := range [][]template.Placeholder{value.Placeholders(), query.Placeholders(), headers.Placeholders(), path.Placeholders()} {
		var names []string
		for _, hole := range holes {
			names = append(names, hole.Text)
		}
		if diff := cmp.Diff([]string{"{x}", "{y}", "{z}"}, names); diff != "" {
			t.Error(diff)
		}
	}
}
