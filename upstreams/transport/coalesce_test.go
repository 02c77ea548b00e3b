package transport_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// slow answers each request after a second, unless it's over before.
func slow(s *sent) *sent {
	s.response = func(_ int, r *http.Request) (*http.Response, error) {
		return after(r, time.Second, answer(200, "fine", "X-Of", r.URL.Path))
	}
	return s
}

func TestSameGETsAreSentOnce(t *testing.T) {
	type ask struct {
		method, url string
		header      []string
	}
	plain := ask{"GET", "http://users/1?a=1", []string{"Authorization", "Bearer x"}}
	for name, c := range map[string]struct {
		other ask
		same  bool
	}{
		"same":             {plain, true},
		"other request id": {ask{"GET", "http://users/1?a=1", []string{"Authorization", "Bearer x", "X-Request-Id", "7", "Traceparent", "8", "Tracestate", "9", "X-Request-Timeout-Ms", "5"}}, true},
		"other identity":   {ask{"GET", "http://users/1?a=1", []string{"Authorization", "Bearer y"}}, false},
		"no identity":      {ask{"GET", "http://users/1?a=1", nil}, false},
		"one header more":  {ask{"GET", "http://users/1?a=1", []string{"Authorization", "Bearer x", "Accept-Language", "de"}}, false},
		"other path":       {ask{"GET", "http://users/2?a=1", plain.header}, false},
		"other query":      {ask{"GET", "http://users/1?a=2", plain.header}, false},
		"other method":     {ask{"HEAD", "http://users/1?a=1", plain.header}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := slow(&sent{}), &counter{}
				tr := newTransport(t, transport.Default(), transport.Options{Carrier: s, Metrics: m})
				var group sync.WaitGroup
				for i, a := range []ask{plain, c.other, c.other} {
					group.Go(func() {
						time.Sleep(time.Duration(i) * time.Millisecond)
						r := newRequest(t, t.Context(), a.method, a.url, "")
						for i := 0; i+1 < len(a.header); i += 2 {
							r.Header.Set(a.header[i], a.header[i+1])
						}
						if status, text, err := do(t, tr, r); status != 200 || text != "fine" || err != nil {
							t.Error(status, text, err)
						}
					})
				}
				group.Wait()
				want, shared := 2, 1
				if c.same {
					want, shared = 1, 2
				}
				if c.other.method == "HEAD" {
					want, shared = 3, 0
				}
				if s.count() != want || m.of(transport.Coalesced) != shared {
					t.Errorf("sent %d times, shared %d", s.count(), m.of(transport.Coalesced))
				}
				if _, _, err := get(t, tr, t.Context(), plain.url, plain.header...); err != nil || s.count() != want+1 {
					t.Errorf("afterwards: sent %d times, %v", s.count(), err)
				}
			})
		})
	}
}

// TestSharedAnswersAreApart: what one waiter does to its answer is no matter to the others.
func TestSharedAnswersAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(t, transport.Default(), transport.Options{Carrier: slow(&sent{})})
		answers := make([]*http.Response, 10)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() {
				res, err := tr.RoundTrip(newRequest(t, t.Context(), http.MethodGet, "http://users/1", ""))
				if err != nil {
					t.Error(err)
					return
				}
				answers[i] = res
				if i%2 == 0 {
					res.Header.Set("X-Of", "me")
					res.Body.(*body.Body).Release()
				}
			})
			synctest.Wait() // so that the first one is first
		}
		group.Wait()
		for i, res := range answers {
			if i%2 == 0 {
				continue
			}
			if text := string(res.Body.(*body.Body).Bytes()); text != "fine" || res.Header.Get("X-Of") != "/1" {
				t.Errorf("%q %v", text, res.Header)
			}
		}
	})
}

