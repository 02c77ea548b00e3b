package balance_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/health"
)

// checked is a carrier of checks in virtual time: it answers as the world's faults are, by status.
type checked struct {
	mu     sync.Mutex
	status map[string]int // 0: well; negative: no answer
	asked  map[string][]time.Time
	open   int // bodies that nobody closed
}

func newChecked() *checked {
	return &checked{status: map[string]int{}, asked: map[string][]time.Time{}}
}

func (c *checked) set(name string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status[name] = status
}

func (c *checked) times(name string) []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[name]
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.asked[r.URL.Host] = append(c.asked[r.URL.Host], time.Now())
	status := c.status[r.URL.Host]
	c.mu.Unlock()
	switch {
	case r.URL.Path != "/healthz":
		return nil, errors.New("path " + r.URL.Path)
	case status < 0:
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	case status == 1:
		return nil, syscall.ECONNREFUSED
	case status == 0:
		status = http.StatusOK
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	return &http.Response{StatusCode: status, Body: &body{strings.NewReader("ok"), c}}, nil
}

type body struct {
	io.Reader
	from *checked
}

func (b *body) Close() error {
	b.from.mu.Lock()
	defer b.from.mu.Unlock()
	b.from.open--
	return nil
}

func checks() health.Config { return health.Config{Check: health.Check{Path: "/healthz"}} }

func TestChecks(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		reason string
	}{
		"503":     {503, "3 checks in a row failed: 503, 503, 503"},
		"204":     {204, "3 checks in a row failed: 204, 204, 204"},
		"hang":    {-1, "3 checks in a row failed: timeout, timeout, timeout"},
		"refused": {1, "3 checks in a row failed: connection refused, connection refused, connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				carrier := newChecked()
				pool := newPool(t, balance.Config{}, balance.Options{Health: checks(), Carrier: carrier}, three()...)
				time.Sleep(20 * second)
				for _, instance := range []string{"a:80", "b:80", "c:80"} {
					if n := len(carrier.times(instance)); n < 3 || n > 4 {
						t.Errorf("%s was asked %d times in 20 s", instance, n)
					}
				}
				if carrier.times("a:80")[0].Equal(carrier.times("b:80")[0]) {
					t.Error("all are asked at once")
				}
				carrier.set("b:80", test.status)
				waited := time.Duration(0)
				for pool.State()[1].State == balance.Healthy && waited < time.Minute {
					time.Sleep(second / 10)
					waited += second / 10
				}
				// three intervals of 5 s, and up to 1 s for each answer
				if s := pool.State()[1]; s.State != balance.Ejected || s.Reason != test.reason || waited > 18*second {
					t.Errorf("after %v: %+v", waited, s)
				}
				for range 20 {
					lease, err := pool.Pick(balance.Request{Retryable: true})
					if err != nil || lease.Instance().Name() == "b:80" {
						t.Error("a request went to it; its probes are checks")
					}
					lease.Done(balance.Success, time.Millisecond)
				}
				carrier.set("b:80", 0)
				time.Sleep(12 * second)
				if s := pool.State()[1]; s.State != balance.SlowStart && s.State != balance.Healthy {
					t.Errorf("12 s after it was well: %+v", s)
				}
				pool.Close()
				if carrier.open != 0 {
					t.Errorf("%d bodies are open", carrier.open)
				}
			})
		})
	}
}

// TestChecksReturn: with checks, what requests have put out returns by checks: no client is a probe.
func TestChecksReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		carrier := newChecked()
		w := newWorld(t, balance.Config{}, balance.Options{Health: checks(), Carrier: carrier}, three()...)
		w.run(150, 3*second)
		w.set("b:80", refused)
		carrier.set("b:80", 1)
		w.until(150, second, "b:80", balance.Ejected)
		out := w.now()
		w.run(150, 6*second)
		w.set("b:80", well)
		carrier.set("b:80", 0)
		if share := w.share("b:80", out, w.now()); share != 0 {
			t.Errorf("share while it was out: %.3f", share)
		}
		if back := w.until(150, 20*second, "b:80", balance.SlowStart); back > 12*second {
			t.Errorf("back after %v", back)
		}
		w.run(150, second)
		w.group.Wait()
		w.check(0, 1.05)
		w.pool.Close()
	})
}

// TestChecksSpare: no more instances are out than may be, whatever the checks say.
func TestChecksSpare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		carrier := newChecked()
		pool := newPool(t, balance.Config{}, balance.Options{Health: checks(), Carrier: carrier}, three()...)
		for _, instance := range []string{"a:80", "b:80", "c:80"} {
			carrier.set(instance, 503)
		}
		for range 60 {
			time.Sleep(second)
			out := 0
			for _, s := range pool.State() {
				if s.State == balance.Ejected || s.State == balance.Probing {
					out++
				}
			}
			if out > 1 {
				t.Fatalf("%d are out", out)
			}
		}
		pool.Close()
	})
}

// TestChecksEnd with the instance and with the pool. The bubble would not end with a goroutine left.
func TestChecksEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		carrier := newChecked()
		carrier.set("a:80", -1)
		pool := newPool(t, balance.Config{}, balance.Options{Health: checks(), Carrier: carrier}, three()...)
		time.Sleep(20*second + 500*time.Millisecond)
		pool.Update(three()[1:])
		synctest.Wait()
		asked := len(carrier.times("a:80"))
		time.Sleep(20 * second)
		if n := len(carrier.times("a:80")); n != asked {
			t.Errorf("asked %d more times after it was dropped", n-asked)
		}
		pool.Update(three())
		time.Sleep(6 * second)
		if n := len(carrier.times("a:80")); n == asked {
			t.Error("not asked since it is back")
		}
		pool.Close()
		asked = len(carrier.times("b:80"))
		pool.Update(append(three(), found{URL: "http://d:80"}))
		time.Sleep(20 * second)
		if len(carrier.times("b:80")) != asked || len(carrier.times("d:80")) != 0 {
			t.Error("asked after Close")
		}
	})
}

// TestCheckOverHTTP asks a real server.
func TestCheckOverHTTP(t *testing.T) {
	asked := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.Method + " " + r.URL.String() + " " + r.UserAgent():
		default:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	carrier := &http.Transport{}
	defer carrier.CloseIdleConnections()
	told := &counter{ejected: make(chan string, 100)}
	pool := newPool(t, balance.Config{}, balance.Options{
		Health:  health.Config{Check: health.Check{Path: "/up?deep=1", Interval: 10 * time.Millisecond, UnhealthyAfter: 1}},
		Carrier: carrier, Metrics: told,
	}, found{URL: server.URL}, found{URL: "http://127.0.0.1:1"})
	defer pool.Close()
	if got := <-asked; got != "GET /up?deep=1 tributary-check" {
		t.Error(got)
	}
	if got := <-told.ejected; !strings.HasSuffix(got, " checks") {
		t.Error(got)
	}
}
