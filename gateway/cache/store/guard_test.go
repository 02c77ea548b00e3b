package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
)

// TestPurgedSince: what is remembered is remembered rightly, and what isn't counts as purged.
func TestPurgedSince(t *testing.T) {
	now := time.Now()
	s := open(t, store.Config{}, store.Options{Now: func() time.Time { return now }})
	concerns := func(want string) func(string) bool { return func(tag string) bool { return tag == want } }
	begin := now
	for i := range 10_000 {
		now = now.Add(time.Millisecond)
		purge(t, s, fmt.Sprint("Post:", i))
	}
	for _, c := range []struct {
		ago  time.Duration
		tag  string
		want bool
	}{
		{0, "Post:9999", true},
		{0, "Post:9998", false},
		{time.Millisecond, "Post:9998", true},
		{time.Second, "Post:9000", true},
		{time.Second, "Post:8998", false},
		{time.Second, "User:1", false},
		{10 * time.Second, "User:1", true}, // forgotten
	} {
		if got := s.PurgedSince(now.Add(-c.ago), concerns(c.tag)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	now = now.Add(time.Hour)
	purge(t, s, "Post:1")
	if s.PurgedSince(now.Add(-time.Second), concerns("Post:9999")) || !s.PurgedSince(begin, concerns("x")) {
		t.Error("after an hour")
	}
}
