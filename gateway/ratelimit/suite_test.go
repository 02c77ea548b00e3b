package ratelimit_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

const secretText = "sixteen or more characters"

// slow restores a point in a bit over a day: nothing, in a test.
const slow = 0.00001

// stores are all implementations; each test of the suite runs over each.
var stores = map[string]func(t *testing.T, lease time.Duration) ratelimit.Store{
	"memory": func(_ *testing.T, lease time.Duration) ratelimit.Store { return ratelimit.NewMemory(1000, lease) },
	"miniredis": func(t *testing.T, lease time.Duration) ratelimit.Store {
		return redisStore(t, redisconn.Config{Addresses: []string{miniredis.RunT(t).Addr()}}, ratelimit.RedisConfig{Lease: lease})
	},
	"redis": func(t *testing.T, lease time.Duration) ratelimit.Store {
		return redisStore(t, redisconn.Config{Addresses: []string{redistest.Start(t).Address}}, ratelimit.RedisConfig{Lease: lease})
	},
}

// redisStore connects one more gateway. It waits long where c says nothing: a busy machine isn't the suite's subject.
func redisStore(t *testing.T, c redisconn.Config, r ratelimit.RedisConfig) *ratelimit.Redis {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	client, err := redisconn.New(c, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Secret, r.Timeout = secretText, c.Timeout
	store, err := ratelimit.NewRedis(client, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = store.Close(ended) // a test may have killed the server
		client.Close()
	})
	return store
}

// limiter makes one with a plan "plan".
func limiter(t *testing.T, plan ratelimit.PlanConfig, o ratelimit.Options) (*ratelimit.Limiter, func(id string) ratelimit.Client) {
	t.Helper()
	l, err := ratelimit.New(ratelimit.Config{Plans: map[string]ratelimit.PlanConfig{"plan": plan}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return l, func(id string) ratelimit.Client { return ratelimit.Client{ID: id, Plan: l.Plan("plan")} }
}

func each(t *testing.T, lease time.Duration, test func(t *testing.T, store ratelimit.Store)) {
	t.Helper()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, lease))
		})
	}
}

func buckets(capacity int, restore float64) []ratelimit.Bucket {
	return []ratelimit.Bucket{{Name: "burst", Capacity: capacity, Restore: restore}}
}

// take reserves and says of what kind the refusal was; "" is none.
func take(t *testing.T, l *ratelimit.Limiter, c ratelimit.Client, points int64) (*ratelimit.Reservation, string) {
	t.Helper()
	r, err := l.Reserve(t.Context(), c, points)
	if r == nil {
		t.Fatal("no reservation")
	}
	if err != nil {
		return r, fail.KindOf(err).Code()
	}
	return r, ""
}

// available waits until a client's bucket holds so many points: settling is in the background.
func available(t *testing.T, l *ratelimit.Limiter, c ratelimit.Client, bucket int, want int64) {
	t.Helper()
	var got int64
	redistest.Until(t, fmt.Sprintf("%d points", want), func() bool {
		r, code := take(t, l, c, 0)
		if code != "" {
			t.Fatal(code)
		}
		r.Settle(0)
		got = r.Levels()[bucket].Available
		return got == want
	})
}

func TestReserveAndSettle(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, store ratelimit.Store) {
		l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(100, slow)}, ratelimit.Options{Store: store})
		a, b := client("a"), client("b")

		r, code := take(t, l, a, 60)
		if code != "" || r.Levels()[0].Available != 40 || r.LevelsAfter(10)[0].Available != 90 {
			t.Fatalf("%s %+v %+v", code, r.Levels(), r.LevelsAfter(10))
		}
		if refused, code := take(t, l, a, 41); code != "RATE_LIMITED" || refused.Levels()[0].Available != 40 {
			t.Errorf("%s %+v", code, refused.Levels())
		}
		if _, code := take(t, l, b, 100); code != "" {
			t.Errorf("another client: %s", code)
		}
		r.Settle(10)
		available(t, l, a, 0, 90)
		r.Settle(0) // again: does nothing
		if r, code := take(t, l, a, 90); code != "" || r.Levels()[0].Available != 0 {
			t.Errorf("%s %+v", code, r.Levels())
		}
	})
}

