package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// sent records requests, and answers the n-th, from 1, as it's told.
type sent struct {
	mu       sync.Mutex
	hosts    []string
	keys     []string
	bodies   []string
	left     []string
	at       []time.Duration
	began    time.Time
	response func(n int, r *http.Request) (*http.Response, error)
}

func (s *sent) RoundTrip(r *http.Request) (*http.Response, error) {
	var text []byte
	if r.Body != nil {
		text, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	s.mu.Lock()
	if s.began.IsZero() {
		s.began = time.Now()
	}
	s.hosts = append(s.hosts, r.URL.Host)
	s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
	s.left = append(s.left, r.Header.Get("X-Request-Timeout-Ms"))
	s.bodies = append(s.bodies, string(text))
	s.at = append(s.at, time.Since(s.began))
	n := len(s.hosts)
	s.mu.Unlock()
	return s.response(n, r)
}

func (s *sent) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.hosts)
}

// first answers the first request with something else than the others.
func first(res func(r *http.Request) (*http.Response, error)) func(int, *http.Request) (*http.Response, error) {
	return func(n int, r *http.Request) (*http.Response, error) {
		if n == 1 {
			return res(r)
		}
		return answer(200, "fine"), nil
	}
}

func status(code int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return answer(code, "no", header...), nil }
}

func broken(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func brokenBody(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		res := answer(200, "")
		res.ContentLength, res.Body = -1, io.NopCloser(iotest.ErrReader(err))
		return res, nil
	}
}

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestGETsAreTriedAgainElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		first   func(*http.Request) (*http.Response, error)
		again   bool
		status  int
		failure fail.Kind
	}{
		"502":              {first: status(502), again: true},
		"503":              {first: status(503), again: true},
		"504":              {first: status(504), again: true},
		"refused":          {first: broken(syscall.ECONNREFUSED), again: true},
		"reset":            {first: broken(syscall.ECONNRESET), again: true},
		"no HTTP":          {first: broken(errors.New("malformed HTTP response")), again: true},
		"timeout":          {first: hang, again: true},
		"cut body":         {first: brokenBody(io.ErrUnexpectedEOF), again: true},
		"reset body":       {first: brokenBody(syscall.ECONNRESET), again: true},
		"200":              {first: status(200), status: 200},
		"404":              {first: status(404), status: 404},
		"500":              {first: status(500), status: 500},
		"501":              {first: status(501), status: 501},
		"too big":          {first: func(*http.Request) (*http.Response, error) { return answer(200, "0123456789a"), nil }, failure: fail.UpstreamInvalidResponse},
		"from credentials": {first: broken(fail.New(fail.UpstreamUnavailable, "")), failure: fail.UpstreamUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sent{response: first(c.first)}
				tr := newTransport(t, transport.Config{AttemptTimeout: time.Second}, transport.Options{
					Carrier: s, Balancer: newPool(t, three...), MaxBody: 10, Timeout: 5 * time.Second,
				})
				r := newRequest(t, t.Context(), http.MethodGet, "http://users/1", "")
				res, err := tr.RoundTrip(r)
				switch {
				case c.again:
					if err != nil || res.StatusCode != http.StatusOK || s.count() != 2 || s.hosts[0] == s.hosts[1] {
						t.Errorf("%v %v, at %v", res, err, s.hosts)
					}
				case c.status != 0:
					if err != nil || res.StatusCode != c.status || s.count() != 1 {
						t.Errorf("%v %v, at %v", res, err, s.hosts)
					}
				default:
					wantKind(t, err, c.failure)
					if s.count() != 1 {
						t.Errorf("sent to %v", s.hosts)
					}
				}
			})
		})
	}
}

// TestBodyOfAnError: a status says what it says, whatever becomes of the body that explains it.
func TestBodyOfAnError(t *testing.T) {
	for _, res := range []*http.Response{answer(404, ""), answer(404, string(make([]byte, 100<<10)))} {
		if res.ContentLength == 0 {
			res.ContentLength, res.Body = -1, io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
		}
		tr := newTransport(t, transport.Config{}, transport.Options{Carrier: wire(func(*http.Request) (*http.Response, error) { return res, nil })})
		if status, text, err := get(t, tr, t.Context(), "http://users/1"); status != 404 || text != "" || err != nil {
			t.Errorf("%d %q %v", status, text, err)
		}
	}
}

