package redisconn

import "time"

// breaker decides whether a command is worth sending. It does no I/O, has no clock and isn't safe for concurrent use.
type breaker struct {
	limit int           // failures in a row that open it
	pause time.Duration // between being opened and a probe, and between probes

	failures int
	open     bool
	probe    time.Time // when it's open: the next command may be sent then
}

// allow says whether a command may be sent at now. Of an open breaker's callers one gets through per pause: granting a
// probe moves the next, so a probe that never reports back blocks nobody.
func (b *breaker) allow(now time.Time) bool {
	if !b.open {
		return true
	}
	if now.Before(b.probe) {
		return false
	}
	b.probe = now.Add(b.pause)
	return true
}

// report takes how a command went that ended at now. It says whether that opened or closed the breaker.
func (b *breaker) report(now time.Time, answered bool) (changed bool) {
	if answered {
		changed = b.open
		b.failures, b.open = 0, false
		return changed
	}
	b.failures++
	if b.open {
		b.probe = now.Add(b.pause)
		return false
	}
	if b.failures < b.limit {
		return false
	}
	b.open, b.probe = true, now.Add(b.pause)
	return true
}
