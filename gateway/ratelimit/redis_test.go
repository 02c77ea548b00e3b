package ratelimit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// impatient is a store with a timeout that a paused server is sure to miss.
func impatient(t *testing.T, server *redistest.Server) *ratelimit.Redis {
	t.Helper()
	c := configOf(server)
	c.Timeout = 200 * time.Millisecond
	return redisStore(t, c, ratelimit.RedisConfig{})
}

// What Redis took after the gateway had given up is given back: the client was told that nothing was taken.
func TestLateAnswersAreGivenBack(t *testing.T) {
	server := redistest.Start(t)
	plan := ratelimit.PlanConfig{OnLimiterDown: ratelimit.Closed, MaxConcurrent: 1, Buckets: buckets(100, slow)}
	l, client := limiter(t, plan, ratelimit.Options{Store: impatient(t, server)})
	redistest.Until(t, "an answer", func() bool { r, code := take(t, l, client("warm"), 0); r.Settle(0); return code == "" })
	server.Pause()
	if _, code := take(t, l, client("a"), 70); code != "RATE_LIMITER_UNAVAILABLE" {
		t.Errorf("a paused Redis: %q", code)
	}
	server.Continue()
	other, client := limiter(t, plan, ratelimit.Options{Store: redisStore(t, configOf(server), ratelimit.RedisConfig{})})
	redistest.Until(t, "all points and room", func() bool {
		r, code := take(t, other, client("a"), 0)
		r.Settle(0)
		return code == "" && r.Levels()[0].Available == 100
	})
}

// What was used is written when Redis is back, and nobody waits for it.
func TestSettlingOutlivesAnOutage(t *testing.T) {
	server := redistest.Start(t)
	plan := ratelimit.PlanConfig{OnLimiterDown: ratelimit.Closed, Buckets: buckets(100, slow)}
	l, client := limiter(t, plan, ratelimit.Options{Store: impatient(t, server)})
	var r *ratelimit.Reservation
	redistest.Until(t, "a reservation", func() bool {
		var code string
		r, code = take(t, l, client("a"), 70)
		return code == ""
	})
	server.Pause()
	start := time.Now()
	r.Settle(30)
	if took := time.Since(start); took > 100*time.Millisecond {
		t.Errorf("settling took %v", took)
	}
	if _, code := take(t, l, client("b"), 1); code != "RATE_LIMITER_UNAVAILABLE" {
		t.Error(code)
	}
	server.Continue()
	other, client := limiter(t, plan, ratelimit.Options{Store: redisStore(t, configOf(server), ratelimit.RedisConfig{})})
	available(t, other, client("a"), 0, 70)
}

func TestCloseWritesWhatIsLeft(t *testing.T) {
	server := redistest.Start(t)
	plan := ratelimit.PlanConfig{Buckets: buckets(10_000, slow)}
	l, client := limiter(t, plan, ratelimit.Options{Store: redisStore(t, configOf(server), ratelimit.RedisConfig{})})
	var all []*ratelimit.Reservation
	for range 500 {
		r, code := take(t, l, client("a"), 20)
		if code != "" {
			t.Fatal(code)
		}
		all = append(all, r)
	}
	for _, r := range all {
		r.Settle(1)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, client := limiter(t, plan, ratelimit.Options{Store: redisStore(t, configOf(server), ratelimit.RedisConfig{})})
	if r, code := take(t, other, client("a"), 0); code != "" || r.Levels()[0].Available != 9500 {
		t.Errorf("%s %+v", code, r.Levels())
	}
	// Closed is closed, twice too, and no panic.
	if _, code := take(t, l, client("b"), 1); code != "" { // counted locally
		t.Error(code)
	}
	all[0].Settle(5)
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsInTime(t *testing.T) {
	server := redistest.Start(t)
	l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(100, slow)}, ratelimit.Options{Store: impatient(t, server)})
	var r *ratelimit.Reservation
	redistest.Until(t, "a reservation", func() bool {
		r, _ = take(t, l, client("a"), 1)
		return r.Levels()[0].Available < 100
	})
	server.Pause()
	defer server.Continue()
	r.Settle(0)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := l.Close(ctx)
	if took := time.Since(start); err == nil || took > 5*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// An outage is no second helping: the gateway goes on from where Redis was last, not from a full bucket.
func TestLocalGoesOnFromWhereRedisWas(t *testing.T) {
	server := redistest.Start(t)
	store := redisStore(t, configOf(server), ratelimit.RedisConfig{})
	l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(100, slow)}, ratelimit.Options{Store: store})
	if _, code := take(t, l, client("a"), 70); code != "" {
		t.Fatal(code)
	}
	server.Kill()
	if _, code := take(t, l, client("a"), 31); code != "RATE_LIMITED" {
		t.Errorf("more than was left: %q", code)
	}
	if _, code := take(t, l, client("a"), 30); code != "" {
		t.Errorf("what was left: %q", code)
	}
	if _, code := take(t, l, client("b"), 100); code != "" {
		t.Errorf("who wasn't there before: %q", code)
	}
	// Redis is back, empty, and goes again: what was spent here meanwhile isn't forgotten.
	server.Restart()
	redistest.Until(t, "counting in Redis", func() bool {
		r, _ := take(t, l, client("a"), 0)
		r.Settle(0)
		return r.Levels()[0].Available == 100
	})
	server.Kill()
	if _, code := take(t, l, client("a"), 1); code != "RATE_LIMITED" {
		t.Errorf("after a second outage: %q", code)
	}
}