func TestIdempotentPOST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, own := range []string{"", "mine"} {
			s := &sent{response: func(n int, _ *http.Request) (*http.Response, error) {
				if n < 3 {
					return answer(503, ""), nil
				}
				return answer(201, ""), nil
			}}
			tr := newTransport(t, transport.Config{}, transport.Options{Carrier: s, Balancer: newPool(t, three...)})
			ctx := transport.WithCall(t.Context(), &transport.Call{Idempotent: true})
			r := newRequest(t, ctx, http.MethodPost, "http://users/1", `{"name":"Ada"}`)
			if own != "" {
				r.Header.Set("Idempotency-Key", own)
			}
			before := len(r.Header)
			if status, _, err := do(t, tr, r); status != 201 || err != nil {
				t.Fatal(status, err)
			}
			slices.Sort(s.hosts)
			if len(slices.Compact(s.hosts)) != 3 {
				t.Errorf("sent to %v", s.hosts)
			}
			if s.keys[0] == "" || s.keys[0] != s.keys[1] || s.keys[1] != s.keys[2] || own != "" && s.keys[0] != own {
				t.Errorf("keys %q", s.keys)
			}
			if !slices.Equal(s.bodies, []string{`{"name":"Ada"}`, `{"name":"Ada"}`, `{"name":"Ada"}`}) {
				t.Errorf("bodies %q", s.bodies)
			}
			if len(r.Header) != before || r.URL.Host != "users" {
				t.Errorf("the caller's request was changed: %v %v", r.URL, r.Header)
			}
		}
	})
}

// TestOtherCallsAreSentOnce: those that aren't idempotent, and those whose body can't be sent again.
func TestOtherCallsAreSentOnce(t *testing.T) {
	idempotent := transport.WithCall(t.Context(), &transport.Call{Idempotent: true})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for name, res := range map[string]func(*http.Request) (*http.Response, error){"503": status(503), "429": status(429, "Retry-After", "0"), "reset": broken(syscall.ECONNRESET), "cut": brokenBody(io.ErrUnexpectedEOF)} {
			s := &sent{response: first(res)}
			tr := newTransport(t, everything(), transport.Options{Carrier: s, Balancer: newPool(t, three...)})
			_, _, _ = do(t, tr, newRequest(t, t.Context(), method, "http://users/1", "body"))
			if s.count() != 1 {
				t.Errorf("%s with %s was sent %d times", method, name, s.count())
			}
			s = &sent{response: first(res)}
			tr = newTransport(t, everything(), transport.Options{Carrier: s, Balancer: newPool(t, three...)})
			r := newRequest(t, idempotent, method, "http://users/1", "body")
			r.GetBody = nil
			_, _, _ = do(t, tr, r)
			if s.count() != 1 {
				t.Errorf("%s with %s was sent %d times without GetBody", method, name, s.count())
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		header string
		least  time.Duration
		status int
	}{
		{"2", 2 * time.Second, 200},
		{"Fri, 31 Dec 1999 23:59:59 GMT", 0, 200},
		{"10", 0, 503}, // the deadline comes first
		{"soon", 0, 200},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &sent{response: first(status(503, "Retry-After", c.header))}
			tr := newTransport(t, transport.Config{}, transport.Options{Carrier: s, Timeout: 5 * time.Second})
			began := time.Now()
			got, _, err := get(t, tr, t.Context(), "http://users/1")
			took := time.Since(began)
			if err != nil || got != c.status || took < c.least || took > c.least+100*time.Millisecond {
				t.Errorf("Retry-After %s: %d %v after %v", c.header, got, err, took)
			}
		})
	}
}

// TestRetriesHaveABudget: what is saved up, and a share of calls.
func TestRetriesHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sent{response: func(int, *http.Request) (*http.Response, error) { return answer(503, ""), nil }}
		m := &counter{}
		c := transport.Config{}
		c.Retry.Budget = transport.BudgetConfig{Ratio: 0.2, PerSecond: 1, Burst: 10}
		tr := newTransport(t, c, transport.Options{Carrier: s, Balancer: newPool(t, three...), Metrics: m})
		began := time.Now()
		const calls = 1000
		for range calls {
			_, _, _ = get(t, tr, t.Context(), "http://users/1")
		}
		seconds := time.Since(began).Seconds()
		retries := float64(s.count() - calls)
		if most := 10 + 0.2*calls + seconds; retries > most || retries < 0.8*most {
			t.Errorf("%v retries of %v in %v s", retries, most, seconds)
		}
		if int(retries) != m.of(transport.Retried) || m.of(transport.RetryDenied) == 0 || m.attempts != s.count() {
			t.Errorf("counted %v", m.events)
		}
	})
}

// TestDeadlineHeader: each attempt tells what is left of its own time.
func TestDeadlineHeader(t *testing.T) {
	for _, c := range []struct {
		config  transport.Config
		timeout time.Duration
		want    []int
	}{
		{transport.Config{AttemptTimeout: time.Second}, 10 * time.Second, []int{1000, 1000, 1000}},
		{transport.Config{AttemptTimeout: time.Second}, 1500 * time.Millisecond, []int{1000, 499}},
		{transport.Config{}, 10 * time.Second, []int{10000}},
		{transport.Config{DeadlineHeader: "none", AttemptTimeout: time.Second}, 1500 * time.Millisecond, []int{0, 0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &sent{response: func(_ int, r *http.Request) (*http.Response, error) { return hang(r) }}
			tr := newTransport(t, c.config, transport.Options{Carrier: s, Timeout: c.timeout})
			_, _, err := get(t, tr, t.Context(), "http://users/1")
			wantKind(t, err, fail.UpstreamTimeout)
			if len(s.left) != len(c.want) {
				t.Fatalf("%v, want %v", s.left, c.want)
			}
			for i, text := range s.left {
				ms, _ := strconv.Atoi(text)
				if ms > c.want[i] || ms < c.want[i]-100 || (text == "") != (c.want[i] == 0) {
					t.Errorf("%v, want %v", s.left, c.want)
				}
			}
		})
	}
}

