package cost

import (
	"math"
	"slices"
)

// Overrun is a list that was longer than the estimate took it to be.
type Overrun struct {
	// Path is the field in the answer, without indices.
	Path []string
	// Estimated and Actual are the sizes; Actual is the longest one's.
	Estimated, Actual int
}

// spending is what one object of a group costs: known once per evaluation.
type spending struct {
	known bool
	calls float64
	deep  []deep
}

// deep is an entry whose value has to be looked at.
type deep struct {
	*entry

	n float64
}

// reading is a walk over an answer.
type reading struct {
	scanner

	formula  *Formula
	s        *scratch
	path     []string
	overruns []Overrun
	work     int // bytes that may be read again
}

// Actual is what an answer is worth: the same weights over what is there. data is the JSON of the response's data. A null
// costs its call and nothing more; a null that spread to its parent hides the calls below.
//
// Where an interface's or union's objects differ in price, the answer's __typename says which one it is; without it the
// dearest counts. The answer is never worth more than the estimate, but for the lists that are longer than the estimate
// took them to be: those are told. The error is a *SyntaxError, for data that is no JSON or doesn't fit the operation.
func (f *Formula) Actual(variables map[string]any, data []byte) (Cost, []Overrun, error) {
	s := f.take()
	defer f.give(s)
	f.load(s, variables)
	estimate := f.cases(s).amount
	if f.bound {
		whole := f.whole(result{amount: estimate})
		return f.prices.config.priced(whole.amount), nil, nil
	}
	f.conditions.evaluate(s.guards, s.holds)
	if s.spent == nil {
		s.spent = make([]spending, len(f.groups))
	}
	for i := range s.spent {
		s.spent[i].known = false
	}
	r := reading{scanner: scanner{data: data}, formula: f, s: s, work: 16*len(data) + 1<<10}
	sum, isNull, err := r.root()
	if err != nil {
		return Cost{}, nil, err
	}
	if r.work < 0 || len(s.unknown) > 0 && len(r.overruns) == 0 {
		sum.field, sum.typ = min(sum.field, estimate.field), min(sum.typ, estimate.typ)
	}
	whole := f.whole(result{amount: sum})
	if isNull {
		whole.typ = 0
	}
	return f.prices.config.priced(whole.amount), r.overruns, nil
}

func (r *reading) root() (sum amount, isNull bool, err error) {
	i := r.space(0)
	switch r.at(i) {
	case 'n':
		sum.field = r.spending(r.formula.root).calls
		isNull = true
		i, err = r.skip(i)
	case '{':
		sum, i, err = r.group(r.formula.root, i)
	default:
		err = r.unexpected(i, "object")
	}
	if err == nil && r.space(i) != len(r.data) {
		err = r.unexpected(i, "end")
	}
	return sum, isNull, err
}

// spending is evaluated when the first object of a group is met.
func (r *reading) spending(group int32) *spending {
	p := &r.s.spent[group]
	if p.known {
		return p
	}
	p.known, p.calls, p.deep = true, 0, p.deep[:0]
	g := &r.formula.groups[group]
	for i := range g.entries {
		e := &g.entries[i]
		if !r.s.holds[e.when] {
			continue
		}
		p.calls += r.formula.call(r.s, e)
		if len(e.below) > 0 || e.typeWeight != 0 {
			p.deep = append(p.deep, deep{e, r.formula.count(r.s, e)})
		}
	}
	return p
}

// group reads an object of a group, which begins at i.
func (r *reading) group(n int32, i int) (sum amount, end int, err error) {
	p := r.spending(n)
	sum.field = p.calls
	if len(p.deep) == 0 {
		i, err = r.skip(i)
		return sum, i, err
	}
	due := 0 // answers have the order of the operation
	i = r.space(i + 1)
	if r.at(i) == '}' {
		return sum, i + 1, nil
	}
	for {
		from, to, after, err := r.key(i)
		if err != nil {
			return sum, 0, err
		}
		at := p.find(r.data[from:to], due)
		if at < 0 {
			i, err = r.skip(after)
		} else {
			due = at + 1
			var value amount
			value, i, err = r.entry(&p.deep[at], after)
			sum = sum.plus(value)
		}
		if err != nil {
			return sum, 0, err
		}
		switch i = r.space(i); r.at(i) {
		case ',':
			i = r.space(i + 1)
		case '}':
			return sum, i + 1, nil
		default:
			return sum, 0, r.unexpected(i, "',' or '}'")
		}
	}
}

func (p *spending) find(key []byte, due int) int {
	for k := range p.deep {
		at := due + k
		if at >= len(p.deep) {
			at -= len(p.deep)
		}
		if at < len(p.deep) && p.deep[at].name == string(key) {
			return at
		}
	}
	return -1
}

