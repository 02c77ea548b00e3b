package cost_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tributary-gateway/tributary/gateway/cost"
)

const directives = `
directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
`

func schemaOf(t testing.TB, sdl string) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "s.graphql", Input: sdl})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func compile(t testing.TB, sdl string, config cost.Config) *cost.Prices {
	t.Helper()
	prices, err := cost.Compile(schemaOf(t, directives+sdl), config)
	if err != nil {
		t.Fatal(err)
	}
	return prices
}

// document parses and validates, without the one rule that takes its time for nested fragments.
func document(schema *ast.Schema, query string) (*ast.QueryDocument, error) {
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return nil, err
	}
	set := rules.NewDefaultRules()
	set.RemoveRule(rules.MaxIntrospectionDepth.Name)
	if errs := validator.ValidateWithRules(schema, doc, set); len(errs) > 0 {
		return nil, errs
	}
	return doc, nil
}

// formulaOf is the formula of a document's first operation.
func formulaOf(t testing.TB, sdl string, config cost.Config, query string) *cost.Formula {
	t.Helper()
	schema := schemaOf(t, directives+sdl)
	prices, err := cost.Compile(schema, config)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := document(schema, query)
	if err != nil {
		t.Fatal(err)
	}
	formula, err := prices.Formula(doc, doc.Operations[0])
	if err != nil {
		t.Fatal(err)
	}
	return formula
}

type sums struct {
	FieldCost *amount `json:"fieldCost"`
	TypeCost  *amount `json:"typeCost"`
}

// amount is a number, or the text Infinity.
type amount float64

func (a *amount) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	*a = amount(n)
	return err
}

func (s *sums) check(t *testing.T, what string, got cost.Cost) {
	t.Helper()
	if s == nil {
		return
	}
	if s.FieldCost != nil && got.Field != float64(*s.FieldCost) {
		t.Errorf("%s: fieldCost %v, want %v", what, got.Field, *s.FieldCost)
	}
	if s.TypeCost != nil && got.Type != float64(*s.TypeCost) {
		t.Errorf("%s: typeCost %v, want %v", what, got.Type, *s.TypeCost)
	}
}

func TestVectors(t *testing.T) {
	for _, name := range []string{"testdata/cost-examples.json", "testdata/more-examples.json"} {
		testVectors(t, name)
	}
}

func testVectors(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Directives map[string]string
		Schemas    map[string]struct{ Directives, SDL string }
		Vectors    []struct {
			ID, Schema, Query, OperationName string
			Variables                        map[string]any
			Params                           struct{ DefaultListSize any }
			Expect                           struct {
				Estimated, Actual *sums
				Error             any
			}
			Response json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 13 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			schema := schemaOf(t, file.Directives[file.Schemas[v.Schema].Directives]+"\n"+file.Schemas[v.Schema].SDL)
			config := cost.Config{DefaultListSize: cost.Unbounded}
			if n, ok := v.Params.DefaultListSize.(float64); ok {
				config.DefaultListSize = int(n)
			}
			prices, err := cost.Compile(schema, config)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := document(schema, v.Query)
			if v.Expect.Error == "validation" { // what is wrong with variables is known before a price is asked for
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			formula, err := prices.Formula(doc, doc.Operations.ForName(v.OperationName))
			if err != nil {
				t.Fatal(err)
			}
			got, err := formula.Estimate(v.Variables)
			if (err != nil) != (v.Expect.Error != nil) {
				t.Fatalf("got %v, want error %v", err, v.Expect.Error)
			}
			v.Expect.Estimated.check(t, "estimated", got)
			if v.Response != nil {
				actual, overruns, err := formula.Actual(v.Variables, v.Response)
				if err != nil || overruns != nil {
					t.Fatal(overruns, err)
				}
				v.Expect.Actual.check(t, "actual", actual)
			}
		})
	}
}

var infinite = math.Inf(1)
