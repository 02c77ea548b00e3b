package cost_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

const shop = `
directive @near(by: Float! @cost(weight: "-1"), also: Int = 3 @cost(weight: "0.25")) on FIELD
type Query {
  plain: Int
  dear: Int @cost(weight: "2.5")
  item: Item
  any: Any
  node: Node
  lonely: Lonely
  open: [Item]
  grid: [[Item]]
  names(n: Int!): [Name] @listSize(slicingArguments: ["n"])
  one(n: Int): [Item] @listSize(slicingArguments: ["n"])
  two(first: Int, last: Int): [Item] @listSize(slicingArguments: ["first", "last"])
  deep(page: Page): [Item] @listSize(slicingArguments: ["page.size.n"])
  def(n: Int = 7): [Item] @listSize(slicingArguments: ["n"])
  assumed: [Item] @listSize(assumedSize: -5)
  conn(n: Int): Conn @listSize(slicingArguments: ["n"], sizedFields: ["edges"], requireOneSlicingArgument: false)
  conns(n: Int): [Conn] @listSize(slicingArguments: ["n"], sizedFields: ["edges"])
  filter(where: Where @cost(weight: "2"), ids: [ID!] @cost(weight: "0.5"), many: [Where!]): Int @cost(weight: "1")
  hinted(where: Where = {limit: 1}): Int
}
type Mutation @cost(weight: "4") { save(where: Where): Item @cost(weight: "10") }
type Subscription { news: Item }
type Item @cost(weight: "3") { id: ID  items(n: Int): [Item] @listSize(slicingArguments: ["n"], requireOneSlicingArgument: false)  name: Name }
type Light implements Node @cost(weight: "-2") { id: ID  kids(n: Int): [Item] @cost(weight: "5") }
type Heavy implements Node { id: ID @cost(weight: "1")  kids(n: Int): [Item] }
interface Node { id: ID  kids(n: Int): [Item] @listSize(slicingArguments: ["n"], requireOneSlicingArgument: false) }
interface Lonely { id: ID }
union Any = Item | Light
scalar Name @cost(weight: "0.5")
type Conn { edges: [Item]  more: [Item]  total: Int }
input Page { size: Size }
input Size { n: Int = 9 }
input Where { limit: Int = 5 @cost(weight: "0.1")  and: [Where!]  tag: String @cost(weight: "-0.5") }
`

