package cost

import (
	"math"
	"strings"
)

// Row is what one field adds to an estimate.
type Row struct {
	// Path is the field in the answer, without indices: "products.reviews.author". The root has the empty path.
	Path string
	// Coordinate is the field in the schema, and of the root its type.
	Coordinate string
	// Size is how many objects or leaves one call gives at most.
	Size float64
	// Field is what all calls of the field cost together, Type what all its objects do, without what is below them.
	Field, Type float64
	// Share is the row's part of the estimate's points, 0 to 1.
	Share float64
}

const (
	// mostRows is how long a table gets: a document of few lines can have 2ⁿ paths.
	mostRows = 1000
	// mostSteps bounds the work on it.
	mostSteps = 20_000
)

// Table is the estimate by path, in the order of the answer. The rows add up to the estimate, except where alternatives
// or negative weights are in play: of types that exclude each other all rows are there, of which the estimate has the
// dearest. It ends after 1,000 rows. The error is a *Refusal.
func (f *Formula) Table(variables map[string]any) ([]Row, error) {
	whole, err := f.Estimate(variables)
	if err != nil {
		return nil, err
	}
	s := f.take()
	defer f.give(s)
	f.load(s, variables)
	f.run(s)
	t := table{formula: f, s: s, index: map[string]int{}, left: mostSteps}
	t.add(Row{Coordinate: f.rootName, Size: 1, Type: f.rootWeight / unit})
	t.group(f.root, 1)
	config := f.prices.config
	total := points(config, Row{Field: whole.Field, Type: whole.Type})
	for i := range t.rows {
		switch own := points(config, t.rows[i]); {
		case math.IsInf(own, 1):
			t.rows[i].Share = 1
		case total > 0 && !math.IsInf(total, 1):
			t.rows[i].Share = own / total
		}
	}
	return t.rows, nil
}

func points(c Config, r Row) float64 {
	return times(c.FieldWeight, r.Field) + times(c.TypeWeight, r.Type)
}

type table struct {
	formula *Formula
	s       *scratch
	rows    []Row
	index   map[string]int
	path    []string
	left    int
}

// add joins rows of one path, which come from types that exclude each other.
func (t *table) add(r Row) {
	at, ok := t.index[r.Path]
	if !ok {
		if len(t.rows) < mostRows {
			t.index[r.Path] = len(t.rows)
			t.rows = append(t.rows, r)
		}
		return
	}
	known := &t.rows[at]
	if t.formula.bound { // not merged: they add up
		known.Field, known.Type = known.Field+r.Field, known.Type+r.Type
		return
	}
	if r.Field > known.Field || r.Type > known.Type {
		known.Coordinate = r.Coordinate
	}
	known.Size, known.Field, known.Type = max(known.Size, r.Size), max(known.Field, r.Field), max(known.Type, r.Type)
}

// group adds the fields of a group of which there are so many objects.
func (t *table) group(n int32, objects float64) {
	f := t.formula
	g := &f.groups[n]
	for i := range g.entries {
		e := &g.entries[i]
		if t.left--; t.left < 0 || len(t.rows) >= mostRows {
			return
		}
		if !t.s.holds[e.when] {
			continue
		}
		t.path = append(t.path, e.name)
		size := f.count(t.s, e)
		t.add(Row{
			Path: strings.Join(t.path, "."), Coordinate: e.field.coordinate, Size: size,
			Field: times(objects, f.call(t.s, e)) / unit, Type: times(times(objects, size), e.typeWeight) / unit,
		})
		for _, a := range e.below {
			t.group(a.group, times(objects, size))
		}
		t.path = t.path[:len(t.path)-1]
	}
	for _, in := range g.includes {
		if t.s.holds[in.when] {
			t.group(in.group, objects)
		}
	}
}
