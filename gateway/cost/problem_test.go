package cost_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/mistake"
)

func TestSchemaMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, sdl string
		want      string // "" is none
	}{
		{"text", `type Query { a: Int @cost(weight: "a lot") }`, `2: @cost on Query.a: "a lot" is no weight; write a number, such as "5.0" or "-2"`},
		{"NaN", `type Query { a: Int @cost(weight: "NaN") }`, `2: @cost on Query.a: NaN is no weight; write a number, such as "5.0" or "-2"`},
		{"infinite", `type Query { a: Int @cost(weight: "-Infinity") }`, `2: @cost on Query.a: "-Infinity" is too much; write a number between -1e9 and 1e9`},
		{"hexadecimal", `type Query { a: Int @cost(weight: "0x10") }`, `2: @cost on Query.a: "0x10" is no weight; write a number, such as "5.0" or "-2"`},
		{"empty", `type Query { a: Int @cost(weight: "") }`, `2: @cost on Query.a: "" is no weight; write a number, such as "5.0" or "-2"`},
		{"a truth", `type Query { a: Int @cost(weight: true) }`, `2: @cost on Query.a: true is no weight; write a number, such as "5.0" or "-2"`},
		{"an Int and a Float", `type Query { a: Int @cost(weight: 2) b: Int @cost(weight: -2.5) }`, ""},
		{"on a field of an interface", `type Query { i: I } interface I { a: Int @cost(weight: "2") } type A implements I { a: Int }`,
			`2: @cost on I.a: a field of an interface costs what it costs on the object; put @cost on the field of each object type that implements I`},
		{"on an argument", `type Query { a(b: Int @cost(weight: "x")): Int }`, `2: @cost on Query.a(b:): "x" is no weight; write a number, such as "5.0" or "-2"`},
		{"on an input field", `type Query { a(b: B): Int } input B { c: Int @cost(weight: "x") }`, `2: @cost on B.c: "x" is no weight; write a number, such as "5.0" or "-2"`},
		{"on a type", `type Query { a: S } scalar S @cost(weight: "x")`, `2: @cost on S: "x" is no weight; write a number, such as "5.0" or "-2"`},
		{"no list", `type Query { a: Int @listSize(assumedSize: 2) }`, `2: @listSize on Query.a: Int is no list; put it on a list, or name the lists below in sizedFields`},
		{"sizes no field", `type Query { a: A @listSize(assumedSize: 2, sizedFields: ["b"]) } type A { c: Int }`, `2: @listSize on Query.a: sizedFields: A has no field b; name a list of A`},
		{"sizes no list", `type Query { a: A @listSize(assumedSize: 2, sizedFields: ["c"]) } type A { c: Int }`, `2: @listSize on Query.a: sizedFields: A.c is Int, no list; name a list of A`},
		{"sizes a leaf's", `type Query { a: [Int] @listSize(assumedSize: 2, sizedFields: ["c"]) }`, `2: @listSize on Query.a: sizedFields: Int has no field c; name a list of Int`},
		{"slices by nothing", `type Query { a(n: Int): [Int] @listSize(slicingArguments: ["m"]) }`, `2: @listSize on Query.a: slicingArguments: the field has no argument m; name one that is an Int`},
		{"slices by a text", `type Query { a(n: String): [Int] @listSize(slicingArguments: ["n"]) }`, `2: @listSize on Query.a: slicingArguments: n is String; only an Int or Int! can say how long a list is`},
		{"slices by a list", `type Query { a(n: [Int]): [Int] @listSize(slicingArguments: ["n"]) }`, `2: @listSize on Query.a: slicingArguments: n is [Int]; only an Int or Int! can say how long a list is`},
		{"a path into nothing", `type Query { a(n: Int): [Int] @listSize(slicingArguments: ["n.m"]) }`, `2: @listSize on Query.a: slicingArguments: the field has no argument n.m; name one that is an Int`},
		{"assumed and required", `type Query { a(n: Int): [Int] @listSize(slicingArguments: ["n"], assumedSize: 2) }`, `2: @listSize on Query.a: assumedSize is never used when a slicing argument is required; leave it out, or add requireOneSlicingArgument: false`},
		{"assumed with a default", `type Query { a(n: Int = 1): [Int] @listSize(slicingArguments: ["n"], assumedSize: 2, requireOneSlicingArgument: false) }`, `2: @listSize on Query.a: assumedSize is never used, because n has a default; leave one of them out`},
		{"assumed otherwise", `type Query { a(n: Int): [Int] @listSize(slicingArguments: ["n"], assumedSize: 2, requireOneSlicingArgument: false) }`, ""},
		{"assumed no number", `type Query { a: [Int] @listSize(assumedSize: "2") }`, `2: @listSize on Query.a: assumedSize: write a whole number, such as 50`},
		{"required by a text", `type Query { a: [Int] @listSize(requireOneSlicingArgument: "no") }`, `2: @listSize on Query.a: requireOneSlicingArgument: write true or false`},
		{"sized by numbers", `type Query { a: [Int] @listSize(sizedFields: [1]) }`, `2: @listSize on Query.a: sizedFields: write a list of fields, such as ["edges"]`},
		{"sliced by numbers", `type Query { a: [Int] @listSize(slicingArguments: 1) }`, `2: @listSize on Query.a: slicingArguments: write a list of arguments, such as ["first"]`},
		{"on an interface", `type Query { i: I } interface I { a: Int @listSize(assumedSize: 2) } type A implements I { a: Int }`,
			`2: @listSize on I.a: Int is no list; put it on a list, or name the lists below in sizedFields`},
		{"a default in a circle", `type Query { a(b: B): Int } input B { c: B = {} }`, `2: the default of c leads back to itself; leave out one of the defaults`},
		{"nulls", `type Query { a: [Int] @listSize(assumedSize: null, sizedFields: null) }`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sdl := strings.ReplaceAll(directives, "\n", " ") + "\n" + tt.sdl
			_, err := cost.Compile(schemaOf(t, sdl), cost.Config{})
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (err == nil || err.Error() != "s.graphql:"+tt.want):
				t.Errorf("got  %v\nwant %s", err, "s.graphql:"+tt.want)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	schema, err := gqlparser.LoadSchema(
		&ast.Source{Name: "b.graphql", Input: directives + "\ntype Query { a: Int @cost(weight: \"x\")\n b: Int @listSize }"},
		&ast.Source{Name: "a.graphql", Input: "\nextend type Query { c: Int @cost(weight: \"NaN\") }"},
	)
	if err != nil {
		t.Fatal(err)
	}
	_, err = cost.Compile(schema, cost.Config{})
	var problems mistake.List
	if !errors.As(err, &problems) || len(problems) != 3 || problems[0].File != "a.graphql" || problems[0].Line != 2 || problems[2].Line != problems[1].Line+1 {
		t.Errorf("got %v", err)
	}
}

func TestPlacesOfOtherDefinitions(t *testing.T) {
	const wide = `directive @cost(weight: Int!) on OBJECT | INTERFACE | UNION | INPUT_OBJECT | FIELD_DEFINITION
directive @listSize(assumedSize: Int, slicingArguments: [String!], requireOneSlicingArgument: Boolean = false, slicingArgumentDefaultValue: Int, cap: Int) on FIELD_DEFINITION
`
	for _, tt := range []struct{ sdl, want string }{
		{`type Query { i: I } interface I @cost(weight: 2) { a: Int }`, `s.graphql:3: @cost on I: it is the largest weight of its objects; put @cost on the object types`},
		{`type Query { a(i: I): Int } input I @cost(weight: 2) { a: Int }`, `s.graphql:3: @cost on I: an input object has no weight of its own; put @cost on its fields or on arguments of its type`},
		{`type Query { a: [Int] @listSize(cap: 2) }`, `s.graphql:3: @listSize on Query.a: there is no argument cap; there are assumedSize, slicingArguments, sizedFields, requireOneSlicingArgument`},
	} {
		if _, err := cost.Compile(schemaOf(t, wide+tt.sdl), cost.Config{}); err == nil || err.Error() != tt.want {
			t.Errorf("got %v", err)
		}
	}
	// What such a definition says about requireOneSlicingArgument holds, and so does a size in place of the argument.
	schema := schemaOf(t, wide+`type Query { a(n: Int): [A] @listSize(slicingArguments: ["n"], slicingArgumentDefaultValue: 6) b(n: Int): [A] @listSize(slicingArguments: ["n"]) } type A { id: ID }`)
	prices, err := cost.Compile(schema, cost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]float64{`{ a { id } }`: 7, `{ b { id } }`: 101, `{ a(n: 2) { id } }`: 3} {
		doc, err := document(schema, query)
		if err != nil {
			t.Fatal(err)
		}
		formula, err := prices.Formula(doc, doc.Operations[0])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := formula.Estimate(nil); err != nil || got.Type != want {
			t.Errorf("%s: %+v, %v", query, got, err)
		}
	}
}
