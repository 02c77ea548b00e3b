package transport_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

func hedging() transport.Config {
	c := transport.Default()
	c.Hedge.Enabled = true
	return c
}

// warm lets a hundred calls take 20 ms, which is the percentile from then on.
func warm(t *testing.T, tr http.RoundTripper) {
	t.Helper()
	for range 100 {
		if _, _, err := get(t, tr, t.Context(), "http://users/warm"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHedge(t *testing.T) {
	type does func(r *http.Request) (*http.Response, error)
	in := func(d time.Duration, status int) does {
		return func(r *http.Request) (*http.Response, error) { return after(r, d, answer(status, "")) }
	}
	for name, c := range map[string]struct {
		one, two does
		took     time.Duration // at most, and at least a tenth less
		sent     int
		status   int
		won      int
	}{
		"quick":                   {in(15*time.Millisecond, 200), nil, 15 * time.Millisecond, 1, 200, 0},
		"slow":                    {in(time.Second, 200), in(5*time.Millisecond, 200), 27 * time.Millisecond, 2, 200, 1},
		"hangs":                   {hang, in(5*time.Millisecond, 200), 27 * time.Millisecond, 2, 200, 1},
		"the second is slower":    {in(40*time.Millisecond, 200), in(time.Second, 200), 40 * time.Millisecond, 2, 200, 0},
		"the second fails":        {in(100*time.Millisecond, 200), in(5*time.Millisecond, 500), 100 * time.Millisecond, 2, 200, 0},
		"the first fails":         {in(100*time.Millisecond, 500), in(200*time.Millisecond, 200), 222 * time.Millisecond, 2, 200, 1},
		"both fail":               {in(100*time.Millisecond, 500), in(200*time.Millisecond, 501), 222 * time.Millisecond, 2, 500, 0},
		"the first fails at once": {in(5*time.Millisecond, 404), nil, 5 * time.Millisecond, 1, 404, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := &sent{}, &counter{}
				var number atomic.Int32
				s.response = func(_ int, r *http.Request) (*http.Response, error) {
					if r.URL.Path == "/warm" {
						return after(r, 20*time.Millisecond, answer(200, ""))
					}
					if number.Add(1) == 1 {
						return c.one(r)
					}
					return c.two(r)
				}
				tr := newTransport(t, hedging(), transport.Options{Carrier: s, Balancer: newPool(t, three...), Metrics: m})
				warm(t, tr)
				began := time.Now()
				status, _, err := get(t, tr, t.Context(), "http://users/1")
				took := time.Since(began)
				if status != c.status || err != nil || took > c.took || took < c.took*9/10 {
					t.Errorf("%d %v after %v", status, err, took)
				}
				synctest.Wait() // the loser has ended
				if n := s.count() - 100; n != c.sent || m.of(transport.HedgeWon) != c.won || m.of(transport.Hedged) != c.sent-1 {
					t.Errorf("sent %d times, won %d", n, m.of(transport.HedgeWon))
				}
				if hosts := s.hosts[100:]; len(hosts) == 2 && hosts[0] == hosts[1] {
					t.Errorf("both at %s", hosts[0])
				}
				if m.attempts != s.count() {
					t.Errorf("%d attempts ended of %d", m.attempts, s.count())
				}
			})
		})
	}
}

// TestHedgesHaveABudget: when everything is slow, few calls are sent twice.
func TestHedgesHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &sent{}, &counter{}
		s.response = func(n int, r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/warm" {
				return after(r, 20*time.Millisecond, answer(200, ""))
			}
			return after(r, 200*time.Millisecond, answer(200, ""))
		}
		c := hedging()
		c.Coalesce = false
		tr := newTransport(t, c, transport.Options{Carrier: s, Balancer: newPool(t, three...), Metrics: m})
		warm(t, tr)
		var group sync.WaitGroup
		const calls = 300
		for i := range calls {
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				if _, _, err := get(t, tr, t.Context(), "http://users/1"); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if hedges := m.of(transport.Hedged); hedges > 10+calls/10+1 || hedges == 0 || m.of(transport.HedgeDenied) == 0 {
			t.Errorf("%d of %d calls were sent twice", hedges, calls)
		}
	})
}

// TestPOSTIsNotHedged, not even when it's idempotent.
func TestPOSTIsNotHedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sent{}
		s.response = func(_ int, r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return after(r, time.Second, answer(200, ""))
			}
			return after(r, 20*time.Millisecond, answer(200, ""))
		}
		tr := newTransport(t, hedging(), transport.Options{Carrier: s})
		warm(t, tr)
		ctx := transport.WithCall(t.Context(), &transport.Call{Idempotent: true})
		if _, _, err := do(t, tr, newRequest(t, ctx, http.MethodPost, "http://users/1", "x")); err != nil || s.count() != 101 {
			t.Errorf("%d %v", s.count(), err)
		}
	})
}

// TestHedgedCallsEnd: at the deadline, with both attempts.
func TestHedgedCallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sent{}
		s.response = func(_ int, r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/warm" {
				return hang(r)
			}
			return after(r, 20*time.Millisecond, answer(200, ""))
		}
		tr := newTransport(t, hedging(), transport.Options{Carrier: s, Timeout: time.Second})
		warm(t, tr)
		began := time.Now()
		_, _, err := get(t, tr, t.Context(), "http://users/1")
		wantKind(t, err, fail.UpstreamTimeout)
		if took := time.Since(began); took != time.Second || s.count() != 102 {
			t.Errorf("took %v, sent %d", took, s.count())
		}
	})
}
