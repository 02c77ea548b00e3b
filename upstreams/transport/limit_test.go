package transport_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/quota"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// TestBulkhead: so many calls at once, the others wait a moment in the order in which they came, and then fail.
func TestBulkhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		var mu sync.Mutex
		var order []string
		tr := newTransport(t, transport.Config{MaxConcurrent: 2, MaxWait: 100 * time.Millisecond}, transport.Options{
			Carrier: wire(func(r *http.Request) (*http.Response, error) {
				most.Store(max(most.Load(), now.Add(1)))
				defer now.Add(-1)
				mu.Lock()
				order = append(order, r.URL.Path)
				mu.Unlock()
				return after(r, 80*time.Millisecond, answer(200, ""))
			}),
		})
		errs := make([]error, 6)
		var group sync.WaitGroup
		for i := range errs {
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				_, _, errs[i] = get(t, tr, t.Context(), "http://users/"+string(rune('0'+i)))
			})
		}
		time.Sleep(10 * time.Millisecond)
		text, err := json.Marshal(tr.State())
		if want := `{"breaker":"off","in_flight":2,"max_concurrent":2,"waiting":2,"quota_waiting":0,"retry_budget":100}`; err != nil || string(text) != want {
			t.Errorf("%s %v", text, err)
		}
		group.Wait()
		// 0 and 1 go, 2 and 3 wait for their turn, and for 4 and 5 there is no room in the line.
		for i, err := range errs {
			if i < 4 && err != nil {
				t.Errorf("%d: %v", i, err)
			}
			if i >= 4 {
				wantKind(t, err, fail.UpstreamUnavailable)
			}
		}
		if most.Load() != 2 || len(order) != 4 || order[2] != "/2" || order[3] != "/3" {
			t.Errorf("%d at once, %v", most.Load(), order)
		}
		if state := tr.State().(transport.State); state.InFlight != 0 || state.Waiting != 0 {
			t.Errorf("%+v", state)
		}
	})
}

// TestBulkheadStorm: turns that come as waits and callers end are neither lost nor given twice.
func TestBulkheadStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const step = 10 * time.Millisecond
		var now atomic.Int32
		tr := newTransport(t, transport.Config{MaxConcurrent: 3, MaxWait: step}, transport.Options{
			Carrier: wire(func(r *http.Request) (*http.Response, error) {
				if n := now.Add(1); n > 3 {
					t.Errorf("%d at once", n)
				}
				defer now.Add(-1)
				return after(r, step, answer(200, ""))
			}),
		})
		var group sync.WaitGroup
		for i := range 3000 {
			group.Go(func() {
				time.Sleep(time.Duration(i/6) * step)
				ctx, cancel := newCancel(t)
				defer cancel()
				// No time.AfterFunc: with thousands of them in a bubble the race detector may crash, as in go.dev/issue/78156.
				group.Go(func() {
					time.Sleep(time.Duration(i%3) * step)
					cancel()
				})
				_, _, _ = get(t, tr, ctx, "http://users/1")
			})
		}
		group.Wait()
		if state := tr.State().(transport.State); state.InFlight != 0 || state.Waiting != 0 {
			t.Errorf("%+v", state)
		}
	})
}

// TestBulkheadWait: a service that hangs keeps calls waiting for a moment only.
func TestBulkheadWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(t, transport.Config{MaxConcurrent: 1}, transport.Options{Carrier: wire(hang), Timeout: 5 * time.Second})
		var group sync.WaitGroup
		group.Go(func() {
			_, _, err := get(t, tr, t.Context(), "http://users/1")
			wantKind(t, err, fail.UpstreamTimeout)
		})
		synctest.Wait()
		began := time.Now()
		_, _, err := get(t, tr, t.Context(), "http://users/2")
		wantKind(t, err, fail.UpstreamUnavailable)
		if took := time.Since(began); took != 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
		group.Wait()
	})
}

// busy is a service with ten workers and a queue in front of them.
type busy struct {
	mu   sync.Mutex
	work time.Duration
	free [10]time.Time // when each worker is
	done int
}

func (b *busy) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	first := &b.free[0]
	for i := range b.free {
		if b.free[i].Before(*first) {
			first = &b.free[i]
		}
	}
	if now := time.Now(); first.Before(now) {
		*first = now
	}
	*first = first.Add(b.work)
	wait := time.Until(*first)
	b.done++
	b.mu.Unlock()
	return after(r, wait, answer(200, ""))
}

func (b *busy) set(work time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.work = work
}

// answered counts since the last time.
func (b *busy) answered() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.done
	b.done = 0
	return n
}

// adaptively begins clients that call again and again until the time is over: 5 at first, so that it's known what is
// usual, and 100 after ten seconds.
func adaptively(t *testing.T, group *sync.WaitGroup, carrier http.RoundTripper, length time.Duration) (limit func() int) {
	c := transport.Config{MaxConcurrent: 200, MaxWait: 10 * time.Millisecond}
	c.Adaptive.Enabled = true
	tr := newTransport(t, c, transport.Options{Carrier: carrier})
	began := time.Now()
	for w := range 100 {
		group.Go(func() {
			if w >= 5 {
				time.Sleep(10 * time.Second)
			}
			for time.Since(began) < length {
				if _, _, err := get(t, tr, t.Context(), "http://users/1"); err != nil {
					time.Sleep(50*time.Millisecond + time.Duration(w)*time.Microsecond)
				}
			}
		})
	}
	return func() int { return tr.State().(transport.State).MaxConcurrent }
}

