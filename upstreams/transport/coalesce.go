package transport

import (
	"context"
	"hash/maphash"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/body"
)

// coalesce is the layer that sends GETs which are the same once while one is in flight. All that a service can see makes
// them the same, its identity and forwarded headers included, but for what names the single request.
//
// The first one's goroutine makes the exchange; that way one that stays alone costs neither a goroutine nor a channel. If
// its caller leaves while others wait, it goes on until they have the answer or have left too. Its deadline stands: if
// that passes, those who have more time send their own.
type coalesce struct {
	next    http.RoundTripper
	metrics Metrics
	ignored []string // headers that don't count, in canonical form
	seed    maphash.Seed

	mu      sync.Mutex // guards what follows and every flight but its answer
	flights map[uint64]*call
}

// ownHeaders name the single request.
var ownHeaders = []string{"X-Request-Id", "Traceparent", "Tracestate"}

func newCoalesce(next http.RoundTripper, m Metrics, deadlineHeader string) *coalesce {
	l := &coalesce{next: next, metrics: m, seed: maphash.MakeSeed(), flights: map[uint64]*call{}}
	l.ignored = slices.Clone(ownHeaders)
	if deadlineHeader != "" {
		l.ignored = append(l.ignored, http.CanonicalHeaderKey(deadlineHeader))
	}
	return l
}

// flight is the part of a call that others can wait for.
type flight struct {
	hash    uint64
	same    *call // the next with this hash
	waiters int   // with the first; 0: isn't in flight
	left    bool  // the first one's caller is gone
	done    chan struct{}

	// the answer, readable when done is closed
	began time.Time // when the first one's call began
	res   *http.Response
	data  []byte
	err   error
	gone  bool // the flight ended before its answer, by its own caller or deadline
}

// RoundTrip answers as http.RoundTripper does.
func (l *coalesce) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && r.Method != "" || hasBody(r) {
		return l.next.RoundTrip(r)
	}
	s := scopeOf(r)
	hash := l.hash(r)
	for {
		first := l.join(s.call, r, hash)
		if first == nil {
			return l.lead(s.call, r)
		}
		f := &first.flight
		select {
		case <-f.done:
		case <-s.Done():
			select {
			case <-f.done:
			default:
				l.leave(first, false)
				return nil, s.call.stack.ended(s)
			}
		}
		if !f.gone {
			l.metrics.Count(Coalesced)
			return f.answer()
		}
		if s.Err() != nil {
			return nil, s.call.stack.ended(s)
		}
	}
}

// join gives the call to wait for, and nil to one that is the first, and in flight from now on.
func (l *coalesce) join(c *call, r *http.Request, hash uint64) *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other := l.flights[hash]; other != nil; other = other.flight.same {
		if l.equal(&other.root.request, r) && other.settings.MaxBody == c.settings.MaxBody {
			other.flight.waiters++
			if other.flight.done == nil {
				other.flight.done = make(chan struct{})
			}
			return other
		}
	}
	f := &c.flight
	f.hash, f.same, f.waiters = hash, l.flights[hash], 1
	l.flights[hash] = c
	return nil
}

// lead makes the exchange for everybody.
func (l *coalesce) lead(c *call, r *http.Request) (res *http.Response, err error) {
	err = errPanicked // unless the line below returns
	defer func() {
		if l.land(c, res, err) {
			res, err = nil, c.stack.failed(context.Canceled)
		}
	}()
	return l.next.RoundTrip(r)
}

// errPanicked is what others get when the first one's goroutine panics.
var errPanicked error = &broken{what: fail.Error{Kind: fail.Internal, Op: "coalesce"}, silent: true}

// land ends a flight and gives the answer to those who wait. It's true when the first one's caller doesn't any more.
func (l *coalesce) land(c *call, res *http.Response, err error) (left bool) {
	f := &c.flight
	l.mu.Lock()
	l.remove(c)
	others, left := f.done != nil, f.left
	f.waiters = 0
	l.mu.Unlock()
	if !others { // nor can there be any more
		return false
	}
	f.gone = err != nil && c.root.Err() != nil
	f.began, f.res, f.err = c.began, res, err
	if res != nil {
		if b, ok := res.Body.(*body.Body); ok {
			b.Retain() // and never released: others read these bytes for as long as they like
			f.data = b.Bytes()
		}
		shared := *res // the first one's is its caller's, who may change it
		shared.Header = maps.Clone(res.Header)
		f.res = &shared
	}
	close(f.done)
	return left
}

// answer is the answer for one who waited.
func (f *flight) answer() (*http.Response, error) {
	if f.err != nil {
		return nil, f.err
	}
	res := new(http.Response)
	*res = *f.res
	res.Header = maps.Clone(f.res.Header)
	res.Body = body.WrapOf(f.data, f.began)
	return res, nil
}

// leave is called for one who doesn't wait any longer, perhaps the first one's caller. It's true when others do; the last
// one ends the flight.
func (l *coalesce) leave(first *call, itself bool) bool {
	l.mu.Lock()
	f := &first.flight
	f.left = f.left || itself
	if f.waiters == 0 {
		l.mu.Unlock()
		return false
	}
	f.waiters--
	if f.waiters > 0 {
		l.mu.Unlock()
		return true
	}
	l.remove(first)
	l.mu.Unlock()
	first.root.end(context.Canceled)
	return false
}

// separate has nobody join the calls that are in flight.
func (l *coalesce) separate() {
	l.mu.Lock()
	clear(l.flights)
	l.mu.Unlock()
}

// remove takes a call out of the flights, if it's still there. It needs the mutex.
func (l *coalesce) remove(c *call) {
	at := l.flights[c.flight.hash]
	if at == c {
		if c.flight.same == nil {
			delete(l.flights, c.flight.hash)
		} else {
			l.flights[c.flight.hash] = c.flight.same
		}
	}
	for ; at != nil; at = at.flight.same {
		if at.flight.same == c {
			at.flight.same = c.flight.same
		}
	}
	c.flight.same = nil
}

// hash is equal for equal requests. Headers are added up, because they have no order.
func (l *coalesce) hash(r *http.Request) uint64 {
	sum := maphash.String(l.seed, r.URL.Path)*3 + maphash.String(l.seed, r.URL.RawQuery)
	for name, values := range r.Header {
		if slices.Contains(l.ignored, name) {
			continue
		}
		of := maphash.String(l.seed, name)
		for _, v := range values {
			of = of*31 + maphash.String(l.seed, v)
		}
		sum += of
	}
	return sum
}

// equal compares two requests with GET.
func (l *coalesce) equal(a, b *http.Request) bool {
	if a.Host != b.Host || *a.URL != *b.URL {
		return false
	}
	return l.covers(a.Header, b.Header) && l.covers(b.Header, a.Header)
}

// covers tells whether b has all that counts in a.
func (l *coalesce) covers(a, b http.Header) bool {
	for name, values := range a {
		if !slices.Equal(values, b[name]) && !slices.Contains(l.ignored, name) {
			return false
		}
	}
	return true
}
