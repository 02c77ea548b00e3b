package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

var t0 = time.Unix(1e9, 0)

// TestCircuit is the breaker's arithmetic: each step is at a time in milliseconds.
func TestCircuit(t *testing.T) {
	config := BreakerConfig{Failures: 3, FailureRate: 0.5, MinCalls: 8, Window: time.Second, OpenFor: time.Second}
	const closed, open, halfOpen = circuitbreaker.ClosedState, circuitbreaker.OpenState, circuitbreaker.HalfOpenState
	type step struct {
		at     int
		call   byte // ok, failed, unknown: a call that begins and ends; begin, refused; end of the last begun: O, F, U
		repeat int
		state  circuitbreaker.State
	}
	for name, steps := range map[string][]step{
		"failures in a row":           {{0, 'f', 2, closed}, {0, 'o', 1, closed}, {0, 'f', 2, closed}, {0, 'f', 1, open}},
		"who left doesn't count":      {{0, 'f', 2, closed}, {0, 'u', 50, closed}, {0, 'f', 1, open}},
		"rate":                        {{0, 'o', 4, closed}, {0, 'f', 2, closed}, {10, 'o', 1, closed}, {10, 'f', 2, closed}, {20, 'o', 0, closed}, {20, 'o', 0, closed}, {30, 'f', 1, open}},
		"rate of the window only":     {{0, 'o', 100, closed}, {1200, 'f', 2, closed}, {1200, 'o', 3, closed}, {1210, 'f', 1, closed}, {1220, 'o', 1, closed}, {1230, 'f', 1, open}},
		"open":                        {{0, 'f', 3, open}, {1, '-', 100, open}, {999, '-', 1, open}, {1000, 'o', 1, closed}},
		"one tries":                   {{0, 'f', 3, open}, {1000, 'b', 1, halfOpen}, {1001, '-', 9, halfOpen}, {1500, 'F', 1, open}, {2499, '-', 1, open}, {2500, 'b', 1, halfOpen}, {2600, 'O', 1, closed}},
		"who tries leaves":            {{0, 'f', 3, open}, {1000, 'b', 1, halfOpen}, {1100, 'U', 1, halfOpen}, {1101, 'o', 1, closed}},
		"who tries hangs":             {{0, 'f', 3, open}, {1000, 'b', 1, halfOpen}, {1999, '-', 1, halfOpen}, {2000, 'o', 1, closed}},
		"old news":                    {{0, 'b', 1, closed}, {0, 'f', 3, open}, {1000, 'B', 1, halfOpen}, {1001, 'F', 1, halfOpen}},
		"old news of a time that was": {{0, 'b', 1, closed}, {0, 'f', 3, open}, {500, 'O', 1, open}, {999, '-', 1, open}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				b := newCircuit(config)
				verdicts := map[byte]verdict{'o': worked, 'f': failed, 'u': unknown, 'O': worked, 'F': failed, 'U': unknown}
				var begun uint64
				for i, s := range steps {
					time.Sleep(time.Until(began.Add(time.Duration(s.at) * time.Millisecond)))
					for range s.repeat {
						if verdict, ends := verdicts[s.call]; ends && s.call < 'a' {
							b.record(begun, verdict)
							continue
						}
						era, ok := b.allow(time.Now())
						if ok != (s.call != '-') {
							t.Errorf("step %d: allowed: %v", i, ok)
						}
						switch s.call {
						case 'o', 'f', 'u':
							b.record(era, verdicts[s.call])
						case 'b':
							begun = era
						}
					}
					if b.state != s.state {
						t.Fatalf("step %d: %v, want %v", i, b.state, s.state)
					}
				}
			})
		})
	}
}

func TestPurse(t *testing.T) {
	p := purse{config: BudgetConfig{Ratio: 0.2, PerSecond: 2, Burst: 5}}
	spend := func(at time.Duration) (n int) {
		for p.spend(t0.Add(at)) {
			n++
		}
		return n
	}
	if n := spend(0); n != 5 {
		t.Errorf("at first %d", n)
	}
	for range 14 {
		p.call(t0)
	}
	if n := spend(0); n != 2 {
		t.Errorf("of 14 calls %d", n)
	}
	if n := spend(1500 * time.Millisecond); n != 3 {
		t.Errorf("of 1.5 s %d", n)
	}
	if n := spend(time.Second); n != 0 {
		t.Errorf("of a clock that went back %d", n)
	}
	if n := spend(time.Hour); n != 5 {
		t.Errorf("of an hour %d", n)
	}
}

