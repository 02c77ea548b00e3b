package operation

import "github.com/vektah/gqlparser/v2/ast"

// Measures are what limits look at, of one operation.
type Measures struct {
	// Depth is how many fields stand in one another, fragments followed.
	Depth int
	// Aliases and RootFields count a fragment each time it is spread.
	Aliases, RootFields int
	// Tokens are those of the whole document.
	Tokens int
}

// Measure measures an operation of a document that Documents let through.
func Measure(doc *ast.QueryDocument, operation *ast.OperationDefinition) Measures {
	s := surveyor{fragments: make(map[string]*fragment, len(doc.Fragments))}
	for _, definition := range doc.Fragments {
		s.fragments[definition.Name] = &fragment{definition: definition}
	}
	got := s.set(operation.SelectionSet)
	m := Measures{Depth: got.depth, Aliases: got.aliases, RootFields: got.fields}
	if operation.Position != nil && operation.Position.Src != nil {
		m.Tokens = countTokens(operation.Position.Src.Input)
	}
	return m
}

// countTokens counts as Scan does.
func countTokens(query string) int {
	n := 0
	for i := blank(query, 0); i < len(query); i = blank(query, i) {
		n++
		end := token(query, i)
		if end == i {
			break
		}
		i = end
	}
	return n
}
