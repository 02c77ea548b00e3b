// Package cost says what an operation is worth before it runs, and what its answer was worth.
//
// It reads @cost and @listSize by the IBM GraphQL Cost Directives: two sums, of calls (fieldCost) and of objects
// (typeCost). Compile reads a schema once and names every mistake in its directives. Prices.Formula compiles an
// operation once: fields merged by response name per possible type, fragments priced once, @skip and @include left to the
// variables. Formula.Estimate evaluates it with the variables of a request, Formula.Actual holds it against the answer:
// never more than the estimate, unless a service returned more than it was asked for, which is told. An operation too
// entangled to merge gets an upper bound. The package does no I/O; nothing it depends on can be down.
package cost

import (
	"errors"
	"fmt"
	"math"
)

// Cost is what an operation or an answer is worth.
type Cost struct {
	// Field is the sum of calls: fields, their arguments and directives.
	Field float64
	// Type is the sum of objects and priced leaves, the root object included.
	Type float64
	// Points is what a client pays: both sums by their weights, rounded up, at most math.MaxInt64.
	Points int64
}

// Infinite tells whether nothing bounds the cost: a list without a size, where the default size is infinite too.
func (c Cost) Infinite() bool { return math.IsInf(c.Field, 1) || math.IsInf(c.Type, 1) }

// Unbounded is the default_list_size of schemas where a list that nothing bounds has infinite cost.
const Unbounded = -1

// Config says how operations are priced. The zero value is ready to use.
type Config struct {
	// DefaultListSize is the size of a list that nothing else bounds. Default 100; -1 is without bound, so that an
	// operation with such a list costs more than any limit.
	DefaultListSize int `yaml:"default_list_size" json:"default_list_size,omitempty"`
	// FieldWeight is how many points one unit of fieldCost is. Default 1.
	FieldWeight float64 `yaml:"field_weight" json:"field_weight,omitempty"`
	// TypeWeight is how many points one unit of typeCost is. Default 1.
	TypeWeight float64 `yaml:"type_weight" json:"type_weight,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by its default.
func (c Config) WithDefaults() Config {
	if c.DefaultListSize == 0 {
		c.DefaultListSize = 100
	}
	if c.FieldWeight == 0 {
		c.FieldWeight = 1
	}
	if c.TypeWeight == 0 {
		c.TypeWeight = 1
	}
	return c
}

// Validate names everything wrong with the configuration, by its keys.
func (c Config) Validate() error {
	var problems []error
	if c.DefaultListSize < Unbounded {
		problems = append(problems, errors.New("default_list_size: is negative; write a size, or -1 for lists without bound"))
	}
	for _, w := range []struct {
		key   string
		value float64
	}{{"field_weight", c.FieldWeight}, {"type_weight", c.TypeWeight}} {
		if math.IsNaN(w.value) || math.IsInf(w.value, 0) || w.value < 0 {
			problems = append(problems, fmt.Errorf("%s: %v is no weight; write a number above 0", w.key, w.value))
		}
	}
	return errors.Join(problems...)
}

func (c Config) listSize() float64 {
	if c.DefaultListSize == Unbounded {
		return math.Inf(1)
	}
	return float64(c.DefaultListSize)
}

// unit is how weights are kept: millionths, which sums and products of floats keep exact up to 9·10⁹ points, in whatever
// order they are added.
const unit = 1e6

// amount is a pair of sums in units.
type amount struct{ field, typ float64 }

func (a amount) max(b amount) amount { return amount{max(a.field, b.field), max(a.typ, b.typ)} }

func (a amount) plus(b amount) amount { return amount{a.field + b.field, a.typ + b.typ} }

// times is the product, where nothing of infinitely many is nothing.
func times(n, x float64) float64 {
	if n == 0 || x == 0 {
		return 0
	}
	return n * x
}

// priced is the sums as a Cost.
func (c Config) priced(a amount) Cost {
	points := times(c.FieldWeight, a.field)/unit + times(c.TypeWeight, a.typ)/unit
	return Cost{Field: a.field / unit, Type: a.typ / unit, Points: roundUp(points)}
}

// roundUp saturates, and takes for whole what only the arithmetic made a fraction.
func roundUp(points float64) int64 {
	if nearest := math.Round(points); math.Abs(points-nearest) <= 1e-9*max(1, math.Abs(nearest)) {
		points = nearest
	}
	switch points = math.Ceil(points); {
	case points >= math.MaxInt64:
		return math.MaxInt64
	case points > 0:
		return int64(points)
	default:
		return 0
	}
}
