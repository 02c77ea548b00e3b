package cost_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/cost"
)

const blog = `
type Query { posts(first: Int = 10, tag: String): [Post!]! @cost(weight: "2") @listSize(slicingArguments: ["first"]) }
type Post { id: ID! title: String! body: String likes: Int author: User comments(first: Int = 5): [Comment!]! @listSize(slicingArguments: ["first"]) related: [Post!]! @listSize(assumedSize: 4) }
type User { id: ID! name: String! city: String }
type Comment { id: ID! text: String author: User }
`

const blogQuery = `query($posts: Int = 20, $comments: Int!) {
	posts(first: $posts) { id title body likes author { ...U } comments(first: $comments) { id text author { ...U } } related { id title author { ...U } } }
}
fragment U on User { id name city }`

func BenchmarkEstimate(b *testing.B) {
	formula := formulaOf(b, blog, cost.Config{}, blogQuery)
	variables := map[string]any{"posts": json.Number("20"), "comments": json.Number("5")}
	if got, err := formula.Estimate(variables); err != nil || got.Field != 2+20*(1+1+5+1+4) {
		b.Fatal(got, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := formula.Estimate(variables); err != nil {
			b.Fatal(err)
		}
	}
}

func TestEstimateAllocatesNothing(t *testing.T) {
	formula := formulaOf(t, blog, cost.Config{}, blogQuery)
	variables := map[string]any{"posts": json.Number("20"), "comments": json.Number("5")}
	n := testing.AllocsPerRun(1000, func() {
		if _, err := formula.Estimate(variables); err != nil {
			t.Fatal(err)
		}
	})
	if n >= 1 { // under the race detector the pool drops some
		t.Logf("%v allocations", n)
		if !raceEnabled {
			t.Fail()
		}
	}
}

// posts is an answer of 14 KB.
func posts() []byte {
	var b strings.Builder
	b.WriteString(`{"posts":[`)
	for i := range 100 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%d","title":"The title of post %d","body":"A body of some words, \"quoted\".","likes":%d,"author":{"id":"%d","name":"Ann O. Nymous","city":"Bern"}}`, i, i, i*3, i%10)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

func BenchmarkActual(b *testing.B) {
	formula := formulaOf(b, blog, cost.Config{}, `{ posts(first: 100) { id title body likes author { id name city } } }`)
	data := posts()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if got, over, err := formula.Actual(nil, data); err != nil || over != nil || got.Type != 201 {
			b.Fatal(got, over, err)
		}
	}
}

// BenchmarkValid is the yardstick for BenchmarkActual: the standard library's scanner over the same answer.
func BenchmarkValid(b *testing.B) {
	data := posts()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if !json.Valid(data) {
			b.Fatal("no JSON")
		}
	}
}

func BenchmarkFormula(b *testing.B) {
	schema := schemaOf(b, directives+blog)
	prices, err := cost.Compile(schema, cost.Config{})
	if err != nil {
		b.Fatal(err)
	}
	doc, err := document(schema, blogQuery)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := prices.Formula(doc, doc.Operations[0]); err != nil {
			b.Fatal(err)
		}
	}
}
