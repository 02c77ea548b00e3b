package cost

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"
)

// scratch is the memory of one evaluation.
type scratch struct {
	values

	guards  []truth
	unknown []int32 // the guards that are either
	holds   []bool
	sizes   []sized
	groups  []result
	spent   []spending // by group, for Actual
}

func (f *Formula) take() *scratch {
	s := f.scratch.Get().(*scratch)
	s.given, s.defaults = nil, f.defaults
	return s
}

func (f *Formula) give(s *scratch) {
	s.given = nil
	f.scratch.Put(s)
}

const (
	// mostUnknown is how many Boolean variables without a value are tried in all combinations.
	mostUnknown = 8
	// mostWork bounds combinations times groups, some milliseconds' worth.
	mostWork = 1 << 17
)

// Estimate is what the operation is worth at most with these variables, as gateway/operation coerced them or as
// encoding/json decoded them. The error is a *Refusal.
//
// A Boolean variable of @skip or @include that has no value counts as the dearer of both. Up to eight are tried in all
// combinations, with more of them everything counts that might.
func (f *Formula) Estimate(variables map[string]any) (Cost, error) {
	r := f.fixed
	if !f.static {
		s := f.take()
		f.load(s, variables)
		r = f.whole(f.cases(s))
		f.give(s)
	}
	if r.refused {
		return Cost{}, f.refusal(variables)
	}
	return f.prices.config.priced(r.amount), nil
}

// whole adds the root object.
func (f *Formula) whole(selected result) result {
	selected.typ = max(0, f.rootWeight+selected.typ)
	if f.hopeless {
		selected.field, selected.typ = math.Inf(1), math.Inf(1)
	}
	return selected
}

// load evaluates what depends on variables alone.
func (f *Formula) load(s *scratch, variables map[string]any) {
	s.given = variables
	s.unknown = s.unknown[:0]
	for i, name := range f.conditions.guards {
		s.guards[i] = s.truth(name)
		if s.guards[i] == either {
			s.unknown = append(s.unknown, int32(i))
		}
	}
	for i := range f.sizers {
		if z := &f.sizers[i]; z.static {
			s.sizes[i] = z.fixed
		} else {
			s.sizes[i] = z.evaluate(&s.values)
		}
	}
}

func (x *values) truth(name string) truth {
	value, literal, _ := x.lookup(name)
	if literal != nil && literal.Kind == ast.BooleanValue {
		value = literal.Raw == "true"
	}
	switch value {
	case true:
		return yes
	case false:
		return no
	default:
		return either
	}
}

// cases is the root's selection: the largest over all values of the Boolean variables that have none.
func (f *Formula) cases(s *scratch) result {
	n := len(s.unknown)
	if n == 0 || n > mostUnknown || len(f.groups)<<n > mostWork {
		return f.run(s)
	}
	var worst result
	for values := range 1 << n {
		for i, guard := range s.unknown {
			s.guards[guard] = truth(values >> i & 1)
		}
		worst = worst.max(f.run(s))
	}
	for _, guard := range s.unknown {
		s.guards[guard] = either
	}
	return worst
}

func (f *Formula) run(s *scratch) result {
	f.conditions.evaluate(s.guards, s.holds)
	for i := range f.groups {
		g := &f.groups[i]
		sum := g.base
		if !g.static {
			for _, at := range g.dynamic {
				if e := &g.entries[at]; s.holds[e.when] {
					sum = sum.plus(f.entry(s, e))
				}
			}
			for _, in := range g.includes {
				if s.holds[in.when] {
					sum = sum.plus(s.groups[in.group])
				}
			}
		}
		s.groups[i] = sum
	}
	return s.groups[f.root]
}

// entry is what a field is worth, with everything below it.
func (f *Formula) entry(s *scratch, e *entry) result {
	var below result
	for _, a := range e.below {
		below = below.max(s.groups[a.group])
	}
	n := f.count(s, e)
	below.field = f.call(s, e) + times(n, below.field)
	below.typ = max(0, times(n, e.typeWeight+below.typ))
	below.refused = below.refused || e.own != none && s.sizes[e.own].refused
	return below
}

// count is how many objects or leaves a field gives at most.
func (f *Formula) count(s *scratch, e *entry) float64 {
	switch {
	case !e.field.list:
		return 1
	case e.inherited != none && s.sizes[e.inherited].known:
		return s.sizes[e.inherited].n
	case e.own != none && s.sizes[e.own].known && e.handsDown() == none:
		return s.sizes[e.own].n
	default:
		return f.prices.listSize
	}
}

// call is what calling a field costs, whatever it gives.
func (f *Formula) call(s *scratch, e *entry) float64 {
	sum := e.call
	for _, in := range e.args {
		sum += s.paid(in, e.syntax.Arguments.ForName(in.name).Value)
	}
	if len(e.uses) > 0 {
		dearest := math.Inf(-1)
		for _, u := range e.uses {
			if s.holds[u.when] {
				dearest = max(dearest, f.directives(s, u.syntax))
			}
		}
		if !math.IsInf(dearest, -1) {
			sum += dearest
		}
	}
	return max(0, sum)
}

func (f *Formula) directives(s *scratch, syntax *ast.Field) float64 {
	sum := 0.0
	for _, d := range syntax.Directives {
		for _, in := range f.prices.directives[d.Name] {
			var v *ast.Value
			if arg := d.Arguments.ForName(in.name); arg != nil {
				v = arg.Value
			}
			sum += s.paid(in, v)
		}
	}
	return sum
}

// variable tells whether variables change what the sizer says.
func (z *sizer) variable() bool {
	for _, p := range z.size.slicing {
		if arg := z.syntax.Arguments.ForName(p.path[0]); arg != nil && variable(arg.Value) {
			return true
		}
	}
	return false
}

func (z *sizer) evaluate(x *values) sized {
	var out sized
	there, numbers := 0, 0
	for _, p := range z.size.slicing {
		var v *ast.Value
		if arg := z.syntax.Arguments.ForName(p.path[0]); arg != nil {
			v = arg.Value
		}
		n, is := x.slice(p.inputs, v)
		switch is {
		case number:
			out.n, out.known = max(out.n, n), true
			there++
			numbers++
		case null:
			there++
		}
	}
	// A null is there, but doesn't compete with a number: clients write {first: 10, last: null}.
	out.refused = z.size.requireOne && len(z.size.slicing) > 0 && (there == 0 && !z.size.hasFallback || numbers > 1)
	switch {
	case out.known:
	case z.size.hasFallback:
		out.n, out.known = z.size.fallback, true
	case z.size.hasAssumed:
		out.n, out.known = z.size.assumed, true
	}
	return out
}
