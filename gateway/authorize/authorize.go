// Package authorize knows which fields of a schema are for whom.
//
// It reads @authenticated and @requiresScopes, as Apollo Federation defines them, once per schema, and makes of them a
// need for every field of every object type: what the field, its type, the type it returns and its interfaces ask for,
// all together. Because a need belongs to the object type that an object has in the end, and not to the way that leads
// there, no interface, fragment, union, alias or list is a way round it. A Plan has the needs of one operation and is
// compiled once; a Verdict says which of them a caller doesn't meet, before anything is fetched. The package does no
// I/O and depends on nothing that can be down. A schema without the two directives has no Rules and costs nothing.
package authorize

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Caller is who asks.
type Caller struct {
	// Authenticated: the caller has shown valid credentials.
	Authenticated bool
	// Scopes are what the credentials allow, in any order.
	Scopes []string
}

// Need numbers what a field asks of the caller. Nothing is asked by the zero Need.
type Need int

// ErrDenied is the error of a field that the caller may not have.
var ErrDenied error = fail.New(fail.UnauthorizedFieldOrType, "")

// Rules are the needs of a schema. A nil *Rules is ready to use and asks nothing. It is safe for concurrent use.
type Rules struct {
	schema  *ast.Schema
	scopes  []string // by input
	clauses []clause
	needs   []need // by Need
	fields  map[coordinate]Need
	types   map[string]Need // of object types, by themselves
	plans   plans
}

// authenticated is the input of @authenticated; the scopes have the others.
const authenticated = 0

// clause is what one directive asks: all inputs of at least one of its lists.
type clause [][]int

// need is what a field asks: all clauses, and of each group at least one Need. A group is the types that an interface
// or union can be, when every one of them asks for something.
type need struct {
	clauses []int
	groups  [][]Need
}

type coordinate struct{ object, field string }

// New reads the directives of a schema. The error is a mistake.List, with every mistake in it; the Rules are nil when the
// schema has neither directive.
func New(schema *ast.Schema) (*Rules, error) {
	c := newCompiler(schema)
	c.read()
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	if len(c.own) == 0 {
		return nil, nil // no rules ask nothing
	}
	return c.compile(), nil
}

// Need is what a field of an object type asks for. The names of interfaces and unions have no needs: at run time an
// object is of an object type.
func (r *Rules) Need(object, field string) Need {
	if r == nil {
		return 0
	}
	return r.fields[coordinate{object, field}]
}

// TypeNeed is what an object type asks for by itself, whatever field of it is selected.
func (r *Rules) TypeNeed(object string) Need {
	if r == nil {
		return 0
	}
	return r.types[object]
}

// Verdict says what a caller may not have of one operation. A nil *Verdict denies nothing.
type Verdict struct {
	rules  *Rules
	denied bits
}

// Denied says whether a need of the operation is not met.
func (v *Verdict) Denied(n Need) bool { return v != nil && n != 0 && v.denied.has(int(n)) }

// DeniedField is Denied for a field of an object type.
func (v *Verdict) DeniedField(object, field string) bool {
	return v != nil && v.Denied(v.rules.Need(object, field))
}

// Resolver is for gqlgen's executor, as a part of the field middleware: a denied field is ErrDenied and isn't resolved.
func (v *Verdict) Resolver(ctx context.Context, next graphql.Resolver) (any, error) {
	if v != nil {
		if fc := graphql.GetFieldContext(ctx); fc != nil && fc.Field.Field != nil && v.DeniedField(fc.Object, fc.Field.Name) {
			return nil, ErrDenied
		}
	}
	return next(ctx)
}

// met says whether the inputs that a caller has meet a need.
func (r *Rules) met(n Need, has bits) bool {
	for _, c := range r.needs[n].clauses {
		if !r.clauses[c].met(has) {
			return false
		}
	}
	for _, group := range r.needs[n].groups {
		if !slices.ContainsFunc(group, func(n Need) bool { return r.met(n, has) }) {
			return false
		}
	}
	return true
}

func (c clause) met(has bits) bool {
	for _, all := range c {
		met := true
		for _, input := range all {
			met = met && has.has(input)
		}
		if met {
			return true
		}
	}
	return false
}

// bits is a set of small numbers.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

func (b bits) has(i int) bool { return i>>6 < len(b) && b[i>>6]&(1<<(i&63)) != 0 }

func (b bits) add(i int) { b[i>>6] |= 1 << (i & 63) }
