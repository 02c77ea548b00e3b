package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// TestPoisoned puts everything under an entry's key that isn't an entry of this key: it's missing, and nothing worse.
func TestPoisoned(t *testing.T) {
	server := redistest.Start(t)
	c := redisconn.Config{Addresses: []string{server.Address}}
	one := open(t, store.Config{}, store.Options{Client: connect(t, c), Prefix: "t:"})
	client := connect(t, c)
	const key = "t:cache:e:r:1"
	for _, size := range []int{10, 5000} {
		set(t, one, entry("r:1", strings.Repeat("x", size), "a", "b"), one.Begin())
		good, err := client.Get(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		poisons := []string{"", "x", "null", strings.Repeat("\xff", 100), good + "x", good[1:]}
		for i := range good {
			if i != 2 { // whether it's valid is no part of what is checked: 0 is missing, 2 and up foreign
				poisons = append(poisons, good[:i], good[:i]+string(good[i]^1)+good[i+1:])
			}
		}
		if len(poisons) > 600 {
			poisons = poisons[:600]
		}
		metrics := &listening{}
		// What is in one store's memory isn't asked for: a new one for all of them.
		two := open(t, store.Config{}, store.Options{Client: connect(t, c), Prefix: "t:", Metrics: metrics})
		for i, poison := range poisons {
			// A nonce that was changed is a nonce.
			if i > 6 && (i-7)/2 >= 2 && (i-7)/2 < 12 {
				continue
			}
			client.Set(t.Context(), key, poison, time.Minute)
			if e := two.Get(t.Context(), "r:1"); e != nil && string(e.Body) != strings.Repeat("x", size) {
				t.Fatalf("%d: got %q", i, e.Body)
			} else if e != nil {
				t.Errorf("%d: a damaged entry is one: %q", i, poison)
			}
		}
		if metrics.drops(store.Foreign) == 0 {
			t.Error("nothing was counted")
		}
		// An entry under another's key is none.
		client.Set(t.Context(), "t:cache:e:r:2", good, time.Minute)
		if got := get(t, two, "r:2"); got != "-" {
			t.Errorf("another's: %q", got)
		}
		// Other kinds of values, as entries, sets and marks.
		for _, at := range []string{key, "t:cache:t:a", "t:cache:p:a", "t:cache:l:r:1"} {
			client.Del(t.Context(), at)
			client.RPush(t.Context(), at, "x")
		}
		if got := get(t, two, "r:1", "r:2", "r:3"); got != "- - -" {
			t.Errorf("lists: %q", got)
		}
		if _, err := two.Purge(t.Context(), "a"); err != nil {
			t.Errorf("a purge: %v", err)
		}
		set(t, one, entry("r:1", "good", "a"), one.Begin()) // repairs what it can
		settle(t, one, entry("r:1", "good", "a"))
		if got := get(t, two, "r:1"); got != "good" {
			t.Errorf("after it: %q", got)
		}
		client.FlushAll(t.Context())
	}
	for _, text := range []string{"", "x", `{"tags":[]}`, `{"from":"x","tags":["a"]}`} {
		client.SPublish(t.Context(), "t:cache:purges", text) // must not panic
	}
}

// TestDown has Redis killed, stopped and full, under load: no call takes long, none fails, and what was purged meanwhile
// doesn't come back with it.
func TestDown(t *testing.T) {
	for _, kind := range []string{"killed", "stopped", "full"} {
		t.Run(kind, func(t *testing.T) {
			server := redistest.Start(t)
			client, err := redisconn.New(redisconn.Config{Addresses: []string{server.Address}}, redisconn.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			metrics := &listening{}
			s := open(t, store.Config{ReadTimeout: 50 * time.Millisecond, PurgeTimeout: 500 * time.Millisecond}, store.Options{Client: client, Metrics: metrics})
			redistest.Until(t, "the listener", func() bool { return metrics.count() == 1 })
			redistest.Until(t, "an entry", func() bool {
				set(t, s, entry("r:1", "old", "Post:1"), s.Begin())
				set(t, s, entry("r:2", "stays", "Post:2"), s.Begin())
				return server.Do("EXISTS", "tributary:cache:e:r:1", "tributary:cache:e:r:2") == int64(2)
			})
			switch kind {
			case "killed":
				server.Kill()
			case "stopped":
				server.Pause()
			case "full":
				server.Do("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
			}
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for i := range 50 {
						key := fmt.Sprint("r:", rand.IntN(1000)+10)
						start := time.Now()
						s.Get(t.Context(), key)
						s.GetMulti(t.Context(), []string{key, "r:0"}, make([]*store.Entry, 2))
						s.Set(entry(key, "x", fmt.Sprint("Post:", i+10)), s.Begin(), nil)
						lease, release := s.Lease(t.Context(), key, time.Second)
						release()
						if lease == store.Held && kind != "full" {
							t.Error("a lease that nobody has")
						}
						if took := time.Since(start); took > 5*time.Second { // 50 ms three times, but the machine is busy
							t.Errorf("took %v", took)
						}
					}
				})
			}
			wg.Wait()
			_, purged := s.Purge(t.Context(), "Post:1")
			if kind != "full" && !errors.Is(purged, store.ErrUnconfirmed) {
				t.Errorf("the purge: %v", purged)
			}
			if got := get(t, s, "r:1"); got != "-" {
				t.Errorf("after the purge: %s", got)
			}
			if kind == "full" { // what takes no memory is done
				redistest.Until(t, "the purge in Redis", func() bool { return server.Do("EXISTS", "tributary:cache:e:r:1") == int64(0) })
			}
			switch kind {
			case "killed":
				server.Restart()
			case "stopped":
				server.Continue()
			case "full":
				server.Do("CONFIG", "SET", "maxmemory", "0")
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				if got := get(t, s, "r:1"); got != "-" {
					t.Errorf("what was purged came back: %s", got)
				}
			}
			redistest.Until(t, "entries again", func() bool {
				set(t, s, entry("r:3", "new", "Post:3"), s.Begin())
				other := open(t, store.Config{}, store.Options{Client: connect(t, redisconn.Config{Addresses: []string{server.Address}})})
				return get(t, other, "r:3") == "new"
			})
		})
	}
}

