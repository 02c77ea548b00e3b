package ratelimit

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/redisconn"
)

// settlers is how many batches of settlements may be on their way at once.
const settlers = 2

// pending is a settlement in the queue, worth writing until its lease is over.
type pending struct {
	Settlement
	until time.Time
}

// Settle implements Store: it puts s into the queue. One that finds no room is forgotten; its estimate stays charged.
func (r *Redis) Settle(s Settlement) {
	if r.flush.Err() == nil {
		r.enqueue(pending{s, time.Now().Add(r.config.Lease)})
	}
}

func (r *Redis) enqueue(p pending) {
	select {
	case r.settlements <- p:
	default:
	}
}

// settleAll writes settlements until the store is closed and the queue is empty.
func (r *Redis) settleAll() {
	batch := make([]pending, 0, maxBatch)
	pause := shortPause
	for {
		select {
		case s := <-r.settlements:
			batch = append(batch[:0], s)
		case <-r.closing:
			select {
			case s := <-r.settlements:
				batch = append(batch[:0], s)
			default:
				return
			}
		}
	collect:
		for len(batch) < maxBatch {
			select {
			case s := <-r.settlements:
				batch = append(batch, s)
			default:
				break collect
			}
		}
		left := r.try(batch)
		if len(left) < len(batch) {
			pause = shortPause
		} else if !r.rest(pause) {
			return
		} else {
			pause = min(2*pause, longPause)
		}
		// Back to the end of the queue: one node of a Cluster that is down keeps no others waiting. Settling twice does no
		// harm.
		for now := time.Now(); len(left) > 0; left = left[1:] {
			if now.Before(left[0].until) {
				r.enqueue(left[0])
			}
		}
	}
}

// How long to wait after a batch of which nothing was written.
const (
	shortPause = 10 * time.Millisecond
	longPause  = 250 * time.Millisecond
)

// rest waits, and says whether there's still somebody to go on for.
func (r *Redis) rest(pause time.Duration) bool {
	select {
	case <-time.After(pause):
		return true
	case <-r.flush.Done():
		return false
	}
}

// try sends a batch and returns what wasn't written.
func (r *Redis) try(batch []pending) (left []pending) {
	ctx, cancel := context.WithTimeout(r.flush, 2*r.config.Timeout) // nobody waits for it
	defer cancel()
	groups := together(batch, func(a, b pending) bool { return a.Client == b.Client && a.Plan == b.Plan })
	commands := make([]*redis.Cmd, len(groups))
	pipeline := r.client.Pipeline()
	for i, g := range groups {
		commands[i] = r.settle.EvalSha(ctx, pipeline, keys(r.key(g[0].Client)), r.settleArgs(g)...)
	}
	_, _ = pipeline.Exec(ctx) // each command has its own error
	for i, g := range groups {
		c := commands[i]
		if redis.HasErrorPrefix(c.Err(), "NOSCRIPT") {
			c = r.settle.Eval(ctx, r.client, keys(r.key(g[0].Client)), r.settleArgs(g)...)
		}
		if redisconn.Unanswered(c.Err()) { // any other refusal would come again
			left = append(left, g...)
		}
	}
	return left
}