// Refunds bring the bucket back exactly, and never above full.
func TestRefundIsExact(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, store ratelimit.Store) {
		l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(1000, slow)}, ratelimit.Options{Store: store})
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				for i := range int64(10) {
					if r, err := l.Reserve(t.Context(), client("a"), i); err != nil {
						t.Error(err)
					} else {
						r.Settle(0)
					}
				}
			})
		}
		wait.Wait()
		available(t, l, client("a"), 0, 1000)
	})
}

func TestOverrunIsDebtWithABound(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, store ratelimit.Store) {
		l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(100, 1)}, ratelimit.Options{Store: store})
		r, _ := take(t, l, client("a"), 10)
		if got := r.LevelsAfter(5000)[0]; got.Available != 0 || got.Full != 200*time.Second {
			t.Errorf("told as %+v", got)
		}
		r.Settle(5000)
		redistest.Until(t, "debt", func() bool {
			r, code := take(t, l, client("a"), 1)
			wait, ok := r.Wait()
			// 200 points are missing: it takes 101 s until there's one.
			return code == "RATE_LIMITED" && ok && wait > 90*time.Second && wait <= 101*time.Second
		})
		if _, code := take(t, l, client("a"), 0); code != "" {
			t.Errorf("what costs nothing: %s", code)
		}
	})
}

func TestAllBucketsOrNone(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, store ratelimit.Store) {
		l, client := limiter(t, ratelimit.PlanConfig{Buckets: []ratelimit.Bucket{
			{Name: "burst", Capacity: 100, Restore: slow}, {Name: "day", Capacity: 150, Restore: slow},
		}}, ratelimit.Options{Store: store})
		if _, code := take(t, l, client("a"), 80); code != "" {
			t.Fatal(code)
		}
		r, code := take(t, l, client("a"), 30)
		if levels := r.Levels(); code != "RATE_LIMITED" || levels[0].Available != 20 || levels[1].Available != 70 {
			t.Errorf("%s %+v", code, r.Levels())
		}
		if _, code := take(t, l, client("a"), 20); code != "" {
			t.Fatal(code)
		}
		available(t, l, client("a"), 1, 50)
	})
}

func TestPointsComeBack(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, store ratelimit.Store) {
		l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(100, 1000)}, ratelimit.Options{Store: store})
		_, _ = take(t, l, client("a"), 100)
		redistest.Until(t, "points", func() bool { _, code := take(t, l, client("a"), 90); return code == "" })
	})
}

func TestConcurrency(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, store ratelimit.Store) {
		l, client := limiter(t, ratelimit.PlanConfig{MaxConcurrent: 2, Buckets: buckets(100, slow)}, ratelimit.Options{Store: store})
		first, _ := take(t, l, client("a"), 1)
		second, code := take(t, l, client("a"), 1)
		if code != "" {
			t.Fatal(code)
		}
		if r, code := take(t, l, client("a"), 1); code != "CONCURRENCY_LIMITED" || r.Levels()[0].Available != 98 {
			t.Errorf("third: %s %+v", code, r.Levels())
		}
		if _, code := take(t, l, client("b"), 1); code != "" {
			t.Errorf("another client: %s", code)
		}
		first.Settle(1)
		first.Settle(1)
		redistest.Until(t, "room", func() bool { _, code := take(t, l, client("a"), 1); return code == "" })
		if _, code := take(t, l, client("a"), 1); code != "CONCURRENCY_LIMITED" {
			t.Errorf("settled twice, room for two: %s", code)
		}
		second.Settle(1)
	})
}

// Without buckets there's nothing but the operations under way.
func TestOnlyConcurrency(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, store ratelimit.Store) {
		l, client := limiter(t, ratelimit.PlanConfig{MaxConcurrent: 1}, ratelimit.Options{Store: store})
		r, code := take(t, l, client("a"), 1<<60)
		if code != "" || r.Levels() != nil {
			t.Fatalf("%s %v", code, r.Levels())
		}
		if _, code := take(t, l, client("a"), 1); code != "CONCURRENCY_LIMITED" {
			t.Error(code)
		}
		r.Settle(1)
		redistest.Until(t, "room", func() bool { _, code := take(t, l, client("a"), 1); return code == "" })
	})
}

