package transport_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// fleet are three instances in memory that answer after 2 ms, or do what they're told.
type fleet struct {
	mu   sync.Mutex
	sent []time.Duration // when, since began
	to   []string
	at   time.Time
	does map[string]func(*http.Request) (*http.Response, error)
}

func (f *fleet) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.sent = append(f.sent, time.Since(f.at))
	f.to = append(f.to, r.URL.Host)
	does := f.does[r.URL.Host]
	f.mu.Unlock()
	if does != nil {
		return does(r)
	}
	return after(r, 2*time.Millisecond, answer(200, "fine"))
}

func (f *fleet) set(does func(*http.Request) (*http.Response, error), hosts ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.does = map[string]func(*http.Request) (*http.Response, error){}
	for _, h := range hosts {
		f.does[h] = does
	}
}

// between counts requests.
func (f *fleet) between(from, to time.Duration, hosts ...string) (n float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, at := range f.sent {
		if at >= from && at < to && (len(hosts) == 0 || slices.Contains(hosts, f.to[i])) {
			n++
		}
	}
	return n
}

// outcome is what a client got.
type outcome struct {
	at, took time.Duration
	status   int
	err      error
}

func (o outcome) bad() bool { return o.err != nil || o.status >= 500 }

const rate = 150 // calls per second

// load makes calls for so long, spread evenly, and waits for all of them.
func load(t *testing.T, tr http.RoundTripper, f *fleet, length time.Duration) []outcome {
	t.Helper()
	all := make([]outcome, int(length.Seconds()*rate))
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			at := time.Duration(i) * time.Second / rate
			time.Sleep(at)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			all[i].at = time.Since(f.at)
			all[i].status, _, all[i].err = get(t, tr, ctx, "http://users/1")
			all[i].took = time.Since(f.at) - all[i].at
		})
	}
	group.Wait()
	return all
}

func p99(all []outcome, from, to time.Duration) time.Duration {
	var times []time.Duration
	for _, o := range all {
		if o.at >= from && o.at < to {
			times = append(times, o.took)
		}
	}
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[len(times)*99/100]
}

// patient is a configuration for the outages below.
func patient() transport.Config {
	c := transport.Default()
	c.AttemptTimeout = time.Second
	c.Coalesce = false // or there'd be few requests to look at
	return c
}

// TestTotalOutage: ten seconds of health, six of outage, ten of health.
func TestTotalOutage(t *testing.T) {
	for name, does := range map[string]func(*http.Request) (*http.Response, error){
		"refused": broken(syscall.ECONNREFUSED), "500": status(500), "503": status(503), "hang": hang, "cut": brokenBody(syscall.ECONNRESET),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fleet{at: time.Now()}
				var log bytes.Buffer
				tr := newTransport(t, patient(), transport.Options{
					Carrier: f, Balancer: newPool(t, three...), Logger: slog.New(slog.NewTextHandler(&log, nil)),
				})
				const begin, end = 10 * time.Second, 16 * time.Second
				time.AfterFunc(begin, func() { f.set(does, "a.test:80", "b.test:80", "c.test:80") })
				time.AfterFunc(end, func() { f.set(nil) })
				all := load(t, tr, f, 26*time.Second)

				if perCall := f.between(begin, end) / (6 * rate); perCall > 1.2 {
					t.Errorf("%.2f requests per call", perCall)
				}
				if perCall := f.between(end-2*time.Second, end) / (2 * rate); perCall > 0.5 {
					t.Errorf("%.2f requests per call in the last 2 s", perCall)
				}
				if took := p99(all, begin, end); took > 3500*time.Millisecond {
					t.Errorf("p99 %v", took)
				}
				if took := p99(all, end-2*time.Second, end); took > 50*time.Millisecond && name != "hang" || took > time.Second {
					t.Errorf("p99 %v in the last 2 s", took)
				}
				recovered := end
				for _, o := range all {
					switch {
					case o.at >= end && o.bad():
						recovered = o.at
					case o.at < begin && o.bad():
						t.Errorf("at %v: %d %v", o.at, o.status, o.err)
					}
				}
				if recovered > end+6*time.Second {
					t.Errorf("recovered after %v", recovered-end)
				}
				lines := strings.Count(log.String(), "\n")
				if lines != 2 || !strings.Contains(log.String(), `level=WARN msg="breaker open" service=users`) || !strings.Contains(log.String(), `level=INFO msg="breaker closed" service=users`) {
					t.Errorf("the log has %d lines:\n%s", lines, log.String())
				}
				t.Logf("requests per call %.2f, %.2f at the end; p99 %v, %v; recovered after %v; %d lines of log", f.between(begin, end)/(6*rate),
					f.between(end-2*time.Second, end)/(2*rate), p99(all, begin, end), p99(all, end-2*time.Second, end), recovered-end, lines)
			})
		})
	}
}

