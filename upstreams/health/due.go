package health

import (
	"fmt"
	"math"
	"time"
)

const (
	// fewest requests make a failure rate.
	fewest = 10
	// slowing is the time constant in which a slow answer is forgotten.
	slowing = 10 * time.Second
)

// Others is what is to be known of the other instances.
type Others struct {
	Answered time.Time     // when one of them last answered
	Typical  time.Duration // what an answer takes
}

// Due says whether the instance should be out of service, and why. Who ejects it is the caller.
func (r *Record) Due(now time.Time, others Others) (Cause, string, bool) {
	if r.state != Healthy {
		return "", "", false
	}
	if n := r.rules.ConsecutiveFailures; n > 0 && r.failures >= n {
		return Failures, fmt.Sprintf("%d failures in a row: %s", r.failures, list(r.streak)), true
	}
	if n := r.rules.Check.UnhealthyAfter; n > 0 && r.bad >= n {
		return Checks, fmt.Sprintf("%d checks in a row failed: %s", r.bad, list(r.badChecks)), true
	}
	if r.rules.FailureRate > 0 && r.failures > 0 {
		if all, failed := r.window.sum(now); all >= fewest && failed*100 >= all*r.rules.FailureRate {
			return Rate, fmt.Sprintf("%d of %d requests within %v failed, last: %s", failed, all, r.rules.Window, list(r.streak)), true
		}
	}
	if r.silent(now, others) {
		return Silence, fmt.Sprintf("no answer for %v to %d requests while other instances answer",
			now.Sub(r.waiting).Round(10*time.Millisecond), r.open+r.timeouts), true
	}
	return "", "", false
}

func (r *Record) silent(now time.Time, others Others) bool {
	if r.rules.Silence < 0 || r.open+r.timeouts == 0 || r.waiting.IsZero() || !others.Answered.After(r.waiting) {
		return false
	}
	return now.Sub(r.waiting) >= max(r.rules.Silence, 4*others.Typical, 2*r.slowest(now))
}

// slowest is the longest that an answer took lately.
func (r *Record) slowest(now time.Time) time.Duration {
	if r.slow == 0 {
		return 0
	}
	return time.Duration(float64(r.slow) * math.Exp(-float64(now.Sub(r.slowAt))/float64(slowing)))
}

// took takes in what an answer took.
func (r *Record) took(now time.Time, latency time.Duration) {
	passed := now.Sub(r.slowAt)
	if passed < slowing && latency < time.Duration(float64(r.slow)*(1-float64(passed)/float64(slowing))) {
		return // e^-x is over 1-x: quick to see that it isn't the slowest
	}
	if latency >= r.slowest(now) {
		r.slow, r.slowAt = latency, now
	}
}
