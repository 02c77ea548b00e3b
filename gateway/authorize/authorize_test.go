package authorize_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/mistake"
	"github.com/tributary-gateway/tributary/internal/randomop"
)

// TestScopes has the combinations of Apollo's documentation: the outer list is "or", the inner "and", and what a type
// asks comes on top of what its field asks.
func TestScopes(t *testing.T) {
	for _, c := range []struct {
		name, schema    string
		passes, refused []string
	}{
		{"one", `type Query { x: Int @requiresScopes(scopes: [["a"]]) }`, []string{"a", "a b"}, []string{"nobody", "", "b"}},
		{"and", `type Query { x: Int @requiresScopes(scopes: [["a", "b"]]) }`, []string{"a b", "b c a"}, []string{"a", "b", ""}},
		{"or", `type Query { x: Int @requiresScopes(scopes: [["a"], ["b"]]) }`, []string{"a", "b", "a b"}, []string{"c", ""}},
		{"and, or", `type Query { x: Int @requiresScopes(scopes: [["a", "b"], ["c"]]) }`, []string{"a b", "c"}, []string{"a", "b"}},
		{"or, and", `type Query { x: Int @requiresScopes(scopes: [["a", "b"], ["a", "c"]]) }`, []string{"a b", "a c"}, []string{"a", "b c"}},
		{"field and type", `type Query { x: X @requiresScopes(scopes: [["a"]]) } type X @requiresScopes(scopes: [["b"]]) { y: Int }`, []string{"a b"}, []string{"a", "b"}},
		{"field and its own type", `type Query @requiresScopes(scopes: [["a"]]) { x: Int @requiresScopes(scopes: [["b"]]) }`, []string{"a b"}, []string{"a", "b"}},
		{"scopes and authenticated", `type Query { x: Int @authenticated @requiresScopes(scopes: [["a"]]) }`, []string{"a"}, []string{"nobody", "b"}},
		{"authenticated", `type Query { x: Int @authenticated }`, []string{"", "b"}, []string{"nobody"}},
		{"a list", `type Query { x: [[X!]!]! } enum X @requiresScopes(scopes: [["a"]]) { Y }`, []string{"a"}, []string{""}},
		{"an extension", `type Query { x: X } type X { y: Int } extend type X @authenticated { z: Int }`, []string{""}, []string{"nobody"}},
		{"a scope is not a prefix", `type Query { x: Int @requiresScopes(scopes: [["read"]]) }`, []string{"read"}, []string{"read:x", "rea", "READ"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, r := load(t, c.schema)
			schema, _ := load(t, c.schema)
			query := "{ x }"
			if schema.Types[schema.Query.Fields.ForName("x").Type.Name()].IsCompositeType() {
				query = "{ x { y } }"
			}
			doc, op := parse(t, schema, query)
			for _, who := range c.passes {
				if r.Plan(doc, op).Check(caller(who)) != nil {
					t.Errorf("%q was refused", who)
				}
			}
			for _, who := range c.refused {
				if !r.Plan(doc, op).Check(caller(who)).DeniedField("Query", "x") {
					t.Errorf("%q passed", who)
				}
			}
		})
	}
}

