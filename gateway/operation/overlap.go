package operation

import (
	"encoding/binary"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// maxMerged is how many fields the rule below looks at, each once for every different set of fields that it is merged
// with. Documents that people write have no more than a few times the fields that they have tokens.
const maxMerged = 50_000

// overlap is the rule "field selection merging" of the specification (October 2021, section 5.3.2), without comparing
// pairs: gqlparser's takes time by the square of what it merges, and each level of a document squares again.
//
// Fields that may be one in the answer are collected into a set, level by level, each fragment once a set. Of those with
// the same response name every one is compared with the first, which is enough because "same" is an equivalence; then
// what stands below them is a set again. Two fields of different object types never meet in one object, so that only
// their types must agree: they are looked at a second time, without their names and arguments. A set that was looked at
// isn't looked at again.
func overlap(errs *errorList) core.RuleFunc {
	return func(observers *core.Events, addError core.AddErrFunc) {
		observers.OnOperation(func(walker *core.Walker, operation *ast.OperationDefinition) {
			m := merger{
				schema: walker.Schema, addError: addError, numbers: make(map[*ast.Field]uint32),
				seen: make(map[string]bool), told: make(map[[2]*ast.Field]bool),
			}
			m.set([]selected{{selections: operation.SelectionSet}}, false)
			if m.merged > maxMerged {
				errs.add(refusal(fail.TooLarge, "The operation has too many fields that would have to be merged.", locate(operation.Position)...))
			}
		})
	}
}

// overlapName is what the rule is called, by the specification's authors too.
var overlapName = rules.OverlappingFieldsCanBeMergedRule.Name

type merger struct {
	schema   *ast.Schema
	addError core.AddErrFunc
	numbers  map[*ast.Field]uint32  // of fields, for the names of sets
	seen     map[string]bool        // sets by name
	told     map[[2]*ast.Field]bool // conflicts
	merged   int                    // fields looked at, up to maxMerged
}

// selected is a selection set below a field, which is nil for the operation's own.
type selected struct {
	below      *placed
	selections ast.SelectionSet
}

// placed is a field in a set, with the field of the set above that it stands below.
type placed struct {
	*ast.Field

	above *placed
}

// set looks at what is merged of several selection sets. shape says that only types must agree.
func (m *merger) set(all []selected, shape bool) {
	var names []string
	groups := make(map[string][]*placed)
	spread := make(map[*ast.FragmentDefinition]bool)
	var collect func(*placed, ast.SelectionSet)
	collect = func(above *placed, selections ast.SelectionSet) {
		for _, selection := range selections {
			if m.merged++; m.merged > maxMerged {
				return
			}
			switch s := selection.(type) {
			case *ast.Field:
				if s.Definition == nil || s.ObjectDefinition == nil {
					continue // another rule has refused it
				}
				if groups[s.Alias] == nil {
					names = append(names, s.Alias)
				}
				groups[s.Alias] = append(groups[s.Alias], &placed{s, above})
			case *ast.InlineFragment:
				collect(above, s.SelectionSet)
			case *ast.FragmentSpread:
				if d := s.Definition; d != nil && !spread[d] {
					spread[d] = true
					collect(above, d.SelectionSet)
				}
			}
		}
	}
	for _, s := range all {
		collect(s.below, s.selections)
	}
	for _, name := range names {
		if m.merged > maxMerged {
			return
		}
		m.group(groups[name], shape)
	}
}

// group looks at fields with the same response name.
func (m *merger) group(fields []*placed, shape bool) {
	together, ok := [][]*placed(nil), true
	if !shape {
		together = meeting(fields)
		for _, some := range together {
			ok = m.same(some, callsAgree) && ok
		}
	}
	if !m.same(fields, m.typesAgree) || !ok {
		return
	}
	for _, some := range together {
		m.descend(some, false)
	}
	if len(together) != 1 {
		m.descend(fields, true)
	}
}

// meeting splits fields by the object types that they are of: those of an interface or union meet all others.
func meeting(fields []*placed) [][]*placed {
	var concrete []string
	for _, f := range fields {
		if of := f.ObjectDefinition; of.Kind == ast.Object && !slices.Contains(concrete, of.Name) {
			concrete = append(concrete, of.Name)
		}
	}
	if len(concrete) < 2 {
		return [][]*placed{fields}
	}
	split := make([][]*placed, len(concrete))
	for i, name := range concrete {
		for _, f := range fields {
			if f.ObjectDefinition.Kind != ast.Object || f.ObjectDefinition.Name == name {
				split[i] = append(split[i], f)
			}
		}
	}
	return split
}

// descend looks at what stands below fields that are merged.
func (m *merger) descend(fields []*placed, shape bool) {
	name := make([]byte, 1, 1+4*len(fields))
	if shape {
		name[0] = 1
	}
	below := make([]selected, 0, len(fields))
	for _, f := range fields {
		if len(f.SelectionSet) == 0 {
			continue
		}
		number, ok := m.numbers[f.Field]
		if !ok {
			number = uint32(len(m.numbers)) //nolint:gosec // fields of a document
			m.numbers[f.Field] = number
		}
		name = binary.LittleEndian.AppendUint32(name, number)
		below = append(below, selected{f, f.SelectionSet})
	}
	if len(below) == 0 || m.seen[string(name)] {
		return
	}
	m.seen[string(name)] = true
	m.set(below, shape)
}

// same compares fields with the first of them. differ says why two are different, "" when they aren't.
func (m *merger) same(fields []*placed, differ func(a, b *ast.Field) string) bool {
	ok := true
	for _, f := range fields[1:] {
		m.merged++
		if why := differ(fields[0].Field, f.Field); why != "" {
			m.conflict(fields[0], f, why)
			ok = false
		}
	}
	return ok
}

// conflict tells that two fields are different, at the outermost place where they are.
func (m *merger) conflict(a, b *placed, why string) {
	pair := [2]*ast.Field{a.Field, b.Field}
	if m.told[pair] {
		return
	}
	m.told[pair] = true
	m.addError(func(err *gqlerror.Error) {
		for a.above != nil && b.above != nil && a.above.Field != b.above.Field {
			why = `subfields "` + b.Alias + `" conflict because ` + why
			a, b = a.above, b.above
		}
		err.Message = `Fields "` + b.Alias + `" conflict because ` + why +
			". Use different aliases on the fields to fetch both if this was intentional."
	}, func(err *gqlerror.Error) { core.At(b.Position)(err) })
}

func callsAgree(a, b *ast.Field) string {
	switch {
	case a.Name != b.Name:
		return `"` + a.Name + `" and "` + b.Name + `" are different fields`
	case !sameArguments(a.Arguments, b.Arguments):
		return "they have differing arguments"
	}
	return ""
}

// sameArguments compares arguments as they are written, in any order.
func sameArguments(a, b ast.ArgumentList) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if y := b.ForName(x.Name); y == nil || !sameValue(x.Value, y.Value) {
			return false
		}
	}
	return true
}

