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
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Redis is the Store that any number of gateways share. One script decides, inside Redis and by its clock.
//
// Of a client there is one key, with its buckets and what each gateway has under way for it; it goes when all are full and
// nothing is under way. Its name is an HMAC: who reads Redis learns no name and no credential.
//
// What is asked at the same time goes together: a lane has one pipeline on its way and collects the next meanwhile, one
// run of the script for each client, which settles, and decides about its operations one after the other. So the busier
// a gateway is the less an operation costs it and Redis. Settlements wait a moment for an operation to go with. While
// Redis is down they are kept, and forgotten when their leases are over, which leaves the estimate charged.
type Redis struct {
	client redis.UniversalClient
	config RedisConfig
	id     string // of this process
	macs   sync.Pool
	pool   sync.Pool // of jobs
	lanes  []*lane   // each has a part of the slots of a Cluster

	spend, beat *redis.Script

	closing   chan struct{}
	closeOnce sync.Once
	flush     context.Context // ends when Close gives up
	giveUp    context.CancelFunc
	working   sync.WaitGroup
	counted   instanceCount
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
	// Queue is how many settlements, or clients with something to settle, may wait in a lane (8192).
	Queue int
	// Lanes is how many pipelines may be on their way at once (1; with a Cluster 16, so that a node that is down keeps
	// few others waiting).
	Lanes int
	// Beat is how often this process says that it is there (5s); it counts as gone after three times that.
	Beat time.Duration
}

var (
	errSlow   = errors.New("redis didn't answer in time")
	errClosed = errors.New("the store is closed")
)

var _ Store = (*Redis)(nil)

var (
	//go:embed spend.lua
	spendLua string
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
	if c.Lanes == 0 {
		c.Lanes = 1
		if _, ok := client.(*redis.ClusterClient); ok {
			c.Lanes = 16
		}
	}
	if len(c.Secret) < 16 {
		return nil, errors.New("secret: points in Redis need one of 16 characters or more, the same for all gateways")
	}
	c.Beat = cmp.Or(c.Beat, 5*time.Second)
	if c.Beat < 0 || c.Timeout < 0 || c.Lease < 0 || c.Queue < 0 || c.Lanes < 0 {
		return nil, errors.New("timeout, lease, queue, lanes and beat: can't be negative")
	}
	r := &Redis{
		client:  client,
		config:  c,
		id:      rand.Text()[:16],
		spend:   redis.NewScript(spendLua),
		beat:    redis.NewScript(beatLua),
		closing: make(chan struct{}),
	}
	r.macs.New = func() any { return hmac.New(sha256.New, []byte(c.Secret.Reveal())) }
	r.flush, r.giveUp = context.WithCancel(context.Background())
	r.pool.New = func() any { return &job{done: make(chan struct{}, 1)} }
	for range c.Lanes {
		l := newLane(r)
		r.lanes = append(r.lanes, l)
		r.working.Go(l.work)
	}
	r.working.Go(r.countInstances)
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

// Reserve implements Store: one round trip, shared with those who ask at the same time.
func (r *Redis) Reserve(_ context.Context, q *Request) (Outcome, Standing, error) {
	j, _ := r.pool.Get().(*job)
	j.request, j.since, j.err = q, time.Now(), nil
	if r.lane(q.Client).ask(j) {
		<-j.done
	} else {
		j.err = errClosed
	}
	outcome, standing, err := j.outcome, j.standing, j.err
	j.request = nil
	r.pool.Put(j)
	if err != nil {
		return Unavailable, Standing{}, err
	}
	return outcome, standing, nil
}

// Settle implements Store. When too many wait already s is forgotten, which leaves its estimate charged.
func (r *Redis) Settle(s Settlement) { r.lane(s.Client).settle(s) }

// lane is the one that carries what is asked about a client.
func (r *Redis) lane(client string) *lane {
	if len(r.lanes) == 1 {
		return r.lanes[0]
	}
	return r.lanes[slot(r.key(client))*len(r.lanes)/slots]
}

// Close implements Store.
func (r *Redis) Close(ctx context.Context) error {
	for _, l := range r.lanes {
		l.close()
	}
	r.closeOnce.Do(func() { close(r.closing) })
	stop := context.AfterFunc(ctx, r.giveUp)
	r.working.Wait()
	stop()
	defer r.giveUp()
	left := 0
	for _, l := range r.lanes {
		left += len(l.due)
	}
	if left > 0 {
		return fmt.Errorf("settle what clients spent: not written for %d of them: %w", left, ctx.Err())
	}
	return nil
}