// TestAdaptive: a service that can do 10 at once well, and gets slower with more, isn't given many more.
func TestAdaptive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now atomic.Int32
		var group sync.WaitGroup
		limit := adaptively(t, &group, wire(func(r *http.Request) (*http.Response, error) {
			n := now.Add(1)
			defer now.Add(-1)
			took := 40 * time.Millisecond
			if n > 10 {
				took = took * time.Duration(n*n) / 100
			}
			return after(r, took, answer(200, ""))
		}), 60*time.Second)
		time.Sleep(15 * time.Second)
		for range 8 {
			time.Sleep(5 * time.Second)
			if n := limit(); n > 30 || n < 8 {
				t.Errorf("%d", n)
			}
		}
		group.Wait()
	})
}

// TestAdaptiveFullLoad: a service that is asked for more than it can do all the time does what it can, and its queue
// stays short.
func TestAdaptiveFullLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{work: 40 * time.Millisecond} // 250 per second
		var group sync.WaitGroup
		limit := adaptively(t, &group, b, 140*time.Second)
		time.Sleep(20 * time.Second)
		b.answered()
		for range 12 {
			time.Sleep(10 * time.Second)
			if n := b.answered(); n < 2375 {
				t.Errorf("%d answers in 10 s", n)
			}
			if n := limit(); n > 30 {
				t.Errorf("%d at once", n)
			}
		}
		group.Wait()
	})
}

// TestAdaptiveSlow: a service that becomes slow is given fewer at once, and as many as before when it has recovered.
func TestAdaptiveSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{work: 40 * time.Millisecond}
		var group sync.WaitGroup
		limit := adaptively(t, &group, b, 90*time.Second)
		time.Sleep(30 * time.Second)
		before := limit()
		b.set(240 * time.Millisecond)
		time.Sleep(20 * time.Second)
		during := limit()
		b.set(40 * time.Millisecond)
		time.Sleep(10 * time.Second)
		if after := limit(); before < 10 || during > 9 || after < 10 {
			t.Errorf("%d, %d, %d", before, during, after)
		}
		group.Wait()
	})
}

// TestQuota: calls wait for their turn, first come, first served, and one that would have to wait too long is told so at
// once.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Duration
		began := time.Now()
		tr := newTransport(t, transport.Config{Quota: quota.Config{Rate: 10, Burst: 2}}, transport.Options{
			Timeout: 550 * time.Millisecond,
			Carrier: wire(func(*http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Since(began))
				return answer(200, ""), nil
			}),
		})
		var refused atomic.Int32
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, _, err := get(t, tr, t.Context(), "http://users/1"); err != nil {
					wantKind(t, err, fail.UpstreamRateLimited)
					if time.Since(began) != 0 {
						t.Errorf("refused after %v", time.Since(began))
					}
					refused.Add(1)
				}
			})
		}
		group.Wait()
		if len(at) != 7 || refused.Load() != 13 || at[1] != 0 || at[2] != 100*time.Millisecond || at[6] != 500*time.Millisecond {
			t.Errorf("sent at %v, %d refused", at, refused.Load())
		}
	})
}

// TestTooManyRequests: what the service says is kept to, by all calls.
func TestTooManyRequests(t *testing.T) {
	for _, c := range []struct {
		name    string
		header  []string
		status  int
		pause   time.Duration
		timeout time.Duration
		got     int
	}{
		{"Retry-After", []string{"Retry-After", "2"}, 429, 2 * time.Second, 5 * time.Second, 200},
		{"RateLimit", []string{"RateLimit", `"default";r=0;t=3`}, 429, 3 * time.Second, 5 * time.Second, 200},
		{"nothing", nil, 429, time.Second, 5 * time.Second, 200},
		{"too late", []string{"Retry-After", "20"}, 429, 20 * time.Second, 5 * time.Second, 429},
		{"the last one", []string{"RateLimit-Remaining", "0", "RateLimit-Reset", "4"}, 200, 4 * time.Second, 5 * time.Second, 200},
		{"some left", []string{"RateLimit-Remaining", "1", "RateLimit-Reset", "4"}, 200, 0, 5 * time.Second, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sent{response: first(status(c.status, c.header...))}
				tr := newTransport(t, transport.Default(), transport.Options{Carrier: s, Timeout: c.timeout})
				began := time.Now()
				if got, _, err := get(t, tr, t.Context(), "http://users/1"); got != c.got || err != nil {
					t.Errorf("%d %v", got, err)
				}
				if c.got == 200 && c.status == 429 && time.Since(began) != c.pause {
					t.Errorf("after %v", time.Since(began))
				}
				_, _, err := get(t, tr, t.Context(), "http://users/2")
				if c.pause > c.timeout {
					wantKind(t, err, fail.UpstreamRateLimited)
				} else if err != nil || time.Since(began) != c.pause {
					t.Errorf("the next one: %v after %v", err, time.Since(began))
				}
			})
		})
	}
}