// sameValue compares values; members of objects may stand in any order.
func sameValue(a, b *ast.Value) bool {
	if a.Kind != b.Kind || a.Raw != b.Raw || len(a.Children) != len(b.Children) {
		return false
	}
	for i, child := range a.Children {
		other := b.Children[i].Value
		if a.Kind == ast.ObjectValue && child.Name != b.Children[i].Name {
			other = b.Children.ForName(child.Name)
		}
		if other == nil || !sameValue(child.Value, other) {
			return false
		}
	}
	return true
}

// typesAgree compares what the answer would look like.
func (m *merger) typesAgree(a, b *ast.Field) string {
	x, y := a.Definition.Type, b.Definition.Type
	for ; x.Elem != nil && y.Elem != nil && x.NonNull == y.NonNull; x, y = x.Elem, y.Elem {
	}
	if x.NonNull == y.NonNull && x.Elem == nil && y.Elem == nil && (x.NamedType == y.NamedType || !m.leaf(x) && !m.leaf(y)) {
		return ""
	}
	return `they return conflicting types "` + a.Definition.Type.String() + `" and "` + b.Definition.Type.String() + `"`
}

func (m *merger) leaf(t *ast.Type) bool {
	d := m.schema.Types[t.NamedType]
	return d == nil || d.IsLeafType()
}
