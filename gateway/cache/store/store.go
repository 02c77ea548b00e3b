// Package store keeps answers in two layers: in this process, and in Redis for all processes.
//
// An Entry is bytes under a key, with tags to purge it by and times until which it's fresh and may be served stale. Both
// caches of the gateway, that of service answers and that of whole responses, keep theirs in one Store, so that a purge
// reaches both. The promise: after Purge returned without an error, no Store serves an entry with one of its tags whose
// fetch began before, at the latest L1TTL later, and at once in the process that purged and wherever the message gets through. Redis is an
// aid: when it's slow, gone, full or holds something foreign, an entry is missing, never wrong and never an error.
// Without Redis the layer in the process is all there is. docs: how a fill and a purge keep out of each other's way
// stands in write.go and purge.go.
package store

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Entry is one answer that is kept. Who gets one shares it with others and changes nothing in it.
type Entry struct {
	// Key is what it's found by. Begin it with a letter of the cache it belongs to and a colon, and hash what clients
	// write: Redis shows keys to whoever may read it.
	Key string
	// Tags are what it can be purged by. They're kept in no order and without repetition; a Store may replace very many
	// tags T:id by one that Purge of any T:id reaches as well.
	Tags []string
	// Body is the answer.
	Body []byte
	// Meta is what a cache wants to know beside it: headers, validators. It counts as small and isn't compressed.
	Meta []byte
	// Created is when its fetch began.
	Created time.Time
	// Expires is until when it's fresh.
	Expires time.Time
	// StaleUntil is until when it's kept, and may be served where staleness is allowed. Not before Expires.
	StaleUntil time.Time
	// Took is how long the fetch took; early refresh reckons with it.
	Took time.Duration
}

// Fresh says whether it needs no refresh at now.
func (e *Entry) Fresh(now time.Time) bool { return now.Before(e.Expires) }

// Age is how old it is at now, never negative.
func (e *Entry) Age(now time.Time) time.Duration { return max(0, now.Sub(e.Created)) }

// Fetch is the beginning of a fetch. What is purged from there on isn't stored by Set with it. Get one by Begin before
// the first byte is asked for.
type Fetch struct {
	start time.Time
	over  bool // it may use what the Store has
}

// Start is when it began.
func (f Fetch) Start() time.Time { return f.start }

