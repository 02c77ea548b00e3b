package cache

import "github.com/vektah/gqlparser/v2/ast"

// Selections are those of the plan's operation.
func (p *Plan) Selections() ast.SelectionSet { return p.operation.SelectionSet }
