package backoff_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/backoff"
)

func TestAfter(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		base, most time.Duration
		failures   int
		random     float64
		want       time.Duration
	}{
		{s, 30 * s, 1, 1, s},
		{s, 30 * s, 1, 0, s / 2},
		{s, 30 * s, 2, 1, 2 * s},
		{s, 30 * s, 5, 0.5, 12 * s},
		{s, 30 * s, 6, 1, 30 * s},
		{s, 30 * s, 6, 0, 15 * s},
		{s, 30 * s, 1 << 40, 1, 30 * s},
		{60 * s, 30 * s, 1, 1, 30 * s},
		{0, 30 * s, 100, 1, 0},
	} {
		if got := backoff.After(c.base, c.most, c.failures, c.random); got != c.want {
			t.Errorf("After(%v, %v, %d, %v) = %v, want %v", c.base, c.most, c.failures, c.random, got, c.want)
		}
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if !backoff.Wait(t.Context(), time.Minute) || time.Since(begun) != time.Minute {
			t.Errorf("waited %v", time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun = time.Now()
		if backoff.Wait(ctx, time.Minute) || time.Since(begun) != time.Second {
			t.Errorf("waited %v though nobody waits any more", time.Since(begun))
		}
		if backoff.Wait(ctx, 0) {
			t.Error("no time passed, but ctx is over")
		}
	})
}
