package balance

import (
	"math"
	"math/rand/v2"
	"time"
)

// candidate is an instance that may be picked, with the weight it has now.
type candidate struct {
	*Instance
	share float64
	upto  float64 // the sum of the shares up to this one
	id    uint64  // the instance's, at hand
}

// crowd are the candidates of a choice.
type crowd struct {
	list  []candidate
	total float64 // of the shares
}

func (c *crowd) reset() { c.list, c.total = c.list[:0], 0 }

func (c *crowd) add(one *Instance, share float64) {
	c.total += share
	c.list = append(c.list, candidate{one, share, c.total, one.id})
}

// open is how many requests are under way.
func (c *crowd) open() int {
	n := 0
	for i := range c.list {
		n += c.list[i].record.Open()
	}
	return n
}

// chooser is a policy. It gets at least one candidate.
type chooser interface {
	choose(now time.Time, c *crowd, key string) *Instance
}

// newChooser makes the chooser of a policy. typical is where it reads what an answer takes.
func newChooser(policy Policy, random *rand.Rand, typical *time.Duration) chooser {
	two := &twoChoices{random, typical}
	switch policy {
	case RoundRobin:
		return inTurn{equal: true}
	case Weighted:
		return inTurn{}
	case Hash:
		return byKey{keyless: two}
	default:
		return two
	}
}

// twoChoices draws two by weight and takes the second only if the first is clearly worse. So instances that are alike
// get requests by their weights, and neither a slow one nor a busy one gets many. Looking at two and no more keeps many
// gateways from running to the same best instance at once.
type twoChoices struct {
	random  *rand.Rand
	typical *time.Duration
}

const (
	// clearly is how much better the second must be: under that, differences are noise.
	clearly = 1.5
	// suspected is how much worse an instance counts that should be out of service and can't be spared.
	suspected = 10
)

func (t *twoChoices) choose(now time.Time, c *crowd, _ string) *Instance {
	if len(c.list) == 1 {
		return c.list[0].Instance
	}
	first := c.draw(t.random.Float64(), -1)
	second := c.draw(t.random.Float64(), first)
	typical := max(*t.typical, 1)
	a, b := &c.list[first], &c.list[second]
	mean := c.total / float64(len(c.list))
	if cost(now, a, mean, typical) > clearly*cost(now, b, mean, typical) {
		return b.Instance
	}
	return a.Instance
}

// draw finds the candidate at a part in [0, 1) of the shares, without the one at except, -1 for none.
func (c *crowd) draw(at float64, except int) int {
	if except < 0 {
		at *= c.total
	} else {
		skipped := c.list[except].share
		at *= c.total - skipped
		if at >= c.list[except].upto-skipped {
			at += skipped
		}
	}
	from, to := 0, len(c.list)-1
	for from < to {
		middle := (from + to) / 2
		if c.list[middle].upto > at {
			to = middle
		} else {
			from = middle + 1
		}
	}
	if from == except { // by rounding
		return (from + 1) % len(c.list)
	}
	return from
}

// cost is what the next answer would take if requests were served one after the other. An instance that owes an answer
// for longer than it usually takes is as slow as that already.
func cost(now time.Time, c *candidate, mean float64, typical time.Duration) float64 {
	open := c.record.Open()
	takes := c.latency.now(now, typical)
	if open > 0 {
		takes = max(takes, c.record.Waited(now))
	}
	if c.suspect {
		takes *= suspected
	}
	return float64(takes) * (1 + float64(open)*mean/c.share)
}

// inTurn is smooth weighted round robin, as in nginx: everyone gains its weight in each round, the richest is chosen and
// pays the sum. So 5, 1, 1 makes a a b a c a a and not a a a a a b c.
type inTurn struct{ equal bool }

func (t inTurn) choose(now time.Time, c *crowd, _ string) *Instance {
	var best *Instance
	total := 0.
	for i := range c.list {
		one := &c.list[i]
		share := one.share
		if t.equal {
			share /= float64(one.weight) // slow start is left of it
		}
		one.turn += share
		total += share
		if best == nil || one.turn > best.turn {
			best = one.Instance
		}
	}
	best.turn -= total
	return best
}

// byKey is weighted rendezvous hashing with bounded loads. Every instance has a place in an order that the key makes,
// by weight; the first that is not overloaded is taken. So a key moves only when its instance goes, or is overloaded,
// or the other way round, and then only that key does.
type byKey struct{ keyless chooser }

const (
	// bound is how much of the mean load an instance may have before its keys overflow.
	bound = 1.25
	// slack is how many requests under way never are an overload.
	slack = 8
)

func (b byKey) choose(now time.Time, c *crowd, key string) *Instance {
	if key == "" {
		return b.keyless.choose(now, c, key)
	}
	limit := 0. // of requests under way per share; counted when somebody has many
	hash := hashOf(key)
	var best *Instance
	least := math.Inf(1)
	for i := range c.list {
		one := &c.list[i]
		// an exponential variate of rate share: that one is the least of all has a probability in proportion to its share
		u := unit(mix(hash ^ one.id))
		if (1 - u) >= least*one.share { // -ln u ≥ 1-u: it can't be less
			continue
		}
		e := -math.Log(u) / one.share
		if e >= least {
			continue
		}
		if open := one.record.Open(); open >= slack {
			if limit == 0 {
				limit = bound * float64(c.open()+1) / c.total
			}
			if float64(open) >= limit*one.share {
				continue
			}
		}
		best, least = one.Instance, e
	}
	if best == nil {
		return b.keyless.choose(now, c, key)
	}
	return best
}

// hashOf is FNV-1a, mixed. It is the same in every process, so that gateways side by side agree.
func hashOf(text string) uint64 {
	hash := uint64(14695981039346656037)
	for i := range len(text) {
		hash = (hash ^ uint64(text[i])) * 1099511628211
	}
	return mix(hash)
}

// mix spreads every bit over all others: the end of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit makes a number in (0, 1] of a hash.
func unit(hash uint64) float64 { return float64(hash>>11+1) / (1 << 53) }
