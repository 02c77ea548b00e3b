package transport

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

// limit is the layer that bounds how many calls a service has at once, so that one which hangs can't hold more of the
// gateway than that. Those above the bound wait a moment, in the order in which they came.
type limit struct {
	next     http.RoundTripper
	service  string
	metrics  Metrics
	wait     time.Duration
	adaptive adaptivelimiter.AdaptiveLimiter[any] // nil: the bound stays

	mu       sync.Mutex // guards what follows
	most     int
	inFlight int
	line     []*turn
}

// turn is one who waits.
type turn struct {
	came   chan struct{} // closed when it may go
	permit permit        // set before
}

// permit is the right to be under way. It's nil where the bound stays.
type permit = adaptivelimiter.Permit

var errBusy = errors.New("too many calls of the service at once")

// RoundTrip answers as http.RoundTripper does.
func (l *limit) RoundTrip(r *http.Request) (*http.Response, error) {
	p, err := l.enter(scopeOf(r))
	if err != nil {
		return nil, err
	}
	timed := false
	defer l.leave(p, &timed)
	res, err := l.next.RoundTrip(r)
	timed = p != nil && tellsTime(res, err)
	return res, err
}

// tellsTime tells whether how long a call took says how busy the service is. A failure may be quick for other reasons.
func tellsTime(res *http.Response, err error) bool {
	return verdictOf(res, err) == worked || fail.KindOf(err) == fail.UpstreamTimeout
}

func (l *limit) enter(s *scope) (permit, error) {
	l.mu.Lock()
	if len(l.line) == 0 {
		if p, ok := l.take(); ok {
			l.mu.Unlock()
			return p, nil
		}
	}
	if len(l.line) >= l.most { // more than that can't get their turn in a moment
		l.mu.Unlock()
		return nil, l.refused()
	}
	mine := &turn{came: make(chan struct{})}
	l.line = append(l.line, mine)
	l.mu.Unlock()
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	select {
	case <-mine.came:
		return mine.permit, nil
	case <-timer.C:
	case <-s.Done():
	}
	l.mu.Lock()
	at := slices.Index(l.line, mine)
	if at >= 0 {
		l.line = slices.Delete(l.line, at, at+1)
	}
	l.mu.Unlock()
	switch {
	case s.Err() == nil && at < 0:
		return mine.permit, nil // the turn came at the last moment
	case at < 0:
		l.leave(mine.permit, new(bool))
	}
	if s.Err() != nil {
		return nil, s.call.stack.ended(s)
	}
	return nil, l.refused()
}

func (l *limit) refused() error {
	l.metrics.Count(LimitRefused)
	return &broken{what: fail.Error{Kind: fail.UpstreamUnavailable, Op: l.service, Service: l.service, Err: errBusy}, silent: true}
}

// take lets one go if there is room. It needs the mutex.
func (l *limit) take() (p permit, ok bool) {
	if l.adaptive != nil {
		p, ok = l.adaptive.TryAcquirePermit()
	} else {
		ok = l.inFlight < l.most
	}
	if ok {
		l.inFlight++
	}
	return p, ok
}

// leave is the end of a call, and lets those go for whom there is room.
func (l *limit) leave(p permit, timed *bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	if p != nil {
		if *timed {
			p.Record()
		} else {
			p.Drop()
		}
		l.most = l.adaptive.Limit()
	}
	for len(l.line) > 0 {
		next, ok := l.take()
		if !ok {
			return
		}
		l.line[0].permit = next
		close(l.line[0].came)
		l.line[0] = nil
		l.line = l.line[1:]
	}
}

func (l *limit) numbers() (most, inFlight, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most, l.inFlight, len(l.line)
}
