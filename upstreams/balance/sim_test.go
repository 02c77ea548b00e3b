package balance_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/discovery"
)

// fault is how a simulated instance answers: after a time, with an outcome and its reason. A time beyond the attempt's
// timeout is no answer.
type fault struct {
	takes   time.Duration
	outcome balance.Outcome
	reason  string
}

var (
	well    = fault{2 * time.Millisecond, balance.Success, ""}
	broken  = fault{time.Millisecond, balance.Failure, "503"}
	refused = fault{100 * time.Microsecond, balance.Failure, "connection refused"}
	hung    = fault{time.Hour, balance.Success, ""}
	slow    = fault{800 * time.Millisecond, balance.Success, ""}
)

// world is a service in virtual time: instances with faults, and clients that try twice.
type world struct {
	t      *testing.T
	pool   *balance.Pool
	mu     sync.Mutex
	faults map[string]fault
	// per instance: when requests began
	began map[string][]time.Duration
	// when clients got an error
	errors []time.Duration
	sent   int
	asked  int
	start  time.Time
	group  sync.WaitGroup
	// of an attempt
	timeout time.Duration
}

func newWorld(t *testing.T, c balance.Config, o balance.Options, instances ...found) *world {
	t.Helper()
	if o.Seed == 0 {
		o.Seed = 7
	}
	pool, err := balance.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	pool.Update(instances)
	w := &world{t: t, pool: pool, faults: map[string]fault{}, began: map[string][]time.Duration{}, start: time.Now(), timeout: second}
	return w
}

func (w *world) set(name string, f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[name] = f
}

// attempt sends one request and reports whether it went well.
func (w *world) attempt(r balance.Request) (*balance.Instance, bool) {
	lease, err := w.pool.Pick(r)
	if err != nil {
		w.t.Error(err)
		return nil, false
	}
	name := lease.Instance().Name()
	w.mu.Lock()
	w.sent++
	w.began[name] = append(w.began[name], time.Since(w.start))
	f, ok := w.faults[name]
	w.mu.Unlock()
	if !ok {
		f = well
	}
	if f.takes > w.timeout {
		time.Sleep(w.timeout)
		lease.Done(balance.Timeout, w.timeout)
		return lease.Instance(), false
	}
	time.Sleep(f.takes)
	lease.DoneFor(f.outcome, f.takes, f.reason)
	return lease.Instance(), f.outcome == balance.Success
}

// client does what a client asks for, with one retry on another instance.
func (w *world) client(key string) {
	first, ok := w.attempt(balance.Request{Key: key, Retryable: true})
	if !ok {
		_, ok = w.attempt(balance.Request{Key: key, Avoid: []*balance.Instance{first}})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if !ok {
		w.errors = append(w.errors, time.Since(w.start))
	}
}

// run lets clients ask at a rate for a time; each waits for its answer.
func (w *world) run(rate int, during time.Duration) {
	until := time.Now().Add(during)
	for i := 0; time.Now().Before(until); i++ {
		w.group.Go(func() { w.client(fmt.Sprint("key ", i%97)) })
		time.Sleep(time.Second / time.Duration(rate))
	}
}

func (w *world) state(name string) balance.InstanceState {
	for _, s := range w.pool.State() {
		if s.URL == "http://"+name {
			return s
		}
	}
	return balance.InstanceState{}
}

// share is what part of the requests that began between two times went to an instance.
func (w *world) share(name string, from, to time.Duration) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	all, own := 0, 0
	for other, times := range w.began {
		for _, at := range times {
			if at < from || at >= to {
				continue
			}
			all++
			if other == name {
				own++
			}
		}
	}
	return float64(own) / float64(max(1, all))
}

// until runs at a rate until the state of an instance is one of those; it returns how long that took, up to most.
func (w *world) until(rate int, most time.Duration, name string, states ...balance.State) time.Duration {
	began := time.Now()
	for time.Since(began) < most {
		if slices.Contains(states, w.state(name).State) {
			return time.Since(began)
		}
		w.run(rate, 20*time.Millisecond)
	}
	return most
}

type found = discovery.Instance

func three() []found {
	return []found{{URL: "http://a:80"}, {URL: "http://b:80"}, {URL: "http://c:80"}}
}

const second = time.Second

func (w *world) now() time.Duration { return time.Since(w.start) }

func (w *world) count(states ...balance.State) int {
	n := 0
	for _, s := range w.pool.State() {
		if slices.Contains(states, s.State) {
			n++
		}
	}
	return n
}

func (w *world) forgetErrors() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors = nil
}

// check says how many clients may have got an error, and how many requests one of theirs may have made. All are over.
func (w *world) check(errors int, perRequest float64) {
	w.t.Helper()
	if len(w.errors) > errors {
		w.t.Errorf("%d clients got an error, at %v", len(w.errors), w.errors)
	}
	if got := float64(w.sent) / float64(w.asked); got > perRequest {
		w.t.Errorf("%.3f requests per client's", got)
	}
	for _, s := range w.pool.State() {
		if s.InFlight != 0 {
			w.t.Errorf("%s: %d under way, and all are over", s.URL, s.InFlight)
		}
	}
}
