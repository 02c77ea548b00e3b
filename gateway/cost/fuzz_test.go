package cost_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/operation"
)

// FuzzDocument: whatever validates is priced in bounded time, without panic, and no answer is worth more than numbers
// can say.
func FuzzDocument(f *testing.F) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: directives + shop})
	if err != nil {
		f.Fatal(err)
	}
	prices, err := cost.Compile(schema, cost.Config{DefaultListSize: cost.Unbounded})
	if err != nil {
		f.Fatal(err)
	}
	documents, err := operation.NewDocuments(schema, operation.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`query($n: Int, $s: Boolean!) { one(n: $n) { ...I @skip(if: $s) } } fragment I on Item { id items(n: $n) { id } }`, `{"n": 3}`, `{"one": [{"id": 1}]}`)
	f.Add(`{ any { __typename ... on Light { kids(n: 1) { id } } } node { kids { id } } }`, `{}`, `{"any": {"kids": [[{}]]}, "node": {"__typename": "Heavy"}}`)
	f.Add(`query($w: Where) { filter(where: $w, many: [$w, {and: [$w]}]) @near(by: 1) deep(page: {size: {n: 2}}) { id } }`, `{"w": {"and": [{}]}}`, `{"filter": "\\\""}`)
	f.Add(`mutation { save(where: {tag: "x"}) { id } }`, `null`, `null`)
	f.Fuzz(func(t *testing.T, query, variables, data string) {
		doc, errs := documents.Load(t.Context(), query)
		if errs != nil {
			return
		}
		var values map[string]any
		d := json.NewDecoder(strings.NewReader(variables))
		d.UseNumber()
		_ = d.Decode(&values) // none is as good
		start := time.Now()
		for _, op := range doc.Operations {
			formula, err := prices.Formula(doc, op)
			if err != nil {
				t.Fatal(err)
			}
			estimate, err := formula.Estimate(values)
			if err == nil && (math.IsNaN(estimate.Field) || math.IsNaN(estimate.Type) || estimate.Field < 0 || estimate.Type < 0) {
				t.Errorf("estimate %+v", estimate)
			}
			actual, overruns, err := formula.Actual(values, []byte(data))
			if err == nil && overruns == nil && (actual.Field > estimate.Field || actual.Type > estimate.Type) && estimate.Field+estimate.Type > 0 {
				t.Errorf("actual %+v, estimate %+v", actual, estimate)
			}
			if _, err := formula.Table(values); err != nil && estimate.Points > 0 {
				t.Error(err)
			}
			formula.Unbounded(values)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
