package engine

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// @skip, @include and @defer's if are compiled into conditions over the operation's Boolean variables, so that one plan
// serves all values of them.

// literal is a variable that has to be true or false: twice its number in the plan, plus one for false.
type literal int32

// all is a set of literals that must hold together, sorted. Nil always holds.
type all []literal

// and is the conjunction, and false when it can never hold.
func (a all) and(l literal) (all, bool) {
	if slices.Contains(a, l^1) {
		return nil, false
	}
	at, found := slices.BinarySearch(a, l)
	if found {
		return a, true
	}
	return slices.Insert(slices.Clone(a), at, l), true
}

// implies tells whether b holds whenever a does.
func (a all) implies(b all) bool {
	for _, l := range b {
		if !slices.Contains(a, l) {
			return false
		}
	}
	return true
}

func (a all) holds(variables []bool) bool {
	for _, l := range a {
		if variables[l>>1] == (l&1 == 1) {
			return false
		}
	}
	return true
}

// condition holds when one of any holds and none of none does.
type condition struct{ any, none []all }

func (c condition) holds(variables []bool) bool {
	holds := func(a all) bool { return a.holds(variables) }
	return slices.ContainsFunc(c.any, holds) && !slices.ContainsFunc(c.none, holds)
}

// always is the number of the condition that needs no evaluation.
const always = -1

// guard is one variable of the plan's conditions.
type guard struct {
	name string
	pos  *ast.Position
	// lenient says that null is true, as for @defer.
	lenient bool
}

// evaluate gives the plan's guards and conditions their values for the variables of one operation. The error is for a
// variable that is null: its type may allow that when it has a default, the directive doesn't.
func (p *plan) evaluate(variables map[string]any) (values, active []bool, err error) {
	if len(p.guards) == 0 {
		return nil, nil, nil
	}
	values = make([]bool, len(p.guards))
	for i, g := range p.guards {
		value, ok := variables[g.name].(bool)
		if !ok && !g.lenient && len(p.conditions) > 0 {
			err := gqlerror.Errorf(`Variable "$%s" must not be null: it decides about @skip or @include.`, g.name)
			err.Locations = locationsOf(g.pos)
			return nil, nil, err
		}
		values[i] = value || !ok && g.lenient
	}
	active = make([]bool, len(p.conditions))
	for i, c := range p.conditions {
		active[i] = c.holds(values)
	}
	return values, active, nil
}
