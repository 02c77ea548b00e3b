package ratelimit

import "math/bits"

// The arithmetic of one bucket: integers only, no clock, nothing that can fail. Points are counted in millionths and
// time in microseconds. What a bucket is missing is kept rather than what it holds, so that a full one is zero, and a
// bucket that nobody ever wrote down is full. The scripts for Redis compute the same; a test holds them together.

const (
	micro = 1_000_000 // of a point, and of a second
	// MaxCapacity is the most points of a bucket. Twice that in millionths is an exact number in Lua too.
	MaxCapacity = 1_000_000_000
	// forever is longer than any bucket of a configuration takes, in microseconds.
	forever = 1 << 61
)

// level is how a bucket stands.
type level struct {
	deficit int64 // millionths of a point missing; over the capacity it's debt
	at      int64 // microsecond for which deficit holds
	part    int64 // millionths of a millionth of a point that came back on top, less than one
}

// policy is a bucket's rule.
type policy struct {
	name     string
	capacity int64 // millionths of a point
	restore  int64 // millionths of a point per second
}

// debt is the most that a bucket can be missing: debt is bounded by one capacity, so that a client is back after two.
func (p policy) debt() int64 { return 2 * p.capacity }

// at moves a level to the time now. Time never runs back: a level from the future stays as it is, so a clock that
// jumps back restores nothing.
func (p policy) at(l level, now int64) level {
	l.deficit = min(l.deficit, p.debt())
	if elapsed := now - l.at; elapsed > 0 && l.deficit > 0 {
		restored, part := p.restored(elapsed, l.part, l.deficit)
		l = level{deficit: l.deficit - restored, at: now, part: part}
	}
	if l.deficit <= 0 {
		return level{at: now}
	}
	return l
}

// restored is what comes back in elapsed microseconds, at most deficit, and the part of a millionth over. Steps add up:
// two of them restore exactly what one over both does.
func (p policy) restored(elapsed, part, deficit int64) (whole, rest int64) {
	hi, lo := bits.Mul64(uint64(elapsed), uint64(p.restore)) // in millionths of millionths
	lo, carry := bits.Add64(lo, uint64(part), 0)
	hi += carry
	if hi >= micro { // over 2⁶⁴ whole ones
		return deficit, 0
	}
	q, r := bits.Div64(hi, lo, micro)
	if q >= uint64(deficit) {
		return deficit, 0
	}
	return int64(q), int64(r)
}

// admits says whether cost, in millionths, can be taken. Nothing can always be taken.
func (p policy) admits(l level, cost int64) bool { return cost == 0 || l.deficit+cost <= p.capacity }

// add takes cost, or gives back what is negative: never above full, never beyond the bound of debt.
func (p policy) add(l level, cost int64) level {
	l.deficit = min(max(l.deficit+cost, 0), p.debt())
	if l.deficit == 0 {
		l.part = 0
	}
	return l
}

// wait is how many microseconds after now cost can be taken, when nothing else is. cost is at most the capacity.
func (p policy) wait(l level, cost, now int64) int64 {
	missing := l.deficit + cost - p.capacity
	if cost == 0 || missing <= 0 {
		return 0
	}
	return p.timeFor(missing, l, now)
}

// untilFull is how many microseconds after now the bucket is full.
func (p policy) untilFull(l level, now int64) int64 {
	if l.deficit <= 0 {
		return 0
	}
	return p.timeFor(l.deficit, l, now)
}

// timeFor is how long amount takes to come back, rounded up. Validate bounds it to a lifetime.
func (p policy) timeFor(amount int64, l level, now int64) int64 {
	hi, lo := bits.Mul64(uint64(amount), micro)
	lo, borrow := bits.Sub64(lo, uint64(l.part), 0)
	hi -= borrow
	if hi >= uint64(p.restore) {
		return forever
	}
	q, r := bits.Div64(hi, lo, uint64(p.restore))
	if r > 0 {
		q++
	}
	return int64(min(q, forever)) + max(0, l.at-now)
}

// points rounds down what a bucket holds to whole points. It's never negative.
func (p policy) points(l level) int64 { return max(0, p.capacity-l.deficit) / micro }
