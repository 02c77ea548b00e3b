package operation

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

const (
	// maxRepeats is how often one response name may stand in one selection set: the rule that compares them takes
	// time in the square of it, 0.4 s for 4 KB of one repeated field.
	maxRepeats = 128
	// maxIntrospectionLists is how many lists of types and fields may stand in one another below __schema or __type;
	// each multiplies the answer by the size of the schema. gqlparser's rule for this visits each fragment at each
	// spread, 2ⁿ for n fragments, so that ours replaces it.
	maxIntrospectionLists = 2
	// maxIntrospectionFields is how many fields below __schema and __type of an operation are lists, a fragment counted each
	// time it is spread: each may be as long as the schema has types. The query of GraphiQL has 9.
	maxIntrospectionFields = 40
	// saturated is a count that no limit reaches.
	saturated = 1 << 30
)

// shape is what the limits look at, of a selection set with everything below it.
type shape struct {
	depth   int // fields in one another
	aliases int // with every spread counted, up to saturated
	fields  int // of the set itself, with every spread counted, up to saturated
	height  int // fields altogether, with every spread counted, up to saturated
	lists   int // introspection lists in one another
	listing int // fields that are lists below __schema, with every spread counted, up to saturated
	schema  int // of those, the ones that stand below __schema or __type
}

// beside adds a selection that stands next to those counted so far.
func (s shape) beside(o shape) shape {
	return shape{
		depth:   max(s.depth, o.depth),
		aliases: min(s.aliases+o.aliases, saturated),
		fields:  min(s.fields+o.fields, saturated),
		height:  min(s.height+o.height, saturated),
		lists:   max(s.lists, o.lists),
		listing: min(s.listing+o.listing, saturated),
		schema:  min(s.schema+o.schema, saturated),
	}
}

// surveyor computes shapes, each fragment's once.
type surveyor struct {
	limits    Limits
	fragments map[string]*fragment
	large     bool // has enough fields for repeats to matter
	errs      errorList
}

type fragment struct {
	definition *ast.FragmentDefinition
	shape      shape
	open, done bool // being computed, computed
}

// survey refuses fragment cycles and operations that are over a limit. It needs no schema and comes before the rules,
// because some of them take their time for exactly what is refused here.
func survey(doc *ast.QueryDocument, limits Limits) gqlerror.List {
	s := surveyor{limits: limits, fragments: make(map[string]*fragment, len(doc.Fragments))}
	written := 0
	for _, operation := range doc.Operations {
		written += countFields(operation.SelectionSet)
	}
	for _, definition := range doc.Fragments {
		written += countFields(definition.SelectionSet)
		if s.fragments[definition.Name] == nil { // a second one of a name is for the rules to refuse
			s.fragments[definition.Name] = &fragment{definition: definition}
		}
	}
	s.large = written > maxRepeats
	if len(doc.Operations) > limits.MaxOperations {
		s.refuse(fail.TooLarge, nil, fmt.Sprintf("The document has more than %d operations.", limits.MaxOperations))
		return s.errs.list()
	}
	for _, operation := range doc.Operations {
		s.operation(operation)
	}
	for _, definition := range doc.Fragments { // also those that no operation uses
		s.spread(definition.Name, definition.Position)
	}
	s.walked(doc)
	return s.errs.list()
}

// walked refuses documents of which the rules, which look at every operation with all fragments that it reaches, would
// look at the same fragments over and over.
func (s *surveyor) walked(doc *ast.QueryDocument) {
	most := 2 * s.limits.MaxTokens
	for _, operation := range doc.Operations {
		reached := make(map[string]bool)
		var walk func(ast.SelectionSet)
		walk = func(selections ast.SelectionSet) {
			for _, selection := range selections {
				most--
				switch selection := selection.(type) {
				case *ast.Field:
					walk(selection.SelectionSet)
				case *ast.InlineFragment:
					walk(selection.SelectionSet)
				case *ast.FragmentSpread:
					if f := s.fragments[selection.Name]; f != nil && !reached[selection.Name] {
						reached[selection.Name] = true
						walk(f.definition.SelectionSet)
					}
				}
			}
		}
		if walk(operation.SelectionSet); most < 0 {
			s.refuse(fail.TooLarge, operation.Position, "The operations of the document have too many fragments in common.")
			return
		}
	}
}

