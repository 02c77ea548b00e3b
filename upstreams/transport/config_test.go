package transport_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/quota"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

func TestDefaultIsValid(t *testing.T) {
	for _, c := range []transport.Config{{}, transport.Default(), everything()} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	d := transport.Default()
	if !d.Coalesce || !d.Breaker.Enabled || d.Hedge.Enabled || d.Adaptive.Enabled || d.Retry.Attempts != 3 || d.Quota.Rate != 0 {
		t.Errorf("%+v", d)
	}
	if diff := cmp.Diff(d, d.WithDefaults()); diff != "" {
		t.Error(diff)
	}
}

// TestAllMistakesAtOnce: with the keys as gateway.yaml has them.
func TestAllMistakesAtOnce(t *testing.T) {
	_, err := transport.New(transport.Config{
		AttemptTimeout: -1, DeadlineHeader: "a b", MaxConcurrent: -1, MaxWait: -1,
		Retry: transport.RetryConfig{
			Attempts: 11, Causes: []string{"404", "nonsense", ""},
			Backoff: transport.BackoffConfig{Base: 2 * time.Second, Max: time.Second},
			Budget:  transport.BudgetConfig{Ratio: -1, PerSecond: -1, Burst: -1},
		},
		Hedge:       transport.HedgeConfig{Percentile: 2, MinDelay: -1, Budget: 3},
		Breaker:     transport.BreakerConfig{Failures: -1, FailureRate: 2, MinCalls: -1, Window: 1, OpenFor: 1},
		Adaptive:    transport.AdaptiveConfig{Enabled: true, Min: 30, Initial: 20, BaselineWindow: 1},
		Quota:       quota.Config{Rate: -1},
		Connections: transport.Connections{MaxIdle: -1},
	}, transport.Options{})
	want := strings.Split(`max_concurrent: is -1; give 1 or more
max_wait: is -1ns; give 1ms to 1m0s
retry.backoff.base: is 2s, over backoff.max (1s)
retry.budget.ratio: is -1; give 0.001 to 10
retry.budget.per_second: is -1; give 0.001 to 1e+06
retry.budget.burst: is -1; give 1 or more
retry.attempts: is 11; give 10 or fewer
retry.causes[0]: is "404"; give connection, timeout, cut or a status from 500 to 599
retry.causes[1]: is "nonsense"; give connection, timeout, cut or a status from 500 to 599
retry.causes[2]: is ""; give connection, timeout, cut or a status from 500 to 599
hedge.percentile: is 2; give 0.5 to 0.999
hedge.min_delay: is -1ns; give 100µs to 1m0s
hedge.budget: is 3; give 0.001 to 1
breaker.failures: is -1; give 1 or more
breaker.failure_rate: is 2; give 0.01 to 1
breaker.min_calls: is -1; give 1 or more
breaker.window: is 1ns; give 100ms to 10m0s
breaker.open_for: is 1ns; give 10ms to 10m0s
adaptive.baseline_window: is 1ns; give 10s to 24h0m0s
adaptive.min: is over initial
quota.rate: is -1; give requests per second, from one per hour (0.00028) to a million, or 0 for no quota
connections.max_idle: can't be negative
attempt_timeout: is -1ns; give 1ms to 24h0m0s
deadline_header: "a b" is not the name of a header`, "\n")
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.Split(err.Error(), "\n")

	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
		t.Error(diff)
	}
}
