package event

import (
	"context"
	"time"
)

// backoff is the pause after a number of failures in a row: base, doubled with each, most at most. random, from 0 to 1,
// takes up to a half of it away, so that not all come back at once.
func backoff(base, most time.Duration, failures int, random float64) time.Duration {
	d := base
	for range failures - 1 {
		if d >= most {
			break
		}
		d *= 2
	}
	d = min(d, max(most, base))
	return d - time.Duration(random*float64(d)/2)
}

// jittered is d, a tenth more or less.
func jittered(d time.Duration, random float64) time.Duration {
	return d + time.Duration((random-0.5)*0.2*float64(d))
}

// pause lets time pass; it's false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