// TestWhoLeaves: a call that leaves takes nobody with it, and the last one ends the request.
func TestWhoLeaves(t *testing.T) {
	const never = time.Hour
	type caller struct {
		from, leaves, deadline time.Duration
		want                   fail.Kind // Internal: the answer
	}
	for name, c := range map[string]struct {
		callers []caller
		sent    int
		ended   time.Duration // when the carrier was let go; 0: it answered
	}{
		"the first":               {[]caller{{0, 100 * time.Millisecond, never, fail.Canceled}, {time.Millisecond, never, never, 0}}, 1, 0},
		"another":                 {[]caller{{0, never, never, 0}, {time.Millisecond, 100 * time.Millisecond, never, fail.Canceled}}, 1, 0},
		"both":                    {[]caller{{0, 100 * time.Millisecond, never, fail.Canceled}, {time.Millisecond, 200 * time.Millisecond, never, fail.Canceled}}, 1, 200 * time.Millisecond},
		"both, the other first":   {[]caller{{0, 200 * time.Millisecond, never, fail.Canceled}, {time.Millisecond, 100 * time.Millisecond, never, fail.Canceled}}, 1, 200 * time.Millisecond},
		"deadline of the first":   {[]caller{{0, never, 300 * time.Millisecond, fail.UpstreamTimeout}, {time.Millisecond, never, never, 0}}, 2, 300 * time.Millisecond},
		"deadline of another":     {[]caller{{0, never, never, 0}, {time.Millisecond, never, 300 * time.Millisecond, fail.UpstreamTimeout}}, 1, 0},
		"left, then the deadline": {[]caller{{0, 100 * time.Millisecond, 300 * time.Millisecond, fail.Canceled}, {time.Millisecond, never, never, 0}}, 2, 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var ended time.Duration
				began := time.Now()
				s := &sent{response: func(_ int, r *http.Request) (*http.Response, error) {
					res, err := after(r, time.Second, answer(200, "fine"))
					if err != nil {
						mu.Lock()
						ended = time.Since(began)
						mu.Unlock()
					}
					return res, err
				}}
				tr := newTransport(t, transport.Default(), transport.Options{Carrier: s})
				var group sync.WaitGroup
				for _, who := range c.callers {
					group.Go(func() {
						time.Sleep(who.from)
						ctx, cancel := context.WithTimeout(t.Context(), who.deadline-who.from)
						defer cancel()
						go func() {
							select {
							case <-time.After(who.leaves - who.from):
								cancel()
							case <-ctx.Done():
							}
						}()
						_, _, err := get(t, tr, ctx, "http://users/1")
						switch {
						case who.want == 0 && err != nil:
							t.Error(err)
						case who.want != 0:
							wantKind(t, err, who.want)
						}
						if who.want == fail.UpstreamTimeout && time.Since(began) != who.deadline {
							t.Errorf("its deadline was after %v", time.Since(began))
						}
					})
				}
				group.Wait()
				if s.count() != c.sent || ended != c.ended {
					t.Errorf("sent %d times, ended after %v", s.count(), ended)
				}
			})
		})
	}
}

// TestSharedFailure: an error of the service is everybody's.
func TestSharedFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sent{response: func(_ int, r *http.Request) (*http.Response, error) {
			return after(r, time.Second, answer(500, ""))
		}}
		tr := newTransport(t, transport.Default(), transport.Options{Carrier: s})
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if status, _, err := get(t, tr, t.Context(), "http://users/1"); status != 500 || err != nil {
					t.Error(status, err)
				}
			})
		}
		group.Wait()
		if s.count() != 1 {
			t.Errorf("sent %d times", s.count())
		}
	})
}

// TestCoalesceStorm: whatever the order of coming, leaving and answering is, everybody gets its own answer or its own end.
func TestCoalesceStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sent{response: func(n int, r *http.Request) (*http.Response, error) {
			return after(r, time.Duration(n%7)*time.Millisecond, answer(200, r.URL.Path))
		}}
		c := everything()
		c.MaxConcurrent = 5000
		tr := newTransport(t, c, transport.Options{Carrier: s, Balancer: newPool(t, three...)})
		var group sync.WaitGroup
		for i := range 2000 {
			group.Go(func() {
				time.Sleep(time.Duration(i%97) * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%11)*time.Millisecond)
				defer cancel()
				path := "/" + string(rune('a'+i%5))
				_, text, err := get(t, tr, ctx, "http://users"+path)
				switch {
				case err == nil && text != path:
					t.Errorf("%s: %s", path, text)
				case err != nil && ctx.Err() == nil:
					t.Error(err)
				}
			})
		}
		group.Wait()
	})
}

// TestPanicOfTheFirst: others get an error, and the next one is sent.
func TestPanicOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sent{response: first(func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			panic("test")
		})}
		c := everything()
		c.MaxConcurrent = 1
		tr := newTransport(t, c, transport.Options{Carrier: s})
		var group sync.WaitGroup
		group.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, _, _ = get(t, tr, t.Context(), "http://users/1")
		})
		synctest.Wait()
		group.Go(func() {
			_, err := tr.RoundTrip(newRequest(t, t.Context(), http.MethodGet, "http://users/1", ""))
			wantKind(t, err, fail.Internal)
		})
		group.Wait()
		if status, _, err := get(t, tr, t.Context(), "http://users/1"); status != 200 {
			t.Error(status, err)
		}
	})
}
