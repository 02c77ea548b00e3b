package store

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"
)

// remote is the layer in Redis. Every command names one key, but for MGET where there's no Cluster; every key has a TTL:
//
//	<prefix>cache:[<namespace>:]e:<key>   an entry, sealed
//	                             t:<tag>   a sorted set: the keys of entries by when they end, by Redis's clock
//	                             p:<tag>   there for a while after a purge; its TTL says how long ago that was
//	                             l:<key>   a lease
//	                             purges    the channel
type remote struct {
	store   *Store
	client  redis.UniversalClient
	cluster bool
	base    string
	origin  string // of this process, in messages

	writes  chan write
	waiting atomic.Int64 // bytes in the queue
	undone  atomic.Int64 // writes that aren't finished
	reads   reads

	mu     sync.Mutex // guards what follows
	unsaid [][]string // purges that Redis doesn't know of
	retry  chan struct{}

	ctx     context.Context //nolint:containedctx // of the goroutines; ends with close
	cancel  context.CancelFunc
	workers sync.WaitGroup
}

func newRemote(s *Store, client redis.UniversalClient, prefix, origin string) *remote {
	r := &remote{
		store: s, client: client, base: prefix + "cache:", origin: origin,
		writes: make(chan write, s.config.Queue), retry: make(chan struct{}, 1),
	}
	if s.config.Namespace != "" {
		r.base += s.config.Namespace + ":"
	}
	_, r.cluster = client.(*redis.ClusterClient)
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for range writers {
		r.workers.Go(r.writeAll)
	}
	r.workers.Go(r.listen)
	r.workers.Go(r.sayLater)
	r.workers.Go(r.look)
	return r
}

func (r *remote) entryKey(key string) string { return r.base + "e:" + key }
func (r *remote) tagKey(tag string) string   { return r.base + "t:" + tag }
func (r *remote) markKey(tag string) string  { return r.base + "p:" + tag }
func (r *remote) leaseKey(key string) string { return r.base + "l:" + key }
func (r *remote) channel() string            { return r.base + "purges" }

// allShards is over how many sets the index of everything is spread.
const allShards = 16

// allTag is the part of the index of everything that a key is in.
func allTag(key string) string {
	return All + "/" + strconv.FormatUint(xxhash.Sum64String(key)%allShards, 10)
}

// get reads entries into found and keeps them in the process.
func (r *remote) get(ctx context.Context, keys []string, found []*Entry) {
	s := r.store
	if len(keys) == 1 {
		if found[0] = r.one(ctx, keys[0]); found[0] == nil {
			s.metrics.CacheLookup(Missing)
		} else {
			s.metrics.CacheLookup(Redis)
		}
		return
	}
	start := s.now()
	ctx, cancel := context.WithTimeout(ctx, s.config.ReadTimeout)
	defer cancel()
	values := r.read(ctx, keys)
	now := s.now()
	for i, key := range keys {
		var value string
		if values != nil {
			value, _ = values[i].(string)
		}
		found[i] = r.open(key, value, start, now)
		if found[i] == nil {
			s.metrics.CacheLookup(Missing)
		} else {
			s.metrics.CacheLookup(Redis)
		}
	}
}

// open reads a value and keeps it in the process, if nothing speaks against it.
func (r *remote) open(key, value string, start, now time.Time) *Entry {
	s := r.store
	if value == "" {
		return nil
	}
	e, err := open(key, []byte(value), s.config.MaxEntry)
	if err != nil {
		s.metrics.CacheDropped(Foreign)
	}
	if e == nil || !now.Before(e.StaleUntil) || s.guard.awaits(e.Tags) || s.guard.since(start, e.Tags) {
		return nil
	}
	if s.config.NoL1 {
		return e
	}
	it := &item{entry: e, start: start}
	it.until.Store(earlier(e.StaleUntil, start.Add(s.config.L1TTL)).UnixNano())
	s.local.put(it, s.keepFor(e, now), s.guard)
	return e
}

// read returns what Redis has under several keys, or nil.
func (r *remote) read(ctx context.Context, keys []string) []any {
	if !r.cluster {
		all := make([]string, len(keys))
		for i, key := range keys {
			all[i] = r.entryKey(key)
		}
		values, err := r.client.MGet(ctx, all...).Result()
		if err != nil || len(values) != len(keys) {
			return nil
		}
		return values
	}
	pipe := r.client.Pipeline()
	commands := make([]*redis.StringCmd, len(keys))
	for i, key := range keys {
		commands[i] = pipe.Get(ctx, r.entryKey(key))
	}
	_, _ = pipe.Exec(ctx) // each says for itself
	values := make([]any, len(keys))
	for i, c := range commands {
		if value, err := c.Result(); err == nil {
			values[i] = value
		}
	}
	return values
}

// release gives a lease back, if it's still ours.
var release = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

func (r *remote) lease(ctx context.Context, key string, ttl time.Duration) (Lease, func()) {
	ctx, cancel := context.WithTimeout(ctx, r.store.config.ReadTimeout)
	defer cancel()
	token := rand.Text()
	err := r.client.SetArgs(ctx, r.leaseKey(key), token, redis.SetArgs{Mode: "NX", TTL: ttl}).Err()
	switch {
	case errors.Is(err, redis.Nil):
		return Held, func() {}
	case err != nil:
		return Unavailable, func() {}
	}
	return Granted, sync.OnceFunc(func() {
		if r.ctx.Err() != nil {
			return
		}
		r.workers.Go(func() {
			ctx, cancel := context.WithTimeout(r.ctx, stageTimeout)
			defer cancel()
			_ = release.Run(ctx, r.client, []string{r.leaseKey(key)}, token).Err() // it ends by itself otherwise
		})
	})
}

func (r *remote) poll(ctx context.Context, key string) (e *Entry, held bool) {
	start := r.store.now()
	ctx, cancel := context.WithTimeout(ctx, r.store.config.ReadTimeout)
	defer cancel()
	pipe := r.client.Pipeline()
	lease, value := pipe.Exists(ctx, r.leaseKey(key)), pipe.Get(ctx, r.entryKey(key)) // in this order: the entry comes first
	_, _ = pipe.Exec(ctx)                                                             // each says for itself
	return r.open(key, value.Val(), start, r.store.now()), lease.Err() == nil && lease.Val() > 0
}

// look warns of a policy by which Redis may drop what must stay.
func (r *remote) look() {
	ctx, cancel := context.WithTimeout(r.ctx, stageTimeout)
	defer cancel()
	policy, err := r.client.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil {
		return // it may not be told, or down
	}
	if name := policy["maxmemory-policy"]; strings.HasPrefix(name, "allkeys-") || strings.HasPrefix(name, "volatile-") {
		r.store.logger.WarnContext(ctx, "redis may drop the index of tags when its memory is full, and purges miss answers then: set maxmemory-policy to noeviction",
			"policy", name)
	}
}

func (r *remote) flush(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		r.mu.Lock()
		unsaid := len(r.unsaid)
		r.mu.Unlock()
		if unsaid == 0 && r.undone.Load() == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
}

func (r *remote) close(ctx context.Context) error {
	err := r.flush(ctx)
	r.cancel()
	r.workers.Wait()
	for { // their leases
		select {
		case w := <-r.writes:
			r.finish(w)
		default:
			return err
		}
	}
}
