package cost

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

const (
	costDefinition = `"What a call, an object or an argument costs."
directive @cost(
  "A number, such as \"5.0\". It may be negative."
  weight: String!
) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
`
	listSizeDefinition = `"How long a list gets."
directive @listSize(
  "The list has at most so many items."
  assumedSize: Int
  "The arguments whose value is the size; the largest counts. A path leads into input objects: \"page.first\"."
  slicingArguments: [String!]
  "The lists of the returned object that have this size, in place of the field itself."
  sizedFields: [String!]
  "Refuse an operation that has none or several of the slicing arguments."
  requireOneSlicingArgument: Boolean = true
) on FIELD_DEFINITION
`
)

// Definitions are the definitions of @cost and @listSize that a schema's sources leave out, for schemas that come without.
func Definitions(sources ...*ast.Source) []*ast.Source {
	doc, err := parser.ParseSchemas(sources...)
	if err != nil {
		return nil // who loads the schema says what is wrong
	}
	var missing []*ast.Source
	for _, d := range []struct{ name, text string }{{"cost", costDefinition}, {"listSize", listSizeDefinition}} {
		if doc.Directives.ForName(d.name) == nil {
			missing = append(missing, &ast.Source{Name: d.name + ".graphql", Input: d.text})
		}
	}
	return missing
}
