package cost_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tributary-gateway/tributary/gateway/cost"
)

var self = `type Query { a(n: Int): Query @listSize(slicingArguments: ["n"], sizedFields: ["l"], requireOneSlicingArgument: false)
	b: Query  c: Query  l: [Query]  i: I  s: Int @cost(weight: "1") }
interface I { a: I  b: I  s: Int } ` + implementers

// implementers are 30 types of I.
var implementers = func() string {
	var b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&b, "type T%d implements I { a: I  b: I  s: Int @cost(weight: \"%d\") } ", i, i)
	}
	return b.String()
}()

// bombs are short documents that are long when written out.
func bombs() map[string]string {
	nested := func(n int, body func(i int) string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "fragment F%d on Query { %s }\n", i, body(i))
		}
		return b.String()
	}
	last := "fragment F30 on Query { s }"
	all := map[string]string{
		"two of each":     `{ ...F0 } ` + nested(30, func(i int) string { return fmt.Sprintf("a { ...F%d } b { ...F%d }", i+1, i+1) }) + last,
		"the same twice":  `{ ...F0 } ` + nested(30, func(i int) string { return fmt.Sprintf("...F%d ...F%d s", i+1, i+1) }) + last,
		"merged":          `{ ...F0 } ` + nested(30, func(i int) string { return fmt.Sprintf("a { ...F%d } a { ...F%d s }", i+1, i+1) }) + last,
		"with conditions": ``, "sized": ``, "combinations": ``, "types": ``,
	}
	var vars strings.Builder
	for i := range 64 {
		fmt.Fprintf(&vars, "$v%d: Boolean! ", i)
	}
	all["with conditions"] = `query(` + vars.String() + `) { ...F0 } ` + nested(30, func(i int) string {
		return fmt.Sprintf("a { ...F%d @include(if: $v%d) ...F%d @skip(if: $v%d) } a @skip(if: $v%d) { ...F%d } b @include(if: $v%d) { ...F%d } b { ...F%d @skip(if: $v%d) }",
			i+1, i, i+1, i+1, i+2, i+1, i+3, i+1, i+1, i+4)
	}) + last
	all["sized"] = `query($n: Int) { ...F0 } ` + nested(30, func(i int) string {
		return fmt.Sprintf("a(n: $n) { l { ...F%d } } x: a(n: 3) { l { ...F%d } }", i+1, i+1)
	}) + last
	// The n-th field from the end decides: as many sets of selections can meet as there are paths.
	var b strings.Builder
	b.WriteString("{ ...S } fragment S on Query { a { ...S1 ...R0 } b { ...S1 } }\n")
	for i := range 24 {
		fmt.Fprintf(&b, "fragment S%d on Query { a { ...S%d ...R0 } b { ...S%d } }\n", i+1, i+2, i+2)
		fmt.Fprintf(&b, "fragment R%d on Query { a { ...R%d } b { ...R%d } }\n", i, i+1, i+1)
	}
	b.WriteString("fragment S25 on Query { s } fragment R24 on Query { c { s } }")
	all["combinations"] = b.String()
	var inner strings.Builder
	for i := range 30 {
		fmt.Fprintf(&inner, "... on T%d { a { ...G1 } } ", i)
	}
	text := `{ i { ...G0 } } `
	for i := range 12 {
		text += fmt.Sprintf("fragment G%d on I { %s }\n", i, strings.ReplaceAll(inner.String(), "G1", fmt.Sprintf("G%d", i+1)))
	}
	all["types"] = text + "fragment G12 on I { s }"
	return all
}

func TestBombs(t *testing.T) {
	schema := schemaOf(t, directives+self)
	prices, err := cost.Compile(schema, cost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range bombs() {
		t.Run(name, func(t *testing.T) {
			doc, err := parser.ParseQuery(&ast.Source{Input: text})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			formula, err := prices.Formula(doc, doc.Operations[0])
			compiled := time.Since(start)
			if err != nil {
				t.Fatal(err)
			}
			got, err := formula.Estimate(map[string]any{"n": 2, "v0": true})
			if err != nil || math.IsNaN(got.Field) || got.Field < 1 {
				t.Errorf("got %+v, %v", got, err)
			}
			if _, err := formula.Table(nil); err != nil {
				t.Error(err)
			}
			if _, _, err := formula.Actual(nil, []byte(`{"a": {"a": null}, "i": {"a": {}}}`)); err != nil {
				t.Error(err)
			}
			formula.Unbounded(nil)
			t.Logf("compiled in %v, all in %v, bound %t: %+v", compiled, time.Since(start), formula.IsBound(), got)
			if took := time.Since(start); took > 5*time.Second { // some milliseconds; CI is slow
				t.Errorf("took %v", took)
			}
		})
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: bombs()["two of each"]})
	if err != nil {
		t.Fatal(err)
	}
	formula, err := prices.Formula(doc, doc.Operations[0])
	if err != nil {
		t.Fatal(err)
	}
	// 2³¹−2 fields, and 2³⁰ times s.
	if got, err := formula.Estimate(nil); err != nil || got.Field != 1<<31-2+1<<30 || got.Type != 1<<31-1 {
		t.Errorf("got %+v, %v", got, err)
	}
}
