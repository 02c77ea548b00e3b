package engine

import (
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// deferredSet is a fragment with @defer, on the object that a merger is for.
type deferredSet struct {
	label string
	set   ast.SelectionSet
	when  all
}

// planDefer is what comes later of an object: its own selection of it.
type planDefer struct {
	object *planObject
	label  string
	when   int // the condition
	under  all // the same
}

// later reads a fragment's @defer. What it defers is noted, and the condition is that under which the fragment is part of the
// first part; it's false when it never is.
func (m *merger) later(directives ast.DirectiveList, on string, set ast.SelectionSet, when all) (all, bool, error) {
	d := directives.ForName("defer")
	if d == nil {
		return when, true, nil
	}
	if !m.applies(on) {
		return nil, false, nil
	}
	label, condition := "", (*ast.Value)(nil)
	for _, arg := range d.Arguments {
		switch {
		case arg.Value.Kind == ast.NullValue:
		case arg.Name == "if":
			condition = arg.Value
		case arg.Name == "label" && arg.Value.Kind != ast.Variable:
			label = arg.Value.Raw
		default:
			return nil, false, errUnplanned // a label that isn't the document's
		}
	}
	variable := condition != nil && condition.Kind == ast.Variable
	if condition != nil && !variable && condition.Raw != "true" {
		return when, true, nil
	}
	m.plan.defers = true
	// Fields of the mutation type run one after the other, which none can do later.
	if !m.parts || m.plan.serial && m.def == m.schema.Mutation {
		return when, true, nil
	}
	if !variable {
		m.defers = append(m.defers, deferredSet{label, set, when})
		return nil, false, nil
	}
	l := m.literal(condition, true)
	if deferred, possible := when.and(l); possible {
		m.defers = append(m.defers, deferredSet{label, set, deferred})
	}
	rest, possible := when.and(l ^ 1)
	return rest, possible, nil
}

// deferred plans what comes later of an object.
func (c *compiler) deferred(o *planObject, def *ast.Definition, sets []deferredSet) error {
	for _, s := range sets {
		if len(s.set) == 0 {
			continue
		}
		later, err := c.object(def, []guarded{{set: s.set}})
		if err != nil {
			return err
		}
		d := &planDefer{object: later, label: s.label, when: always, under: s.when}
		if s.when != nil {
			d.when = len(c.plan.conditions)
			c.plan.conditions = append(c.plan.conditions, condition{any: []all{s.when}})
		}
		o.defers = append(o.defers, d)
		o.tasks = true // where the object stands is kept, for the path
	}
	if len(o.defers) == 0 {
		return nil
	}
	layers, err := c.layers(o, nil)
	if err != nil {
		return err
	}
	return c.once(layers)
}

// whole is the operation without @defer, for an executor that would answer in parts and is asked for one answer. It's op
// itself when nothing is deferred.
func whole(op *graphql.OperationContext) *graphql.OperationContext {
	if op.Doc == nil || op.Operation == nil {
		return op
	}
	found := defersIn(op.Doc, op.Operation.SelectionSet) ||
		slices.ContainsFunc(op.Doc.Fragments, func(f *ast.FragmentDefinition) bool { return defersIn(op.Doc, f.SelectionSet) })
	if !found {
		return op
	}
	doc := *op.Doc
	doc.Operations, doc.Fragments = nil, nil
	operation := *op.Operation
	operation.SelectionSet = undeferred(operation.SelectionSet)
	for _, o := range op.Doc.Operations {
		if o == op.Operation {
			o = &operation
		}
		doc.Operations = append(doc.Operations, o)
	}
	for _, f := range op.Doc.Fragments {
		clone := *f
		clone.SelectionSet = undeferred(f.SelectionSet)
		doc.Fragments = append(doc.Fragments, &clone)
	}
	all := &graphql.OperationContext{
		RawQuery: op.RawQuery, Variables: op.Variables, OperationName: op.OperationName, Doc: &doc, Extensions: op.Extensions,
		Headers: op.Headers, Operation: &operation, DisableIntrospection: op.DisableIntrospection, RecoverFunc: op.RecoverFunc,
		ResolverMiddleware: op.ResolverMiddleware, RootResolverMiddleware: op.RootResolverMiddleware, Stats: op.Stats,
	}
	return all
}

// undeferred is a copy of a selection set without @defer.
func undeferred(set ast.SelectionSet) ast.SelectionSet {
	if set == nil {
		return nil
	}
	without := func(all ast.DirectiveList) ast.DirectiveList {
		return slices.DeleteFunc(slices.Clone(all), func(d *ast.Directive) bool { return d.Name == "defer" })
	}
	copied := make(ast.SelectionSet, len(set))
	for i, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			clone := *s
			clone.SelectionSet = undeferred(s.SelectionSet)
			copied[i] = &clone
		case *ast.InlineFragment:
			clone := *s
			clone.Directives, clone.SelectionSet = without(s.Directives), undeferred(s.SelectionSet)
			copied[i] = &clone
		case *ast.FragmentSpread:
			clone := *s
			clone.Directives = without(s.Directives)
			copied[i] = &clone
		}
	}
	return copied
}

// defersIn says whether something in a selection set is deferred, or may be: fragments that are spread in it are asked
// together, for all of the document.
func defersIn(doc *ast.QueryDocument, set ast.SelectionSet) bool {
	spread := false
	if defersHere(set, &spread) {
		return true
	}
	return spread && slices.ContainsFunc(doc.Fragments, func(f *ast.FragmentDefinition) bool { return defersHere(f.SelectionSet, &spread) })
}

func defersHere(set ast.SelectionSet, spread *bool) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return defersHere(s.SelectionSet, spread)
		case *ast.InlineFragment:
			return s.Directives.ForName("defer") != nil || defersHere(s.SelectionSet, spread)
		case *ast.FragmentSpread:
			*spread = true
			return s.Directives.ForName("defer") != nil
		}
		return false
	})
}
