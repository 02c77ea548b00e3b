package cost

import "github.com/vektah/gqlparser/v2/ast"

// Within compiles with other budgets than the package's.
func (p *Prices) Within(doc *ast.QueryDocument, operation *ast.OperationDefinition, merge, write int) (*Formula, error) {
	return p.compile(doc, operation, merge, write)
}

// IsBound tells whether the formula is an upper bound.
func (f *Formula) IsBound() bool { return f.bound }
