package transport

import (
	"math/bits"
	"time"
)

// quantile estimates a quantile of durations over a sliding time, within 6 %. It counts them in buckets, eight for each
// doubling, in two halves of the time of which the older one is dropped. It isn't safe for concurrent use.
type quantile struct {
	q      float64
	half   time.Duration
	since  time.Time
	now    [latencyBuckets]uint32
	before [latencyBuckets]uint32
	n      [2]uint32 // how many are in now and in before
	stale  int       // observations since value
	value  time.Duration
	known  bool
}

const (
	latencyBuckets = 8 * 40 // to over an hour, from 1 ns
	// fewest is how many observations make a quantile.
	fewest = 50
	// refresh is after how many observations the value is worked out again.
	refresh = 20
)

// observe takes a duration.
func (e *quantile) observe(now time.Time, d time.Duration) {
	e.turn(now)
	e.now[bucketOf(d)]++
	e.n[0]++
	if e.stale++; e.stale >= refresh || !e.known {
		e.update()
	}
}

// estimate is the quantile, and false while too little is known.
func (e *quantile) estimate(now time.Time) (time.Duration, bool) {
	e.turn(now)
	return e.value, e.known
}

// turn begins a new half when it's time to.
func (e *quantile) turn(now time.Time) {
	switch age := now.Sub(e.since); {
	case age < e.half:
		return
	case age < 2*e.half:
		e.before, e.n[1] = e.now, e.n[0]
	default:
		e.before, e.n[1] = [latencyBuckets]uint32{}, 0
	}
	e.now, e.n[0], e.since = [latencyBuckets]uint32{}, 0, now
	e.update()
}

func (e *quantile) update() {
	e.stale = 0
	all := e.n[0] + e.n[1]
	if e.known = all >= fewest; !e.known {
		return
	}
	below := uint32(e.q * float64(all))
	var sum uint32
	for i := range e.now {
		if sum += e.now[i] + e.before[i]; sum > below {
			e.value = upperOf(i)
			return
		}
	}
}

// bucketOf numbers durations: by the place of the highest bit, and the three bits that follow it.
func bucketOf(d time.Duration) int {
	n := uint64(max(8, d))
	high := bits.Len64(n) - 1 // 3 or more
	return min((high-3)*8+int(n>>(high-3)&7), latencyBuckets-1)
}

// upperOf is the longest duration of a bucket.
func upperOf(bucket int) time.Duration {
	high, rest := bucket/8, bucket%8
	return time.Duration((uint64(rest)+9)<<high - 1)
}