// A gateway that dies never settles: its lease ends, the place is free again and the estimate stays charged.
func TestLeaseEnds(t *testing.T) {
	each(t, 300*time.Millisecond, func(t *testing.T, store ratelimit.Store) {
		l, client := limiter(t, ratelimit.PlanConfig{MaxConcurrent: 1, Buckets: buckets(100, slow)}, ratelimit.Options{Store: store})
		lost, _ := take(t, l, client("a"), 30)
		var next *ratelimit.Reservation
		redistest.Until(t, "room", func() bool {
			r, code := take(t, l, client("a"), 5)
			next = r
			return code == ""
		})
		if got := next.Levels()[0].Available; got != 65 {
			t.Errorf("%d points", got)
		}
		lost.Settle(0) // too late: does nothing
		next.Settle(0) // may be too late on a busy machine
		redistest.Until(t, "the end", func() bool {
			r, code := take(t, l, client("a"), 0)
			if got := r.Levels()[0].Available; got != 65 && got != 70 {
				t.Fatalf("%d points", got)
			}
			return code == ""
		})
	})
}

// A plan can change without a migration: buckets are known by name, new ones are full, a smaller one bounds what's missing.
func TestPlanChanges(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, store ratelimit.Store) {
		before, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(1000, slow)}, ratelimit.Options{Store: store})
		_, _ = take(t, before, client("a"), 950)
		after, client := limiter(t, ratelimit.PlanConfig{Buckets: []ratelimit.Bucket{
			{Name: "burst", Capacity: 2000, Restore: slow}, {Name: "day", Capacity: 5000, Restore: slow},
		}}, ratelimit.Options{Store: store})
		r, code := take(t, after, client("a"), 0)
		if levels := r.Levels(); code != "" || levels[0].Available != 1050 || levels[1].Available != 5000 {
			t.Errorf("%s %+v", code, levels)
		}
		small, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(10, 1)}, ratelimit.Options{Store: store})
		if r, code := take(t, small, client("a"), 1); code != "RATE_LIMITED" || r.Levels()[0].Full > 20*time.Second {
			t.Errorf("%s %+v", code, r.Levels())
		}
	})
}

// Nobody spends a point twice: 8 gateways, 4,000 calls on 1,000 points, 1,000 pass.
func TestExact(t *testing.T) {
	const gateways, calls, points = 8, 4000, 1000
	run := func(t *testing.T, open func() ratelimit.Store) {
		var admitted atomic.Int64
		var wait sync.WaitGroup
		for range gateways {
			l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(points, slow), OnLimiterDown: ratelimit.Closed},
				ratelimit.Options{Store: open()})
			for range 10 {
				wait.Go(func() {
					for range calls / gateways / 10 {
						r, err := l.Reserve(t.Context(), client("a"), 1)
						switch fail.KindOf(err) {
						case fail.RateLimited:
						case fail.RateLimiterUnavailable:
							t.Error(err)
						default:
							admitted.Add(1)
							r.Settle(1)
						}
					}
				})
			}
		}
		wait.Wait()
		if got := admitted.Load(); got != points {
			t.Errorf("%d passed, want %d", got, points)
		}
	}
	t.Run("memory", func(t *testing.T) {
		store := ratelimit.NewMemory(1000, time.Minute)
		run(t, func() ratelimit.Store { return store })
	})
	t.Run("redis", func(t *testing.T) {
		server := redistest.Start(t)
		run(t, func() ratelimit.Store {
			return redisStore(t, redisconn.Config{Addresses: []string{server.Address}}, ratelimit.RedisConfig{})
		})
	})
	t.Run("cluster", func(t *testing.T) {
		nodes := redistest.Cluster(t, 3)
		run(t, func() ratelimit.Store {
			return redisStore(t, redisconn.Config{Addresses: redistest.Addresses(nodes...), Cluster: true}, ratelimit.RedisConfig{})
		})
	})
}

func configOf(servers ...*redistest.Server) redisconn.Config {
	return redisconn.Config{Addresses: redistest.Addresses(servers...)}
}