// TestQuantile holds the estimate against the sorted list.
func TestQuantile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, q := range []float64{0.5, 0.9, 0.95, 0.99} {
		e := quantile{q: q, half: 10 * time.Second}
		var all []time.Duration
		for i := range 5000 {
			d := time.Duration(random.ExpFloat64() * float64(20*time.Millisecond))
			all = append(all, d)
			e.observe(t0.Add(time.Duration(i)*time.Millisecond), d)
		}
		e.update()
		slices.Sort(all)
		want := all[int(q*float64(len(all)))]
		got, ok := e.estimate(t0.Add(5 * time.Second))
		if !ok || got < want || float64(got) > 1.13*float64(want) {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
		if _, ok := e.estimate(t0.Add(16 * time.Second)); !ok {
			t.Error("forgotten too early")
		}
		if _, ok := e.estimate(t0.Add(60 * time.Second)); ok {
			t.Error("not forgotten")
		}
	}
}

func TestBuckets(t *testing.T) {
	before := -1
	for d := time.Duration(1); d < time.Hour; d += d/50 + 1 {
		i := bucketOf(d)
		if i < before || i >= latencyBuckets || d >= 8 && (upperOf(i) < d || float64(upperOf(i)) > 1.13*float64(d)) {
			t.Fatalf("%v is in %d, up to %v", d, i, upperOf(i))
		}
		before = i
	}
	if bucketOf(1<<62) != latencyBuckets-1 || bucketOf(-5) != 0 {
		t.Error("out of bounds")
	}
}

func TestBackoff(t *testing.T) {
	p := RetryConfig{}.policy()
	for attempts, most := range map[int]time.Duration{1: 25 * time.Millisecond, 2: 50 * time.Millisecond, 3: 100 * time.Millisecond, 10: time.Second, 5000: time.Second} {
		if got := p.backoff(attempts, 1); got != most {
			t.Errorf("%d: %v", attempts, got)
		}
		if got := p.backoff(attempts, 0.5); got != most/2 {
			t.Errorf("%d: %v", attempts, got)
		}
		if got := p.backoff(attempts, 0); got != 0 {
			t.Errorf("%d: %v", attempts, got)
		}
	}
	for _, c := range []struct {
		asked, left time.Duration
		want        time.Duration
		ok          bool
	}{
		{0, time.Second, 25 * time.Millisecond, true},
		{0, 25 * time.Millisecond, 25 * time.Millisecond, false},
		{time.Second, 2 * time.Second, time.Second, true},
		{time.Second, time.Second, time.Second, false},
	} {
		if got, ok := p.after(1, 1, c.asked, t0, t0.Add(c.left)); got != c.want || ok != c.ok {
			t.Errorf("%+v: %v %v", c, got, ok)
		}
	}
	if _, ok := p.after(1, 1, time.Hour, t0, time.Time{}); !ok {
		t.Error("no deadline, no time")
	}
}

// TestAdaptiveStays: its limit is never outside of its bounds, whatever it's told.
func TestAdaptiveStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		for range 50 {
			c := AdaptiveConfig{Min: 1 + random.IntN(10), Initial: 10 + random.IntN(50)}
			most := 1 + random.IntN(100)
			a := newAdaptive(c, most)
			var held []permit
			for range 5000 {
				time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
				if p, ok := a.TryAcquirePermit(); ok {
					held = append(held, p)
				} else if len(held) < a.Limit() {
					t.Fatalf("%d of %d", len(held), a.Limit())
				}
				for len(held) > random.IntN(most+1) {
					i := random.IntN(len(held))
					if random.IntN(100) == 0 {
						held[i].Drop()
					} else {
						held[i].Record()
					}
					held = slices.Delete(held, i, i+1)
				}
				if n := a.Limit(); n > most || n < min(c.Min, most) {
					t.Fatalf("%d, with %+v and %d", n, c, most)
				}
			}
		}
	})
}

