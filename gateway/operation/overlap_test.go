package operation_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/core"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

var zoo = gqlparser.MustLoadSchema(&ast.Source{Name: "zoo.graphql", Input: `
type Query { a: A n: N u: U }
interface N { x: Int y: String n: N f(i: [Int], o: O): Int }
type A implements N { x: Int y: String n: N f(i: [Int], o: O): Int z: Int! u: U l: [N] }
type B implements N { x: Int y: String n: N f(i: [Int], o: O): Int z: Int u: U l: N }
union U = A | B
input O { a: Int b: Int }
`})

func TestOverlap(t *testing.T) {
	conflict := func(name, why string) string {
		return `Fields "` + name + `" conflict because ` + why + `. Use different aliases on the fields to fetch both if this was intentional.`
	}
	for _, c := range []struct{ query, want string }{
		{"{a{x x}a{x y}}", ""},
		{"{a{x:y x}}", "1:8 " + conflict("x", `"y" and "x" are different fields`)},
		{"{a{x}a{x:y}}", "1:6 " + conflict("a", `subfields "x" conflict because "x" and "y" are different fields`)},
		{"{n{...on A{x}...on B{x:y}}}", "1:22 " + conflict("x", `they return conflicting types "Int" and "String"`)},
		{"{n{...on A{x:y}...on B{x:y}}}", ""},
		{"{n{...on A{q:x}...on B{q:f}}}", ""},
		{"{n{...on A{q:x}...on B{q:f} q:x}}", "1:29 " + conflict("q", `"f" and "x" are different fields`)},
		{"{n{...on A{z}...on B{z}}}", "1:22 " + conflict("z", `they return conflicting types "Int!" and "Int"`)},
		{"{n{...on A{l{x}}...on B{l{x}}}}", "1:25 " + conflict("l", `they return conflicting types "[N]" and "N"`)},
		{"{n{...on A{q:n{x}}...on B{q:u{...on A{x:y}}}}}", "1:27 " + conflict("q", `subfields "x" conflict because they return conflicting types "Int" and "String"`)},
		{"{a{f(i:[1]) f(i:[1])}}", ""},
		{"{a{f(i:[1]) f(i:[2])}}", "1:13 " + conflict("f", "they have differing arguments")},
		{"{a{f(i:[1]) f}}", "1:13 " + conflict("f", "they have differing arguments")},
		{"{a{f(i:[1],o:{a:1,b:2}) f(o:{b:2,a:1},i:[1])}}", ""},
		{"{a{f(o:{a:1}) f(o:{b:1})}}", "1:15 " + conflict("f", "they have differing arguments")},
		{"{a{...F ...G}} fragment F on A{x} fragment G on A{...H} fragment H on N{x:y}", "1:73 " + conflict("x", `"x" and "y" are different fields`)},
	} {
		_, errs := documents2(t).Load(t.Context(), c.query)
		got := strings.ReplaceAll(told(errs), "GRAPHQL_VALIDATION_FAILED ", "")
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.query, got, c.want)
		}
	}
}

