package ratelimit_test

import (
	"io"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/ratelimit"
)

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestValidate(t *testing.T) {
	plan := func(p ratelimit.PlanConfig) ratelimit.Config {
		return ratelimit.Config{Plans: map[string]ratelimit.PlanConfig{"free": p}}
	}
	bucket := func(b ratelimit.Bucket) ratelimit.Config {
		b.Name = "burst"
		return plan(ratelimit.PlanConfig{Buckets: []ratelimit.Bucket{b}})
	}
	for name, test := range map[string]struct {
		config ratelimit.Config
		want   string
	}{
		"nothing":     {ratelimit.Config{}, ""},
		"good":        {bucket(ratelimit.Bucket{Capacity: 1000, Restore: 50}), ""},
		"most":        {bucket(ratelimit.Bucket{Capacity: ratelimit.MaxCapacity, Restore: ratelimit.MaxCapacity}), ""},
		"capacity":    {bucket(ratelimit.Bucket{Restore: 1}), "plans.free.buckets[0].capacity: is 0; give 1 to 1000000000"},
		"too big":     {bucket(ratelimit.Bucket{Capacity: ratelimit.MaxCapacity + 1, Restore: 50}), "plans.free.buckets[0].capacity: is 1000000001; give 1 to 1000000000"},
		"restore":     {bucket(ratelimit.Bucket{Capacity: 1}), "plans.free.buckets[0].restore: is 0; points have to come back"},
		"negative":    {bucket(ratelimit.Bucket{Capacity: 1, Restore: -1}), "plans.free.buckets[0].restore: is -1; points have to come back"},
		"no number":   {bucket(ratelimit.Bucket{Capacity: 1, Restore: math.NaN()}), "plans.free.buckets[0].restore: is NaN; points have to come back"},
		"infinite":    {bucket(ratelimit.Bucket{Capacity: 1, Restore: math.Inf(1)}), "plans.free.buckets[0].restore: is +Inf; points have to come back"},
		"becomes 0":   {bucket(ratelimit.Bucket{Capacity: 1, Restore: 4e-7}), "plans.free.buckets[0].restore: 4e-07 per second is nothing; give 0.000001 or more"},
		"too fast":    {bucket(ratelimit.Bucket{Capacity: 1, Restore: 1e10}), "plans.free.buckets[0].restore: is 1e+10; give at most 1000000000"},
		"too slow":    {bucket(ratelimit.Bucket{Capacity: 1e6, Restore: 1e-6}), "plans.free.buckets[0].capacity (1000000) and restore (1e-06): a bucket would take over a hundred years to be full"},
		"bucket name": {plan(ratelimit.PlanConfig{Buckets: []ratelimit.Bucket{{Name: `a";q=9`, Capacity: 1, Restore: 1}}}), `plans.free.buckets[0].name: "a\";q=9" is no name; use letters, digits, - and _`},
		"same name": {plan(ratelimit.PlanConfig{Buckets: []ratelimit.Bucket{{Name: "a", Capacity: 1, Restore: 1}, {Name: "a", Capacity: 1, Restore: 1}}}),
			`plans.free.buckets[0].name and buckets[1].name: both are "a"`},
		"never passes": {plan(ratelimit.PlanConfig{MaxOperationCost: 11, Buckets: []ratelimit.Bucket{{Name: "a", Capacity: 10, Restore: 1}}}),
			"plans.free.max_operation_cost (11) is over buckets[0].capacity (10): an operation between them could never pass"},
		"buckets": {plan(ratelimit.PlanConfig{Buckets: []ratelimit.Bucket{{Name: "a", Capacity: 1, Restore: 1}, {Name: "b", Capacity: 1, Restore: 1}, {Name: "c", Capacity: 1, Restore: 1}, {Name: "d", Capacity: 1, Restore: 1}, {Name: "e", Capacity: 1, Restore: 1}}}), "plans.free.buckets: 5 are too many; give at most 4"},
		"mode":    {plan(ratelimit.PlanConfig{Mode: "on"}), `plans.free.mode: "on" is none of off, measure, enforce`},
		"down":    {plan(ratelimit.PlanConfig{OnLimiterDown: "x"}), `plans.free.on_limiter_down: "x" is none of local, open, closed`},
		"cached":  {plan(ratelimit.PlanConfig{CachedCost: "-1"}), `plans.free.cached_cost: "-1" is neither full nor none nor points`},
		"secret":  {ratelimit.Config{Secret: "short"}, "secret: has 5 characters; give 16 or more"},
		"all at once": {ratelimit.Config{Lease: time.Millisecond, Instances: -1, MaxClients: -1, Plans: map[string]ratelimit.PlanConfig{
			"b": {MaxConcurrent: -1, MaxOperationCost: -1}, "a b": {},
		}}, "plans: \"a b\" is no name; use letters, digits, - and _\nplans.b.max_operation_cost: can't be negative\nplans.b.max_concurrent: can't be negative\n" +
			"lease: is 1ms; give 1s to 24h\ninstances: is -1; give 0 to 100000\nmax_clients: can't be negative"},
	} {
		err := test.config.Validate()
		if got := text(err); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
		if _, newErr := ratelimit.New(test.config, ratelimit.Options{}); text(newErr) != text(err) {
			t.Errorf("%s: New answers %v", name, newErr)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestDefaults(t *testing.T) {
	c := ratelimit.Config{Plans: map[string]ratelimit.PlanConfig{"a": {Buckets: []ratelimit.Bucket{
		{Name: "x", Capacity: 20, Restore: 1}, {Name: "y", Capacity: 10, Restore: 1},
	}}}}
	full := c.WithDefaults()
	a := full.Plans["a"]
	if full.Lease != time.Minute || full.MaxClients != 100_000 || a.Mode != ratelimit.Enforce || a.OnLimiterDown != ratelimit.Local ||
		a.CachedCost != "1" || a.MaxOperationCost != 10 {
		t.Errorf("%+v", full)
	}
	if err := full.Validate(); err != nil {
		t.Error(err)
	}
	if c.Plans["a"].Mode != "" {
		t.Error("WithDefaults changed what it was given")
	}
}