// TestOneBadInstance: clients hardly notice, and the breaker stays closed.
func TestOneBadInstance(t *testing.T) {
	for name, does := range map[string]func(*http.Request) (*http.Response, error){
		"refused": broken(syscall.ECONNREFUSED), "502": status(502), "503": status(503), "hang": hang, "cut": brokenBody(syscall.ECONNRESET),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fleet{at: time.Now()}
				m := &counter{}
				tr := newTransport(t, patient(), transport.Options{Carrier: f, Balancer: newPool(t, three...), Metrics: m})
				const begin, end = 10 * time.Second, 16 * time.Second
				time.AfterFunc(begin, func() { f.set(does, "a.test:80") })
				time.AfterFunc(end, func() { f.set(nil) })
				all := load(t, tr, f, 20*time.Second)
				bad := 0.0
				for _, o := range all {
					if o.bad() {
						bad++
					}
				}
				if share := bad / (6 * rate); share > 0.005 {
					t.Errorf("%.3f of the calls failed", share)
				}
				perCall := f.between(begin, end) / (6 * rate)
				if perCall > 1.25 {
					t.Errorf("%.2f requests per call", perCall)
				}
				if m.of(transport.BreakerOpened) > 0 {
					t.Error("the breaker opened")
				}
				t.Logf("%v calls failed, %.2f requests per call, %.4f of them at the bad one", bad, perCall, f.between(begin, end, "a.test:80")/f.between(begin, end))
			})
		})
	}
}

func TestOpenBreakerFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sent{response: func(int, *http.Request) (*http.Response, error) { return answer(500, ""), nil }}
		tr := newTransport(t, transport.Default(), transport.Options{Carrier: s})
		for range 10 {
			if status, _, err := get(t, tr, t.Context(), "http://users/1"); status != 500 || err != nil {
				t.Fatal(status, err)
			}
		}
		began := time.Now()
		_, _, err := get(t, tr, t.Context(), "http://users/1")
		wantKind(t, err, fail.UpstreamUnavailable)
		if time.Since(began) != 0 || s.count() != 10 {
			t.Errorf("after %v, %d", time.Since(began), s.count())
		}
		if state := tr.State().(transport.State); state.Breaker != "open" || state.Since == nil {
			t.Errorf("%+v", state)
		}
		// One tries at a time; one whose caller leaves is no news, and the next may.
		time.Sleep(time.Second)
		s.mu.Lock()
		s.response = func(n int, r *http.Request) (*http.Response, error) {
			return after(r, 100*time.Millisecond, answer(200, ""))
		}
		s.mu.Unlock()
		var group sync.WaitGroup
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			ctx, leave := context.WithCancel(ctx)
			time.AfterFunc(20*time.Millisecond, leave)
			_, _, err := get(t, tr, ctx, "http://users/1")
			wantKind(t, err, fail.Canceled)
		})
		synctest.Wait()
		_, _, err = get(t, tr, t.Context(), "http://users/2")
		wantKind(t, err, fail.UpstreamUnavailable)
		group.Wait()
		if status, _, err := get(t, tr, t.Context(), "http://users/3"); status != 200 {
			t.Error(status, err)
		}
		if state := tr.State().(transport.State); state.Breaker != "closed" || s.count() != 12 {
			t.Errorf("%+v, %d", state, s.count())
		}
	})
}

// TestWhatOpensNoBreaker: what says nothing about the service being down.
func TestWhatOpensNoBreaker(t *testing.T) {
	for name, does := range map[string]func(*http.Request) (*http.Response, error){
		"404": status(404), "429": status(429, "Retry-After", "0"), "too big": func(*http.Request) (*http.Response, error) { return answer(200, "0123456789a"), nil },
		"no credentials": broken(fail.New(fail.UpstreamUnavailable, "")),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sent{response: func(_ int, r *http.Request) (*http.Response, error) { return does(r) }}
				m := &counter{}
				tr := newTransport(t, transport.Default(), transport.Options{Carrier: s, MaxBody: 10, Metrics: m})
				for range 50 {
					_, _, _ = tr2(tr.RoundTrip(newRequest(t, t.Context(), http.MethodGet, "http://users/1", "")))
				}
				if m.of(transport.BreakerOpened) != 0 {
					t.Error("it opened")
				}
			})
		})
	}
}

func tr2(res *http.Response, err error) (int, string, error) {
	if res != nil {
		_ = res.Body.Close()
	}
	return 0, "", err
}