// TestEveryKeyEnds plays a day's traffic in small: every key in Redis has a TTL, and sets name no more than there is.
func TestEveryKeyEnds(t *testing.T) {
	server := redistest.Start(t)
	c := redisconn.Config{Addresses: []string{server.Address}}
	metrics := &listening{}
	s := open(t, store.Config{Namespace: "shop"}, store.Options{Client: connect(t, c), Metrics: metrics})
	redistest.Until(t, "the listener", func() bool { return metrics.count() == 1 })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 400 {
				key := fmt.Sprint("r:", rand.IntN(200))
				s.Get(t.Context(), key)
				now := time.Now()
				e := entry(key, strings.Repeat("x", rand.IntN(3000)), "type:Post", fmt.Sprint("Post:", rand.IntN(50)), "list:Post")
				e.Expires = now.Add(time.Duration(1+rand.IntN(300)) * time.Millisecond)
				if rand.IntN(10) == 0 {
					e.Expires = now.Add(time.Minute)
				}
				e.StaleUntil = e.Expires.Add(50 * time.Millisecond)
				if i%10 == 0 {
					set(t, s, e, s.Begin())
				} else {
					s.Set(e, s.Begin(), nil)
				}
				if i%20 == 0 {
					_, release := s.Lease(t.Context(), key, time.Second)
					release()
				}
				if i%50 == 0 {
					purge(t, s, fmt.Sprint("Post:", rand.IntN(50)))
				}
			}
		})
	}
	wg.Wait()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	redistest.Until(t, "the end of most", func() bool {
		set(t, s, entry("r:last", "x", "type:Post", "list:Post"), s.Begin()) // which takes out what is over
		return fmt.Sprint(server.Do("ZCARD", "tributary:cache:shop:t:type:Post")) < "300"
	})
	client := server.Client()
	defer client.Close()
	entries, kinds := 0, map[string]int{}
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		rest, ours := strings.CutPrefix(key, "tributary:cache:shop:")
		if !ours {
			t.Errorf("%s is outside of the namespace", key)
			continue
		}
		kinds[rest[:2]]++
		switch ttl := client.PTTL(t.Context(), key).Val(); {
		case ttl == -1:
			t.Errorf("%s never ends", key)
		case ttl > 11*time.Minute:
			t.Errorf("%s ends in %v", key, ttl)
		}
		if strings.HasPrefix(rest, "e:") {
			entries++
		}
		if strings.HasPrefix(rest, "t:") {
			if n := client.ZCard(t.Context(), key).Val(); n > 250 {
				t.Errorf("%s names %d keys", key, n)
			}
		}
	}
	if entries == 0 || kinds["t:"] == 0 || kinds["p:"] == 0 {
		t.Errorf("there are %v", kinds)
	}
}

