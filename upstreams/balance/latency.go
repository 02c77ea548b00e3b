package balance

import (
	"math"
	"time"
)

const (
	// memory is the time constant in which a latency is forgotten: after twice the time a seventh of it is left. It's
	// short, because who is avoided for one slow answer isn't asked either when it begins to fail: with a second, one
	// hiccup of 50 ms kept an instance that failed in service for over a second.
	memory = 150 * time.Millisecond
	// unknown is what an answer takes where nothing is known.
	unknown = time.Millisecond
)

// latency is a peak-sensitive moving average, as in Finagle's peak EWMA: it jumps up to a latency that is longer, at
// once, and comes down with time. So an instance that gets slow is noticed by one answer.
type latency struct {
	value time.Duration // 0: nothing is known
	at    time.Time
}

// observe takes in what a request took.
func (l *latency) observe(now time.Time, took time.Duration) {
	took = max(1, took)
	if took >= l.value {
		l.value, l.at = took, now
		return
	}
	l.mix(now, took)
}

// mix takes in a value without jumping up to it.
func (l *latency) mix(now time.Time, value time.Duration) {
	if l.value == 0 {
		l.value, l.at = value, now
		return
	}
	old := fade(now.Sub(l.at))
	l.value, l.at = max(1, time.Duration(float64(value)*(1-old)+float64(l.value)*old)), now
}

// fail takes in a request that failed. It only counts when it took long. Failing fast says nothing about answers: it must
// not attract requests, and not keep them away either, or an instance that fails would be avoided before it has failed
// often enough to be put out of service.
func (l *latency) fail(now time.Time, took, typical time.Duration) {
	if took > max(l.value, typical) {
		l.observe(now, took)
	}
}

// left takes in a request whose caller left after such a time: its answer would have taken longer.
func (l *latency) left(now time.Time, took time.Duration) {
	if l.value > 0 && took > l.value {
		l.observe(now, took)
	}
}

// now is what the next answer is expected to take. A high latency that nobody confirms comes down to what is typical,
// so that the instance is tried again now and then; one of which nothing is known counts as typical.
func (l *latency) now(now time.Time, typical time.Duration) time.Duration {
	if l.value == 0 {
		return typical
	}
	if l.value <= typical {
		return l.value
	}
	return typical + time.Duration(float64(l.value-typical)*fade(now.Sub(l.at)))
}

// fade is what is left of a value after a time.
func fade(passed time.Duration) float64 {
	return math.Exp(-float64(max(0, passed)) / float64(memory))
}

// ramp is the share of its weight that an instance has so long after it joined: a tenth first.
func ramp(passed, slowStart time.Duration) float64 {
	const least = 0.1
	if slowStart <= 0 || passed >= slowStart {
		return 1
	}
	return least + (1-least)*float64(max(0, passed))/float64(slowStart)
}
