package cost_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/internal/randomop"
)

// everything has all kinds of places for directives; WEIGHT is filled in at random.
const everything = `
directive @dear(much: Int WEIGHT, how: How) on FIELD
type Query @WEIGHTTYPE {
  node(id: ID! WEIGHT): Node WEIGHT
  nodes(first: Int, last: Int = 2): [Node!] WEIGHT @listSize(slicingArguments: ["first", "last"], requireOneSlicingArgument: false)
  pages(first: Int, how: How = {much: 3} WEIGHT): Pages @listSize(slicingArguments: ["first"], sizedFields: ["nodes", "grid"], requireOneSlicingArgument: false, assumedSize: 4)
  found(how: [How!] WEIGHT, one: How): [Found] @listSize(assumedSize: 2)
  things: [Thing!]!
  me: Person WEIGHT
}
interface Node { id: ID!  friend: Person  self: Node  tags: [Tag] }
union Found = Person | Thing | Pages
type Person implements Node @WEIGHTTYPE {
  id: ID! WEIGHT
  friend: Person WEIGHT
  self: Node WEIGHT
  tags: [Tag] WEIGHT
  friends(first: Int = 2): [Person] WEIGHT @listSize(slicingArguments: ["first"])
  mood: Mood
}
type Thing implements Node @WEIGHTTYPE {
  id: ID! WEIGHT
  friend: Person WEIGHT
  self: Thing WEIGHT
  tags: [Tag] WEIGHT
  owner(how: How WEIGHT): Person
}
type Pages @WEIGHTTYPE { nodes: [Node]  grid: [[Thing]] WEIGHT  count: Int WEIGHT }
scalar Tag @WEIGHTTYPE
enum Mood @WEIGHTTYPE { GOOD BAD }
input How { much: Int = 1 WEIGHT  deep: How WEIGHT  list: [How] WEIGHT  tag: Tag WEIGHT }
`

var places = regexp.MustCompile(` @?WEIGHT(TYPE)?\b`)

// weighted fills in weights.
func weighted(r *rand.Rand, negative bool) string {
	return directives + places.ReplaceAllStringFunc(everything, func(string) string {
		switch n := r.IntN(20) - 6; {
		case n < 0 && negative:
			return fmt.Sprintf(` @cost(weight: "%d")`, n)
		case n < 6:
			return ""
		default:
			return fmt.Sprintf(` @cost(weight: "%g")`, float64(n)/4)
		}
	})
}

// trial is an operation with variables and its formula.
type trial struct {
	*naive

	text    string
	prices  *cost.Prices
	formula *cost.Formula
}

// trials runs a test with random schemas, operations and variables.
func trials(t *testing.T, schemas, operations int, negative bool, test func(t *testing.T, r *rand.Rand, x *trial)) {
	t.Helper()
	ran := 0
	for seed := range schemas {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		schema := schemaOf(t, weighted(r, negative))
		prices, err := cost.Compile(schema, cost.Config{DefaultListSize: 3})
		if err != nil {
			t.Fatal(err)
		}
		g := &randomop.Generator{Rand: r, Schema: schema, Queries: true}
		for range operations {
			text := g.Operation()
			values := g.Values()
			doc, err := document(schema, text)
			if err != nil {
				continue
			}
			ran++
			x := &trial{
				naive:  &naive{schema: schema, doc: doc, operation: doc.Operations[0], variables: values, listSize: 3},
				text:   text,
				prices: prices,
			}
			if x.formula, err = prices.Formula(doc, doc.Operations[0]); err != nil {
				t.Fatal(err)
			}
			test(t, r, x)
			if t.Failed() {
				t.Fatalf("%s\n%v", text, values)
			}
		}
	}
	if ran < schemas*operations/4 {
		t.Fatalf("only %d operations were valid", ran)
	}
}

func (x *trial) cost(t *testing.T) cost.Cost {
	t.Helper()
	got, err := x.formula.Estimate(x.variables)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) }

