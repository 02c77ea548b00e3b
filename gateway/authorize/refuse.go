package authorize

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// maxRefusals is how many denied fields of a mutation are told.
const maxRefusals = 10

// Refusals are the errors of a mutation that selects something denied, with path and place: it must not be begun, for
// what it does can't be undone and what it answers would be incomplete. Fields that the variables leave out don't count;
// of an interface or union every type counts that it may be. It's nil for other operations, and when nothing is denied.
func (v *Verdict) Refusals(doc *ast.QueryDocument, op *ast.OperationDefinition, variables map[string]any) gqlerror.List {
	if v == nil || op.Operation != ast.Mutation {
		return nil
	}
	var refused gqlerror.List
	told := map[string]bool{}
	w := walker{rules: v.rules, doc: doc, counts: func(d ast.DirectiveList) bool { return counts(d, variables) }}
	w.field = func(n Need, f *ast.Field) bool {
		if len(refused) == maxRefusals {
			return false
		}
		if !v.Denied(n) {
			return true
		}
		if path := w.path.String(); !told[path] {
			told[path] = true
			one := gqlerror.WrapPath(slices.Clone(w.path), ErrDenied)
			if f.Position != nil {
				one.Locations = []gqlerror.Location{{Line: f.Position.Line, Column: f.Position.Column}}
			}
			refused = append(refused, one)
		}
		return false
	}
	w.operation(op)
	return refused
}

// counts says whether @skip and @include leave something in. What can't be read counts.
func counts(directives ast.DirectiveList, variables map[string]any) bool {
	for _, d := range directives {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		arg := d.Arguments.ForName("if")
		if arg == nil || arg.Value == nil {
			continue
		}
		var is bool
		if arg.Value.Kind == ast.Variable {
			value, ok := variables[arg.Value.Raw].(bool)
			if !ok {
				continue
			}
			is = value
		} else {
			is = arg.Value.Raw == "true"
		}
		if is == (d.Name == "skip") {
			return false
		}
	}
	return true
}