func TestProblems(t *testing.T) {
	lax := strings.NewReplacer("[[String!]!]!", "Any", "FIELD_DEFINITION |", "FIELD_DEFINITION | UNION | INPUT_OBJECT | INPUT_FIELD_DEFINITION | ARGUMENT_DEFINITION | ENUM_VALUE |",
		"@authenticated on", "@authenticated(level: Int) on").Replace(definitions) + "scalar Any\n"
	for _, c := range []struct{ schema, want string }{
		{`type Query { x: Int @requiresScopes }`, `s.graphql:5: @requiresScopes on Query.x: scopes is missing;`},
		{`type Query { x: Int @requiresScopes(scopes: []) }`, `s.graphql:5: @requiresScopes on Query.x: an empty list would let nobody pass;`},
		{`type Query { x: Int @requiresScopes(scopes: [[]]) }`, `an empty list inside would let everybody pass`},
		{`type Query { x: Int @requiresScopes(scopes: [["a"], []]) }`, `an empty list inside would let everybody pass`},
		{`type Query { x: Int @requiresScopes(scopes: "a") }`, `[["a", "b"], ["c"]] is a and b together, or c`},
		{`type Query { x: Int @requiresScopes(scopes: ["a", "b"]) }`, `"a" is no list, and would be "or" where "and" may be meant`},
		{`type Query { x: Int @requiresScopes(scopes: [[1]]) }`, `1 is no string`},
		{`type Query { x: Int @requiresScopes(scopes: [[null]]) }`, `null is no string`},
		{`type Query { x: Int @requiresScopes(scopes: [["a b"]]) }`, `"a b" can't be a scope`},
		{`type Query { x: Int @requiresScopes(scopes: [[""]]) }`, `"" can't be a scope`},
		{`type Query { x: Int @authenticated(level: 1) }`, `@authenticated on Query.x takes no argument "level"`},
		{"type Query {\n x: U }\n union U @authenticated = Query", `s.graphql:7: @authenticated on U has no effect`},
		{`type Query { x(a: Int @authenticated): Int }`, `@authenticated on Query.x.a has no effect`},
		{`type Query { x(i: I): Int } input I { a: Int @authenticated }`, `@authenticated on I.a has no effect`},
		{`type Query { x(i: I): Int } input I @requiresScopes(scopes: [["a"]]) { a: Int }`, `@requiresScopes on I has no effect`},
		{`type Query { x: Query! @authenticated }`, `@authenticated on Query.x has no effect, for it returns Query; it goes on the fields of Query`},
		{`type Query { x: E } enum E { A @authenticated }`, `@authenticated on E.A has no effect`},
		{"type Query { x: Int @requiresScopes(scopes: [])\ny: Int @requiresScopes(scopes: [[]]) }", "s.graphql:6: @requiresScopes on Query.y"},
	} {
		schema, err := gqlparser.LoadSchema(&ast.Source{Name: "s.graphql", Input: lax + c.schema})
		if err != nil {
			t.Fatalf("%s: %v", c.schema, err)
		}
		r, err := authorize.New(schema)
		var problems mistake.List
		if r != nil || !errors.As(err, &problems) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.schema, err, c.want)
		}
	}
}