// TestSetOutlivesEntries has an entry that ends late listed after one that ends early, and the other way about.
func TestSetOutlivesEntries(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, store.Config{}, store.Options{Client: connect(t, redisconn.Config{Addresses: []string{server.Address}})})
	for i, lives := range []time.Duration{time.Minute, time.Hour, time.Second} {
		e := entry(fmt.Sprint("r:", i), "x", "Post:1")
		e.StaleUntil = time.Now().Add(lives)
		e.Expires = e.StaleUntil
		redistest.Until(t, "the entry", func() bool { // the listener's first word may drop it
			set(t, s, e, s.Begin())
			return server.Do("EXISTS", "tributary:cache:e:"+e.Key) == int64(1)
		})
	}
	if ttl, _ := server.Do("TTL", "tributary:cache:t:Post:1").(int64); ttl < 3600 || ttl > 3700 {
		t.Errorf("the set ends in %d s", ttl)
	}
}

// TestFlood has one client ask for very many keys that nobody asks for again: what others use stays.
func TestFlood(t *testing.T) {
	s := open(t, store.Config{Memory: 8 << 20}, store.Options{})
	const used = 200
	for range 20 {
		for i := range used {
			key := fmt.Sprint("r:used", i)
			if s.Get(t.Context(), key) == nil {
				set(t, s, entry(key, strings.Repeat("x", 5000), "type:Post"), s.Begin())
			}
		}
	}
	for i := range 20_000 { // a hundred megabytes
		key := fmt.Sprint("r:random", i)
		s.Get(t.Context(), key)
		set(t, s, entry(key, strings.Repeat("x", 5000), fmt.Sprint("Post:", i)), s.Begin())
		s.Get(t.Context(), fmt.Sprint("r:used", i%used))
		if i%32 == 0 {
			s.Size() // brings its books up to date, as it has the time to when the keys come through a network
		}
	}
	left := 0
	for i := range used {
		if s.Get(t.Context(), fmt.Sprint("r:used", i)) != nil {
			left++
		}
	}
	if _, bytes := s.Size(); bytes > 8<<20 {
		t.Errorf("it weighs %d bytes", bytes)
	}
	if left < used*9/10 {
		t.Errorf("of %d that are in use %d are left", used, left)
	}
}

func TestQueueIsBounded(t *testing.T) {
	server := redistest.Start(t)
	metrics := &listening{}
	s := open(t, store.Config{Queue: 4, ReadTimeout: 50 * time.Millisecond}, store.Options{
		Client: connect(t, redisconn.Config{Addresses: []string{server.Address}, Timeout: time.Second}), Metrics: metrics,
	})
	server.Pause()
	defer server.Continue()
	for i := range 200 {
		s.Set(entry(fmt.Sprint("r:", i), "x"), s.Begin(), nil)
	}
	if metrics.drops(store.QueueFull) < 100 {
		t.Errorf("dropped %d", metrics.drops(store.QueueFull))
	}
}

// TestListeners get what is purged here and there.
func TestListeners(t *testing.T) {
	kinds(t, func(t *testing.T, one, two *store.Store) {
		got := make(chan string, 100)
		cancel := two.OnPurge(func(tags []string) { got <- strings.Join(tags, " ") })
		defer cancel()
		purge(t, one, "Post:1")
		select {
		case tags := <-got:
			if tags != "Post:1 many many:Post" {
				t.Errorf("heard %s", tags)
			}
		case <-time.After(patience):
			t.Error("nothing was heard")
		}
	})
}
