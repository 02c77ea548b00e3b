package transport

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// limit is the layer that bounds how many calls a service has at once, so that one which hangs can't hold more of the
// gateway than that. Those above the bound wait a moment, in the order in which they came.
type limit struct {
	next     http.RoundTripper
	service  string
	metrics  Metrics
	wait     time.Duration
	adaptive *adaptive // nil: the bound stays

	mu       sync.Mutex // guards what follows, and adaptive
	most     int
	inFlight int
	line     []chan struct{} // who waits; closed when it may go
}

var errBusy = errors.New("too many calls of the service at once")

// RoundTrip answers as http.RoundTripper does.
func (l *limit) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := l.enter(scopeOf(r)); err != nil {
		return nil, err
	}
	if l.adaptive == nil {
		defer l.leave()
		return l.next.RoundTrip(r)
	}
	v := unknown
	defer l.leaveAfter(time.Now(), &v)
	res, err := l.next.RoundTrip(r)
	v = verdictOf(res, err)
	return res, err
}

func (l *limit) enter(s *scope) error {
	l.mu.Lock()
	if l.inFlight < l.most && len(l.line) == 0 {
		l.inFlight++
		l.mu.Unlock()
		return nil
	}
	if len(l.line) >= l.most { // more than that can't get their turn in a moment
		l.mu.Unlock()
		return l.refused()
	}
	turn := make(chan struct{})
	l.line = append(l.line, turn)
	l.mu.Unlock()
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	select {
	case <-turn:
		return nil
	case <-timer.C:
	case <-s.Done():
	}
	l.mu.Lock()
	at := slices.Index(l.line, turn)
	if at >= 0 {
		l.line = slices.Delete(l.line, at, at+1)
	}
	l.mu.Unlock()
	switch {
	case s.Err() == nil && at < 0:
		return nil // the turn came at the last moment
	case at < 0:
		l.leave()
	}
	if s.Err() != nil {
		return s.call.stack.ended(s)
	}
	return l.refused()
}

func (l *limit) refused() error {
	l.metrics.Count(LimitRefused)
	return &broken{what: fail.Error{Kind: fail.UpstreamUnavailable, Op: l.service, Service: l.service, Err: errBusy}, silent: true}
}

func (l *limit) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	l.admit()
}

func (l *limit) leaveAfter(began time.Time, v *verdict) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if *v != unknown {
		l.most = l.adaptive.observe(now, now.Sub(began), l.inFlight, *v == failed)
	}
	l.inFlight--
	l.admit()
}

// admit lets those go for whom there is room. It needs the mutex.
func (l *limit) admit() {
	for l.inFlight < l.most && len(l.line) > 0 {
		close(l.line[0])
		l.line[0] = nil
		l.line = l.line[1:]
		l.inFlight++
	}
}

func (l *limit) numbers() (most, inFlight, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most, l.inFlight, len(l.line)
}
