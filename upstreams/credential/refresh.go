package credential

import "time"

const (
	// firstPause is how long the token server is left alone after a failure; it doubles up to lastPause.
	firstPause = 500 * time.Millisecond
	lastPause  = 30 * time.Second
	// dropPause is how long a token that replaced a refused one is kept whatever the service says: a service that
	// refuses every token must not make every call ask for a new one.
	dropPause = 10 * time.Second
)

// life is when a token is used. Zero times mean that it has no end.
type life struct{ renew, end time.Time }

// lifeOf plans a token got at now that expires at expiry. It's renewed in the last fifth of its life, at most a minute
// before its end, while it goes on being used; the last tenth, at most five seconds, is left unused because clocks
// differ and requests take time.
func lifeOf(now, expiry time.Time) life {
	if expiry.IsZero() {
		return life{}
	}
	whole := expiry.Sub(now)
	return life{renew: expiry.Add(-min(time.Minute, whole/5)), end: expiry.Add(-min(5*time.Second, whole/10))}
}

func (l life) fresh(now time.Time) bool  { return l.renew.IsZero() || now.Before(l.renew) }
func (l life) usable(now time.Time) bool { return l.end.IsZero() || now.Before(l.end) }

// step is what a call for a token leads to.
type step int

const (
	use       step = iota // the token that is there
	useRenew              // the same, and fetch the next one beside it
	wait                  // for the fetch that is under way
	fetchWait             // begin one and wait
	giveUp                // the last failure is too young
)

// nextStep decides. There may be no token; pausedUntil is when the token server may be asked again.
func nextStep(now time.Time, has bool, l life, fetching bool, pausedUntil time.Time) step {
	paused := now.Before(pausedUntil)
	switch {
	case has && l.fresh(now):
		return use
	case has && l.usable(now) && (fetching || paused):
		return use
	case has && l.usable(now):
		return useRenew
	case fetching:
		return wait
	case paused:
		return giveUp
	}
	return fetchWait
}
