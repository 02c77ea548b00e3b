// Package backoff knows how long to wait before asking again for what failed: discovery, tokens, events. The wait doubles
// with each failure up to a bound, and up to a half of it is taken away by chance, so that all who failed together don't
// come back together ("equal jitter"). How calls are retried is the transport's: their budget and deadline decide there.
package backoff

import (
	"context"
	"time"
)

// After is the wait after so many failures in a row, from 1 on: base, doubled with each further one, most at most. random,
// from 0 to 1, says how much of the half that is left to chance remains.
func After(base, most time.Duration, failures int, random float64) time.Duration {
	whole := min(base, most)
	for range failures - 1 {
		if whole >= most {
			break
		}
		whole = min(2*whole, most)
	}
	return whole/2 + time.Duration(random*float64(whole/2))
}

// Wait lets time pass. It's false when ctx ended before.
func Wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
