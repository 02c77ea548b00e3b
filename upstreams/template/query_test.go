package template_test

import (
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/template"
)

func TestQuery(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                     "",
		`{a: 1, b: "x y", c: ASC, d: true}`:      "a=1&b=x+y&c=ASC&d=true",
		`{a: "", b: null, c: 1.50e1}`:            "a=&c=1.50e1",
		`{a: [1, null, "{n}", X], b: []}`:        "a=1&a=-3&a=X",
		`{q: "{space}"}`:                         "q=a+b%26c%3Dd",
		`{q: "{missing}", r: "{nil}", n: "{n}"}`: "n=-3",
		`{q: "a-{missing}", r: "{n}-{nil}"}`:     "",
		`{q: "a-{n}-{id}"}`:                      "q=a--3-a%2Fb",
		`{q: "{empty}"}`:                         "q=",
		`{q: "{list}", r: "{none}"}`:             "q=x&q=2",
		`{q: "{this.ids}", r: "{this.no}"}`:      "q=1&q=two",
		`{q: "{input.tags}"}`:                    "q=p&q=q",
		`{id: "{keys}"}`:                         "id=1&id=b%26c",
		`{id: "in.({keys})"}`:                    "id=in.%281%2Cb%26c%29",
		`{q: "{key}", c: "{client.id}"}`:         "q=k%2F1&c=app",
		`{q: "{header.X-Evil}"}`:                 "q=a%0D%0Ab",
		`{q: "{input}"}`:                         "The value of {input} can't be an object in a query.",
		`{q: "{lists}"}`:                         "The value of {lists} can't be a list in a query.",
		`{q: "{this.object}"}`:                   "The value of {this.object} can't be an object in a query.",
		`{q: "x{list}"}`:                         "The value of {list} can't be a list in a query.",
		`{q: ["{id}", "{list}"]}`:                "q=a%2Fb&q=x&q=2",
	} {
		query, err := template.NewQuery(literal(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := query.Append([]byte("?"), scope(t), template.Repeat)
		result := string(got[1:])
		if err != nil {
			result = publicText(t, err)
		}
		if result != want {
			t.Errorf("%s: %s\nwant %s", text, result, want)
		}
	}
}

func TestStyles(t *testing.T) {
	query, err := template.NewQuery(literal(t, `{a: 1, id: "{keys}", z: 2}`))
	if err != nil {
		t.Fatal(err)
	}
	keys := []template.LookupKey{{Text: "1", Number: true}, {Text: "b c"}}
	for _, c := range []struct {
		style template.Style
		keys  []template.LookupKey
		want  string
	}{
		{template.Repeat, keys, "a=1&id=1&id=b+c&z=2"},
		{template.Comma, keys, "a=1&id=1,b+c&z=2"},
		{template.Brackets, keys, "a=1&id%5B%5D=1&id%5B%5D=b+c&z=2"},
		{template.Repeat, nil, "a=1&z=2"},
		{template.Comma, nil, "a=1&z=2"},
		{template.Brackets, nil, "a=1&z=2"},
		{template.Repeat, []template.LookupKey{{Text: "1,2"}, {}}, "a=1&id=1%2C2&id=&z=2"},
		{template.Comma, []template.LookupKey{{Text: "1,2"}}, `The key "1,2" can't stand in a list with commas.`},
		{template.Comma, []template.LookupKey{{}}, `The key "" can't stand in a list with commas.`},
	} {
		got, err := query.Append(nil, &template.Scope{Keys: c.keys}, c.style)
		result := string(got)
		if err != nil {
			result = publicText(t, err)
		}
		if result != c.want {
			t.Errorf("style %d with %v: %s\nwant %s", c.style, c.keys, result, c.want)
		}
	}
}

func TestQueryMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`[1]`:             `it must be an object of parameters, such as {id: "{id}"}`,
		`{a: {b: 1}}`:     "a: a query has no objects in it; give each property a parameter of its own",
		`{a: [[1]]}`:      "a: a query's list can't hold lists or objects",
		`{a: [[]]}`:       "a: a query's list can't hold lists or objects",
		`{a: [1, {}]}`:    "a: a query's list can't hold lists or objects",
		`{a: "{ x }"}`:    "a: { x } has spaces in it; write {x}",
		`{a: [1, $v]}`:    `a: $v: a directive of a schema has no variables; write "{v}"`,
		`{a: ["{this}"]}`: "a: {this} names no property; write {this.name}",
	} {
		if _, err := template.NewQuery(literal(t, text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestQueryArgs(t *testing.T) {
	got, err := template.AppendQueryArgs([]byte("?"), scope(t), []string{"n", "missing", "nil", "list", "id"})
	if want := "?n=-3&list=x&list=2&id=a%2Fb"; string(got) != want || err != nil {
		t.Errorf("%s %v", got, err)
	}
	_, err = template.AppendQueryArgs(nil, scope(t), []string{"n", "input"})
	if want := "The value of {input} can't be an object in a query."; err == nil || publicText(t, err) != want {
		t.Error(err)
	}
}
