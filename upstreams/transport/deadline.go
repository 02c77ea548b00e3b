package transport

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// deadline is the layer that makes a call of a request and says when it is over: at the caller's deadline or after the
// service's timeout, and when the caller leaves, unless others wait for the same answer.
type deadline struct {
	next    http.RoundTripper
	stack   *Transport
	timeout time.Duration // 0: the caller's deadline alone
	shared  *coalesce     // nil: nobody else ever waits
}

// RoundTrip gets the caller's request; all layers below have one of a scope.
func (l *deadline) RoundTrip(r *http.Request) (*http.Response, error) {
	c := newCall(l.stack, r)
	end, has := c.outer.Deadline()
	own := false
	if l.timeout > 0 {
		if at := c.began.Add(l.timeout); !has || at.Before(end) {
			end, own = at, true
		}
	}
	if err := c.outer.Err(); err != nil {
		if hasBody(r) {
			_ = r.Body.Close()
		}
		return nil, l.stack.failed(err)
	}
	c.root.open(c, nil, r, end, own)
	defer c.root.end(context.Canceled)
	if c.outer.Done() != nil {
		stop := context.AfterFunc(c.outer, func() { l.left(c) })
		defer stop()
	}
	res, err := l.next.RoundTrip(&c.root.request)
	if hasBody(r) && c.unsent() { // no carrier has closed it
		_ = r.Body.Close()
	}
	return res, err
}

// left is called when the caller's context has ended.
func (l *deadline) left(c *call) {
	err := c.outer.Err()
	if !errors.Is(err, context.DeadlineExceeded) && l.shared != nil && l.shared.leave(c, true) {
		c.root.keep()
		return
	}
	c.root.end(err)
}

// keep has the scope's deadline kept by an alarm: whoever kept it until now has left.
func (s *scope) keep() {
	s.call.mu.Lock()
	defer s.call.mu.Unlock()
	if s.err == nil && s.alarm == nil && !s.deadline.IsZero() {
		s.alarm = s.call.stack.alarms.set(time.Until(s.deadline), s)
	}
}

// remaining writes the time that is left into a header, in milliseconds.
type remaining struct {
	header string // empty: into none
	last   atomic.Pointer[remainingValue]
}

// remainingValue is a header's value. Most requests begin with the same time left, so the last value is kept.
type remainingValue struct {
	ms     int64
	values []string
}

// of is the header's value at now, nil for none. The slice is shared and isn't changed.
func (h *remaining) of(now, end time.Time) []string {
	if h.header == "" || end.IsZero() {
		return nil
	}
	ms := max(0, int64(end.Sub(now)/time.Millisecond))
	last := h.last.Load()
	if last == nil || last.ms != ms {
		last = &remainingValue{ms, []string{strconv.FormatInt(ms, 10)}}
		h.last.Store(last)
	}
	return last.values
}