func TestRules(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		variables   string
		field, typ  float64
		points      int64
	}{
		{"leaves cost nothing", `{ plain __typename }`, "", 0, 1, 1},
		{"a field's weight", `{ dear a: dear dear }`, "", 5, 1, 6},
		{"an object's weight", `{ item { id } }`, "", 1, 4, 5},
		{"a scalar's weight, by the list", `{ names(n: 4) }`, "", 0, 3, 3},
		{"a list that nothing bounds", `{ open { id } }`, "", 1, 301, 302},
		{"lists of lists have one size", `{ grid { id } }`, "", 1, 301, 302},
		{"a union has the largest weight", `{ any { ... on Light { id } } }`, "", 1, 4, 5},
		{"and what is below stays apart from it", `{ any { ... on Light { kids(n: 2) { id } } } }`, "", 6, 10, 16},
		{"an interface without objects", `{ lonely { id } }`, "", 1, 2, 3},
		{"a field of an interface costs what the dearest object's does", `{ node { id kids(n: 2) { id } } }`, "", 6, 8, 14},
		{"the largest slicing argument of those with a value", `{ two(first: 3, last: null) { id } }`, "", 1, 10, 11},
		{"a path into an input object", `{ deep(page: {size: {n: 2}}) { id } }`, "", 3, 7, 10},
		{"with the default at its end", `{ deep(page: {size: {}}) { id } }`, "", 3, 28, 31},
		{"the same by a variable inside", `query($n: Int) { deep(page: {size: {n: $n}}) { id } }`, `{"n": 2}`, 3, 7, 10},
		{"the same by a variable outside", `query($p: Page) { deep(page: $p) { id } }`, `{"p": {"size": {"n": 2}}}`, 3, 7, 10},
		{"with its default", `query($p: Page) { deep(page: $p) { id } }`, `{"p": {"size": {}}}`, 3, 28, 31},
		{"a default of the schema", `{ def { id } }`, "", 1, 22, 23},
		{"and for a variable without value", `query($n: Int) { def(n: $n) { id } }`, `{}`, 1, 22, 23},
		{"a default of the operation", `query($n: Int = 2) { def(n: $n) { id } }`, `{}`, 1, 7, 8},
		{"null takes both away", `query($n: Int = 2) { def(n: $n) { id } }`, `{"n": null}`, 1, 301, 302},
		{"null as a literal", `{ def(n: null) { id } }`, "", 1, 301, 302},
		{"a negative size is none", `{ one(n: -3) { items { id } } }`, "", 1, 1, 2},
		{"a negative assumed size too", `{ assumed { id } }`, "", 1, 1, 2},
		{"zero stays zero, with infinitely many below", `{ one(n: 0) { items { id } } }`, "", 1, 1, 2},
		{"sizedFields size what they name", `{ conn(n: 2) { edges { id } total } }`, "", 2, 8, 10},
		{"through fragments and aliases", `{ conn(n: 2) { ...F a: edges { id } } } fragment F on Conn { ... { edges { id } } }`, "", 3, 14, 17},
		{"and nothing else", `{ conn(n: 2) { more { id } } }`, "", 2, 302, 304},
		{"nor anything further down", `{ conn(n: 2) { edges { items { id } } } }`, "", 4, 608, 612},
		{"without a size they have the default's", `{ conn { edges { id } } }`, "", 2, 302, 304},
		{"the field itself isn't sized", `{ conns(n: 2) { edges { id } } }`, "", 101, 701, 802},
		{"arguments that aren't there", `{ filter }`, "", 1, 1, 2},
		{"an argument and its default fields", `{ filter(where: {}) }`, "", 3.1, 1, 5},
		{"null is paid and has no fields", `{ filter(where: null) }`, "", 3, 1, 4},
		{"a variable without value isn't paid", `query($w: Where) { filter(where: $w) }`, "", 1, 1, 2},
		{"a variable that is null is", `query($w: Where) { filter(where: $w) }`, `{"w": null}`, 3, 1, 4},
		{"a list is paid once", `{ filter(ids: ["a", "b", "c"]) }`, "", 1.5, 1, 3},
		{"its elements' fields each", `{ filter(many: [{}, {tag: "x"}, {limit: null}]) }`, "", 1.8, 1, 3},
		{"one value for a list", `{ filter(many: {tag: "x", and: {and: []}}) }`, "", 3.7, 1, 5},
		{"a default of the schema materialises", `{ hinted }`, "", 1.1, 1, 3},
		{"its leaves by variables", `query($t: String, $l: Int) { filter(where: {tag: $t, limit: $l}) }`, `{"t": "x"}`, 2.6, 1, 4},
		{"directives", `{ item @near(by: 1) { id } }`, "", 0.25, 4, 5},
		{"never less than nothing", `{ plain @near(by: 1, also: null) }`, "", 0, 1, 1},
		{"of merged fields the dearest's", `{ dear @near(by: 1) dear }`, "", 2.5, 1, 4},
		{"skipped", `query($s: Boolean!) { dear @skip(if: $s) item @include(if: false) { id } }`, `{"s": true}`, 0, 1, 1},
		{"one or the other", `query($s: Boolean!) { item { id @include(if: $s) ...A @include(if: $s) ...B @skip(if: $s) } }
			fragment A on Item { items(n: 5) { id } } fragment B on Item { items(n: 5) { name } }`, `{}`, 2, 4 + 17.5, 24},
		{"introspection is free", `{ __schema { types { fields { name } } } __type(name: "Item") { name } }`, "", 0, 1, 1},
		{"mutations", `mutation { save(where: {limit: 3}) { id } }`, "", 11.1, 7, 19},
		{"subscriptions", `subscription { news { id } }`, "", 1, 4, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			formula := formulaOf(t, shop, cost.Config{}, tt.query)
			var variables map[string]any
			if tt.variables != "" {
				d := json.NewDecoder(strings.NewReader(tt.variables))
				d.UseNumber()
				if err := d.Decode(&variables); err != nil {
					t.Fatal(err)
				}
			}
			got, err := formula.Estimate(variables)
			if err != nil {
				t.Fatal(err)
			}
			if got.Field != tt.field || got.Type != tt.typ || got.Points != tt.points {
				t.Errorf("got %+v, want %v, %v, %d", got, tt.field, tt.typ, tt.points)
			}
		})
	}
}

