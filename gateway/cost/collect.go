package cost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// errTangled says that merging would take too long.
var errTangled = errors.New("the operation is too entangled")

const (
	// mergeBudget is how many selections may be looked at to merge fields: some milliseconds' worth, and that for
	// documents made for it. Without a bound a short document could take 2ⁿ: its fragments can meet in as many
	// combinations.
	mergeBudget = 30_000
	// mostEntries bounds a formula's memory to some 2 MB.
	mostEntries = 10_000
)

// fragments are those that an operation spreads, each before those that it spreads.
type fragments struct {
	byRank []*ast.FragmentDefinition
	rank   map[string]int
}

func rank(doc *ast.QueryDocument, operation *ast.OperationDefinition) (*fragments, error) {
	r := &fragments{rank: map[string]int{}}
	const open = -1
	var visit func(ast.SelectionSet) error
	spread := func(name string) error {
		if n, known := r.rank[name]; known {
			if n == open {
				return fmt.Errorf("fragment %q spreads itself", name)
			}
			return nil
		}
		def := doc.Fragments.ForName(name)
		if def == nil {
			return fmt.Errorf("there is no fragment %q", name)
		}
		r.rank[name] = open
		if err := visit(def.SelectionSet); err != nil {
			return err
		}
		r.rank[name] = len(r.byRank)
		r.byRank = append(r.byRank, def)
		return nil
	}
	visit = func(set ast.SelectionSet) error {
		for _, selection := range set {
			var err error
			switch s := selection.(type) {
			case *ast.Field:
				err = visit(s.SelectionSet)
			case *ast.InlineFragment:
				err = visit(s.SelectionSet)
			case *ast.FragmentSpread:
				err = spread(s.Name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(operation.SelectionSet); err != nil {
		return nil, err
	}
	slices.Reverse(r.byRank)
	for i, def := range r.byRank {
		r.rank[def.Name] = i
	}
	return r, nil
}

// compiler merges the fields of an operation: of each object type that can be at a place, by response name.
type compiler struct {
	builder

	fragments *fragments
	budget    int
	known     map[string]int32 // groups by what they are made of
	same      map[string]int32 // groups by what they contain
}

func newCompiler(f *Formula, ranked *fragments, budget int) *compiler {
	return &compiler{builder: newBuilder(f), fragments: ranked, budget: budget, known: map[string]int32{}, same: map[string]int32{}}
}

// part is a selection set, the field it belongs to, and the condition under which it counts.
type part struct {
	set   ast.SelectionSet
	owner *ast.Field // nil for the operation
	when  int32
}

// collected are the selections of one response name.
type collected struct {
	name string
	uses []use
}

// collect is the group of what the parts select of an object. Its lists that the parent's sizedFields names get the
// size of the sizer. The same parts are collected once, wherever they stand.
func (c *compiler) collect(o *object, parts []part, size int32) (int32, error) {
	key := []byte(o.name)
	key = binary.LittleEndian.AppendUint32(key, uint32(size))
	for _, p := range parts {
		key = binary.LittleEndian.AppendUint32(key, uint32(c.id(p.owner)))
		key = binary.LittleEndian.AppendUint32(key, uint32(p.when))
	}
	if n, ok := c.known[string(key)]; ok {
		return n, nil
	}
	if c.budget -= 5; c.budget < 0 {
		return 0, errTangled
	}
	v := visitor{compiler: c, object: o, index: map[string]int{}}
	for _, p := range parts {
		if err := v.visit(p.set, p.when); err != nil {
			return 0, err
		}
	}
	if err := v.spreads(); err != nil {
		return 0, err
	}
	g := group{typenames: v.typenames}
	var content []byte
	for _, found := range v.fields {
		e, err := c.entry(o, found, size)
		if err != nil {
			return 0, err
		}
		if e != nil {
			g.entries = append(g.entries, *e)
			content = c.content(content, e)
		}
	}
	for _, name := range g.typenames {
		content = append(append(content, name...), 1)
	}
	n, ok := c.same[string(content)]
	if !ok {
		n = c.add(g)
		c.same[string(content)] = n
	}
	c.known[string(key)] = n
	return n, nil
}

// content adds what makes an entry different from others.
func (c *compiler) content(key []byte, e *entry) []byte {
	key = append(append(key, e.name...), 0)
	for _, n := range []int32{e.field.shape, c.id(e.syntax), e.when, e.own, e.inherited} {
		key = binary.LittleEndian.AppendUint32(key, uint32(n))
	}
	for _, u := range e.uses {
		key = binary.LittleEndian.AppendUint32(key, uint32(u.when))
		key = binary.LittleEndian.AppendUint32(key, uint32(c.id(u.syntax)))
	}
	for _, a := range e.below {
		key = binary.LittleEndian.AppendUint32(append(key, 2), uint32(a.group))
	}
	return append(key, 0)
}

// entry makes an entry of the selections of one name; nil when they cost nothing.
func (c *compiler) entry(o *object, found collected, size int32) (*entry, error) {
	first := found.uses[0].syntax
	field := o.fields[first.Name]
	if field == nil || field.free {
		return nil, nil //nolint:nilnil // nothing to price is no error
	}
	conditions := make([]int32, len(found.uses))
	for i, u := range found.uses {
		conditions[i] = u.when
	}
	when := c.formula.conditions.or(conditions)
	if c.entries++; c.entries > mostEntries {
		return nil, errTangled
	}
	e := c.newEntry(field, first, when, size)
	if c.pricedDirectives(found.uses) {
		e.uses = found.uses
	}
	var parts []part
	for _, u := range found.uses {
		if len(u.syntax.SelectionSet) > 0 {
			// Below the field its own condition holds already.
			p := part{set: u.syntax.SelectionSet, owner: u.syntax, when: u.when}
			if p.when == when {
				p.when = always
			}
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return e, nil
	}
	for _, possible := range field.typ.possible {
		n, err := c.collect(possible, parts, e.handsDown())
		if err != nil {
			return nil, err
		}
		e.add(n, possible)
	}
	return e, nil
}

// visitor collects the fields of one object.
type visitor struct {
	*compiler

	object    *object
	fields    []collected
	index     map[string]int
	typenames []string
	pending   map[int][]int32 // by fragment, the conditions under which it's spread
}

func (v *visitor) visit(set ast.SelectionSet, when int32) error {
	for _, selection := range set {
		if v.budget--; v.budget < 0 {
			return errTangled
		}
		switch s := selection.(type) {
		case *ast.Field:
			if when := v.formula.conditions.guard(when, s.Directives); when != never {
				v.add(s, when)
			}
		case *ast.InlineFragment:
			if when := v.formula.conditions.guard(when, s.Directives); when != never && applies(v.object, s.TypeCondition) {
				if err := v.visit(s.SelectionSet, when); err != nil {
					return err
				}
			}
		case *ast.FragmentSpread:
			if when := v.formula.conditions.guard(when, s.Directives); when != never {
				if v.pending == nil {
					v.pending = map[int][]int32{}
				}
				at := v.fragments.rank[s.Name]
				v.pending[at] = append(v.pending[at], when)
			}
		}
	}
	return nil
}

// spreads visits each fragment once, with all conditions under which it's spread: those that spread it come before.
func (v *visitor) spreads() error {
	for len(v.pending) > 0 {
		at := -1
		for n := range v.pending {
			if at < 0 || n < at {
				at = n
			}
		}
		v.budget -= len(v.pending) + len(v.pending[at])
		when := v.formula.conditions.or(v.pending[at])
		delete(v.pending, at)
		if def := v.fragments.byRank[at]; applies(v.object, def.TypeCondition) {
			if err := v.visit(def.SelectionSet, when); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *visitor) add(s *ast.Field, when int32) {
	name := s.Alias
	if name == "" {
		name = s.Name
	}
	if s.Name == "__typename" {
		if !slices.Contains(v.typenames, name) {
			v.typenames = append(v.typenames, name)
		}
		return
	}
	at, ok := v.index[name]
	if !ok {
		at = len(v.fields)
		v.index[name] = at
		v.fields = append(v.fields, collected{name: name})
	}
	v.fields[at].uses = append(v.fields[at].uses, use{when: when, syntax: s})
}

func applies(o *object, typeCondition string) bool { return typeCondition == "" || o.is[typeCondition] }