// TestNothingAsked: a schema without the directives has no rules, and every question to them is answered.
func TestNothingAsked(t *testing.T) {
	schema, r := load(t, `type Query { x: Int }`)
	doc, op := parse(t, schema, "{ x }")
	if r != nil || r.Plan(doc, op) != nil || r.Of(doc, op) != nil || r.Need("Query", "x") != 0 || r.TypeNeed("Query") != 0 {
		t.Fatal("something is asked")
	}
	p := r.Plan(doc, op)
	if p.Check(caller("nobody")).DeniedField("Query", "x") || p.Inputs().Of(caller("a")) != "" {
		t.Error("something is denied")
	}
	allocs := testing.AllocsPerRun(100, func() { r.Of(doc, op).Check(authorize.Caller{}).Denied(1) })
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestInputs(t *testing.T) {
	schema, r := load(t, shop)
	for _, c := range []struct{ query, inputs, as, of string }{
		{`{ product { title } }`, "false []", "nobody", ""},
		{`{ me { id } }`, "true []", "a", "authenticated=1"},
		{`{ me { id } }`, "true []", "nobody", "authenticated=0"},
		{`{ product { price } secret { text } }`, "false [admin read:prices s1 s2]", "s2 admin x", " scopes= admin s2"},
		{`{ product { title @skip(if: true) price @include(if: false) } }`, "false [read:prices]", "", " scopes="},
		{`{ hidden { __typename } }`, "true [admin s1 s2]", "s1", "authenticated=1 scopes= s1"},
	} {
		doc, op := parse(t, schema, c.query)
		in := r.Plan(doc, op).Inputs()
		got := "false ["
		if in.Authenticated {
			got = "true ["
		}
		if got += strings.Join(in.Scopes, " ") + "]"; got != c.inputs {
			t.Errorf("%s: %s", c.query, got)
		}
		if of := in.Of(caller(c.as)); of != c.of {
			t.Errorf("%s: %q", c.query, of)
		}
	}
}

// TestPlanIsKept: one plan per operation.
func TestPlanIsKept(t *testing.T) {
	schema, r := load(t, shop)
	doc, op := parse(t, schema, `{ me { id } }`)
	if p := r.Of(doc, op); p == nil || p != r.Of(doc, op) {
		t.Error("another plan")
	}
}

// TestResolver is the road through gqlgen's executor.
func TestResolver(t *testing.T) {
	schema, r := load(t, shop)
	doc, op := parse(t, schema, `{ node { id } }`)
	v := r.Of(doc, op).Check(caller("nobody"))
	for object, denied := range map[string]bool{"User": true, "Product": false} {
		field := op.SelectionSet[0].(*ast.Field).SelectionSet[0].(*ast.Field)
		ctx := graphql.WithFieldContext(t.Context(), &graphql.FieldContext{Object: object, Field: graphql.CollectedField{Field: field}})
		called := false
		_, err := v.Resolver(ctx, func(context.Context) (any, error) { called = true; return nil, nil })
		if called == denied || (err != nil) != denied || denied && fail.KindOf(err) != fail.UnauthorizedFieldOrType {
			t.Errorf("%s: %v, called %v", object, err, called)
		}
	}
}

var allScopes = []string{"read:pii", "read:names", "read:prices", "audit", "s1", "s2", "admin"}

// TestMoreScopesShowMore: who has more scopes sees all that others see. Callers that agree in the inputs of an operation
// see the same.
func TestMoreScopesShowMore(t *testing.T) {
	schema, r := load(t, shop)
	random := rand.New(rand.NewPCG(1, 2))
	g := &randomop.Generator{Rand: random, Schema: schema}
	subset := func(of []string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(string) bool { return random.IntN(2) == 0 })
	}
	checked, denied, alike := 0, 0, 0
	for range 3000 {
		doc, err := gqlparser.LoadQueryWithRules(schema, g.Operation(), rules.NewDefaultRules())
		if err != nil {
			continue
		}
		op := doc.Operations[0]
		if op.Operation == ast.Subscription {
			continue
		}
		more := authorize.Caller{Authenticated: random.IntN(3) > 0, Scopes: subset(allScopes)}
		less := authorize.Caller{Authenticated: more.Authenticated && random.IntN(2) == 0, Scopes: subset(more.Scopes)}
		p := r.Plan(doc, op)
		a, b := run(schema, doc, op, p.Check(more)), run(schema, doc, op, p.Check(less))
		for _, f := range b.resolved {
			if !slices.Contains(a.resolved, f) {
				t.Fatalf("%v sees %s and %v doesn't", less, f, more)
			}
		}
		if p.Inputs().Of(more) == p.Inputs().Of(less) {
			alike++
			if !slices.Equal(a.denied, b.denied) {
				t.Fatalf("%v and %v are denied %q and %q", more, less, a.denied, b.denied)
			}
		}
		checked++
		denied += len(b.denied)
	}
	if checked < 500 || denied < 500 || alike < 100 {
		t.Errorf("only %d operations with %d denials, %d alike", checked, denied, alike)
	}
}

// FuzzPlan: whatever is a valid document has a plan, and what it denies for nobody in particular it refuses in mutations.
func FuzzPlan(f *testing.F) {
	schema, r := load(f, shop)
	f.Add(`{ me { id } }`)
	f.Add(`mutation($a: Boolean!) { touch { price @skip(if: $a) ...p } } fragment p on Product { seller { email } }`)
	f.Add(`{ node { ... on Actor { owner { ... on User { friends { email } } } } hits: __typename } }`)
	f.Fuzz(func(t *testing.T, query string) {
		if len(query) > 2000 || strings.Count(query, "{") > 50 {
			return
		}
		doc, err := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules())
		if err != nil {
			return
		}
		for _, op := range doc.Operations {
			v := r.Of(doc, op).Check(authorize.Caller{})
			refusals := v.Refusals(doc, op, map[string]any{})
			if v == nil && refusals != nil || op.Operation != ast.Mutation && refusals != nil {
				t.Fatal("refused without a reason")
			}
			if r.Of(doc, op).Check(authorize.Caller{Authenticated: true, Scopes: allScopes}) != nil {
				t.Fatal("who has everything is denied something")
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	schema, r := load(b, shop)
	doc, op := parse(b, schema, `{ me { id email name } product { price risk } secret { text } hits { ... on User { id } } }`)
	for name, who := range map[string]authorize.Caller{
		"allowed": {Authenticated: true, Scopes: allScopes},
		"denied":  {},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v := r.Of(doc, op).Check(who); (v == nil) != (name == "allowed") {
					b.Fatal("wrong verdict")
				}
			}
		})
	}
}