// Options are what a Store needs beside its Config. The zero value is a Store in memory that says nothing.
type Options struct {
	// Client reaches Redis. Nil: this process only.
	Client redis.UniversalClient
	// Prefix begins every key in Redis: the key_prefix of the redis section. Default: tributary:
	Prefix string
	// Logger gets a line when purges from other processes can't be heard, or one of ours waits for Redis.
	Logger *slog.Logger
	// Metrics counts.
	Metrics Metrics
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Store keeps entries. It's safe for concurrent use.
type Store struct {
	config  Config
	logger  *slog.Logger
	metrics Metrics
	now     func() time.Time

	local  *local  // L1
	guard  *guard  // what was purged lately
	remote *remote // nil without Redis

	mu        sync.Mutex // guards what follows
	listeners map[int]func(tags []string)
	next      int
}

// New makes a Store. Redis need not answer yet. Close ends its goroutines; the client stays the caller's.
func New(c Config, o Options) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Store{
		config: c.WithDefaults(), logger: o.Logger, metrics: o.Metrics, now: o.Now, guard: &guard{}, listeners: map[int]func([]string){},
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if s.metrics == nil {
		s.metrics = silent{}
	}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	if s.local, err = newLocal(s.config.Memory); err != nil {
		return nil, err
	}
	if o.Client != nil {
		if o.Prefix == "" {
			o.Prefix = "tributary:"
		}
		s.remote = newRemote(s, o.Client, o.Prefix, rand.Text())
	}
	return s, nil
}

// Shared says whether entries are shared with other processes.
func (s *Store) Shared() bool { return s.remote != nil }

// Now is the Store's clock.
func (s *Store) Now() time.Time { return s.now() }

// Begin says that a fetch begins now.
func (s *Store) Begin() Fetch { return Fetch{start: s.now()} }

// From is the fetch as if it had begun at t, when that is earlier: what it brings was fetched for somebody else before.
func (f Fetch) From(t time.Time) Fetch {
	if t.Before(f.start) {
		f.start = t
	}
	return f
}

// BeginOver is Begin for a fetch that may use entries of this Store: in what it brings there may be something that was
// purged by another process a moment before it began, unheard. Where others share the Store, its entry is stored only if
// nobody else purged a tag of it in the second before either.
func (s *Store) BeginOver() Fetch { return Fetch{start: s.now(), over: s.remote != nil} }

// Get returns the entry of a key, or nil when there's none: one that may be stale, but not beyond StaleUntil. It waits
// for Redis ReadTimeout at most.
func (s *Store) Get(ctx context.Context, key string) *Entry {
	now := s.now()
	if e := s.local.get(key, now, s.guard); e != nil {
		s.metrics.CacheLookup(Memory)
		return e
	}
	if s.remote == nil {
		s.metrics.CacheLookup(Missing)
		return nil
	}
	var found [1]*Entry
	s.remote.get(ctx, []string{key}, found[:])
	return found[0]
}

// Peek is Get that asks Redis only where nothing is kept in this process, because its configuration says so.
func (s *Store) Peek(ctx context.Context, key string) *Entry {
	if s.remote != nil && s.config.NoL1 {
		return s.Get(ctx, key)
	}
	e := s.local.get(key, s.now(), s.guard)
	if e != nil {
		s.metrics.CacheLookup(Memory)
	}
	return e
}

// GetMulti puts the entries of keys into found, which is as long, and nil where there's none. What isn't in this process
// is asked for at once, with one MGET; of a Cluster, with one pipeline to each server.
func (s *Store) GetMulti(ctx context.Context, keys []string, found []*Entry) {
	now := s.now()
	missing := 0
	for i, key := range keys {
		if found[i] = s.local.get(key, now, s.guard); found[i] != nil {
			s.metrics.CacheLookup(Memory)
		} else {
			missing++
		}
	}
	if missing == 0 {
		return
	}
	if s.remote == nil {
		for range missing {
			s.metrics.CacheLookup(Missing)
		}
		return
	}
	if missing == len(keys) {
		s.remote.get(ctx, keys, found)
		return
	}
	ask, places := make([]string, 0, missing), make([]int, 0, missing)
	for i, key := range keys {
		if found[i] == nil {
			ask, places = append(ask, key), append(places, i)
		}
	}
	got := make([]*Entry, missing)
	s.remote.get(ctx, ask, got)
	for i, e := range got {
		found[places[i]] = e
	}
}

// Set keeps an entry that the fetch f brought, unless one of its tags was purged since f began. It doesn't wait: Redis
// gets it through a queue. then, when it isn't nil, is called once, when the entry is in Redis, or won't be, or there's
// no Redis; a Lease is released there. The entry belongs to the Store from then on.
func (s *Store) Set(e *Entry, f Fetch, then func()) {
	if then == nil {
		then = func() {}
	}
	now := s.now()
	e.Tags = bounded(e.Tags, s.config.MaxTags)
	size := int64(len(e.Body) + len(e.Meta))
	switch {
	case size > s.config.MaxEntry:
		s.metrics.CacheDropped(TooLarge)
	case !now.Before(e.StaleUntil):
		s.metrics.CacheDropped(Expired)
	case s.guard.since(f.start, e.Tags):
		s.metrics.CacheDropped(Purged)
	default:
		s.keep(e, f, now, then)
		return
	}
	then()
}

func (s *Store) keep(e *Entry, f Fetch, now time.Time, then func()) {
	until := e.StaleUntil
	if s.remote != nil {
		until = earlier(until, f.start.Add(s.config.L1TTL)) // until Redis says that no other process purged it
	}
	if f.over {
		until = f.start // what it's made of may be as old as may be
	}
	it := &item{entry: e, start: f.start}
	it.until.Store(until.UnixNano())
	if now.Before(until) && (s.remote == nil || !s.config.NoL1) {
		s.local.put(it, s.keepFor(e, now), s.guard)
	}
	if s.remote == nil {
		then()
		return
	}
	s.remote.queue(write{it: it, over: f.over, then: then})
}

// keepFor is how long an entry is worth its room in the process.
func (s *Store) keepFor(e *Entry, now time.Time) time.Duration {
	keep := e.StaleUntil.Sub(now)
	if s.remote != nil {
		keep = min(keep, 2*s.config.L1TTL)
	}
	return keep
}

// Purge drops every entry with one of these tags, in both layers and in all processes, and says how many Redis had; without
// Redis, how many this process had. After an error Redis doesn't know of it yet: this process serves nothing with those
// tags any more and goes on trying until Redis has them. It takes PurgeTimeout at most, whatever becomes of ctx.
func (s *Store) Purge(ctx context.Context, tags ...string) (count int, err error) {
	if len(tags) == 0 {
		return 0, nil
	}
	tags = reach(tags)
	if s.remote == nil {
		count = s.forget(tags)
		s.metrics.CachePurged(count)
		return count, nil
	}
	return s.remote.purge(ctx, tags)
}

// PurgeAll drops everything.
func (s *Store) PurgeAll(ctx context.Context) (count int, err error) { return s.Purge(ctx, All) }

// PurgedSince says whether a purge began after t, as far as this process knows, of a tag for which concerns answers yes.
// It remembers about a minute; before that it says yes.
func (s *Store) PurgedSince(t time.Time, concerns func(tag string) bool) bool {
	return s.guard.any(t, concerns)
}

// OnPurge has f called with the tags of every purge, of this process and of others, after this process has dropped its
// entries. f must be quick. When purges of others may have been missed, it's called with All.
func (s *Store) OnPurge(f func(tags []string)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.next
	s.next++
	s.listeners[id] = f
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners, id)
	}
}

