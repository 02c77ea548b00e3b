package quota_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/quota"
)

func newQuota(t testing.TB, c quota.Config, o quota.Options) *quota.Quota {
	t.Helper()
	q, err := quota.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		config quota.Config
		want   string
	}{
		{quota.Config{}, ""},
		{quota.Config{Rate: 0.5}, ""},
		{quota.Config{Rate: 10, Burst: 1}, ""},
		{quota.Config{Rate: -1}, "rate: is -1; give requests per second, from one per hour (0.00028) to a million, or 0 for no quota"},
		{quota.Config{Rate: 1e9}, "rate: is 1e+09; give requests per second, from one per hour (0.00028) to a million, or 0 for no quota"},
		{quota.Config{Burst: 3}, "burst: is nothing without rate"},
		{quota.Config{Rate: 1, Burst: -3}, "burst: is -3; give 1 or more"},
	} {
		_, err := quota.New(c.config, quota.Options{})
		if err == nil && c.want != "" || err != nil && err.Error() != c.want {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
}

// TestStores: what every store owes. All times are arguments.
func TestStores(t *testing.T) {
	for name, store := range map[string]quota.Store{"memory": &quota.Memory{}} {
		t.Run(name, func(t *testing.T) {
			ctx, rate, now := t.Context(), quota.Rate{Interval: 100 * time.Millisecond, Burst: 3}, time.Unix(1e9, 0)
			take := func(key string, at time.Duration) time.Duration {
				t.Helper()
				wait, err := store.Take(ctx, key, rate, now.Add(at))
				if err != nil {
					t.Fatal(err)
				}
				return wait
			}
			for range 3 {
				if wait := take("a", 0); wait != 0 {
					t.Errorf("burst: wait %v", wait)
				}
			}
			if wait := take("a", 30*time.Millisecond); wait != 70*time.Millisecond {
				t.Errorf("wait %v", wait)
			}
			if wait := take("b", 0); wait != 0 {
				t.Errorf("another key: wait %v", wait)
			}
			if wait := take("a", 100*time.Millisecond); wait != 0 {
				t.Errorf("after the wait: %v", wait)
			}
			if err := store.Pause(ctx, "a", rate, now.Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			if err := store.Pause(ctx, "a", rate, now.Add(500*time.Millisecond)); err != nil { // the longer one stands
				t.Fatal(err)
			}
			if wait := take("a", 400*time.Millisecond); wait != 600*time.Millisecond {
				t.Errorf("paused: %v", wait)
			}
			if wait := take("a", time.Second); wait != 0 {
				t.Errorf("after the pause: %v", wait)
			}
			if wait := take("a", time.Second); wait != 100*time.Millisecond {
				t.Errorf("no burst after a pause: %v", wait)
			}
			for range 3 {
				if wait := take("a", time.Hour); wait != 0 {
					t.Errorf("after a rest: %v", wait)
				}
			}
		})
	}
}

// TestNeverMoreThanTheRate: in any second there are no more than rate and burst, however they come.
func TestNeverMoreThanTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(t, quota.Config{Rate: 50, Burst: 10}, quota.Options{})
		began := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		var group sync.WaitGroup
		for i := range 500 {
			group.Go(func() {
				time.Sleep(time.Duration(i*i%7919) * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(50+i%400)*time.Millisecond)
				defer cancel()
				if q.Take(ctx) == nil {
					mu.Lock()
					at = append(at, time.Since(began))
					mu.Unlock()
				}
			})
		}
		group.Wait()
		slices.Sort(at)
		for i := range at {
			if j := i + 60; j < len(at) && at[j]-at[i] < time.Second {
				t.Errorf("61 between %v and %v", at[i], at[j])
			}
		}
		if len(at) < 300 {
			t.Errorf("%d got a turn", len(at))
		}
		if q.Waiting() != 0 {
			t.Errorf("%d still wait", q.Waiting())
		}
	})
}

// TestLine: first come, first served, those who leave take no turn with them, and nobody overtakes.
func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(t, quota.Config{Rate: 1, Burst: 1}, quota.Options{})
		began := time.Now()
		var mu sync.Mutex
		got := map[int]time.Duration{}
		var group sync.WaitGroup
		for i := range 6 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i == 1 || i == 3 { // leave: the head, and one in the middle
					time.AfterFunc(500*time.Millisecond, cancel)
				}
				switch err := q.Take(ctx); {
				case err == nil:
					mu.Lock()
					got[i] = time.Since(began)
					mu.Unlock()
				case !errors.Is(err, context.Canceled):
					t.Error(err)
				}
			})
		}
		time.Sleep(10 * time.Millisecond)
		if q.Waiting() != 5 || q.TryTake(t.Context()) {
			t.Errorf("%d wait", q.Waiting())
		}
		group.Wait()
		if len(got) != 4 || got[0] != 0 || got[2] != time.Second || got[4] != 2*time.Second || got[5] != 3*time.Second {
			t.Errorf("%v", got)
		}
	})
}