func (s *surveyor) operation(operation *ast.OperationDefinition) {
	s.repeats(operation.SelectionSet)
	got := s.set(operation.SelectionSet)
	for _, c := range []struct {
		got, limit int
		what       string
	}{
		{got.depth, s.limits.MaxDepth, "levels of fields"},
		{got.aliases, s.limits.MaxAliases, "aliases"},
		{got.fields, s.limits.MaxRootFields, "root fields"},
		{got.height, s.limits.MaxHeight, "fields"},
		{len(operation.VariableDefinitions), s.limits.MaxVariables, "variables"},
	} {
		if c.got > c.limit {
			s.refuse(fail.TooLarge, operation.Position, fmt.Sprintf("The operation has more than %d %s.", c.limit, c.what))
		}
	}
	if got.schema > maxIntrospectionFields {
		s.refuse(fail.TooLarge, operation.Position, "The introspection asks for too much.")
	}
}

func (s *surveyor) set(selections ast.SelectionSet) shape {
	var sum shape
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			sum = sum.beside(s.field(selection))
		case *ast.InlineFragment:
			sum = sum.beside(s.set(selection.SelectionSet))
		case *ast.FragmentSpread:
			sum = sum.beside(s.spread(selection.Name, selection.Position))
		}
	}
	return sum
}

func (s *surveyor) field(field *ast.Field) shape {
	s.repeats(field.SelectionSet)
	below := s.set(field.SelectionSet)
	own := shape{depth: below.depth + 1, aliases: below.aliases, fields: 1, height: min(below.height+1, saturated), lists: below.lists, listing: below.listing, schema: below.schema}
	if field.Alias != field.Name {
		own.aliases = min(own.aliases+1, saturated)
	}
	switch field.Name {
	case "fields", "interfaces", "possibleTypes", "inputFields":
		own.lists++
		own.listing = min(own.listing+1, saturated)
	case "types", "args", "enumValues", "directives":
		own.listing = min(own.listing+1, saturated)
	case "__schema", "__type":
		own.schema, own.listing = min(own.schema+own.listing, saturated), 0
		if own.lists > maxIntrospectionLists {
			s.refuse(fail.TooLarge, field.Position, "The introspection goes too deep.")
		}
	}
	return own
}

func (s *surveyor) spread(name string, position *ast.Position) shape {
	f := s.fragments[name]
	switch {
	case f == nil: // unknown: for the rules to refuse
		return shape{}
	case f.open:
		s.refuse(fail.ValidationFailed, position, fmt.Sprintf("Cannot spread fragment %q within itself.", name))
		return shape{}
	case !f.done:
		f.open = true
		s.repeats(f.definition.SelectionSet)
		f.shape = s.set(f.definition.SelectionSet)
		f.open, f.done = false, true
	}
	return f.shape
}

// repeats counts the response names of one set, with its inline fragments and the fragments it spreads.
func (s *surveyor) repeats(selections ast.SelectionSet) {
	if !s.large {
		return
	}
	counts, seen := make(map[string]int), make(map[string]bool)
	var count func(ast.SelectionSet) bool
	count = func(selections ast.SelectionSet) bool {
		for _, selection := range selections {
			within := true
			switch selection := selection.(type) {
			case *ast.Field:
				counts[selection.Alias]++
				if within = counts[selection.Alias] <= maxRepeats; !within {
					s.refuse(fail.TooLarge, selection.Position,
						fmt.Sprintf("The name %q stands more than %d times in one selection.", cut(selection.Alias), maxRepeats))
				}
			case *ast.InlineFragment:
				within = count(selection.SelectionSet)
			case *ast.FragmentSpread:
				if f := s.fragments[selection.Name]; f != nil && !seen[selection.Name] {
					seen[selection.Name] = true
					within = count(f.definition.SelectionSet)
				}
			}
			if !within {
				return false
			}
		}
		return true
	}
	count(selections)
}

// countFields counts the fields that are written in the set and below, spreads not followed.
func countFields(selections ast.SelectionSet) int {
	n := 0
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			n += 1 + countFields(selection.SelectionSet)
		case *ast.InlineFragment:
			n += countFields(selection.SelectionSet)
		}
	}
	return n
}

func (s *surveyor) refuse(kind fail.Kind, position *ast.Position, message string) {
	s.errs.add(refusal(kind, message, locate(position)...))
}
