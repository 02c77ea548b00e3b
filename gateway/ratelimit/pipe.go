package ratelimit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/redisconn"
)

// maxBatch is how many commands share a pipeline.
const maxBatch = 64

// job is one call of Reserve on its way through a sender.
type job struct {
	request Request // a copy: a job may outlive its caller
	client  string  // as Redis sees it
	state   atomic.Int32
	done    chan struct{}
	// The answer, written before done is closed: that to several jobs, of which this one is the nth.
	reply      any
	n, several int
	err        error
}

const (
	waiting = iota
	sent
	answered  // the caller takes it
	abandoned // the caller has gone
)

var (
	errSlow   = errors.New("redis didn't answer in time")
	errClosed = errors.New("the store is closed")
)

// Reserve implements Store: one round trip, NOSCRIPT apart.
func (r *Redis) Reserve(_ context.Context, q *Request) (Outcome, Standing, error) {
	j := &job{request: *q, client: r.key(q.Client), done: make(chan struct{})}
	timer := time.NewTimer(r.config.Timeout)
	defer timer.Stop()
	select {
	case r.jobs <- j:
	case <-timer.C:
		return Unavailable, Standing{}, errSlow
	case <-r.closing:
		return Unavailable, Standing{}, errClosed
	}
	select {
	case <-j.done:
	case <-r.flush.Done():
		return Unavailable, Standing{}, errClosed
	case <-timer.C:
		if j.state.Swap(abandoned) != answered {
			return Unavailable, Standing{}, errSlow
		}
		<-j.done
	}
	if j.err != nil {
		return Unavailable, Standing{}, j.err
	}
	return parse(q, j.n, j.several, j.reply)
}

// send carries jobs to Redis until the store is closed: one that comes alone goes alone, those that came meanwhile go
// together.
func (r *Redis) send() {
	batch := make([]*job, 0, maxBatch)
	for {
		select {
		case j := <-r.jobs:
			batch = append(batch[:0], j)
		case <-r.closing:
			return
		}
	collect:
		for len(batch) < maxBatch {
			select {
			case j := <-r.jobs:
				batch = append(batch, j)
			default:
				break collect
			}
		}
		r.carry(batch)
		clear(batch)
	}
}

func (r *Redis) carry(batch []*job) {
	live := batch[:0]
	for _, j := range batch {
		if j.state.CompareAndSwap(waiting, sent) {
			live = append(live, j)
		}
	}
	if len(live) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(r.flush, r.config.Timeout)
	defer cancel()
	groups := together(live, func(a, b *job) bool { return a.client == b.client && a.request.Plan == b.request.Plan })
	commands := make([]*redis.Cmd, len(groups))
	if len(groups) == 1 {
		commands[0] = r.reserve.EvalSha(ctx, r.client, keys(groups[0][0].client), r.reserveArgs(groups[0])...)
	} else {
		pipeline := r.client.Pipeline()
		for i, g := range groups {
			commands[i] = r.reserve.EvalSha(ctx, pipeline, keys(g[0].client), r.reserveArgs(g)...)
		}
		_, _ = pipeline.Exec(ctx) // each command has its own error
	}
	for i, g := range groups {
		if redis.HasErrorPrefix(commands[i].Err(), "NOSCRIPT") { // a new or restarted server
			commands[i] = r.reserve.Eval(ctx, r.client, keys(g[0].client), r.reserveArgs(g)...)
		}
		for n, j := range g {
			j.n, j.several = n, len(g)
			r.answer(j, commands[i])
		}
	}
}

// together groups what is alike, in the order of the first of each group. A batch is short, so that looking through the
// groups is cheaper than a map.
func together[T any](batch []T, alike func(a, b T) bool) (groups [][]T) {
next:
	for _, one := range batch {
		for i, g := range groups {
			if alike(g[0], one) {
				groups[i] = append(g, one)
				continue next
			}
		}
		groups = append(groups, []T{one})
	}
	return groups
}

// answer hands a job its reply. What an abandoned one may have taken is given back, and so is what Redis may have taken
// without saying so.
func (r *Redis) answer(j *job, c *redis.Cmd) {
	j.reply, j.err = c.Val(), c.Err()
	unknown := j.err != nil && !errors.Is(j.err, redisconn.ErrDown)
	abandonedBefore := !j.state.CompareAndSwap(sent, answered)
	close(j.done)
	if !j.request.Look && (unknown || abandonedBefore && j.err == nil) {
		r.Settle(Settlement{
			Client: j.request.Client, Plan: j.request.Plan, Seq: j.request.Seq, Reserved: j.request.Points,
		})
	}
}
