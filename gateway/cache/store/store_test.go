package store_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

func TestKeeps(t *testing.T) {
	kinds(t, func(t *testing.T, one, two *store.Store) {
		for size := range map[int]bool{0: true, 10: true, 1023: true, 1024: true, 100_000: true} {
			key := fmt.Sprint("r:", size)
			want := entry(key, strings.Repeat("x", size), "b", "a", "b")
			set(t, one, want, one.Begin())
			for i, s := range []*store.Store{one, two, one, two} {
				got := s.Get(t.Context(), key)
				if got == nil {
					t.Fatalf("%d bytes, %d: nothing", size, i)
				}
				if !bytes.Equal(got.Body, want.Body) || string(got.Meta) != "meta of "+key || !slices.Equal(got.Tags, []string{"a", "b"}) ||
					!got.Created.Equal(want.Created) || !got.Expires.Equal(want.Expires) || !got.StaleUntil.Equal(want.StaleUntil) || got.Took != want.Took {
					t.Errorf("%d bytes, %d: got %+v", size, i, got)
				}
			}
		}
		if got := get(t, two, "r:none", "r:10", "r:other", "r:0"); got != "- xxxxxxxxxx - " {
			t.Errorf("of several: %q", got)
		}
	})
}

func TestPurge(t *testing.T) {
	kinds(t, func(t *testing.T, one, two *store.Store) {
		fill := func() {
			redistest.Until(t, "the entries in both", func() bool {
				f := one.Begin()
				set(t, one, entry("r:1", "1", "type:Post", "Post:1"), f)
				set(t, two, entry("r:2", "2", "type:Post", "Post:2", "list:Post"), f)
				set(t, one, entry("r:3", "3", "type:User", "service:users"), f)
				return get(t, one, "r:1", "r:2", "r:3") == "1 2 3" && get(t, two, "r:1", "r:2", "r:3") == "1 2 3"
			})
		}
		for _, c := range []struct {
			tags  []string
			count int
			left  string
		}{
			{[]string{"Post:1"}, 1, "- 2 3"},
			{[]string{"type:Post"}, 2, "- - 3"},
			{[]string{"list:Post", "service:users"}, 2, "1 - -"},
			{[]string{"type:None"}, 0, "1 2 3"},
			{[]string{store.All}, 3, "- - -"},
			{nil, 0, "1 2 3"},
		} {
			fill()
			if n := purge(t, one, c.tags...); n != c.count {
				t.Errorf("%v: dropped %d, want %d", c.tags, n, c.count)
			}
			if got := get(t, one, "r:1", "r:2", "r:3"); got != c.left {
				t.Errorf("%v: left are %s, want %s", c.tags, got, c.left)
			}
			redistest.Until(t, "the purge in the other process", func() bool { return get(t, two, "r:1", "r:2", "r:3") == c.left })
		}
	})
}

// What is fetched before a purge isn't kept after it, wherever it's fetched and whoever purges.
func TestStaleFill(t *testing.T) {
	kinds(t, func(t *testing.T, one, two *store.Store) {
		f := one.Begin()
		purge(t, two, "Post:1")
		set(t, one, entry("r:1", "old", "Post:1"), f)
		set(t, one, entry("r:2", "good", "Post:2"), f)
		for range 20 {
			for i, s := range []*store.Store{one, two} {
				if got := get(t, s, "r:1"); got != "-" {
					t.Errorf("in %d: %s", i, got)
				}
			}
		}
		redistest.Until(t, "what isn't concerned", func() bool { return get(t, one, "r:2")+get(t, two, "r:2") == "goodgood" })
		settle(t, one, entry("r:1", "new", "Post:1"))
		redistest.Until(t, "what is from after the purge", func() bool { return get(t, one, "r:1")+get(t, two, "r:1") == "newnew" })
	})
}

func TestManyTags(t *testing.T) {
	kinds(t, func(t *testing.T, one, two *store.Store) {
		for _, purged := range []string{"Post:7", "Post:499", "User:3", "type:Post", strings.Repeat("x", 300) + ":1"} {
			tags := []string{"type:Post", strings.Repeat("x", 300) + ":2"}
			for i := range 500 {
				tags = append(tags, fmt.Sprint("Post:", i))
			}
			for i := range 100 {
				tags = append(tags, fmt.Sprint("User:", i))
			}
			settle(t, one, entry("r:1", "1", tags...))
			redistest.Until(t, "the entry in the other", func() bool { // which may hear of the last purge only now
				e := two.Get(t.Context(), "r:1")
				if e != nil && len(e.Tags) > 128 {
					t.Fatalf("kept %+v", e)
				}
				return e != nil
			})
			purge(t, one, purged)
			redistest.Until(t, "the purge of "+purged, func() bool { return get(t, two, "r:1") == "-" })
		}
	})
}

func TestNotKept(t *testing.T) {
	kinds(t, func(t *testing.T, one, _ *store.Store) {
		set(t, one, entry("r:1", strings.Repeat("x", 1<<20)), one.Begin())
		late := entry("r:2", "2")
		late.Expires, late.StaleUntil = time.Now().Add(-time.Second), time.Now()
		set(t, one, late, one.Begin())
		if got := get(t, one, "r:1", "r:2"); got != "- -" {
			t.Errorf("kept %q", got)
		}
	})
}

func TestEnds(t *testing.T) {
	kinds(t, func(t *testing.T, one, two *store.Store) {
		e := entry("r:1", "1")
		e.Expires, e.StaleUntil = time.Now(), time.Now().Add(2*time.Second)
		set(t, one, e, one.Begin())
		if got := get(t, two, "r:1"); got != "1" {
			t.Errorf("stale: %s", got)
		}
		redistest.Until(t, "the end", func() bool { return get(t, one, "r:1") == "-" && get(t, two, "r:1") == "-" })
		if time.Now().Before(e.StaleUntil) {
			t.Error("ended before its time")
		}
	})
}
