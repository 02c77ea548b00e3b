package flight_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/flight"
)

type key struct{}

func TestOneForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string]
		var runs, joined atomic.Int32
		for range 100 {
			go func() {
				v, j, err := g.Do(t.Context(), "a", time.Now(), nil, func(context.Context) (string, error) {
					runs.Add(1)
					time.Sleep(time.Second)
					return "x", nil
				})
				if v != "x" || err != nil {
					t.Errorf("got %q, %v", v, err)
				}
				if j {
					joined.Add(1)
				}
			}()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if runs.Load() != 1 || joined.Load() != 99 || g.Len() != 0 {
			t.Errorf("%d runs, %d joined, %d left", runs.Load(), joined.Load(), g.Len())
		}
	})
}

func TestLastWaiterEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string]
		ended := make(chan error, 1)
		run := func(ctx context.Context) (string, error) {
			if ctx.Value(key{}) != "first" {
				t.Errorf("value is %v", ctx.Value(key{}))
			}
			<-ctx.Done()
			ended <- ctx.Err()
			return "", ctx.Err()
		}
		wait := func(d time.Duration, value string) {
			ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, value), d)
			defer cancel()
			if _, _, err := g.Do(ctx, "a", time.Now(), nil, run); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		go wait(time.Second, "first")
		synctest.Wait()
		go wait(2*time.Second, "second")
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if len(ended) != 0 {
			t.Error("ended while somebody waited")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(ended) != 1 || g.Len() != 0 {
			t.Errorf("%d ended, %d left", len(ended), g.Len())
		}
	})
}

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string]
		bad := errors.New("bad")
		_, _, err := g.Do(t.Context(), "a", time.Now(), nil, func(context.Context) (string, error) { return "", bad })
		if !errors.Is(err, bad) {
			t.Errorf("got %v", err)
		}
		_, _, err = g.Do(t.Context(), "a", time.Now(), nil, func(context.Context) (string, error) { panic("p") })
		var p *flight.PanicError
		if !errors.As(err, &p) || p.Value != "p" || len(p.Stack) == 0 {
			t.Errorf("got %v", err)
		}
		if g.Len() != 0 {
			t.Error("one is left")
		}
	})
}

// A flight that may have seen too old things isn't joined; who waits for it goes on waiting.
func TestNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[int]
		var runs atomic.Int32
		for range 3 {
			go func() {
				now := time.Now()
				_, _, _ = g.Do(t.Context(), "a", now, func(begun time.Time) bool { return now.Sub(begun) <= time.Second }, func(context.Context) (int, error) {
					time.Sleep(10 * time.Second)
					return int(runs.Add(1)), nil
				})
			}()
			time.Sleep(900 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if runs.Load() != 2 || g.Len() != 0 {
			t.Errorf("%d runs, %d left", runs.Load(), g.Len())
		}
	})
}

func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string]
		ctx, cancel := context.WithCancel(t.Context())
		run := func(ctx context.Context) (string, error) {
			select {
			case <-time.After(time.Second):
				return "x", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		if !g.Start(ctx, "a", time.Now(), time.Minute, run) || g.Start(ctx, "a", time.Now(), time.Minute, run) {
			t.Error("not exactly one")
		}
		cancel() // the caller has its stale answer
		if v, joined, err := g.Do(t.Context(), "a", time.Now(), nil, run); v != "x" || !joined || err != nil {
			t.Errorf("got %q, %v, %v", v, joined, err)
		}
		g.Start(t.Context(), "b", time.Now(), time.Millisecond, run)
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if g.Len() != 0 {
			t.Error("not ended by its limit")
		}
	})
}

func TestEarly(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		left, took time.Duration
		random     float64
		want       bool
	}{
		{time.Minute, 100 * time.Millisecond, 0.99, false},
		{time.Minute, 100 * time.Millisecond, 0, false},
		{100 * time.Millisecond, 100 * time.Millisecond, 0.5, false},
		{100 * time.Millisecond, 100 * time.Millisecond, 0.64, true}, // 1-1/e
		{10 * time.Millisecond, 100 * time.Millisecond, 0.1, true},
		{-time.Millisecond, 100 * time.Millisecond, 0, true},
		{time.Millisecond, 0, 0.9999, false},
	} {
		if got := flight.Early(now, now.Add(c.left), c.took, c.random); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func FuzzShorten(f *testing.F) {
	f.Add(int64(time.Minute), 0.1, 0.5)
	f.Fuzz(func(t *testing.T, ttl int64, share, random float64) {
		if ttl < 0 || ttl > 1<<52 || !(share >= 0 && share <= 1 && random >= 0 && random < 1) {
			return
		}
		if got := flight.Shorten(time.Duration(ttl), share, random); got > time.Duration(ttl) || float64(got) < float64(ttl)*(1-share)-1 {
			t.Errorf("%d became %d", ttl, got)
		}
	})
}
