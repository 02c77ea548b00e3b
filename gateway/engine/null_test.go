package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Errors go up to the nearest place that can be null, and everything beside that place stays.
func TestBubbling(t *testing.T) {
	fails := func(wanted bool) func(context.Context, *thing) (int32, error) {
		return func(_ context.Context, t *thing) (int32, error) {
			if wanted {
				return 0, errors.New("no")
			}
			return int32(t.n), nil
		}
	}
	const text = "Cannot return null for non-nullable field Query.grid."
	tests := []struct {
		name, types string
		list        [][]*thing
		bad         bool // the field may fails
		query, data string
		errors      []string
	}{
		{"nullable field", `[[Thing!]!]!`, [][]*thing{someThings(1)}, true, `{ x: keep grid { may } y: keep }`,
			`{"x":1,"grid":[[{"may":null}]],"y":1}`, []string{"grid[0][0].may 1:18 no"}},
		{"nullable element", `[[Thing]!]!`, [][]*thing{someThings(2)}, true, `{ grid { must } keep }`,
			`{"grid":[[null,null]],"keep":1}`, []string{"grid[0][0].must 1:10 no", "grid[0][1].must 1:10 no"}},
		{"nullable inner list", `[[Thing!]]!`, [][]*thing{someThings(2), {}}, true, `{ grid { must } keep }`,
			`{"grid":[null,[]],"keep":1}`, []string{"grid[0][0].must 1:10 no", "grid[0][1].must 1:10 no"}},
		{"nullable list", `[[Thing!]!]`, [][]*thing{someThings(1), nil}, true, `{ grid { must } keep }`,
			`{"grid":null,"keep":1}`, []string{"grid[0][0].must 1:10 no"}},
		{"nothing is nullable", `[[Thing!]!]!`, [][]*thing{someThings(1)}, true, `{ keep grid { must } }`,
			`null`, []string{"grid[0][0].must 1:15 no"}},
		{"null element", `[[Thing!]]!`, [][]*thing{{nil, {n: 1}}, {{n: 2}}}, false, `{ grid { must } }`,
			`{"grid":[null,[{"must":2}]]}`, []string{"grid[0][0] 1:3 " + text}},
		{"null elements without tasks below", `[[Thing!]]!`, [][]*thing{{nil, nil}, {{n: 2}}}, false, `{ grid { n } }`,
			`{"grid":[null,[{"n":2}]]}`, []string{"grid[0][0] 1:3 " + text, "grid[0][1] 1:3 " + text}},
		{"null list is empty where it must be there", `[[Thing]!]!`, [][]*thing{nil}, false, `{ grid { must } }`, `{"grid":[[]]}`, nil},
		{"null list", `[[Thing]]!`, [][]*thing{nil}, false, `{ grid { must } }`, `{"grid":[null]}`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			es := newLab(`type Query { grid: `+test.types+` keep: Int } type Thing { n: Int! may: Int must: Int! }`,
				engine.Fields{"grid": constant(engine.List(things), test.list), "keep": constant(number, 1)},
				engine.Fields{"n": thingNumber, "may": of(number, fails(test.bad)), "must": of(number, fails(test.bad))})
			ask(t, es, test.query, nil).check(t, test.data, test.errors...)
		})
	}
}

type shelf view.Value

