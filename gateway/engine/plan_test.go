package engine_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/engine"
)

// One plan serves all values of the variables, and puts fields where the document does.
func TestSkipAndInclude(t *testing.T) {
	e := newExecutor(newEngine())
	e.SetQueryCache(graphql.MapCache[*ast.QueryDocument]{})
	query := `query($a: Boolean!, $b: Boolean = true) {
		cat(id: 2) @skip(if: $a) { id ...F @include(if: $b) }
		greet
		...R @include(if: $a)
		cat(id: 2) { kind @skip(if: $b) ... on Cat @include(if: $a) @skip(if: $a) { name } }
		never: greet @skip(if: true) }
	fragment F on Cat { kind ...G }
	fragment G on Node { again: id ... @skip(if: $a) { kind2: kind } }
	fragment R on Query { last: greet }`
	for _, test := range []struct{ variables, data string }{
		{"false true", `{"cat":{"id":"2","kind":"cat","again":"2","kind2":"cat"},"greet":"hi you"}`},
		{"false false", `{"cat":{"id":"2","kind":"cat"},"greet":"hi you"}`},
		{"true true", `{"greet":"hi you","last":"hi you","cat":{}}`},
		{"true false", `{"greet":"hi you","last":"hi you","cat":{"kind":"cat"}}`},
		{"false -", `{"cat":{"id":"2","kind":"cat","again":"2","kind2":"cat"},"greet":"hi you"}`},
	} {
		a, b, _ := strings.Cut(test.variables, " ")
		variables := map[string]any{"a": a == "true"}
		if b != "-" {
			variables["b"] = b == "true"
		}
		run(t.Context(), e, query, variables).check(t, test.data)
	}
	run(t.Context(), e, query, map[string]any{"a": true, "b": nil}).check(t, "null",
		` 2:51 Variable "$b" must not be null: it decides about @skip or @include.`)
}

// Fragments under different conditions, and types that differ at each level, must not make plans grow without bound.
func TestBigPlans(t *testing.T) {
	const n = 60
	var chain strings.Builder
	chain.WriteString("query Q(")
	for i := range n {
		fmt.Fprintf(&chain, "$a%d: Boolean! $b%d: Boolean! ", i, i)
	}
	chain.WriteString(") { cat(id: 2) { ...F0 } }")
	variables := map[string]any{}
	for i := range n {
		fmt.Fprintf(&chain, " fragment F%d on Cat { id ...F%d @include(if: $a%d) ...F%d @include(if: $b%d) }", i, i+1, i, i+1, i)
		variables[fmt.Sprint("a", i)], variables[fmt.Sprint("b", i)] = false, true
	}
	fmt.Fprintf(&chain, " fragment F%d on Cat { kind }", n)
	ask(t, newEngine(), chain.String(), variables).check(t, `{"cat":{"id":"2","kind":"cat"}}`)

	deep := `{ node(id: "4") ` + strings.Repeat(`{ id ... on Cat { inner { best `, 12) + `{ id }` + strings.Repeat(`} } }`, 12) + `}`
	if a := ask(t, newEngine(), deep, nil); a.data == "" {
		t.Error(a)
	}
}

// A plan goes when its document goes.
func TestPlansDontKeepDocuments(t *testing.T) {
	es := newEngine()
	gone := make(chan struct{})
	func() {
		e := newExecutor(es)
		ctx := graphql.StartOperationTrace(t.Context())
		op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: `query Q($n: Int) { cats(n: $n) { id owner { id } ...F } } fragment F on Cat { name }`})
		if errs != nil {
			t.Fatal(errs)
		}
		next, ctx := e.DispatchOperation(ctx, op)
		next(ctx)
		runtime.AddCleanup(op.Operation, func(struct{}) { close(gone) }, struct{}{})
	}()
	for range 100 {
		runtime.GC()
		select {
		case <-gone:
			return
		default:
			runtime.Gosched()
		}
	}
	t.Error("the document is still there")
}

// Recycled buffers hold later answers, and nothing reads them after that.
func TestRecycle(t *testing.T) {
	es := newEngine()
	exec := prepared(t, es, `{ cats(n: 3, from: 1) { id name } }`, nil)
	want := string(exec().Data)
	for range 100 {
		r := exec()
		if string(r.Data) != want {
			t.Fatalf("got %s", r.Data)
		}
		data := r.Data
		engine.Recycle(data)
		for i := range data {
			data[i] = 'X'
		}
	}
	engine.Recycle(nil)
	engine.Recycle(make([]byte, 8<<20))
}
