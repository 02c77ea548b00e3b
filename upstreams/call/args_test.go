package call_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/tributary-gateway/tributary/upstreams/call"
)

const shop = `
type Query { a(n: Int = 3, ids: [ID!], in: In, deep: [[Int]], any: JSON): Int  b: Int }
input In { name: String = "x" size: Size = S more: [In!] note: String }
enum Size { S M }
`

func TestArgs(t *testing.T) {
	schema := load(t, shop)
	for name, test := range map[string]struct {
		query     string
		variables string
		want      string // as JSON; a name that isn't there was not given
	}{
		"nothing given: defaults":       {`{ a }`, `{}`, `{"n":3}`},
		"no arguments":                  {`{ b }`, `{}`, `null`},
		"literals, an ID is text":       {`{ a(n: 5, ids: ["x", 1]) }`, `{}`, `{"n":5,"ids":["x","1"]}`},
		"null isn't absent":             {`{ a(n: null, ids: null) }`, `{}`, `{"n":null,"ids":null}`},
		"one value for a list":          {`{ a(ids: "x", deep: 1) }`, `{}`, `{"n":3,"ids":["x"],"deep":[[1]]}`},
		"defaults inside an input":      {`{ a(in: {}) }`, `{}`, `{"n":3,"in":{"name":"x","size":"S"}}`},
		"null inside an input":          {`{ a(in: {name: null, note: null}) }`, `{}`, `{"n":3,"in":{"name":null,"size":"S","note":null}}`},
		"an input in a list of one":     {`{ a(in: {more: {size: M}}) }`, `{}`, `{"n":3,"in":{"name":"x","size":"S","more":[{"name":"x","size":"M"}]}}`},
		"variables":                     {`query($n: Int, $ids: [ID!]) { a(n: $n, ids: $ids) }`, `{"n":4,"ids":["y"]}`, `{"n":4,"ids":["y"]}`},
		"a variable that isn't there":   {`query($n: Int, $ids: [ID!]) { a(n: $n, ids: $ids) }`, `{}`, `{"n":3}`},
		"a variable that is null":       {`query($ids: [ID!]) { a(ids: $ids) }`, `{"ids":null}`, `{"n":3,"ids":null}`},
		"a variable with a default":     {`query($n: Int = 9) { a(n: $n) }`, `{}`, `{"n":9}`},
		"a variable for a whole input":  {`query($in: In) { a(in: $in) }`, `{"in":{"note":"y"}}`, `{"n":3,"in":{"name":"x","size":"S","note":"y"}}`},
		"a variable inside an input":    {`query($s: Size) { a(in: {size: $s}) }`, `{"s":"M"}`, `{"n":3,"in":{"name":"x","size":"M"}}`},
		"an absent one inside an input": {`query($s: Size) { a(in: {size: $s}) }`, `{}`, `{"n":3,"in":{"name":"x","size":"S"}}`},
		"a single variable for a list":  {`query($ids: [ID!]) { a(ids: $ids) }`, `{"ids":"y"}`, `{"n":3,"ids":["y"]}`},
		"JSON as it is":                 {`{ a(any: {b: [1, "x", null, true]}) }`, `{}`, `{"n":3,"any":{"b":[1,"x",null,true]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			document, errs := gqlparser.LoadQueryWithRules(schema, test.query, nil)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			var variables map[string]any
			if err := json.Unmarshal([]byte(test.variables), &variables); err != nil {
				t.Fatal(err)
			}
			operation := document.Operations[0]
			coerced, err := validator.VariableValues(schema, operation, variables)
			if err != nil {
				t.Fatal(err)
			}
			field := operation.SelectionSet[0].(*ast.Field)
			got, err := json.Marshal(call.Args(schema, field, coerced))
			if err != nil {
				t.Fatal(err)
			}
			var gotAny, wantAny any
			if err := json.Unmarshal(got, &gotAny); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(test.want), &wantAny); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wantAny, gotAny); diff != "" {
				t.Errorf("got %s\n%s", got, diff)
			}
		})
	}
}