func TestInstancesCountEachOther(t *testing.T) {
	server := redistest.Start(t)
	first := redisStore(t, configOf(server), ratelimit.RedisConfig{Beat: 50 * time.Millisecond})
	second := redisStore(t, configOf(server), ratelimit.RedisConfig{Beat: 50 * time.Millisecond})
	redistest.Until(t, "two", func() bool { return first.Instances() == 2 && second.Instances() == 2 })
	if err := second.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	redistest.Until(t, "one", func() bool { return first.Instances() == 1 })
	server.Kill()
	if got := first.Instances(); got != 1 {
		t.Errorf("without Redis: %d", got)
	}
}

// A server that refuses the script, for lack of a right, is as good as none: the log says so once.
func TestNoPermission(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "gateway", "on", ">hunter2", "~*", "+@all", "-evalsha", "-eval")
	c := configOf(server)
	c.Username, c.Password = "gateway", "hunter2"
	var log strings.Builder
	l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(10, slow)}, ratelimit.Options{
		Store: redisStore(t, c, ratelimit.RedisConfig{}), Logger: logTo(&log),
	})
	for i := range 3 {
		if _, code := take(t, l, client("a"), 5); (code == "") != (i < 2) {
			t.Errorf("operation %d: %q", i, code)
		}
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "NOPERM") {
		t.Errorf("logged:\n%s", log.String())
	}
}

func TestRedisNeedsASecret(t *testing.T) {
	client, err := redisconn.New(redisconn.Config{Addresses: []string{"127.0.0.1:1"}}, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := ratelimit.NewRedis(client, ratelimit.RedisConfig{Secret: "short"}); err == nil || !strings.HasPrefix(err.Error(), "secret: ") {
		t.Errorf("got %v", err)
	}
}

// Example is all that a caller does.
func Example() {
	limiter, err := ratelimit.New(ratelimit.Config{Plans: map[string]ratelimit.PlanConfig{
		"free": {Buckets: []ratelimit.Bucket{{Name: "burst", Capacity: 1000, Restore: 50}}},
	}}, ratelimit.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	client := ratelimit.Client{ID: "acme", Plan: limiter.Plan("free")}

	reservation, err := limiter.Reserve(ctx, client, 642)
	fmt.Println(err)
	fmt.Println(ratelimit.PolicyHeader(reservation.Levels()))
	fmt.Println(ratelimit.LimitHeader(reservation.LevelsAfter(42)))
	reservation.Settle(42) // the operation ran

	_, err = limiter.Reserve(ctx, client, 2000)
	fmt.Println(fail.KindOf(err))
	// Output:
	// <nil>
	// "burst";q=1000;w=20
	// "burst";r=958;t=1
	// COST_ESTIMATED_TOO_EXPENSIVE
}
