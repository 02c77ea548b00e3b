package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
)

// TestADay plays a day of traffic in virtual time, over a Redis whose clock goes with it: after each hour every key has a
// TTL, there are no more entries than were made in the longest of their times, and no set names more than those. When
// nobody comes any more nothing is left.
func TestADay(t *testing.T) {
	const (
		step    = 5 * time.Minute
		longest = time.Hour
		fills   = 12 // in a step
	)
	m := miniredis.RunT(t)
	var clock atomic.Int64
	clock.Store(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	now := func() time.Time { return time.Unix(0, clock.Load()) }
	m.SetTime(now())
	pass := func(d time.Duration) {
		clock.Add(int64(d))
		m.SetTime(now())
		m.FastForward(d)
	}
	s := open(t, store.Config{}, store.Options{Client: connect(t, redisconn.Config{Addresses: []string{m.Addr()}}), Now: now})
	flush := func() {
		t.Helper()
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	most, made := 0, 0
	for at := time.Duration(0); at < 24*time.Hour; at += step {
		for range fills {
			made++
			key := fmt.Sprint("r:", rand.IntN(100_000))
			e := entry(key, "x", "type:Post", "list:Post", fmt.Sprint("Post:", rand.IntN(2000)), fmt.Sprint("User:", rand.IntN(100_000)))
			e.Created = now()
			e.Expires = now().Add(time.Minute + rand.N(longest-2*time.Minute))
			e.StaleUntil = e.Expires.Add(time.Minute)
			s.Set(e, s.Begin(), nil)
			if rand.IntN(5) == 0 {
				_, release := s.Lease(t.Context(), key, 10*time.Second)
				release()
			}
		}
		flush()
		if rand.IntN(4) == 0 {
			purge(t, s, fmt.Sprint("Post:", rand.IntN(2000)))
		}
		pass(step)
		if at%time.Hour != 0 {
			continue
		}
		entries := 0
		for _, key := range m.Keys() {
			if ttl := m.TTL(key); ttl <= 0 || ttl > longest+11*time.Minute {
				t.Fatalf("after %v: the TTL of %s is %v", at, key, ttl)
			}
			kind := strings.TrimPrefix(key, "tributary:cache:")[:2]
			switch kind {
			case "e:":
				entries++
			case "t:":
				if named, _ := m.SortedSet(key); len(named) > fills*int(longest/step+2) {
					t.Fatalf("after %v: %s names %d keys", at, key, len(named))
				}
			}
		}
		most = max(most, len(m.Keys()))
		if entries > fills*int(longest/step+1) {
			t.Errorf("after %v: %d entries", at, entries)
		}
	}
	t.Logf("%d entries made, %d keys at most", made, most)
	if most < fills*10 {
		t.Error("nothing was kept")
	}
	for range 30 {
		pass(5 * time.Minute)
	}
	if left := m.Keys(); len(left) > 0 {
		t.Errorf("a night later there are still %v", left)
	}
}
