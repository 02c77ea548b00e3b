package transport

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// scope is the context of a call, of one branch of a hedged call, or of an attempt. It ends with the scope above it, at
// its deadline, or when it's told to. It does what context.WithDeadline does; but scopes of one call lie in the call's
// own memory, and share its mutex and the transport's timers, which makes them cost a fifth of that.
type scope struct {
	call     *call
	deadline time.Time // zero for none
	request  http.Request

	// guarded by call.mu
	up         *scope // nil at the top, and after the end
	first      *scope // the scopes below, a list
	prev, next *scope // neighbours in up's list
	err        error
	done       chan struct{} // made for the first who asks
	alarm      *alarm
	afterFuncs *afterFunc
	spare      afterFunc // memory for the first of them
}

// afterFunc is one who waits for the end, in a list.
type afterFunc struct {
	f     func()
	scope *scope

	// guarded by call.mu, but next is the ender's once gone is set by an end
	prev, next *afterFunc
	gone       bool // was run or removed
}

// open begins a scope below another one, or at the top, and gives it a copy of a request with itself as its context. When
// the deadline is one that nobody above keeps, timed says so.
func (s *scope) open(c *call, up *scope, r *http.Request, deadline time.Time, timed bool) {
	s.call, s.deadline = c, deadline
	s.request = *r.WithContext(s) // inlined, so that nothing is allocated
	c.mu.Lock()
	defer c.mu.Unlock()
	if up != nil {
		if up.err != nil {
			s.err = up.err
			return
		}
		s.up = up
		s.next = up.first
		if up.first != nil {
			up.first.prev = s
		}
		up.first = s
	}
	if timed {
		s.alarm = c.stack.alarms.set(time.Until(deadline), s)
	}
}

// end ends the scope and those below it. Only the first end counts.
func (s *scope) end(err error) {
	s.call.mu.Lock()
	first := s.endLocked(err, nil)
	s.call.mu.Unlock()
	for first != nil {
		f := first.f
		first = first.next
		f()
	}
}

// endLocked returns the functions to call once the mutex is free, before those in then.
func (s *scope) endLocked(err error, then *afterFunc) *afterFunc {
	if s.err != nil {
		return then
	}
	s.err = err
	if s.done != nil {
		close(s.done)
	}
	if s.alarm != nil {
		s.call.stack.alarms.stop(s.alarm)
		s.alarm = nil
	}
	if s.up != nil {
		s.detach()
	}
	for s.first != nil {
		then = s.first.endLocked(err, then)
	}
	for a := s.afterFuncs; a != nil; {
		next := a.next
		a.gone, a.prev, a.next = true, nil, then
		then, a = a, next
	}
	s.afterFuncs = nil
	return then
}

func (s *scope) detach() {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		s.up.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.up, s.prev, s.next = nil, nil, nil
}

// ring is the alarm's: the time is over.
func (s *scope) ring() { s.end(context.DeadlineExceeded) }

// Deadline answers as context.Context does, as do the methods below.
func (s *scope) Deadline() (time.Time, bool) { return s.deadline, !s.deadline.IsZero() }

// Done is closed at the end.
func (s *scope) Done() <-chan struct{} {
	s.call.mu.Lock()
	defer s.call.mu.Unlock()
	if s.done == nil {
		s.done = make(chan struct{})
		if s.err != nil {
			close(s.done)
		}
	}
	return s.done
}

// Err is nil until the end.
func (s *scope) Err() error {
	s.call.mu.Lock()
	defer s.call.mu.Unlock()
	return s.err
}

type scopeKey struct{}

// Value finds the scope itself, and what the caller's context has.
func (s *scope) Value(key any) any {
	if key == (scopeKey{}) {
		return s
	}
	return s.call.outer.Value(key)
}

// AfterFunc is what package context asks for, so that contexts below this one need no goroutine. f is quick: it runs in the
// goroutine that ends the scope.
func (s *scope) AfterFunc(f func()) (stop func() bool) {
	s.call.mu.Lock()
	if s.err != nil {
		s.call.mu.Unlock()
		go f() // the caller may hold a lock that f wants
		return func() bool { return false }
	}
	a := &s.spare
	if a.scope != nil {
		a = &afterFunc{}
	}
	a.f, a.scope = f, s
	a.next = s.afterFuncs
	if a.next != nil {
		a.next.prev = a
	}
	s.afterFuncs = a
	s.call.mu.Unlock()
	return a.remove
}

func (a *afterFunc) remove() bool {
	s := a.scope
	s.call.mu.Lock()
	defer s.call.mu.Unlock()
	if a.gone {
		return false
	}
	a.gone = true
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		s.afterFuncs = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	}
	return true
}

// wait lets time pass; it's false when the scope ended before.
func (s *scope) wait(d time.Duration) bool {
	if d <= 0 {
		return s.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.Err() == nil
	case <-s.Done():
		return false
	}
}

// scopeOf is the scope that a layer's request belongs to. All requests inside a Transport have one.
func scopeOf(r *http.Request) *scope {
	if s, ok := r.Context().(*scope); ok {
		return s
	}
	return r.Context().Value(scopeKey{}).(*scope)
}

// alarms are timers, used again and again.
type alarms struct{ pool sync.Pool }

// alarm is a timer with somebody to ring for.
type alarm struct {
	timer *time.Timer
	who   ringer // set before the timer is, and cleared only when it can't ring any more
}

type ringer interface{ ring() }

func (p *alarms) set(d time.Duration, who ringer) *alarm {
	if a, ok := p.pool.Get().(*alarm); ok {
		a.who = who
		a.timer.Reset(d)
		return a
	}
	a := &alarm{who: who}
	a.timer = time.AfterFunc(d, func() { a.who.ring() })
	return a
}

// stop keeps the alarm for the next one, unless it is ringing.
func (p *alarms) stop(a *alarm) {
	if a.timer.Stop() {
		a.who = nil
		p.pool.Put(a)
	}
}
