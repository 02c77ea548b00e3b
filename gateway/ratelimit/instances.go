package ratelimit

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"
)

// instanceCount is how many gateways said lately that they are there.
type instanceCount struct{ n atomic.Int64 }

// Instances is how many gateways share this Redis: the last number it told, 0 before the first.
func (r *Redis) Instances() int { return int(r.counted.n.Load()) }

// countInstances says now and then that this one is there, and learns how many are. While Redis doesn't answer,
// the last number holds: that is what it's for.
func (r *Redis) countInstances() {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-r.closing:
			_, _ = r.sayHere(0)
			return
		case <-next.C:
		}
		pause := r.config.Beat
		n, err := r.sayHere(3 * r.config.Beat)
		if err == nil {
			r.counted.n.Store(int64(n))
		} else {
			pause = min(pause, time.Second)
		}
		next.Reset(pause)
	}
}

func (r *Redis) sayHere(lasts time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(r.flush, 4*r.config.Timeout)
	defer cancel()
	key := r.config.Prefix + "{instances}"
	return r.beat.Run(ctx, r.client, []string{key}, r.id, strconv.FormatInt(lasts.Milliseconds(), 10)).Int()
}
