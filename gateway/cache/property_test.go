package cache_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cache"
)

const wild = `
interface Node @cacheControl(maxAge: 60) { id: ID! name: String near: Node }
union Any @cacheControl(inheritMaxAge: true) = A | B | C
type A implements Node { id: ID! name: String quick: Int @cacheControl(maxAge: 6) near: Node any: [Any] b: B self: A @cacheControl(inheritMaxAge: true) }
type B implements Node @cacheControl(maxAge: 30) { id: ID! name: String @cacheControl(maxAge: 50, scope: PRIVATE) near: Node @cacheControl(maxAge: 10) cs: [[C!]] a: A @cacheControl(maxAge: 70) }
type C implements Node @cacheControl(maxAge: 40, scope: PRIVATE) { id: ID! name: String @cacheControl(scope: PUBLIC) near: Node @cacheControl(inheritMaxAge: true) pub: C @cacheControl(scope: PUBLIC) q: Query @cacheControl(maxAge: 80) }
type Query { a: A @cacheControl(maxAge: 90) b: B c: C @cacheControl(scope: PUBLIC) node: Node any: Any @cacheControl(maxAge: 55) n: Int @cacheControl(maxAge: 20) m: Int }`

// write makes a random selection of a type.
func write(s *ast.Schema, typ string, depth int, random *rand.Rand) string {
	def := s.Types[typ]
	var b strings.Builder
	b.WriteString("{ __typename")
	for i := range 1 + random.IntN(3) {
		when := []string{"", "", " @include(if: $x)", " @skip(if: $y)", " @skip(if: false)"}[random.IntN(5)]
		if len(def.Fields) == 0 || random.IntN(4) == 0 {
			inner := typ
			if possible := s.GetPossibleTypes(def); random.IntN(3) > 0 {
				inner = possible[random.IntN(len(possible))].Name
			}
			if depth > 0 {
				fmt.Fprintf(&b, " ... on %s%s %s", inner, when, write(s, inner, depth-1, random))
			}
			continue
		}
		f := def.Fields[random.IntN(len(def.Fields))]
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		composite := s.Types[f.Type.Name()].IsCompositeType()
		if composite && depth == 0 {
			continue
		}
		fmt.Fprintf(&b, " x%d_%d_%d: %s%s", depth, i, random.IntN(1e6), f.Name, when)
		if composite {
			b.WriteString(write(s, f.Type.Name(), depth-1, random))
		}
	}
	return b.String() + " }"
}

// run is what Apollo Server does while it executes: the policy of one answer.
type run struct {
	schema   *ast.Schema
	vars     variables
	standard int
	random   *rand.Rand
	age      int // -1 is none yet
	private  bool
}

// said reads a @cacheControl. -1 is no maxAge.
func said(directives ast.DirectiveList) (age int, scope string, inherit bool) {
	age = -1
	for _, d := range directives.ForNames("cacheControl") {
		for _, a := range d.Arguments {
			switch a.Name {
			case "maxAge":
				_, _ = fmt.Sscan(a.Value.Raw, &age)
			case "scope":
				scope = a.Value.Raw
			case "inheritMaxAge":
				inherit = a.Value.Raw == "true"
			}
		}
	}
	return age, scope, inherit
}

func (r *run) selections(set ast.SelectionSet, typ string, root bool) {
	for _, selection := range set {
		var directives ast.DirectiveList
		switch s := selection.(type) {
		case *ast.Field:
			directives = s.Directives
		case *ast.InlineFragment:
			directives = s.Directives
		}
		left := false
		for _, d := range directives {
			left = left || d.ArgumentMap(r.vars)["if"] == (d.Name == "skip")
		}
		if left {
			continue
		}
		switch s := selection.(type) {
		case *ast.Field:
			r.field(s, typ, root)
		case *ast.InlineFragment:
			if s.TypeCondition == "" {
				r.selections(s.SelectionSet, typ, root)
				continue
			}
			for _, p := range r.schema.GetPossibleTypes(r.schema.Types[s.TypeCondition]) {
				if p.Name == typ {
					r.selections(s.SelectionSet, typ, root)
				}
			}
		}
	}
}

func (r *run) field(f *ast.Field, typ string, root bool) {
	def := r.schema.Types[typ].Fields.ForName(f.Name)
	if strings.HasPrefix(f.Name, "__") || def == nil {
		return
	}
	age, scope, inherit := -1, "", false
	target := r.schema.Types[def.Type.Name()]
	if target.IsCompositeType() {
		age, scope, inherit = said(target.Directives)
	}
	ownAge, ownScope, ownInherit := said(def.Directives)
	if ownInherit && age < 0 {
		inherit = true
	} else if ownAge >= 0 {
		age = ownAge
	}
	if ownScope != "" {
		scope = ownScope
	}
	if age < 0 && (target.IsCompositeType() && !inherit || root) {
		age = r.standard
	}
	if age >= 0 && (r.age < 0 || age < r.age) {
		r.age = age
	}
	r.private = r.private || scope == "PRIVATE"
	if possible := r.schema.GetPossibleTypes(target); target.IsCompositeType() && r.random.IntN(5) > 0 { // or it's null
		r.selections(f.SelectionSet, possible[r.random.IntN(len(possible))].Name, false)
	}
}

// TestNeverMoreThanApollo holds plans of random queries against what Apollo's algorithm says of random answers to them:
// no answer is kept longer or shown to more.
func TestNeverMoreThanApollo(t *testing.T) {
	for _, standard := range []int{0, 25} {
		r, s := rules(t, wild, cache.Config{DefaultMaxAge: time.Duration(standard) * time.Second})
		kept := 0
		for seed := range uint64(3000) {
			random := rand.New(rand.NewPCG(seed, 1))
			query := "query ($x: Boolean!, $y: Boolean!) { __typename @include(if: $x) @skip(if: $y) ..." + write(s, "Query", 5, random) + " }"
			p := planOf(t, r, s, query)
			for range 8 {
				vars := variables{"x": random.IntN(2) == 0, "y": random.IntN(2) == 0}
				got := p.Policy(vars)
				one := run{schema: s, vars: vars, standard: standard, random: random, age: -1}
				set := p.Selections()
				one.selections(set, "Query", true)
				if one.age >= 0 && got.MaxAge > time.Duration(one.age)*time.Second || one.private && !got.Private {
					t.Fatalf("%s %v: planned %s, and Apollo says %d, private %v", query, vars, show(got), one.age, one.private)
				}
				if got.MaxAge > 0 {
					kept++
				}
			}
		}
		if kept < 1000 {
			t.Errorf("only %d could be kept", kept)
		}
	}
}
