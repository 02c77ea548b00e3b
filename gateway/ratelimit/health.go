package ratelimit

import (
	"context"
	"sync/atomic"
	"time"
)

// health is whether the store answers, as the log and the metrics tell it. It's back when it answers and hasn't failed
// for a second, so that a store that answers now and then makes two lines a second at most.
type health struct {
	down   atomic.Bool
	failed atomic.Int64 // time of the last failure, Unix nanoseconds
}

func (l *Limiter) failed(ctx context.Context, err error) {
	l.health.failed.Store(time.Now().UnixNano())
	if l.health.down.CompareAndSwap(false, true) {
		l.metrics.StoreUp(false)
		l.logger.WarnContext(ctx, "points can't be counted in the store", "reason", err)
	}
}

func (l *Limiter) answered(ctx context.Context) {
	if !l.health.down.Load() || time.Now().UnixNano()-l.health.failed.Load() < int64(time.Second) {
		return
	}
	if l.health.down.CompareAndSwap(true, false) {
		l.metrics.StoreUp(true)
		l.logger.InfoContext(ctx, "points are counted in the store again")
	}
}