// newScope has a call without layers.
func newScope(t *testing.T, outer context.Context, deadline time.Time) *scope {
	t.Helper()
	r, err := http.NewRequestWithContext(outer, http.MethodGet, "http://users", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := newCall(&Transport{}, r)
	c.root.open(c, nil, r, deadline, !deadline.IsZero())
	return &c.root
}

func below(s *scope, deadline time.Time) *scope {
	child := &scope{}
	child.open(s.call, s, &s.request, deadline, !deadline.IsZero())
	return child
}

type name struct{}

// TestScopeIsAContext: of package context's own kind, as far as anybody can see.
func TestScopeIsAContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		top := newScope(t, context.WithValue(t.Context(), name{}, "Ada"), began.Add(3*time.Second))
		one, two := below(top, began.Add(time.Second)), below(top, time.Time{})
		std, cancel := context.WithCancel(below(two, time.Time{}))
		defer cancel()
		if std.Value(name{}) != "Ada" || std.Err() != nil || one.request.Context() != context.Context(one) || scopeOf(new(http.Request).WithContext(std)) == nil {
			t.Error("it isn't what it should be")
		}
		if d, ok := one.Deadline(); !ok || !d.Equal(began.Add(time.Second)) {
			t.Errorf("%v %v", d, ok)
		}
		var ran []time.Duration
		var mu sync.Mutex
		run := func() {
			mu.Lock()
			defer mu.Unlock()
			ran = append(ran, time.Since(began))
		}
		stops := []func() bool{context.AfterFunc(one, run), context.AfterFunc(one, run), context.AfterFunc(one, run)}
		if !stops[1]() || stops[1]() {
			t.Error("stopping it twice counts twice")
		}
		<-one.Done()
		synctest.Wait()
		if !errors.Is(one.Err(), context.DeadlineExceeded) || top.Err() != nil || two.Err() != nil || time.Since(began) != time.Second || len(ran) != 2 || stops[0]() {
			t.Errorf("%v %v after %v, %v", one.Err(), top.Err(), time.Since(began), ran)
		}
		two.end(context.Canceled)
		<-std.Done()
		if !errors.Is(std.Err(), context.Canceled) || !errors.Is(context.Cause(std), context.Canceled) {
			t.Error(std.Err())
		}
		late := below(two, time.Time{})
		<-late.Done()
		if late.wait(time.Hour) || late.Err() == nil {
			t.Error("a scope below one that ended lives")
		}
		<-top.Done()
		if !errors.Is(top.Err(), context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", top.Err(), time.Since(began))
		}
	})
}

// TestScopesAtOnce: ends, children and functions at the same time; each function runs once or is stopped.
func TestScopesAtOnce(t *testing.T) {
	for range 200 {
		top := newScope(t, t.Context(), time.Now().Add(time.Millisecond))
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for range 20 {
					s := below(top, time.Now().Add(time.Duration(i)*100*time.Microsecond))
					ran := make(chan struct{})
					stop := context.AfterFunc(s, func() { close(ran) })
					if i%2 == 0 {
						s.end(context.Canceled)
					}
					if !stop() {
						<-ran
					}
					s.end(context.Canceled)
				}
			})
		}
		group.Wait()
		top.end(context.Canceled)
		top.call.mu.Lock()
		if top.first != nil {
			t.Error("there are scopes left")
		}
		top.call.mu.Unlock()
	}
}

// TestEveryReasonHasAName, and every event.
func TestNames(t *testing.T) {
	for r := noConnection; r < reasons; r++ {
		if reasonNames[r] == "" {
			t.Errorf("%d has no name", r)
		}
	}
	seen := map[string]bool{}
	for _, e := range Events() {
		if e.String() == "" || seen[e.String()] || strings.ContainsAny(e.String(), " -") {
			t.Errorf("%d is %q", e, e)
		}
		seen[e.String()] = true
	}
	if events.String() != "unknown" {
		t.Error(events)
	}
}