// TestCallersDeadline: whatever goes wrong, a call ends when its caller's time is over, and says so.
func TestCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sent{response: func(_ int, r *http.Request) (*http.Response, error) { return hang(r) }}
		tr := newTransport(t, everything(), transport.Options{Carrier: s, Balancer: newPool(t, three...), Timeout: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, _, err := get(t, tr, ctx, "http://users/1")
		wantKind(t, err, fail.UpstreamTimeout)
		if took := time.Since(began); took > 3*time.Second+time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// TestAttemptTimeoutOfACall overrides the service's.
func TestAttemptTimeoutOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sent{response: first(hang)}
		tr := newTransport(t, transport.Config{AttemptTimeout: time.Minute}, transport.Options{Carrier: s})
		ctx := transport.WithCall(t.Context(), &transport.Call{AttemptTimeout: time.Second, MaxBody: 3})
		began := time.Now()
		_, _, err := get(t, tr, ctx, "http://users/1")
		wantKind(t, err, fail.UpstreamInvalidResponse) // "fine" has four bytes
		if took := time.Since(began); took < time.Second || took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestHangUp(t *testing.T) {
	for name, method := range map[string]string{"GET": http.MethodGet, "POST": http.MethodPost} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ended time.Duration
				began := time.Now()
				tr := newTransport(t, everything(), transport.Options{Carrier: wire(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					ended = time.Since(began)
					return nil, r.Context().Err()
				})})
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				_, _, err := do(t, tr, newRequest(t, ctx, method, "http://users/1", ""))
				wantKind(t, err, fail.Canceled)
				if ended != time.Second {
					t.Errorf("the carrier heard of it after %v", ended)
				}
			})
		})
	}
}

// TestTooLate: nothing is sent for a caller who has left before.
func TestTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &sent{response: func(int, *http.Request) (*http.Response, error) { return answer(200, ""), nil }}
	tr := newTransport(t, everything(), transport.Options{Carrier: s})
	_, _, err := do(t, tr, newRequest(t, ctx, http.MethodPost, "http://users/1", "x"))
	wantKind(t, err, fail.Canceled)
	if s.count() != 0 {
		t.Error("it was sent")
	}
}

func TestNoInstance(t *testing.T) {
	pool := newPool(t, three...)
	update(t, pool.Update, nil)
	tr := newTransport(t, everything(), transport.Options{Balancer: pool, Carrier: wire(func(*http.Request) (*http.Response, error) {
		t.Error("something was sent")
		return nil, io.EOF
	})})
	_, _, err := get(t, tr, t.Context(), "http://users/1")
	wantKind(t, err, fail.UpstreamUnavailable)
}

// TestBodiesAreClosed: also when nothing is sent.
func TestBodiesAreClosed(t *testing.T) {
	c := everything()
	c.Breaker.Failures = 1
	tr := newTransport(t, c, transport.Options{Carrier: wire(func(r *http.Request) (*http.Response, error) {
		_ = r.Body.Close()
		return answer(500, ""), nil
	})})
	for i := range 2 {
		r := newRequest(t, t.Context(), http.MethodPost, "http://users/1", "")
		closed := &closing{}
		r.Body = closed
		_, _, err := do(t, tr, r)
		if (i == 1) != (err != nil) || !closed.done {
			t.Errorf("%d: closed %v, %v", i, closed.done, err)
		}
	}
}

type closing struct{ done bool }

func (c *closing) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closing) Close() error             { c.done = true; return nil }

func ExampleNew() {
	c := transport.Default()
	c.AttemptTimeout = time.Second
	tr, err := transport.New(c, transport.Options{
		Service: "users",
		Timeout: 5 * time.Second,
		Carrier: wire(func(*http.Request) (*http.Response, error) { return answer(200, `{"name": "Ada"}`), nil }),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tr.Close()
	r, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://users.internal/users/1", nil)
	res, err := tr.RoundTrip(r)
	if err != nil {
		fmt.Println(fail.KindOf(err))
		return
	}
	_ = res.Body.Close()
	fmt.Println(res.StatusCode)
	// Output: 200
}

// TestFailedProbe: an instance that answers 500, which is not tried again, is out of service; the request that finds out
// whether it's well again must not cost its client an error.
func TestFailedProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(t, transport.Default(), transport.Options{
			Balancer: newPool(t, "http://a", "http://b", "http://c"),
			Carrier: wire(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "a" {
					return answer(500, "{}"), nil
				}
				return answer(200, "{}"), nil
			}),
		})
		failed := 0
		for range 600 { // a minute: out, and tried again several times
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://users/1", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != http.StatusOK {
				failed++
			}
			time.Sleep(100 * time.Millisecond)
		}
		if failed < 1 || failed > 3 {
			t.Errorf("%d answers were 500; it takes three to put the instance out of service", failed)
		}
	})
}
