package ratelimit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
)

// broken is a store that never answers.
type broken struct{ ratelimit.Store }

func (broken) Reserve(context.Context, *ratelimit.Request) (ratelimit.Outcome, ratelimit.Standing, error) {
	return ratelimit.Unavailable, ratelimit.Standing{}, errors.New("dial tcp 10.1.2.3:6379: connection refused")
}
func (broken) Settle(ratelimit.Settlement) {}

type counts map[string]int

func (c counts) Reserved(plan string, o ratelimit.Outcome, measured bool) {
	key := plan + " " + o.String()
	if measured {
		key += " measured"
	}
	c[key]++
}

func (c counts) StoreUp(up bool) {
	if up {
		c["up"]++
	} else {
		c["down"]++
	}
}

// failure is the error of a refusal.
func failure(t *testing.T, err error) *fail.Error {
	t.Helper()
	var f *fail.Error
	if !errors.As(err, &f) {
		t.Fatalf("got %v", err)
	}
	return f
}

func TestOnLimiterDown(t *testing.T) {
	for _, test := range []struct {
		down ratelimit.OnDown
		want []string // of three operations of 60 points each
	}{
		{"", []string{"", "RATE_LIMITED", "RATE_LIMITED"}},
		{ratelimit.Local, []string{"", "RATE_LIMITED", "RATE_LIMITED"}},
		{ratelimit.Open, []string{"", "", ""}},
		{ratelimit.Closed, []string{"RATE_LIMITER_UNAVAILABLE", "RATE_LIMITER_UNAVAILABLE", "RATE_LIMITER_UNAVAILABLE"}},
	} {
		metrics := counts{}
		var log strings.Builder
		l, client := limiter(t, ratelimit.PlanConfig{OnLimiterDown: test.down, Buckets: buckets(100, slow)},
			ratelimit.Options{Store: broken{}, Metrics: metrics, Logger: logTo(&log)})
		for i, want := range test.want {
			r, code := take(t, l, client("a"), 60)
			if code != want {
				t.Errorf("%q, operation %d: %q, want %q", test.down, i, code, want)
			}
			r.Settle(60)
		}
		if metrics["down"] != 1 || strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "refused") {
			t.Errorf("%q: told %v\n%s", test.down, metrics, log.String())
		}
		// What can never pass can't pass now either, whatever the plan says.
		if _, code := take(t, l, client("a"), 101); code != "COST_ESTIMATED_TOO_EXPENSIVE" {
			t.Errorf("%q: %q", test.down, code)
		}
	}
}

func TestUnavailableTellsNoAddress(t *testing.T) {
	l, client := limiter(t, ratelimit.PlanConfig{OnLimiterDown: ratelimit.Closed, Buckets: buckets(100, slow)}, ratelimit.Options{Store: broken{}})
	r, err := l.Reserve(t.Context(), client("a"), 1)
	f := failure(t, err)
	if f.Message() != fail.RateLimiterUnavailable.Text() || !strings.Contains(f.Error(), "10.1.2.3") {
		t.Errorf("%q, %q", f.Message(), f.Error())
	}
	if wait, ok := r.Wait(); wait != time.Second || !ok {
		t.Errorf("%v %v", wait, ok)
	}
	if r.Levels() != nil {
		t.Error("nobody knows how the buckets stand")
	}
}

// An instance counts with its share; what the share is too small for is told to wait, not that it can never pass.
func TestLocalShare(t *testing.T) {
	metrics := counts{}
	l, err := ratelimit.New(ratelimit.Config{Instances: 4, Plans: map[string]ratelimit.PlanConfig{
		"plan": {Buckets: buckets(100, slow), MaxConcurrent: 2},
	}}, ratelimit.Options{Store: broken{}, Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	c := ratelimit.Client{ID: "a", Plan: l.Plan("plan")}
	r, err := l.Reserve(t.Context(), c, 30)
	if f := failure(t, err); f.Kind != fail.RateLimited || f.Extensions["retryAfterMs"] != int64(1000) {
		t.Errorf("%v %v", f, f.Extensions)
	}
	if got := r.Levels()[0]; got.Capacity != 25 || got.Available != 25 {
		t.Errorf("%+v", got)
	}
	if _, err := l.Reserve(t.Context(), c, 25); err != nil {
		t.Error(err)
	}
	if _, err := l.Reserve(t.Context(), c, 1); fail.KindOf(err) != fail.RateLimited {
		t.Error(err)
	}
	if _, err := l.Reserve(t.Context(), c, 0); fail.KindOf(err) != fail.ConcurrencyLimited {
		t.Error(err)
	}
}

func TestModes(t *testing.T) {
	for _, test := range []struct {
		mode ratelimit.Mode
		want string
		told bool // by WouldRefuse
		n    counts
	}{
		{ratelimit.Enforce, "RATE_LIMITED", false, counts{"plan admitted": 1, "plan short": 1, "plan never": 1}},
		{ratelimit.Measure, "", true, counts{"plan admitted measured": 1, "plan short measured": 1, "plan never measured": 1}},
		{ratelimit.Off, "", false, counts{}},
	} {
		metrics := counts{}
		l, client := limiter(t, ratelimit.PlanConfig{Mode: test.mode, Buckets: buckets(100, slow)}, ratelimit.Options{Metrics: metrics})
		first, _ := take(t, l, client("a"), 60)
		second, code := take(t, l, client("a"), 60)
		if code != test.want {
			t.Errorf("%s: %q", test.mode, code)
		}
		if told := second.WouldRefuse != nil && fail.KindOf(second.WouldRefuse) == fail.RateLimited; told != test.told {
			t.Errorf("%s: would refuse: %v", test.mode, second.WouldRefuse)
		}
		second.Settle(0) // took nothing and gives nothing back
		if test.mode != ratelimit.Off {
			if r, _ := take(t, l, client("a"), 101); r.Levels()[0].Available != 40 {
				t.Errorf("%s: %+v", test.mode, r.Levels())
			}
		}
		first.Settle(0)
		if diff := cmp.Diff(test.n, metrics); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.mode, diff)
		}
	}
}

