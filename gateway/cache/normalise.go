package cache

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// normalise writes an operation so that what makes no difference to its answer makes none to the text: whitespace,
// comments, commas, the operation's name, fragments that nobody spreads, and the order in which fragments and variables
// are defined.
func normalise(doc *ast.QueryDocument, operation *ast.OperationDefinition, used map[string]bool) string {
	n := normaliser{doc: doc}
	n.WriteString(string(operation.Operation))
	variables := slices.Clone(operation.VariableDefinitions)
	slices.SortFunc(variables, func(a, b *ast.VariableDefinition) int { return strings.Compare(a.Variable, b.Variable) })
	for _, v := range variables {
		if used[v.Variable] {
			n.WriteString("$" + v.Variable + ":" + v.Type.String())
			if v.DefaultValue != nil {
				n.WriteByte('=')
				n.value(v.DefaultValue)
			}
			n.directives(v.Directives)
		}
	}
	n.directives(operation.Directives)
	n.selections(operation.SelectionSet)
	for i := 0; i < len(n.spread); i++ { // grows
		if f := doc.Fragments.ForName(n.spread[i]); f != nil {
			n.WriteString("fragment " + f.Name + " on " + f.TypeCondition)
			n.directives(f.Directives)
			n.selections(f.SelectionSet)
		}
	}
	return n.String()
}

type normaliser struct {
	strings.Builder
	doc    *ast.QueryDocument
	spread []string // fragments in the order of their first spread
}

func (n *normaliser) selections(set ast.SelectionSet) {
	if len(set) == 0 {
		return
	}
	n.WriteByte('{')
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if s.Alias != "" && s.Alias != s.Name {
				n.WriteString(s.Alias + ":")
			}
			n.WriteString(s.Name)
			n.arguments(s.Arguments)
			n.directives(s.Directives)
			n.selections(s.SelectionSet)
		case *ast.InlineFragment:
			n.WriteString("... on " + s.TypeCondition)
			n.directives(s.Directives)
			n.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			n.WriteString("..." + s.Name)
			n.directives(s.Directives)
			if !slices.Contains(n.spread, s.Name) {
				n.spread = append(n.spread, s.Name)
			}
		}
		n.WriteByte(' ')
	}
	n.WriteByte('}')
}

func (n *normaliser) directives(all ast.DirectiveList) {
	for _, d := range all {
		n.WriteString("@" + d.Name)
		n.arguments(d.Arguments)
	}
}

func (n *normaliser) arguments(all ast.ArgumentList) {
	if len(all) == 0 {
		return
	}
	n.WriteByte('(')
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b *ast.Argument) int { return strings.Compare(a.Name, b.Name) })
	for _, a := range sorted {
		n.WriteString(a.Name + ":")
		n.value(a.Value)
		n.WriteByte(' ')
	}
	n.WriteByte(')')
}

func (n *normaliser) value(v *ast.Value) {
	switch {
	case v == nil:
		n.WriteString("null")
	case v.Kind == ast.Variable:
		n.WriteString("$" + v.Raw)
	case v.Kind == ast.StringValue || v.Kind == ast.BlockValue:
		n.WriteString(strconv.Quote(v.Raw))
	case v.Kind == ast.ListValue:
		n.WriteByte('[')
		for _, child := range v.Children {
			n.value(child.Value)
			n.WriteByte(' ')
		}
		n.WriteByte(']')
	case v.Kind == ast.ObjectValue:
		n.WriteByte('{')
		for _, child := range v.Children {
			n.WriteString(child.Name + ":")
			n.value(child.Value)
			n.WriteByte(' ')
		}
		n.WriteByte('}')
	default:
		n.WriteString(v.Raw)
	}
}