// forget drops what this process has with these tags and remembers that. It says how many there were.
func (s *Store) forget(tags []string) int {
	now := s.now()
	s.guard.mark(now, tags)
	count := s.local.purge(tags)
	s.mu.Lock()
	all := make([]func([]string), 0, len(s.listeners))
	for _, f := range s.listeners {
		all = append(all, f)
	}
	s.mu.Unlock()
	for _, f := range all {
		f(tags)
	}
	return count
}

// ErrUnconfirmed is in the chain of a Purge that Redis doesn't know of yet.
var ErrUnconfirmed = errors.New("the purge waits for Redis")

// Lease lets one process of all fetch what key stands for, until release is called or ttl is over.
func (s *Store) Lease(ctx context.Context, key string, ttl time.Duration) (Lease, func()) {
	if s.remote == nil {
		return Granted, func() {}
	}
	return s.remote.lease(ctx, key, ttl)
}

// Poll looks in Redis for what another process fetches: the entry, or whether the lease is still held.
func (s *Store) Poll(ctx context.Context, key string) (e *Entry, held bool) {
	if s.remote == nil {
		return s.Get(ctx, key), false
	}
	return s.remote.poll(ctx, key)
}

// Lease says how asking for one went.
type Lease int

// How a lease can go.
const (
	Granted     Lease = iota // it's ours; also without Redis
	Held                     // another process has it
	Unavailable              // Redis doesn't answer: fetch as if alone
)

// Flush waits until the queue to Redis is empty, and for purges that wait for Redis.
func (s *Store) Flush(ctx context.Context) error {
	if s.remote == nil {
		return nil
	}
	return s.remote.flush(ctx)
}

// Close sends what waits for Redis, as long as ctx allows, and ends the goroutines. Set and Purge may not be called any
// more.
func (s *Store) Close(ctx context.Context) error {
	var err error
	if s.remote != nil {
		err = s.remote.close(ctx)
	}
	s.local.close()
	return err
}

// Size is how many entries this process keeps and how many bytes they weigh.
func (s *Store) Size() (entries int, bytes int64) { return s.local.size() }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
