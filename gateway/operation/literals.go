package operation

import (
	"fmt"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// literals looks at the values and directives of a document before the rules do. It refuses lists and directives that are
// too many, and makes the number literals ones that gqlparser can read: it panics on those it can't, when the
// arguments are used. An integer over 64 bits becomes a Float, which is what it may be given for (October 2021, section
// 3.5.2); where an Int is wanted the rules refuse it. A number that no Float can hold is an error.
func literals(doc *ast.QueryDocument, limits Limits) gqlerror.List {
	n := literalist{limits: limits}
	for _, op := range doc.Operations {
		for _, v := range op.VariableDefinitions {
			n.value(v.DefaultValue)
			n.directives(v.Directives)
		}
		n.directives(op.Directives)
		n.selections(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		n.directives(f.Directives)
		n.selections(f.SelectionSet)
	}
	return n.errs.list()
}

type literalist struct {
	limits Limits
	errs   errorList
}

func (n *literalist) selections(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			n.arguments(s.Arguments)
			n.directives(s.Directives)
			n.selections(s.SelectionSet)
		case *ast.InlineFragment:
			n.directives(s.Directives)
			n.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			n.directives(s.Directives)
		}
	}
}

func (n *literalist) directives(list ast.DirectiveList) {
	if len(list) > n.limits.MaxDirectives {
		n.errs.add(refusal(fail.TooLarge, fmt.Sprintf("There are more than %d directives in one place.", n.limits.MaxDirectives), locate(list[0].Position)...))
		return
	}
	for _, d := range list {
		n.arguments(d.Arguments)
	}
}

func (n *literalist) arguments(list ast.ArgumentList) {
	for _, a := range list {
		n.value(a.Value)
	}
}

func (n *literalist) value(v *ast.Value) {
	if v == nil {
		return
	}
	if v.Kind == ast.ListValue && len(v.Children) > n.limits.MaxListItems {
		n.errs.add(refusal(fail.TooLarge, fmt.Sprintf("A list has more than %d items.", n.limits.MaxListItems), locate(v.Position)...))
		return
	}
	for _, child := range v.Children {
		n.value(child.Value)
	}
	if v.Kind == ast.IntValue {
		if _, err := strconv.ParseInt(v.Raw, 10, 64); err == nil {
			return
		}
		v.Kind = ast.FloatValue
	}
	if v.Kind != ast.FloatValue {
		return
	}
	if _, err := strconv.ParseFloat(v.Raw, 64); err != nil {
		n.errs.add(refusal(fail.ValidationFailed, "The number "+shorten(v.Raw, 60)+" is more than a Float can hold.",
			gqlerror.Location{Line: v.Position.Line, Column: v.Position.Column}))
	}
}
