package engine

import (
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// merger collects the fields of one object type (October 2021, section 6.3.2) with the conditions under which each counts.
type merger struct {
	*compiler

	def     *ast.Definition
	order   []string // response names by first appearance
	fields  map[string]*mergedField
	slots   []slot
	visited map[string][]all // by fragment, the conditions under which it was spread
	defers  []deferredSet
}

type mergedField struct {
	selected []selected
	slots    []int // its places among the merger's
	settled  bool  // an unconditional selection was seen: no later one changes the place
	uniform  bool  // all selections count under the same condition
}

func (m *merger) visit(set ast.SelectionSet, when all) error {
	for _, s := range set {
		if m.budget--; m.budget < 0 {
			return errUnplanned
		}
		var err error
		switch s := s.(type) {
		case *ast.Field:
			err = m.add(s, when)
		case *ast.InlineFragment:
			err = m.fragment(s.TypeCondition, s.SelectionSet, s.Directives, when)
		case *ast.FragmentSpread:
			err = m.spread(s, when)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *merger) spread(s *ast.FragmentSpread, when all) error {
	when, counts, err := m.guard(s.Directives, when)
	if err != nil || !counts {
		return err
	}
	f := m.doc.Fragments.ForName(s.Name)
	if f == nil {
		return errUnplanned
	}
	if when, counts, err = m.later(s.Directives, f.TypeCondition, f.SelectionSet, when); err != nil || !counts {
		return err
	}
	m.budget -= len(m.visited[s.Name]) * (1 + len(when))
	if slices.ContainsFunc(m.visited[s.Name], when.implies) {
		return nil
	}
	m.visited[s.Name] = append(m.visited[s.Name], when)
	return m.fragment(f.TypeCondition, f.SelectionSet, nil, when)
}

func (m *merger) fragment(on string, set ast.SelectionSet, directives ast.DirectiveList, when all) error {
	when, counts, err := m.guard(directives, when)
	if err != nil || !counts || !m.applies(on) {
		return err
	}
	if when, counts, err = m.later(directives, on, set, when); err != nil || !counts {
		return err
	}
	return m.visit(set, when)
}

// applies tells whether objects of the type are of the type condition's type.
func (m *merger) applies(on string) bool {
	return on == "" || on == m.def.Name || slices.ContainsFunc(m.schema.GetImplements(m.def), func(d *ast.Definition) bool {
		return d.Name == on
	})
}

func (m *merger) add(s *ast.Field, when all) error {
	when, counts, err := m.guard(s.Directives, when)
	if err != nil || !counts {
		return err
	}
	f := m.fields[s.Alias]
	if f == nil {
		f = &mergedField{uniform: true}
		if m.fields == nil {
			m.fields = map[string]*mergedField{}
		}
		m.fields[s.Alias] = f
		m.order = append(m.order, s.Alias)
	}
	m.budget -= len(f.selected) * (1 + len(when))
	for _, other := range f.selected {
		if other.field == s && slices.Equal(other.when, when) {
			return nil
		}
	}
	if !f.settled {
		place := slot{key: append(strconv.AppendQuote([]byte{','}, s.Alias), ':'), when: always}
		if when != nil || len(f.selected) > 0 {
			place.when = m.condition(condition{any: []all{when}, none: conditionsOf(f.selected)})
		}
		f.slots = append(f.slots, len(m.slots))
		m.slots = append(m.slots, place)
	}
	f.settled = f.settled || when == nil
	f.uniform = f.uniform && (len(f.selected) == 0 || slices.Equal(f.selected[0].when, when))
	f.selected = append(f.selected, selected{s, when})
	return nil
}

func conditionsOf(places []selected) []all {
	conditions := make([]all, len(places))
	for i, s := range places {
		conditions[i] = s.when
	}
	return conditions
}

// condition numbers c.
func (m *merger) condition(c condition) int {
	m.plan.conditions = append(m.plan.conditions, c)
	return len(m.plan.conditions) - 1
}

// guard adds what @skip and @include say; it's false when they exclude for good. @defer, which only stands on fragments, is
// later's to read.
func (m *merger) guard(directives ast.DirectiveList, when all) (all, bool, error) {
	for _, d := range directives {
		if d.Name == "defer" {
			continue
		}
		wanted := d.Name == "include"
		if !wanted && d.Name != "skip" {
			return nil, false, errUnplanned
		}
		arg := d.Arguments.ForName("if")
		if arg == nil {
			return nil, false, errUnplanned
		}
		if arg.Value.Kind != ast.Variable {
			if (arg.Value.Raw == "true") != wanted {
				return nil, false, nil
			}
			continue
		}
		l := m.literal(arg.Value, false)
		if !wanted {
			l |= 1
		}
		var possible bool
		if when, possible = when.and(l); !possible {
			return nil, false, nil
		}
	}
	return when, true, nil
}

// literal is the variable's number.
func (m *merger) literal(v *ast.Value, lenient bool) literal {
	for i, g := range m.plan.guards {
		if g.name == v.Raw && g.lenient == lenient {
			return literal(2 * i)
		}
	}
	m.plan.guards = append(m.plan.guards, guard{v.Raw, v.Position, lenient})
	return literal(2 * (len(m.plan.guards) - 1))
}
