package store_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// patience is how long anything may take, on a machine with more to do.
const patience = 30 * time.Second

// connect makes a client as the gateway does, but patient: a busy machine isn't a slow Redis.
func connect(t testing.TB, c redisconn.Config) redis.UniversalClient {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	client, err := redisconn.New(c, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func open(t testing.TB, c store.Config, o store.Options) *store.Store {
	t.Helper()
	if o.Client != nil && c.ReadTimeout == 0 {
		c.ReadTimeout, c.PurgeTimeout = 10*time.Second, 20*time.Second
	}
	s, err := store.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = s.Close(ctx) // Redis may be gone by now
	})
	return s
}

// kinds runs a test over every kind of store: two of them that share what they can share.
func kinds(t *testing.T, test func(t *testing.T, one, two *store.Store)) {
	t.Run("memory", func(t *testing.T) {
		s := open(t, store.Config{}, store.Options{})
		test(t, s, s)
	})
	t.Run("miniredis", func(t *testing.T) {
		pair(t, redisconn.Config{Addresses: []string{mini(t)}}, test)
	})
	t.Run("redis", func(t *testing.T) {
		pair(t, redisconn.Config{Addresses: []string{redistest.Start(t).Address}}, test)
	})
	t.Run("cluster", func(t *testing.T) {
		if testing.Short() {
			t.Skip("starts three servers")
		}
		nodes := redistest.Cluster(t, 3)
		pair(t, redisconn.Config{Addresses: redistest.Addresses(nodes...), Cluster: true}, test)
	})
}

// mini starts a miniredis in which time goes by.
func mini(t *testing.T) string {
	t.Helper()
	m := miniredis.RunT(t)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case now := <-tick.C:
				m.FastForward(now.Sub(last))
				last = now
			case <-end:
				return
			}
		}
	}()
	t.Cleanup(func() { close(end); <-ended })
	return m.Addr()
}

// settle keeps an entry for certain. A mark's age is known to 2 ms, so a fetch that begins right after a purge may count as
// one that began before.
func settle(t testing.TB, s *store.Store, e *store.Entry) {
	t.Helper()
	redistest.Until(t, "the entry "+e.Key, func() bool {
		set(t, s, e, s.Begin())
		return s.Get(t.Context(), e.Key) != nil
	})
}

func pair(t *testing.T, c redisconn.Config, test func(t *testing.T, one, two *store.Store)) {
	t.Helper()
	heard := &listening{}
	one := open(t, store.Config{}, store.Options{Client: connect(t, c), Metrics: heard})
	two := open(t, store.Config{}, store.Options{Client: connect(t, c), Metrics: heard})
	redistest.Until(t, "two listeners", func() bool { return heard.count() == 2 })
	test(t, one, two)
}

// listening counts what a Store tells.
type listening struct {
	mu      sync.Mutex // guards what follows
	n       int
	places  map[store.Place]int
	dropped map[store.Reason]int
	purged  int
}

func (l *listening) add(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places == nil {
		l.places, l.dropped = map[store.Place]int{}, map[store.Reason]int{}
	}
	f()
}

func (l *listening) CacheLookup(p store.Place)   { l.add(func() { l.places[p]++ }) }
func (l *listening) CacheDropped(r store.Reason) { l.add(func() { l.dropped[r]++ }) }
func (l *listening) CachePurged(n int)           { l.add(func() { l.purged += n }) }
func (l *listening) CacheListening(on bool) {
	l.add(func() {
		if on {
			l.n++
		} else {
			l.n--
		}
	})
}

func (l *listening) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func (l *listening) drops(r store.Reason) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped[r]
}

func entry(key, body string, tags ...string) *store.Entry {
	now := time.Now()
	return &store.Entry{
		Key: key, Body: []byte(body), Meta: []byte("meta of " + key), Tags: tags, Created: now, Took: 5 * time.Millisecond,
		Expires: now.Add(time.Minute), StaleUntil: now.Add(2 * time.Minute),
	}
}

// set keeps an entry and waits until that's done.
func set(t testing.TB, s *store.Store, e *store.Entry, f store.Fetch) {
	t.Helper()
	done := make(chan struct{})
	s.Set(e, f, func() { close(done) })
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("a write doesn't end")
	}
}

func body(e *store.Entry) string {
	if e == nil {
		return "-"
	}
	return string(e.Body)
}

func get(t testing.TB, s *store.Store, keys ...string) string {
	t.Helper()
	if len(keys) == 1 {
		return body(s.Get(t.Context(), keys[0]))
	}
	found := make([]*store.Entry, len(keys))
	s.GetMulti(t.Context(), keys, found)
	var all []string
	for _, e := range found {
		all = append(all, body(e))
	}
	return strings.Join(all, " ")
}

func purge(t testing.TB, s *store.Store, tags ...string) int {
	t.Helper()
	n, err := s.Purge(t.Context(), tags...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
