package authorize

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/vektah/gqlparser/v2/ast"
)

// Plan is what an operation needs. It's made once per document, shared by all who ask and never changes. Nothing in it
// leads back to the document. A nil *Plan needs nothing.
type Plan struct {
	rules  *Rules
	needs  []Need
	inputs []int // that the needs depend on
}

// Plan collects the needs of every field that an operation selects, for each object type that it may be selected of,
// whatever the variables are. It's nil when there are none. The document must be valid.
func (r *Rules) Plan(doc *ast.QueryDocument, op *ast.OperationDefinition) *Plan {
	if r == nil {
		return nil
	}
	seen := newBits(len(r.needs))
	w := walker{rules: r, doc: doc, counts: func(ast.DirectiveList) bool { return true }}
	p := &Plan{rules: r}
	w.field = func(n Need, _ *ast.Field) bool {
		if n != 0 && !seen.has(int(n)) {
			seen.add(int(n))
			p.needs = append(p.needs, n)
		}
		return true
	}
	w.operation(op)
	if len(p.needs) == 0 {
		return nil
	}
	inputs := newBits(len(r.scopes))
	for _, n := range p.needs {
		r.depend(n, inputs)
	}
	for i := range r.scopes {
		if inputs.has(i) {
			p.inputs = append(p.inputs, i)
		}
	}
	return p
}

// depend adds the inputs that a need depends on.
func (r *Rules) depend(n Need, inputs bits) {
	for _, c := range r.needs[n].clauses {
		for _, all := range r.clauses[c] {
			for _, i := range all {
				inputs.add(i)
			}
		}
	}
	for _, group := range r.needs[n].groups {
		for _, n := range group {
			r.depend(n, inputs)
		}
	}
}

// Check decides what the caller may not have. It's nil, and nothing is allocated, when that is nothing.
func (p *Plan) Check(c Caller) *Verdict {
	if p == nil {
		return nil
	}
	var few [4]uint64
	has := bits(few[:])
	if len(p.rules.scopes) > 64*len(few) {
		has = newBits(len(p.rules.scopes))
	}
	for _, i := range p.inputs {
		if i == authenticated && c.Authenticated || i != authenticated && slices.Contains(c.Scopes, p.rules.scopes[i]) {
			has.add(i)
		}
	}
	var v *Verdict
	for _, n := range p.needs {
		if p.rules.met(n, has) {
			continue
		}
		if v == nil {
			v = &Verdict{rules: p.rules, denied: newBits(len(p.rules.needs))}
		}
		v.denied.add(int(n))
	}
	return v
}

// Inputs are the facts about a caller that the answer to an operation depends on: two callers that agree in these get
// the same fields.
type Inputs struct {
	// Authenticated: it matters whether the caller is.
	Authenticated bool
	// Scopes are those that matter, sorted.
	Scopes []string
}

// Inputs are empty for a nil Plan.
func (p *Plan) Inputs() Inputs {
	var in Inputs
	if p == nil {
		return in
	}
	for _, i := range p.inputs {
		if i == authenticated {
			in.Authenticated = true
			continue
		}
		in.Scopes = append(in.Scopes, p.rules.scopes[i])
	}
	slices.Sort(in.Scopes)
	return in
}

// Of is what these inputs are for a caller, as a part of a cache key: equal for callers that get the same fields.
// Scopes have no white space, so that no two answers look the same. It's empty when nothing matters.
func (in Inputs) Of(c Caller) string {
	var b strings.Builder
	if in.Authenticated {
		b.WriteString("authenticated=")
		if c.Authenticated {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	if len(in.Scopes) > 0 {
		b.WriteString(" scopes=")
		for _, s := range in.Scopes {
			if slices.Contains(c.Scopes, s) {
				b.WriteByte(' ')
				b.WriteString(s)
			}
		}
	}
	return b.String()
}

// plans keeps the Plan of each operation for as long as its document is in use.
type plans struct{ known sync.Map } // weak.Pointer[ast.OperationDefinition] to *Plan

// Of is Plan, made when the operation is seen for the first time and kept as long as the operation is in use.
func (r *Rules) Of(doc *ast.QueryDocument, op *ast.OperationDefinition) *Plan {
	if r == nil {
		return nil
	}
	key := weak.Make(op)
	if p, ok := r.plans.known.Load(key); ok {
		return p.(*Plan)
	}
	p := r.Plan(doc, op)
	if _, raced := r.plans.known.LoadOrStore(key, p); !raced {
		runtime.AddCleanup(op, func(k weak.Pointer[ast.OperationDefinition]) { r.plans.known.Delete(k) }, key)
	}
	return p
}
