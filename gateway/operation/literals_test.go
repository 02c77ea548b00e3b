package operation_test

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

// gqlparser panicked when the arguments of a field were read whose literal it couldn't parse: each such request cost a
// stack in the log.
func TestNumberLiterals(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `scalar JSON
		type Query { whole(value: JSON): Int real(value: Float): Int int(value: Int): Int list(values: [Float!]): Int }`})
	documents, err := operation.NewDocuments(schema, operation.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		`{ whole(value: 99999999999999999999) }`:                                    "",
		`{ whole(value: {a: [99999999999999999999]}) }`:                             "",
		`{ real(value: 100000000000000000000) }`:                                    "",
		`{ list(values: [1, 2.5, 100000000000000000000]) }`:                         "",
		`query($v: Float = 100000000000000000000) { real(value: $v) }`:              "",
		`{ int(value: 100000000000000000000) }`:                                     "Int cannot represent",
		`{ real(value: 1e999) }`:                                                    "The number 1e999 is more than a Float can hold.",
		`{ whole(value: {a: 1e999}) }`:                                              "The number 1e999 is more than a Float can hold.",
		`{ ...f } fragment f on Query { real(value: -1e999) }`:                      "The number -1e999 is more than a Float can hold.",
		`{ whole(value: 1` + strings.Repeat("0", 400) + `) }`:                       "is more than a Float can hold.",
		`{ int(value: 1) @include(if: true) ... @skip(if: false) { int(value: 1)}}`: "",
	} {
		doc, errs := documents.Load(t.Context(), query)
		switch {
		case want == "" && errs != nil:
			t.Errorf("%s: %v", query, errs)
		case want != "" && !strings.Contains(errs.Error(), want):
			t.Errorf("%s: got %v, want %q", query, errs, want)
		case want == "":
			for _, s := range doc.Operations[0].SelectionSet {
				if f, ok := s.(*ast.Field); ok {
					f.ArgumentMap(nil) // panics on what it can't read
				}
			}
		}
	}
}