func TestGoNumbersOfVariables(t *testing.T) {
	formula := formulaOf(t, shop, cost.Config{}, `query($n: Int) { one(n: $n) { id } }`)
	for _, n := range []any{4, int32(4), int64(4), 4.0, json.Number("4"), json.Number("4.0")} {
		if got, err := formula.Estimate(map[string]any{"n": n}); err != nil || got.Type != 13 {
			t.Errorf("%T: %+v, %v", n, got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct{ query, path, message string }{
		{`{ one { id } }`, "one", `Field "one" needs the argument "n": it says how long the list is.`},
		{`{ item { items { id } } a: two { id } }`, "a", `Field "two" needs exactly one of the arguments first, last: it says how long the list is.`},
		{`{ two(first: 1, last: 2) { id } }`, "two", `Field "two" needs exactly one of the arguments first, last: it says how long the list is.`},
		{`query($n: Int) { one(n: 2) { id } b: one(n: $n) { id } }`, "b", `Field "one" needs the argument "n": it says how long the list is.`},
		{`{ deep { id } }`, "deep", `Field "deep" needs the argument "page.size.n": it says how long the list is.`},
		{`{ conns { total } }`, "conns", `Field "conns" needs the argument "n": it says how long the list is.`},
	} {
		_, err := formulaOf(t, shop, cost.Config{}, tt.query).Estimate(nil)
		var refused *cost.Refusal
		if !errors.As(err, &refused) || strings.Join(refused.Path, ".") != tt.path || refused.Message != tt.message || len(refused.Locations) != 1 {
			t.Errorf("%s: %v", tt.query, err)
		}
		if fail.KindOf(err) != fail.ValidationFailed {
			t.Errorf("%s: kind %s", tt.query, fail.KindOf(err))
		}
	}
	formula := formulaOf(t, shop, cost.Config{}, `query($s: Boolean!) { one @skip(if: $s) { id } }`)
	if _, err := formula.Estimate(map[string]any{"s": true}); err != nil {
		t.Errorf("what is skipped needs no argument: %v", err)
	}
	if _, err := formula.Table(map[string]any{"s": false}); err == nil {
		t.Error("a table of what is refused")
	}
}

func TestWithoutBound(t *testing.T) {
	config := cost.Config{DefaultListSize: cost.Unbounded}
	for _, tt := range []struct {
		query, path string
		typ         float64
	}{
		{`{ item { id } open { id } }`, "open", infinite},
		{`{ conn(n: 2) { edges { id } m: more { id } } }`, "conn.m", infinite},
		{`{ one(n: 0) { items { id } } }`, "", 1},
		{`{ one(n: 3) { id items { id } } }`, "one.items", infinite},
	} {
		formula := formulaOf(t, shop, config, tt.query)
		got, err := formula.Estimate(nil)
		if err != nil || got.Type != tt.typ || got.Infinite() != math.IsInf(tt.typ, 1) || got.Infinite() && got.Points != math.MaxInt64 {
			t.Errorf("%s: %+v, %v", tt.query, got, err)
		}
		if path := strings.Join(formula.Unbounded(nil), "."); path != tt.path {
			t.Errorf("%s: unbounded %q", tt.query, path)
		}
		if _, err := formula.Table(nil); err != nil {
			t.Error(err)
		}
	}
}

func TestPoints(t *testing.T) {
	formula := formulaOf(t, shop, cost.Config{FieldWeight: 0.1, TypeWeight: 2}, `{ a: item { id } b: item { id } c: item { id } }`)
	if got, err := formula.Estimate(nil); err != nil || got.Points != 21 { // 0.1 · 3 + 2 · 10, rounded up
		t.Errorf("got %+v, %v", got, err)
	}
	// 0.1 · 30 is 3.0000000000000004 in floats, and still 3.
	formula = formulaOf(t, shop, cost.Config{FieldWeight: 0.1}, `{ `+strings.Repeat(`item { id } `, 1)+aliased("item { id }", 29)+`}`)
	if got, err := formula.Estimate(nil); err != nil || got.Points != 3+91 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func aliased(field string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "x%d: %s ", i, field)
	}
	return b.String()
}

func TestSaturates(t *testing.T) {
	query := `{ id }`
	for range 40 {
		query = `{ items(n: 2147483647) ` + query + ` }`
	}
	got, err := formulaOf(t, shop, cost.Config{}, `{ item `+query+` }`).Estimate(nil)
	if err != nil || got.Points != math.MaxInt64 || math.IsNaN(got.Field) || math.IsNaN(got.Type) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestConfig(t *testing.T) {
	err := cost.Config{DefaultListSize: -2, FieldWeight: -1, TypeWeight: math.NaN()}.Validate()
	for _, key := range []string{"default_list_size: ", "field_weight: ", "type_weight: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("no %q in %v", key, err)
		}
	}
	if err := (cost.Config{}).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
	if _, err := cost.Compile(schemaOf(t, `type Query { a: Int }`), cost.Config{DefaultListSize: -2}); err == nil {
		t.Error("a wrong configuration passed")
	}
	if _, err := cost.Compile(nil, cost.Config{}); err == nil {
		t.Error("no schema passed")
	}
}

func TestSchemaWithoutDirectives(t *testing.T) {
	prices, err := cost.Compile(schemaOf(t, `type Query { me: Me  all: [Me] } type Me { id: ID }`), cost.Config{DefaultListSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := document(schemaOf(t, `type Query { me: Me  all: [Me] } type Me { id: ID }`), `{ me { id } all { id } }`)
	if err != nil {
		t.Fatal(err)
	}
	formula, err := prices.Formula(doc, doc.Operations[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := formula.Estimate(nil); err != nil || got.Field != 2 || got.Type != 12 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDefinitions(t *testing.T) {
	given := &ast.Source{Name: "a", Input: `directive @cost(weight: Int!) on OBJECT type Query @cost(weight: 7) { a(n: Int): [Int] @listSize(slicingArguments: "n") }`}
	schema, err := gqlparser.LoadSchema(append(cost.Definitions(given), given)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cost.Compile(schema, cost.Config{}); err != nil {
		t.Error(err)
	}
	if all := cost.Definitions(); len(all) != 2 {
		t.Errorf("%d definitions", len(all))
	}
	if cost.Definitions(&ast.Source{Input: "{"}) != nil {
		t.Error("a broken source")
	}
}

func TestFormulaOfNothing(t *testing.T) {
	prices := compile(t, `type Query { a: Int }`, cost.Config{})
	if _, err := prices.Formula(nil, nil); err == nil {
		t.Error("nothing has a formula")
	}
	doc := &ast.QueryDocument{Operations: ast.OperationList{{Operation: ast.Mutation}}}
	if _, err := prices.Formula(doc, doc.Operations[0]); err == nil {
		t.Error("a mutation of a schema without")
	}
	circle := &ast.QueryDocument{
		Operations: ast.OperationList{{Operation: ast.Query, SelectionSet: ast.SelectionSet{&ast.FragmentSpread{Name: "F"}}}},
		Fragments:  ast.FragmentDefinitionList{{Name: "F", TypeCondition: "Query", SelectionSet: ast.SelectionSet{&ast.FragmentSpread{Name: "F"}}}},
	}
	if _, err := prices.Formula(circle, circle.Operations[0]); err == nil {
		t.Error("a circle")
	}
	circle.Fragments = nil
	if _, err := prices.Formula(circle, circle.Operations[0]); err == nil {
		t.Error("a fragment that isn't there")
	}
}