func (r *reading) entry(d *deep, i int) (amount, int, error) {
	r.path = append(r.path, d.name)
	count := 0
	sum, i, err := r.value(d, i, d.field.depth, &count)
	sum.typ = max(0, sum.typ)
	if float64(count) > d.n {
		r.overrun(int(d.n), count)
	}
	r.path = r.path[:len(r.path)-1]
	return sum, i, err
}

func (r *reading) overrun(estimated, actual int) {
	for i := range r.overruns {
		if o := &r.overruns[i]; slices.Equal(o.Path, r.path) {
			if actual-estimated > o.Actual-o.Estimated {
				o.Estimated, o.Actual = estimated, actual
			}
			return
		}
	}
	if len(r.overruns) < mostOverruns {
		r.overruns = append(r.overruns, Overrun{slices.Clone(r.path), estimated, actual})
	}
}

// mostOverruns is how many paths are told.
const mostOverruns = 16

// value reads what a field gave: lists is how many may stand in one another.
func (r *reading) value(d *deep, i, lists int, count *int) (sum amount, end int, err error) {
	switch c := r.at(i); {
	case c == 'n':
		i, err = r.skip(i)
		return sum, i, err
	case c == '[' && lists > 0:
		return r.list(d, i, lists, count)
	case len(d.below) == 0:
		*count++
		sum.typ = d.typeWeight
		i, err = r.skip(i)
		return sum, i, err
	case c == '{':
		*count++
		return r.object(d, i)
	default:
		return sum, 0, r.unexpected(i, "object")
	}
}

func (r *reading) list(d *deep, i, lists int, count *int) (sum amount, end int, err error) {
	i = r.space(i + 1)
	if r.at(i) == ']' {
		return sum, i + 1, nil
	}
	for {
		var item amount
		if item, i, err = r.value(d, i, lists-1, count); err != nil {
			return sum, 0, err
		}
		sum = sum.plus(item)
		switch i = r.space(i); r.at(i) {
		case ',':
			i = r.space(i + 1)
		case ']':
			return sum, i + 1, nil
		default:
			return sum, 0, r.unexpected(i, "',' or ']'")
		}
	}
}

// object reads an object whose type may have to be found out.
func (r *reading) object(d *deep, i int) (amount, int, error) {
	weight, group := d.typeWeight, d.below[0].group
	if len(d.below) > 1 || d.field.typ.varies {
		name, err := r.typename(d, i)
		if err != nil {
			return amount{}, 0, err
		}
		at, o := d.alternative(name)
		if o == nil {
			return r.dearest(d, i)
		}
		weight, group = o.weight, d.below[at].group
	}
	sum, end, err := r.group(group, i)
	sum.typ += weight
	return sum, end, err
}

// dearest reads an object of unknown type as each that it may be.
func (r *reading) dearest(d *deep, i int) (amount, int, error) {
	worst := amount{field: math.Inf(-1), typ: math.Inf(-1)}
	end := 0
	for k := range d.below {
		sum, to, err := r.group(d.below[k].group, i)
		if err != nil {
			return worst, 0, err
		}
		worst, end = worst.max(sum), to
		if k > 0 {
			r.work -= end - i
		}
		if r.work < 0 { // the estimate has to do
			return amount{math.Inf(1), math.Inf(1)}, end, nil
		}
	}
	worst.typ += d.typeWeight
	return worst, end, nil
}

func (d *deep) alternative(typename []byte) (int, *object) {
	for i := range d.below {
		for _, o := range d.below[i].objects {
			if o.name == string(typename) {
				return i, o
			}
		}
	}
	return 0, nil
}

// typename is the value of __typename in the object that begins at i, by whatever name it was asked for; nil when it
// isn't there.
func (r *reading) typename(d *deep, i int) ([]byte, error) {
	i = r.space(i + 1)
	for r.at(i) != '}' {
		from, to, after, err := r.key(i)
		if err != nil {
			return nil, err
		}
		if i, err = r.skip(after); err != nil {
			return nil, err
		}
		if r.at(after) == '"' && r.isTypename(d, r.data[from:to]) {
			return r.data[after+1 : i-1], nil
		}
		switch i = r.space(i); r.at(i) {
		case ',':
			i = r.space(i + 1)
		case '}':
		default:
			return nil, r.unexpected(i, "',' or '}'")
		}
	}
	return nil, nil
}

func (r *reading) isTypename(d *deep, key []byte) bool {
	if string(key) == "__typename" {
		return true
	}
	for _, a := range d.below {
		for _, name := range r.formula.groups[a.group].typenames {
			if name == string(key) {
				return true
			}
		}
	}
	return false
}
