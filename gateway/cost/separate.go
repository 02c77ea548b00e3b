package cost

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// separateBudget is how many selections may be looked at to price each field where it's written.
const separateBudget = 100_000

// separate prices fields without merging them: each selection set once per object type, in time that grows with the
// document's length. Fields of one name are added, which is never less than merging them, provided that no type counts
// less than nothing.
type separate struct {
	builder

	fragments *fragments
	budget    int
	known     map[placeKey]int32
}

// place is where a selection set is written.
type place struct {
	field    *ast.Field
	inline   *ast.InlineFragment
	fragment *ast.FragmentDefinition
}

type placeKey struct {
	place
	object *object
	size   int32
}

func newSeparate(f *Formula, ranked *fragments, budget int) *separate {
	return &separate{builder: newBuilder(f), fragments: ranked, budget: budget, known: map[placeKey]int32{}}
}

func (s *separate) group(o *object, at place, set ast.SelectionSet, size int32) (int32, error) {
	key := placeKey{at, o, size}
	if n, ok := s.known[key]; ok {
		return n, nil
	}
	var g group
	for _, selection := range set {
		if s.budget--; s.budget < 0 {
			return 0, errTangled
		}
		var err error
		switch selection := selection.(type) {
		case *ast.Field:
			err = s.field(&g, o, selection, size)
		case *ast.InlineFragment:
			err = s.include(&g, o, selection.TypeCondition, selection.Directives, place{inline: selection}, selection.SelectionSet, size)
		case *ast.FragmentSpread:
			def := s.fragments.byRank[s.fragments.rank[selection.Name]]
			err = s.include(&g, o, def.TypeCondition, selection.Directives, place{fragment: def}, def.SelectionSet, size)
		}
		if err != nil {
			return 0, err
		}
	}
	n := s.add(g)
	s.known[key] = n
	return n, nil
}

func (s *separate) include(g *group, o *object, on string, directives ast.DirectiveList, at place, set ast.SelectionSet, size int32) error {
	when := s.formula.conditions.guard(always, directives)
	if when == never || !applies(o, on) {
		return nil
	}
	n, err := s.group(o, at, set, size)
	g.includes = append(g.includes, include{when, n})
	return err
}

func (s *separate) field(g *group, o *object, syntax *ast.Field, size int32) error {
	field := o.fields[syntax.Name]
	when := s.formula.conditions.guard(always, syntax.Directives)
	if field == nil || field.free || when == never {
		return nil
	}
	if s.entries++; s.entries > mostEntries {
		return errTangled
	}
	e := s.newEntry(field, syntax, when, size)
	e.typeWeight = max(0, e.typeWeight)
	if u := []use{{when, syntax}}; s.pricedDirectives(u) {
		e.uses = u
	}
	if len(syntax.SelectionSet) > 0 {
		for _, possible := range field.typ.possible {
			s.budget--
			n, err := s.group(possible, place{field: syntax}, syntax.SelectionSet, e.handsDown())
			if err != nil {
				return err
			}
			e.add(n, possible)
		}
	}
	g.entries = append(g.entries, *e)
	return nil
}