// TestLate: who can't get a turn in time is told at once, also when the time changes while it waits.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(t, quota.Config{Rate: 1, Burst: 1}, quota.Options{})
		began := time.Now()
		take := func(timeout time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			return q.Take(ctx)
		}
		if err := take(time.Second); err != nil {
			t.Fatal(err)
		}
		if err := take(500 * time.Millisecond); !errors.Is(err, quota.ErrLate) || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		var group sync.WaitGroup
		for _, timeout := range []time.Duration{2500 * time.Millisecond, 5 * time.Second, 20 * time.Second} {
			group.Go(func() {
				err := take(timeout)
				switch took := time.Since(began); {
				case timeout == 20*time.Second && (err != nil || took != 10*time.Second):
					t.Errorf("%v after %v", err, took)
				case timeout < 20*time.Second && (!errors.Is(err, quota.ErrLate) || took != 100*time.Millisecond):
					t.Errorf("%v after %v", err, took)
				}
			})
			synctest.Wait() // in this order
		}
		time.Sleep(100 * time.Millisecond)
		q.Pause(t.Context(), began.Add(10*time.Second))
		group.Wait()
	})
}

// TestPauseWithoutARate: after it everybody goes.
func TestPauseWithoutARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(t, quota.Config{}, quota.Options{})
		began := time.Now()
		q.Pause(t.Context(), began.Add(3*time.Second))
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if err := q.Take(t.Context()); err != nil || time.Since(began) != 3*time.Second {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		}
		group.Wait()
		if err := q.Take(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// unsure is a store that can be down.
type unsure struct {
	quota.Memory
	err error
}

func (u *unsure) Take(ctx context.Context, key string, r quota.Rate, now time.Time) (time.Duration, error) {
	if u.err != nil {
		return 0, u.err
	}
	return u.Memory.Take(ctx, key, r, now)
}

func TestStoreDown(t *testing.T) {
	var log bytes.Buffer
	store := &unsure{err: errors.New("gone")}
	q := newQuota(t, quota.Config{Rate: 0.001, Burst: 1}, quota.Options{Store: store, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3 {
		if err := q.Take(t.Context()); err != nil {
			t.Error(err)
		}
	}
	store.err = nil
	if !q.TryTake(t.Context()) || q.TryTake(t.Context()) {
		t.Error("it doesn't count again")
	}
	if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) != 2 || !strings.Contains(lines[0], "down") || !strings.Contains(lines[1], "back") {
		t.Errorf("%s", log.String())
	}
}

func TestTold(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		status int
		header map[string]string
		want   time.Duration
	}{
		{200, nil, 0},
		{429, nil, time.Second},
		{429, map[string]string{"Retry-After": "7"}, 7 * time.Second},
		{429, map[string]string{"Retry-After": "0"}, 0},
		{429, map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:04:15 GMT"}, 10 * time.Second},
		{429, map[string]string{"Retry-After": "86400"}, time.Minute},
		{429, map[string]string{"Retry-After": "99999999999999999999"}, time.Second},
		{429, map[string]string{"Retry-After": "-1"}, time.Second},
		{503, map[string]string{"Retry-After": "7"}, 0},
		{200, map[string]string{"RateLimit": `"default";r=0;t=5`}, 5 * time.Second},
		{200, map[string]string{"RateLimit": `"default";r=1;t=5`}, 0},
		{200, map[string]string{"RateLimit": `"burst";r=0;t=5, "day";r=0;t=9`}, 9 * time.Second},
		{200, map[string]string{"RateLimit": `"burst";r=0`}, 0},
		{200, map[string]string{"RateLimit": `limit=10, remaining=0, reset=5`}, 5 * time.Second},
		{200, map[string]string{"RateLimit": `limit=10, remaining=3, reset=5`}, 0},
		{200, map[string]string{"RateLimit": `;;;`}, 0},
		{200, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "5"}, 5 * time.Second},
		{200, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "5, 10;w=60"}, 5 * time.Second},
		{200, map[string]string{"RateLimit-Remaining": "0"}, 0},
		{429, map[string]string{"RateLimit": `"default";r=0;t=5`}, 5 * time.Second},
		{429, map[string]string{"RateLimit": `"default";r=0;t=5`, "Retry-After": "7"}, 7 * time.Second},
	} {
		h := http.Header{}
		for name, value := range c.header {
			h.Set(name, value)
		}
		want := time.Time{}
		if c.want > 0 {
			want = now.Add(c.want)
		}
		if got := quota.Told(c.status, h, now); !got.Equal(want) {
			t.Errorf("%d %v: %v, want %v", c.status, c.header, got.Sub(now), c.want)
		}
	}
}

// FuzzTold: whatever a service writes, the pause lies within a minute.
func FuzzTold(f *testing.F) {
	for _, text := range []string{"7", "Fri, 02 Jan 2026 03:04:15 GMT", `"a";r=0;t=5`, "remaining=0, reset=5", "0", "-1", `"a";r=0;t=999999999999999`, "()", "1e9"} {
		f.Add(429, text, text, text, text)
	}
	now := time.Unix(1e9, 0)
	f.Fuzz(func(t *testing.T, status int, after, limit, remaining, reset string) {
		h := http.Header{"Retry-After": {after}, "Ratelimit": {limit}, "Ratelimit-Remaining": {remaining}, "Ratelimit-Reset": {reset}}
		for range 2 {
			got := quota.Told(status, h, now)
			if !got.IsZero() && (!got.After(now) || got.After(now.Add(time.Minute))) {
				t.Errorf("%v", got)
			}
			if d, ok := quota.RetryAfter(h, now); ok && d < 0 {
				t.Errorf("%v", d)
			}
			delete(h, "Ratelimit")
		}
	})
}

func BenchmarkTake(b *testing.B) {
	q := newQuota(b, quota.Config{Rate: 1e6, Burst: 1e6}, quota.Options{})
	b.ReportAllocs()
	for b.Loop() {
		q.TryTake(b.Context())
	}
}
