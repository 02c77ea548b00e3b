package cost

import (
	"fmt"
	"math"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// SlicingCode is the code of a Refusal.
const SlicingCode = "COST_SLICING_ARGUMENTS"

// Refusal says that an operation can't be priced: a list wants exactly one of its slicing arguments.
type Refusal struct {
	// Path is the field in the answer, without indices.
	Path []string
	// Message is for the client.
	Message string
	// Locations is where the field is written.
	Locations []gqlerror.Location
}

// Error is the path and the message.
func (r *Refusal) Error() string { return strings.Join(r.Path, ".") + ": " + r.Message }

// Unwrap makes it a failure that clients may read.
func (r *Refusal) Unwrap() error { return fail.New(fail.ValidationFailed, r.Message) }

// refusal finds the field because of which the operation is refused.
func (f *Formula) refusal(variables map[string]any) error {
	s := f.take()
	defer f.give(s)
	f.load(s, variables)
	f.run(s) // what may count counts
	path, e := f.find(s, func(e *entry) bool { return e.own != none && s.sizes[e.own].refused })
	if e == nil {
		return &Refusal{Message: "The operation can't be priced."}
	}
	var names []string
	for _, p := range e.field.size.slicing {
		names = append(names, strings.Join(p.path, "."))
	}
	message := fmt.Sprintf("Field %q needs the argument %q: it says how long the list is.", e.syntax.Name, names[0])
	if len(names) > 1 {
		message = fmt.Sprintf("Field %q needs exactly one of the arguments %s: it says how long the list is.", e.syntax.Name, strings.Join(names, ", "))
	}
	return &Refusal{Path: path, Message: message, Locations: locate(e.syntax.Position)}
}

func locate(position *ast.Position) []gqlerror.Location {
	if position == nil || position.Line == 0 {
		return nil
	}
	return []gqlerror.Location{{Line: position.Line, Column: position.Column}}
}

// Unbounded is the path of the first list that makes the cost infinite because nothing says how long it is, and nil when
// the cost is finite.
func (f *Formula) Unbounded(variables map[string]any) []string {
	s := f.take()
	defer f.give(s)
	f.load(s, variables)
	whole := f.whole(f.run(s))
	if !math.IsInf(whole.field, 1) && !math.IsInf(whole.typ, 1) {
		return nil
	}
	path, _ := f.find(s, func(e *entry) bool {
		if !math.IsInf(f.count(s, e), 1) {
			return false
		}
		r := f.entry(s, e)
		return math.IsInf(r.field, 1) || math.IsInf(r.typ, 1)
	})
	return path
}

// find walks the fields that count in the order of the answer, each group once, and gives the path of the first that is
// wanted.
func (f *Formula) find(s *scratch, wanted func(*entry) bool) ([]string, *entry) {
	seen := make([]bool, len(f.groups))
	var path []string
	var walk func(int32) *entry
	walk = func(n int32) *entry {
		if seen[n] {
			return nil
		}
		seen[n] = true
		g := &f.groups[n]
		for i := range g.entries {
			e := &g.entries[i]
			if !s.holds[e.when] {
				continue
			}
			path = append(path, e.name)
			if wanted(e) {
				return e
			}
			for _, a := range e.below {
				if hit := walk(a.group); hit != nil {
					return hit
				}
			}
			path = path[:len(path)-1]
		}
		for _, in := range g.includes {
			if s.holds[in.when] {
				if hit := walk(in.group); hit != nil {
					return hit
				}
			}
		}
		return nil
	}
	e := walk(f.root)
	if e == nil {
		return nil, nil
	}
	return path, e
}