func documents2(t testing.TB) *operation.Documents {
	t.Helper()
	d, err := operation.NewDocuments(zoo, operation.Config{Limits: operation.Limits{MaxAliases: 500, MaxRootFields: 500}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The specification compares all pairs. Random documents of few names are judged the same way.
func TestOverlapIsTheSpecifications(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	d := documents2(t)
	refused := 0
	for range 3000 {
		text := randomDocument(random)
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		core.Walk(zoo, doc, &core.Events{}) // sets the fields' definitions
		want := canMerge(collectAll(doc.Operations[0].SelectionSet))
		_, errs := d.Load(t.Context(), text)
		if got := errs == nil; got != want {
			t.Fatalf("%s\nis valid: %v, want %v\n%s", text, got, want, told(errs))
		}
		if !want {
			refused++
		}
	}
	if refused < 300 || refused > 2700 {
		t.Errorf("%d of 3000 documents are refused, which tells little", refused)
	}
}

// randomDocument has fields of A, B and N, fragments, and four response names.
func randomDocument(r *rand.Rand) string {
	var set func(typ string, depth, fragments int) string
	set = func(typ string, depth, fragments int) string {
		var b strings.Builder
		b.WriteString("{__typename ")
		for range 1 + r.IntN(3) {
			switch n := r.IntN(10); {
			case n < 2 && typ != "U":
				fmt.Fprintf(&b, "%s:%s ", pick(r, "p", "q", "x"), pick(r, "x", "y", "f"))
			case n < 3 && typ != "U":
				fmt.Fprintf(&b, "f(i:[%d]) ", r.IntN(2))
			case n < 5 && typ != "U" && depth > 0:
				fmt.Fprintf(&b, "%s:n%s ", pick(r, "n", "m"), set("N", depth-1, fragments))
			case n < 6 && (typ == "A" || typ == "B") && depth > 0:
				fmt.Fprintf(&b, "%s:u%s ", pick(r, "n", "m", "u"), set("U", depth-1, fragments))
			case n < 7 && fragments > 0:
				fmt.Fprintf(&b, "...F%d ", r.IntN(fragments))
			case n < 9 && depth > 0:
				of := typ
				if typ == "N" || typ == "U" {
					of = pick(r, "A", "B")
				}
				fmt.Fprintf(&b, "...on %s%s ", of, set(of, depth-1, fragments))
			}
		}
		return b.String() + "}"
	}
	var b strings.Builder
	b.WriteString("{n{__typename ...F0 ...F1 ...F2}n" + set("N", 2, 3) + "}")
	for i := range 3 {
		fmt.Fprintf(&b, " fragment F%d on N%s", i, set("N", 2, i))
	}
	return b.String()
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

// collectAll is CollectFields of the specification, without types.
func collectAll(sets ...ast.SelectionSet) []*ast.Field {
	var all []*ast.Field
	for _, set := range sets {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				all = append(all, s)
			case *ast.InlineFragment:
				all = append(all, collectAll(s.SelectionSet)...)
			case *ast.FragmentSpread:
				all = append(all, collectAll(s.Definition.SelectionSet)...)
			}
		}
	}
	return all
}

// canMerge is FieldsInSetCanMerge.
func canMerge(fields []*ast.Field) bool {
	for i, a := range fields {
		for _, b := range fields[i+1:] {
			if a.Alias != b.Alias {
				continue
			}
			if !sameShape(a, b) {
				return false
			}
			if x, y := a.ObjectDefinition, b.ObjectDefinition; x.Name != y.Name && x.Kind == ast.Object && y.Kind == ast.Object {
				continue
			}
			if a.Name != b.Name || fmt.Sprint(texts(a.Arguments)) != fmt.Sprint(texts(b.Arguments)) || !canMerge(collectAll(a.SelectionSet, b.SelectionSet)) {
				return false
			}
		}
		if !canMerge(collectAll(a.SelectionSet)) {
			return false
		}
	}
	return true
}

func texts(arguments ast.ArgumentList) []string {
	var all []string
	for _, a := range arguments {
		all = append(all, a.Name+":"+a.Value.String())
	}
	slices.Sort(all)
	return all
}

// sameShape is SameResponseShape.
func sameShape(a, b *ast.Field) bool {
	leaf := func(f *ast.Field) bool { return zoo.Types[f.Definition.Type.Name()].IsLeafType() }
	if wrapping(a) != wrapping(b) || (leaf(a) || leaf(b)) && a.Definition.Type.Name() != b.Definition.Type.Name() {
		return false
	}
	merged := collectAll(a.SelectionSet, b.SelectionSet)
	for i, x := range merged {
		for _, y := range merged[i+1:] {
			if x.Alias == y.Alias && !sameShape(x, y) {
				return false
			}
		}
	}
	return true
}

func wrapping(f *ast.Field) string {
	return strings.ReplaceAll(f.Definition.Type.String(), f.Definition.Type.Name(), "")
}

// A document of 2,000 tokens is looked at in milliseconds, whatever stands in it; these took seconds, or minutes.
func TestOverlapIsCheap(t *testing.T) {
	for name, text := range map[string]string{
		"wide": "{" + strings.Repeat("n{"+strings.Repeat("n{"+strings.Repeat("x ", 5)+"}", 5)+"}", 40) + "}",
		"deep": "{" + strings.Repeat("n{n{", 8) + strings.Repeat("x y ", 60) + strings.Repeat("}}", 8) + "}",
		"fragments": "{n{...F0}}" + func() string {
			var b strings.Builder
			for i := range 18 {
				fmt.Fprintf(&b, " fragment F%d on N{p:n{...F%d}q:n{...F%d}...on A{p:n{...F%d}}...on B{q:n{...F%d}}}", i, i+1, i+1, i+1, i+1)
			}
			return b.String() + " fragment F18 on N{x}"
		}(),
	} {
		d := documents2(t)
		allocs := testing.AllocsPerRun(1, func() { _, _ = d.Load(t.Context(), text+" #"+fmt.Sprint(rand.Int())) })
		if allocs > 250_000 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}
