package ratelimit

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	_ "embed" // the scripts
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Redis is the Store that any number of gateways share. One script decides, inside Redis and by its clock.
//
// Of a client there are two keys, in one slot of a Cluster: {client}b with its buckets, gone when they are full, and
// {client}r with its reservations under way. client is an HMAC: who reads Redis learns no name and no credential.
//
// Calls of Reserve that come while others are on their way share a pipeline, so that Redis and the gateway read and
// write once for many, and those of one client share a run of the script, which decides about one after the other.
// Settlements wait in a queue and go out together in the same way; while Redis is down they are kept, and forgotten
// when their leases are over or the queue is full, which leaves the estimate charged.
type Redis struct {
	client redis.UniversalClient
	config RedisConfig
	id     string // of this process, in front of every reservation's number
	macs   sync.Pool

	reserve, settle, beat *redis.Script

	jobs        chan *job
	settlements chan pending
	closing     chan struct{}
	closeOnce   sync.Once
	flush       context.Context // ends when Close gives up
	giveUp      context.CancelFunc
	settling    sync.WaitGroup
	others      sync.WaitGroup
	counted     instanceCount
}

// RedisConfig is what a Redis store needs beside a client. Zeros are the defaults in parentheses.
type RedisConfig struct {
	// Prefix begins every key ("tributary:").
	Prefix string
	// Secret hides clients' names; all gateways have the same. 16 characters at least.
	Secret secret.Text
	// Timeout is the time of a call of Reserve, whatever the client's own is (50ms).
	Timeout time.Duration
	// Lease is how long a reservation is known (60s).
	Lease time.Duration
	// Queue is how many settlements may wait (8192).
	Queue int
	// Senders is how many pipelines of reservations may be on their way at once (4).
	Senders int
	// Beat is how often this process says that it is there (5s); it counts as gone after three times that.
	Beat time.Duration
}

var _ Store = (*Redis)(nil)

var (
	//go:embed bucket.lua
	bucketLua string
	//go:embed reserve.lua
	reserveLua string
	//go:embed settle.lua
	settleLua string
	//go:embed beat.lua
	beatLua string
)

// NewRedis makes a store that keeps its buckets at client. Redis need not answer yet. Close ends its goroutines; the
// client stays the caller's.
func NewRedis(client redis.UniversalClient, c RedisConfig) (*Redis, error) {
	c.Prefix = cmp.Or(c.Prefix, "tributary:")
	c.Timeout = cmp.Or(c.Timeout, 50*time.Millisecond)
	c.Lease = cmp.Or(c.Lease, 60*time.Second)
	c.Queue = cmp.Or(c.Queue, 8192)
	c.Senders = cmp.Or(c.Senders, 4)
	if len(c.Secret) < 16 {
		return nil, errors.New("secret: points in Redis need one of 16 characters or more, the same for all gateways")
	}
	c.Beat = cmp.Or(c.Beat, 5*time.Second)
	if c.Beat < 0 || c.Timeout < 0 || c.Lease < 0 || c.Queue < 0 || c.Senders < 0 {
		return nil, errors.New("timeout, lease, queue, senders and beat: can't be negative")
	}
	r := &Redis{
		client:      client,
		config:      c,
		id:          rand.Text()[:16],
		reserve:     redis.NewScript(bucketLua + reserveLua),
		settle:      redis.NewScript(bucketLua + settleLua),
		beat:        redis.NewScript(beatLua),
		jobs:        make(chan *job, c.Senders*maxBatch),
		settlements: make(chan pending, c.Queue),
		closing:     make(chan struct{}),
	}
	r.macs.New = func() any { return hmac.New(sha256.New, []byte(c.Secret.Reveal())) }
	r.flush, r.giveUp = context.WithCancel(context.Background())
	for range c.Senders {
		r.others.Go(r.send)
	}
	for range settlers {
		r.settling.Go(r.settleAll)
	}
	r.others.Go(r.countInstances)
	return r, nil
}

// key is what Redis sees of a client, in braces: the part of a key that decides its slot in a Cluster.
func (r *Redis) key(client string) string {
	mac, ok := r.macs.Get().(hash.Hash)
	if !ok {
		return "" // the pool holds nothing else
	}
	defer r.macs.Put(mac)
	mac.Reset()
	_, _ = mac.Write([]byte(client))
	var sum [sha256.Size]byte
	const bytes = 18 // no two of 2⁷² clients are alike
	text := make([]byte, 0, 64)
	text = append(text, r.config.Prefix...)
	text = append(text, '{')
	text = base64.RawURLEncoding.AppendEncode(text, mac.Sum(sum[:0])[:bytes])
	return string(append(text, '}'))
}

// reservationID names a reservation among those of all gateways.
func (r *Redis) reservationID(seq uint64) string { return r.id + strconv.FormatUint(seq, 36) }

// keys are those of one client.
func keys(client string) []string { return []string{client + "b", client + "r"} }

// reserveArgs are the arguments of reserve.lua, for jobs of one client on one plan.
func (r *Redis) reserveArgs(jobs []*job) []any {
	plan := jobs[0].request.Plan
	args := make([]any, 0, 3+2*len(jobs)+len(plan.args))
	args = append(args, r.config.Lease.Microseconds(), plan.config.MaxConcurrent, len(jobs))
	for _, j := range jobs {
		cost := "-1"
		if !j.request.Look {
			cost = strconv.FormatInt(min(j.request.Points, MaxCapacity)*micro, 10)
		}
		args = append(args, r.reservationID(j.request.Seq), cost)
	}
	return append(args, plan.args...)
}

// settleArgs are the arguments of settle.lua, for settlements of one client on one plan.
func (r *Redis) settleArgs(all []pending) []any {
	plan := all[0].Plan
	args := make([]any, 0, 1+2*len(all)+len(plan.args))
	args = append(args, len(all))
	for _, s := range all {
		args = append(args, r.reservationID(s.Seq), strconv.FormatInt(s.back(), 10))
	}
	return append(args, plan.args...)
}

// parse reads what reserve.lua answers for the nth of several requests on one plan.
func parse(q *Request, n, several int, reply any) (Outcome, Standing, error) {
	numbers, ok := reply.([]any)
	each := 1 + 3*len(q.Plan.policies)
	if !ok || len(numbers) != several*each {
		return Unavailable, Standing{}, fmt.Errorf("redis answered %T of the wrong shape", reply)
	}
	numbers = numbers[n*each:]
	var standing Standing
	number := func(i int) int64 { n, _ := numbers[i].(int64); return n }
	for i := range q.Plan.policies {
		standing.levels[i] = level{deficit: number(1 + 3*i), part: number(2 + 3*i), at: number(3 + 3*i)}
	}
	switch number(0) {
	case 0:
		return Admitted, standing, nil
	case 1:
		return Short, standing, nil
	default:
		return Busy, standing, nil
	}
}

// Close implements Store.
func (r *Redis) Close(ctx context.Context) error {
	r.closeOnce.Do(func() { close(r.closing) })
	defer r.giveUp()
	done := make(chan struct{})
	go func() {
		r.settling.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("settle what clients spent: %d not written: %w", len(r.settlements), ctx.Err())
		r.giveUp()
		<-done
	}
	r.others.Wait()
	return err
}
