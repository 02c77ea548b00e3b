package engine

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// planBudget bounds the work of compiling, in selections visited and compared: some milliseconds. Fragments that are spread under different conditions, or that
// differ by type at each level, can make it grow exponentially with the document.
const planBudget = 100_000

// errUnplanned says that the operation is for gqlgen's executor.
var errUnplanned = errors.New("not for the engine")

type compiler struct {
	schema   *ast.Schema
	bindings *Bindings
	guard    Guard
	doc      *ast.QueryDocument
	plan     *plan
	parts    bool // the client takes the answer in parts
	budget   int
	// known has the objects by type and selection sets: interfaces would multiply them otherwise.
	known map[string]*planObject
}

// guarded is a selection set that counts under a condition.
type guarded struct {
	set  ast.SelectionSet
	when all
}

// compile makes the plan, or nil. Without parts nothing is deferred.
func compile(schema *ast.Schema, bindings *Bindings, guard Guard, doc *ast.QueryDocument, op *ast.OperationDefinition, parts bool) *plan {
	c := &compiler{
		schema: schema, bindings: bindings, guard: guard, doc: doc, parts: parts,
		plan:   &plan{serial: op.Operation == ast.Mutation},
		budget: planBudget,
		known:  map[string]*planObject{},
	}
	root := schema.Query
	if op.Operation == ast.Mutation {
		root = schema.Mutation
	}
	if root == nil || len(op.Directives) > 0 {
		return nil
	}
	var err error
	if c.plan.root, err = c.object(root, []guarded{{set: op.SelectionSet}}); err != nil {
		return nil
	}
	return c.plan
}

// object plans what sets select of a type.
func (c *compiler) object(def *ast.Definition, sets []guarded) (*planObject, error) {
	key := keyOf(def, sets)
	if o := c.known[key]; o != nil {
		return o, nil
	}
	binding := c.bindings.objects[def.Name]
	if binding == nil {
		return nil, errUnplanned
	}
	o := &planObject{number: c.plan.objects, name: def.Name, quoted: strconv.AppendQuote(nil, def.Name), binding: binding}
	c.plan.objects++
	m := merger{compiler: c, def: def, visited: map[string][]all{}}
	for _, s := range sets {
		if err := m.visit(s.set, s.when); err != nil {
			return nil, err
		}
	}
	for _, name := range m.order {
		f, err := c.field(def, binding, m.fields[name])
		if err != nil {
			return nil, err
		}
		if f.kind == kindView {
			f.view.place = o.place(f.view.pointer)
		}
		if f.kind == kindColumn || f.kind == kindTask {
			f.column = len(o.columns)
			o.columns = append(o.columns, f)
			o.tasks = true
		}
		for _, i := range m.fields[name].slots {
			m.slots[i].field = f
		}
	}
	o.slots = m.slots
	if err := c.deferred(o, def, m.defers); err != nil {
		return nil, err
	}
	c.known[key] = o
	return o, nil
}

// keyOf tells objects apart. Selection sets are told apart by where they are.
func keyOf(def *ast.Definition, sets []guarded) string {
	var b strings.Builder
	b.WriteString(def.Name)
	for _, s := range sets {
		if len(s.set) > 0 {
			fmt.Fprintf(&b, " %p %d", &s.set[0], s.when)
		}
	}
	return b.String()
}

// field plans one response name.
func (c *compiler) field(def *ast.Definition, binding *Object, m *mergedField) (*planField, error) {
	first := m.selected[0].field
	f := &planField{object: def.Name, selected: m.selected, when: always, column: none, args: none}
	if !m.settled {
		f.when = len(c.plan.conditions)
		c.plan.conditions = append(c.plan.conditions, condition{any: conditionsOf(m.selected)})
	}
	if m.uniform {
		f.merged = collected(m.selected, func(all) bool { return true })
	}
	if first.Name == "__typename" {
		f.kind, f.typ = kindTypename, ast.NonNullNamedType("String", nil)
		return f, nil
	}
	b, ok := binding.fields[first.Name]
	if !ok || first.Definition == nil {
		return nil, errUnplanned
	}
	f.binding, f.typ = b, first.Definition.Type
	if c.guard != nil {
		f.need = c.guard.Need(def.Name, first.Name)
	}
	if b.args != nil {
		f.args = c.plan.args
		c.plan.args++
	}
	if _, ok := b.source.(delegated); ok {
		if slices.ContainsFunc(m.selected, func(s selected) bool { return defersIn(c.doc, s.field.SelectionSet) }) {
			return nil, errUnplanned // gqlgen's executor would defer by itself
		}
		f.kind = kindTask
		return f, nil
	}
	if err := c.children(f, m); err != nil {
		return nil, err
	}
	f.flat = true
	for _, child := range f.children {
		f.flat = f.flat && !child.tasks
	}
	_, inline := b.source.(property)
	switch {
	case !inline:
		f.kind = kindTask
	case !f.flat:
		f.kind = kindColumn
	case binding.unpack != nil && b.pointer != nil && c.viewable(f):
		f.kind = kindView
	default:
		f.kind = kindRead
	}
	return f, nil
}

// children plans what is selected below a field, for each type that its value can have.
func (c *compiler) children(f *planField, m *mergedField) error {
	def := c.schema.Types[f.typ.Name()]
	if def == nil || def.IsLeafType() {
		return nil
	}
	sets := make([]guarded, 0, len(m.selected))
	for _, s := range m.selected {
		when := s.when
		if m.uniform {
			when = nil // the field wouldn't be here otherwise
		}
		sets = append(sets, guarded{s.field.SelectionSet, when})
	}
	types := []*ast.Definition{def}
	if def.IsAbstractType() {
		types = c.schema.GetPossibleTypes(def)
	}
	for _, t := range types {
		if t.IsAbstractType() {
			continue // an interface that implements this one
		}
		o, err := c.object(t, sets)
		if err != nil {
			return err
		}
		f.children = append(f.children, o)
	}
	return nil
}

// collected is the field as gqlgen's collector gives it to resolvers.
func collected(places []selected, counts func(all) bool) graphql.CollectedField {
	var f graphql.CollectedField
	for _, s := range places {
		if !counts(s.when) {
			continue
		}
		if f.Field == nil {
			f = graphql.CollectedField{Field: s.field, IsNonDeferrable: true}
		}
		f.Selections = append(f.Selections, s.field.SelectionSet...)
	}
	return f
}