// Values of views are checked against their type while they are copied.
func TestViewValues(t *testing.T) {
	l := newLabSchema(`
		scalar Long scalar DateTime scalar JSON
		enum Color { RED GREEN }
		type Query { shelf: Shelf }
		type Shelf { id: ID! name: String count: Int! long: Long price: Float ok: Boolean when: DateTime any: JSON
			color: Color tags: [String!] nested: [[Int]!] inner: Shelf all: [Shelf!] deep: String }`)
	fields := engine.Fields{}
	for _, f := range l.schema.Types["Shelf"].Fields {
		// The accessors of these fields must not be called.
		b := engine.Property(func(*shelf) (string, error) { panic("called") }, text)
		if f.Type.Name() == "Shelf" {
			b = engine.Property(func(*shelf) (*shelf, error) { panic("called") }, engine.Ref[shelf]("Shelf"))
		}
		fields[f.Name] = b.From("/" + f.Name)
	}
	fields["deep"] = engine.Property(func(*shelf) (string, error) { panic("called") }, text).From("/a~1b/1/c")
	null := "Cannot return null for non-nullable field Shelf."
	tests := []struct {
		name, json, query, data string
		errors                  []string
	}{
		{"copied", `{"id":7,"name":"é\n","count":3.0,"long":9007199254740993,"price":1.50,"ok":1,"when":"2020-01-01T00:00:00Z","any":{"x":[1]},"color":"RED"}`,
			`{ id name count long price ok when any color }`,
			`{"id":"7","name":"é\n","count":3,"long":9007199254740993,"price":1.5,"ok":true,"when":"2020-01-01T00:00:00Z","any":{"x":[1]},"color":"RED"}`, nil},
		{"absent is null", `{"id":"x","count":1}`, `{ id name count tags inner { id } all { id } }`, `{"id":"x","name":null,"count":1,"tags":null,"inner":null,"all":null}`, nil},
		{"wrong types are null", `{"count":1,"name":{},"price":"x","color":"PINK","any":null,"tags":1,"inner":3}`, `{ count name price color any tags inner { id } }`,
			`{"count":1,"name":null,"price":null,"color":null,"any":null,"tags":null,"inner":null}`, []string{
				"shelf.name 1:16 String cannot represent value: an object", `shelf.price 1:21 Float cannot represent non numeric value: a string`,
				`shelf.color 1:27 Enum "Color" cannot represent value: a string`, "shelf.tags 1:37 Expected Iterable, but got: a number.",
				`shelf.inner 1:42 Expected value of type "Shelf" but got: a number.`,
			}},
		{"null goes up", `{"id":1,"inner":{"id":null},"all":[{"id":1},{}]}`, `{ id inner { id } all { id } }`, `{"id":"1","inner":null,"all":null}`,
			[]string{"shelf.inner.id 1:21 " + null + "id.", "shelf.all[1].id 1:32 " + null + "id."}},
		{"items", `{"tags":["a",null,{}],"nested":[[1,"x",null],[]]}`, `{ tags nested }`, `{"tags":null,"nested":[[1,null,null],[]]}`, []string{
			"shelf.tags[1] 1:10 " + null + "tags.", "shelf.tags[2] 1:10 String cannot represent value: an object",
			`shelf.nested[0][1] 1:15 Int cannot represent non-integer value: a string`,
		}},
		{"pointer", `{"a/b":[0,{"c":"here"}]}`, `{ deep }`, `{"deep":"here"}`, nil},
		{"no object", `[1]`, `{ name }`, `null`, []string{`shelf 1:2 Expected value of type "Shelf" but got: a list.`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := view.Parse([]byte(test.json))
			if err != nil {
				t.Fatal(err)
			}
			es := engine.New(l, engine.NewBindings(nil, engine.NewView[shelf]("Shelf", fields), engine.NewObject("Query", engine.Fields{
				"shelf": constant(engine.Ref[shelf]("Shelf"), view.Pack[shelf](d.Root())),
			})))
			ask(t, es, "{shelf "+test.query+"}", nil).check(t, `{"shelf":`+test.data+`}`, test.errors...)
		})
	}
}

// A field that an object of views can't copy is read with the accessor, and so are objects with resolvers below.
func TestViewsWithResolvers(t *testing.T) {
	l := newLabSchema(`type Query { shelf: Shelf } type Shelf { name: String inner: Shelf label: String }`)
	inner := func(s *shelf) (*shelf, error) { return view.Pack[shelf](view.Unpack(s).Get("inner")), nil }
	es := engine.New(l, engine.NewBindings(nil, engine.NewObject("Query", engine.Fields{
		"shelf": constant(engine.Ref[shelf]("Shelf"), view.Pack[shelf](parse(`{"name":"a","inner":{"name":"b","inner":{"name":"c"}}}`))),
	}), engine.NewView[shelf]("Shelf", engine.Fields{
		"name":  engine.Property(func(*shelf) (string, error) { panic("called") }, text).From("/name"),
		"inner": engine.Property(inner, engine.Ref[shelf]("Shelf")).From("/inner"),
		"label": engine.Batch(func(_ context.Context, objs []*shelf, _ *graphql.FieldContext) ([]string, error) {
			labels := make([]string, len(objs))
			for i, o := range objs {
				labels[i], _ = view.String(view.Unpack(o).Get("name"))
				labels[i] += "!"
			}
			return labels, nil
		}, text),
	})))
	ask(t, es, `{ shelf { name inner { label inner { name label } } } }`, nil).check(t,
		`{"shelf":{"name":"a","inner":{"label":"b!","inner":{"name":"c","label":"c!"}}}}`)
}

// A service that makes one mistake in each of many items costs a hundred errors, and nothing is null that wouldn't be.
func TestErrorsAreCounted(t *testing.T) {
	no := errors.New("no")
	es := newLab(`type Query { grid: [Thing!]! } type Thing { n: Int! may: Int }`,
		engine.Fields{"grid": constant(things, someThings(1000))},
		engine.Fields{"n": thingNumber, "may": of(number, func(_ context.Context, t *thing) (int32, error) {
			if t.n%2 == 0 {
				return 0, no
			}
			return int32(t.n), nil
		})})
	got := ask(t, es, "{ grid { n may } }", nil)
	more := engine.Unreported(0)
	reported := 0
	for _, err := range got.errors {
		if counted, ok := errors.AsType[engine.Unreported](err.Err); ok {
			more += counted
			continue
		}
		reported++
	}
	if reported != 100 || more != 400 || more.More() != 400 {
		t.Errorf("%d errors and %d more", reported, more)
	}
	if nulls := strings.Count(got.data, `"may":null`); nulls != 500 || strings.Count(got.data, `"n":`) != 1000 {
		t.Errorf("%d fields are null", nulls)
	}
}
