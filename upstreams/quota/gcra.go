package quota

import "time"

// Rate is how often something may be done.
type Rate struct {
	// Interval is the time between two. 0 means that there is no rate.
	Interval time.Duration
	// Burst is how many may follow at once after a time of rest, at least 1.
	Burst int
}

// take is the arithmetic of the generic cell rate algorithm. tat is the one thing that is remembered: when the bucket
// would be full again. It gives the new one when one more may be done now; otherwise how long to wait, and the old one.
func (r Rate) take(tat, now time.Time) (time.Time, time.Duration) {
	if r.Interval <= 0 {
		return tat, max(0, tat.Sub(now)) // only paused
	}
	if tat.Before(now) {
		tat = now
	}
	if wait := tat.Add(-r.tolerance()).Sub(now); wait > 0 {
		return tat, wait
	}
	return tat.Add(r.Interval), 0
}

// pause is the tat of a bucket with nothing in it until then, and with one at that time.
func (r Rate) pause(tat, until time.Time) time.Time {
	if at := until.Add(r.tolerance()); at.After(tat) {
		return at
	}
	return tat
}

func (r Rate) tolerance() time.Duration { return time.Duration(max(0, r.Burst-1)) * r.Interval }