func TestNoPlanIsNoLimit(t *testing.T) {
	l, _ := limiter(t, ratelimit.PlanConfig{}, ratelimit.Options{})
	r, err := l.Reserve(t.Context(), ratelimit.Client{ID: "a"}, 1<<62)
	if err != nil || r.Levels() != nil || r.Plan() != nil {
		t.Error(err)
	}
	r.Settle(5)
	if l.Plan("nope") != nil {
		t.Error("plans that nobody configured")
	}
}

func TestWhatClientsAreTold(t *testing.T) {
	l, client := limiter(t, ratelimit.PlanConfig{MaxOperationCost: 900, MaxConcurrent: 1, Buckets: []ratelimit.Bucket{
		{Name: "burst", Capacity: 1000, Restore: 50}, {Name: "day", Capacity: 5000, Restore: 0.05},
	}}, ratelimit.Options{})
	synctest.Test(t, func(t *testing.T) {
		l, client = limiter(t, l.Plan("plan").Config(), ratelimit.Options{})
		r, err := l.Reserve(t.Context(), client("a"), 901)
		f := failure(t, err)
		want := map[string]any{"cost": map[string]any{"estimated": int64(901), "max": int64(900)}}
		if diff := cmp.Diff(want, f.Extensions); f.Kind != fail.TooExpensive || diff != "" {
			t.Errorf("%v %s", f, diff)
		}
		if _, ok := r.Wait(); ok {
			t.Error("it can never pass, and yet there's a time to wait")
		}
		if got := ratelimit.LimitHeader(r.Levels()); got != `"burst";r=1000;t=0, "day";r=5000;t=0` {
			t.Errorf("RateLimit: %s", got)
		}

		r, _ = take(t, l, client("a"), 42)
		if got, want := ratelimit.PolicyHeader(r.Levels()), `"burst";q=1000;w=20, "day";q=5000;w=100000`; got != want {
			t.Errorf("RateLimit-Policy: %s", got)
		}
		if got, want := ratelimit.LimitHeader(r.Levels()), `"burst";r=958;t=1, "day";r=4958;t=840`; got != want {
			t.Errorf("RateLimit: %s", got)
		}
		if diff := cmp.Diff(&ratelimit.Throttle{MaximumAvailable: 1000, CurrentlyAvailable: 990, RestoreRate: 50}, ratelimit.ThrottleOf(r.LevelsAfter(10))); diff != "" {
			t.Error(diff)
		}
		_, err = l.Reserve(t.Context(), client("a"), 1)
		if f := failure(t, err); f.Kind != fail.ConcurrencyLimited || f.Extensions["maxConcurrent"] != 1 {
			t.Errorf("%v %v", f, f.Extensions)
		}
		r.Settle(900)
		_, err = l.Reserve(t.Context(), client("a"), 101)
		f = failure(t, err)
		want = map[string]any{"cost": int64(101), "retryAfterMs": int64(20), "policy": "burst"}
		if diff := cmp.Diff(want, f.Extensions); f.Kind != fail.RateLimited || diff != "" {
			t.Errorf("%v %s", f, diff)
		}
		// Waiting exactly as long as told is enough.
		time.Sleep(20*time.Millisecond - time.Microsecond)
		if _, code := take(t, l, client("a"), 101); code != "RATE_LIMITED" {
			t.Errorf("too early: %q", code)
		}
		time.Sleep(time.Microsecond)
		if _, code := take(t, l, client("a"), 101); code != "" {
			t.Errorf("after waiting: %q", code)
		}
	})
}

func TestCanceledBeforeTakesNothing(t *testing.T) {
	l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(10, slow)}, ratelimit.Options{})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Reserve(gone, client("a"), 5); fail.KindOf(err) != fail.Canceled {
		t.Errorf("got %v", err)
	}
	if r, _ := take(t, l, client("a"), 10); r.Levels()[0].Available != 0 {
		t.Errorf("%+v", r.Levels())
	}
}

func TestCachedCost(t *testing.T) {
	for text, want := range map[string]int64{"": 1, "full": 50, "none": 0, "7": 7, "70": 50} {
		l, _ := limiter(t, ratelimit.PlanConfig{CachedCost: text}, ratelimit.Options{})
		if got := l.Plan("plan").CachedCost(50); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestOutcomesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range ratelimit.Outcomes() {
		if name := o.String(); name == "" || seen[name] {
			t.Errorf("%d: %q", o, name)
		} else {
			seen[name] = true
		}
	}
}