func TestEstimateIsByTheRules(t *testing.T) {
	trials(t, 10, 40, true, func(t *testing.T, _ *rand.Rand, x *trial) {
		got, want := x.cost(t), x.estimate()
		if !near(got.Field, want.field) || !near(got.Type, want.typ) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestActualIsByTheRulesAndAtMostTheEstimate(t *testing.T) {
	trials(t, 10, 40, true, func(t *testing.T, r *rand.Rand, x *trial) {
		estimate := x.cost(t)
		for _, typenames := range []bool{true, false} {
			answer, want := x.answer(r, typenames)
			got, overruns, err := x.formula.Actual(x.variables, []byte(answer))
			if err != nil || overruns != nil {
				t.Fatal(answer, overruns, err)
			}
			if typenames && (!near(got.Field, want.field) || !near(got.Type, want.typ)) {
				t.Errorf("got %+v, want %+v of\n%s", got, want, answer)
			}
			if got.Field < want.field-1e-6 || got.Type < want.typ-1e-6 {
				t.Errorf("got %+v, less than %+v of\n%s", got, want, answer)
			}
			if got.Field > estimate.Field || got.Type > estimate.Type || got.Points > estimate.Points {
				t.Errorf("actual %+v, estimate %+v\n%s", got, estimate, answer)
			}
		}
	})
}

func TestTheBoundIsOne(t *testing.T) {
	trials(t, 10, 40, true, func(t *testing.T, r *rand.Rand, x *trial) {
		exact := x.cost(t)
		for _, write := range []int{1_000_000, 0} {
			f, err := x.prices.Within(x.doc, x.operation, 0, write)
			if err != nil || !f.IsBound() {
				t.Fatal(err)
			}
			bound, err := f.Estimate(x.variables)
			if err != nil || bound.Field < exact.Field || bound.Type < exact.Type || bound.Infinite() != (write == 0) {
				t.Errorf("bound %+v, exact %+v, %v", bound, exact, err)
			}
			answer, _ := x.answer(r, false)
			actual, _, err := f.Actual(x.variables, []byte(answer))
			if err != nil || actual != bound {
				t.Errorf("actual %+v, %v", actual, err)
			}
			if rows, err := f.Table(x.variables); err != nil || len(rows) == 0 {
				t.Error(err)
			}
		}
	})
}

func TestLiteralIsVariable(t *testing.T) {
	trials(t, 10, 40, true, func(t *testing.T, _ *rand.Rand, x *trial) {
		want := x.cost(t)
		var b strings.Builder
		formatter.NewFormatter(&b).FormatQueryDocument(x.written())
		doc, err := document(x.schema, b.String())
		if err != nil {
			return // two that were one are none
		}
		f, err := x.prices.Formula(doc, doc.Operations[0])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Estimate(nil); err != nil || got != want {
			t.Errorf("literals %+v, variables %+v, %v\n%s", got, want, err, b.String())
		}
	})
}

// written is the document with the variables' values in their places.
func (x *trial) written() *ast.QueryDocument {
	doc, err := document(x.schema, x.text)
	if err != nil {
		panic(err)
	}
	doc.Operations[0].VariableDefinitions = nil
	var value func(v *ast.Value) bool
	value = func(v *ast.Value) bool {
		if v.Kind == ast.Variable {
			known, ok := x.value(v)
			if ok {
				*v = *literal(known)
			}
			return ok
		}
		v.Children = slices.DeleteFunc(v.Children, func(c *ast.ChildValue) bool {
			if value(c.Value) {
				return false
			}
			if v.Kind == ast.ListValue {
				c.Value.Kind, c.Value.Raw = ast.NullValue, "null"
				return false
			}
			return true
		})
		return true
	}
	arguments := func(args *ast.ArgumentList) {
		*args = slices.DeleteFunc(*args, func(a *ast.Argument) bool { return !value(a.Value) })
	}
	each(doc, func(s ast.Selection) {
		ds := &ast.DirectiveList{}
		switch s := s.(type) {
		case *ast.Field:
			arguments(&s.Arguments)
			ds = &s.Directives
		case *ast.InlineFragment:
			ds = &s.Directives
		case *ast.FragmentSpread:
			ds = &s.Directives
		}
		for _, d := range *ds {
			arguments(&d.Arguments)
		}
	})
	return doc
}

func literal(value any) *ast.Value {
	switch value := value.(type) {
	case nil:
		return &ast.Value{Kind: ast.NullValue, Raw: "null"}
	case bool:
		return &ast.Value{Kind: ast.BooleanValue, Raw: fmt.Sprint(value)}
	case []any:
		v := &ast.Value{Kind: ast.ListValue}
		for _, item := range value {
			v.Children = append(v.Children, &ast.ChildValue{Value: literal(item)})
		}
		return v
	case map[string]any:
		v := &ast.Value{Kind: ast.ObjectValue}
		for name, member := range value {
			v.Children = append(v.Children, &ast.ChildValue{Name: name, Value: literal(member)})
		}
		return v
	case string:
		return &ast.Value{Kind: ast.StringValue, Raw: value}
	default:
		return &ast.Value{Kind: ast.IntValue, Raw: fmt.Sprint(value)}
	}
}

// each visits all selections of a document.
func each(doc *ast.QueryDocument, visit func(ast.Selection)) {
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, s := range set {
			visit(s)
			switch s := s.(type) {
			case *ast.Field:
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				walk(s.SelectionSet)
			}
		}
	}
	walk(doc.Operations[0].SelectionSet)
	for _, f := range doc.Fragments {
		walk(f.SelectionSet)
	}
}

func TestInlineIsSpread(t *testing.T) {
	trials(t, 10, 40, true, func(t *testing.T, _ *rand.Rand, x *trial) {
		want := x.cost(t)
		var inline func(set ast.SelectionSet) ast.SelectionSet
		inline = func(set ast.SelectionSet) ast.SelectionSet {
			var all ast.SelectionSet
			for _, s := range set {
				switch s := s.(type) {
				case *ast.Field:
					copied := *s
					copied.SelectionSet = inline(s.SelectionSet)
					all = append(all, &copied)
				case *ast.InlineFragment:
					copied := *s
					copied.SelectionSet = inline(s.SelectionSet)
					all = append(all, &copied)
				case *ast.FragmentSpread:
					f := x.doc.Fragments.ForName(s.Name)
					all = append(all, &ast.InlineFragment{TypeCondition: f.TypeCondition, Directives: s.Directives, SelectionSet: inline(f.SelectionSet)})
				}
			}
			return all
		}
		operation := *x.operation
		operation.SelectionSet = inline(operation.SelectionSet)
		doc := &ast.QueryDocument{Operations: ast.OperationList{&operation}}
		f, err := x.prices.Formula(doc, &operation)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Estimate(x.variables); err != nil || got != want {
			t.Errorf("inline %+v, spread %+v, %v", got, want, err)
		}
	})
}

func TestAFieldMoreIsNeverCheaper(t *testing.T) {
	trials(t, 10, 40, false, func(t *testing.T, r *rand.Rand, x *trial) {
		more := x.cost(t)
		var sets []*ast.SelectionSet
		each(x.doc, func(s ast.Selection) {
			switch s := s.(type) {
			case *ast.Field:
				sets = append(sets, &s.SelectionSet)
			case *ast.InlineFragment:
				sets = append(sets, &s.SelectionSet)
			}
		})
		sets = append(sets, &x.operation.SelectionSet)
		sets = slices.DeleteFunc(sets, func(s *ast.SelectionSet) bool { return len(*s) < 2 })
		if len(sets) == 0 {
			return
		}
		set := sets[r.IntN(len(sets))]
		at := r.IntN(len(*set))
		*set = slices.Delete(*set, at, at+1)
		f, err := x.prices.Formula(x.doc, x.operation)
		if err != nil {
			t.Fatal(err)
		}
		less, err := f.Estimate(x.variables)
		if err != nil || less.Field > more.Field || less.Type > more.Type || less.Points > more.Points {
			t.Errorf("without one selection %+v, with it %+v, %v", less, more, err)
		}
	})
}

// A Boolean without value counts as the dearer: by trying all values.
func TestUnknownConditionsAreTheDearest(t *testing.T) {
	seen := 0
	trials(t, 15, 50, true, func(t *testing.T, _ *rand.Rand, x *trial) {
		var open []string
		for _, v := range x.operation.VariableDefinitions {
			if v.Type.String() == "Boolean!" {
				open = append(open, v.Variable)
			}
		}
		if len(open) == 0 {
			return
		}
		seen++
		var most pair
		for values := range 1 << len(open) {
			for i, name := range open {
				x.variables[name] = values>>i&1 == 1
			}
			one := x.estimate()
			most.field, most.typ = max(most.field, one.field), max(most.typ, one.typ)
		}
		for _, name := range open {
			delete(x.variables, name)
		}
		if got := x.cost(t); !near(got.Field, most.field) || !near(got.Type, most.typ) {
			t.Errorf("got %+v, want %+v", got, most)
		}
	})
	if seen < 30 {
		t.Errorf("only %d operations with conditions", seen)
	}
}
