package cost

import (
	"errors"
	"fmt"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
)

// Formula is an operation, ready to be priced with the variables of a request. It never changes and is safe for
// concurrent use. Its memory is bounded by the document's and by a budget.
type Formula struct {
	prices     *Prices
	conditions conditions
	defaults   map[string]*ast.Value // of the operation's variables
	groups     []group               // each after those below it
	sizers     []sizer
	root       int32
	rootWeight float64
	rootName   string
	static     bool // no variable changes anything
	fixed      result
	// bound: the operation is too entangled to merge its fields. Each is priced where it's written: an upper bound.
	bound bool
	// hopeless: even that would take too long. The cost is infinite.
	hopeless bool
	scratch  sync.Pool
	size     int // entries and groups, which take some 200 bytes each
}

// group is what is selected of one object type at one place.
type group struct {
	entries   []entry
	dynamic   []int32   // the entries that variables change
	includes  []include // groups that count as well, where fields aren't merged
	typenames []string  // the response names of __typename
	base      result    // the static entries together
	static    bool
}

// include is a group that counts when a condition holds.
type include struct {
	when  int32
	group int32
}

// entry is a field of a group: all selections of one response name.
type entry struct {
	name       string
	field      *field
	syntax     *ast.Field // the first selection: all have the same arguments
	when       int32
	typeWeight float64
	call       float64 // the static part: weight and arguments without variables
	args       []*input
	uses       []use // the selections, when their directives cost something
	own        int32 // its sizer, or none
	inherited  int32 // the parent's sizer that sizes it, or none
	below      []alternative
	static     bool
}

// alternative is what is selected of an entry's objects of some types.
type alternative struct {
	group   int32
	objects []*object
}

// use is one selection of an entry with what its directives cost.
type use struct {
	when   int32
	syntax *ast.Field
}

// sizer evaluates a @listSize with the arguments of one field.
type sizer struct {
	size   *listSize
	syntax *ast.Field
	static bool
	fixed  sized
}

// sized is what a sizer says.
type sized struct {
	n       float64
	known   bool
	refused bool // there isn't exactly one slicing argument, but must be
}

// result is what a group is worth.
type result struct {
	amount

	refused bool
}

// Formula compiles an operation of a document that was validated against the schema. It takes time polynomial in the
// document's length, some milliseconds at most for the usual limits on documents.
func (p *Prices) Formula(doc *ast.QueryDocument, operation *ast.OperationDefinition) (*Formula, error) {
	return p.compile(doc, operation, mergeBudget, separateBudget)
}

func (p *Prices) compile(doc *ast.QueryDocument, operation *ast.OperationDefinition, merge, write int) (*Formula, error) {
	if doc == nil || operation == nil {
		return nil, errors.New("a formula needs a document and an operation")
	}
	root := p.rootType(operation.Operation)
	if root == nil {
		return nil, fmt.Errorf("the schema has no type for a %s", operation.Operation)
	}
	ranked, err := rank(doc, operation)
	if err != nil {
		return nil, err
	}
	f := p.formula(operation, root)
	c := newCompiler(f, ranked, merge)
	f.root, err = c.collect(root, []part{{set: operation.SelectionSet}}, none)
	if errors.Is(err, errTangled) {
		f = p.formula(operation, root)
		f.bound = true
		s := newSeparate(f, ranked, write)
		f.root, err = s.group(root, place{}, operation.SelectionSet, none)
		if errors.Is(err, errTangled) {
			f = p.formula(operation, root)
			f.bound, f.hopeless, err = true, true, nil
			f.groups = []group{{static: true}}
		}
	}
	if err != nil {
		return nil, err
	}
	f.finish()
	return f, nil
}

func (p *Prices) rootType(kind ast.Operation) *object {
	def := p.schema.Query
	switch kind {
	case ast.Mutation:
		def = p.schema.Mutation
	case ast.Subscription:
		def = p.schema.Subscription
	}
	if def == nil {
		return nil
	}
	return p.objects[def.Name]
}

func (p *Prices) formula(operation *ast.OperationDefinition, root *object) *Formula {
	f := &Formula{
		prices: p, conditions: newConditions(), defaults: map[string]*ast.Value{},
		rootWeight: root.weight, rootName: root.name,
	}
	for _, v := range operation.VariableDefinitions {
		if v.DefaultValue != nil {
			f.defaults[v.Variable] = v.DefaultValue
		}
	}
	return f
}

// finish folds what no variable changes.
func (f *Formula) finish() {
	f.scratch.New = func() any {
		return &scratch{
			guards: make([]truth, len(f.conditions.guards)),
			holds:  make([]bool, len(f.conditions.list)),
			sizes:  make([]sized, len(f.sizers)),
			groups: make([]result, len(f.groups)),
		}
	}
	s := f.take()
	defer f.scratch.Put(s)
	s.holds[always] = true
	for i := range f.sizers {
		z := &f.sizers[i]
		if z.static = !z.variable(); z.static {
			z.fixed = z.evaluate(&s.values)
		}
		s.sizes[i] = z.fixed
	}
	for i := range f.groups {
		f.fold(s, &f.groups[i])
		if f.groups[i].static {
			s.groups[i] = f.groups[i].base
		}
	}
	for i := range f.groups {
		f.size += 1 + len(f.groups[i].entries)
	}
	root := &f.groups[f.root]
	f.static, f.fixed = root.static, f.whole(root.base)
}

func (f *Formula) fold(s *scratch, g *group) {
	g.static = true
	for _, in := range g.includes {
		g.static = g.static && in.when == always && f.groups[in.group].static
	}
	for i := range g.entries {
		e := &g.entries[i]
		e.static = e.when == always && len(e.args) == 0 && f.fixedSize(e.own) && f.fixedSize(e.inherited)
		for _, u := range e.uses {
			e.static = e.static && u.when == always && !f.variableDirectives(u.syntax)
		}
		for _, a := range e.below {
			e.static = e.static && f.groups[a.group].static
		}
		if e.static {
			g.base = g.base.plus(f.entry(s, e))
		} else {
			g.static = false
			g.dynamic = append(g.dynamic, int32(i))
		}
	}
	if g.static {
		for _, in := range g.includes {
			g.base = g.base.plus(f.groups[in.group].base)
		}
	}
}

func (f *Formula) fixedSize(sizer int32) bool { return sizer == none || f.sizers[sizer].static }

func (f *Formula) variableDirectives(syntax *ast.Field) bool {
	for _, d := range syntax.Directives {
		if len(f.prices.directives[d.Name]) == 0 {
			continue
		}
		for _, arg := range d.Arguments {
			if variable(arg.Value) {
				return true
			}
		}
	}
	return false
}

func (r result) plus(o result) result {
	return result{r.amount.plus(o.amount), r.refused || o.refused}
}

func (r result) max(o result) result {
	return result{r.amount.max(o.amount), r.refused || o.refused}
}
