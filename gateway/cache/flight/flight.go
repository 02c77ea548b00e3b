// Package flight has things fetched once that many ask for at the same moment.
//
// In a process there's one flight per key: who asks while it's under way waits for it. Its context has the first
// caller's values and ends when nobody waits any more, so that a caller who hangs up harms nobody. An error goes to all
// who wait; a panic becomes an error. Between processes there's a lease in Redis: one fetches, the others look for what
// it stores, for a moment, and then fetch themselves. When Redis doesn't answer, every process fetches for itself. Early
// and Shorten spread what would happen to many entries at once. The package knows the store, and nothing of answers.
package flight

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Group is a set of flights. The zero value is ready. It's safe for concurrent use.
type Group[V any] struct {
	mu    sync.Mutex // guards calls, and waiters of each
	calls map[string]*call[V]
}

type call[V any] struct {
	begun   time.Time
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int

	value V // from here on: written before done is closed
	err   error
}

// PanicError is what a flight that panicked brings.
type PanicError struct {
	// Value is what it panicked with, and Stack where. Both are for the log.
	Value any
	Stack []byte
}

// Error is for the log.
func (e *PanicError) Error() string {
	return fmt.Sprintf("panic in a flight: %v\n%s", e.Value, e.Stack)
}

// Join says whether who asks now may wait for a flight that began at begun: whether what it brings is young enough.
type Join func(begun time.Time) bool

// Do returns what run brings: this caller's run, or that of a flight of the same key that join lets it wait for; nil lets
// it wait for any. joined says that it was another's. When ctx ends first, the error is its cause.
func (g *Group[V]) Do(ctx context.Context, key string, now time.Time, join Join, run func(ctx context.Context) (V, error)) (v V, joined bool, err error) {
	g.mu.Lock()
	c := g.calls[key]
	if c != nil && c.waiters > 0 && (join == nil || join(c.begun)) {
		c.waiters++
		joined = true
		g.mu.Unlock()
	} else {
		c = g.begin(key, now)
		c.waiters = 1
		g.mu.Unlock()
		go g.fly(context.WithoutCancel(ctx), key, c, run)
	}
	select {
	case <-c.done:
		return c.value, joined, c.err
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.waiters--; c.waiters == 0 {
		c.cancel()
		g.end(key, c) // who comes now begins a new one
	}
	return v, joined, context.Cause(ctx)
}

// Start begins a flight that nobody waits for, unless there is one of this key. It says whether it did. Who asks by Do
// meanwhile may join. ctx is only asked for its values; the flight ends after limit.
func (g *Group[V]) Start(ctx context.Context, key string, now time.Time, limit time.Duration, run func(ctx context.Context) (V, error)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.calls[key] != nil {
		return false
	}
	c := g.begin(key, now)
	c.waiters = 1 // nobody, for as long as limit says
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		g.fly(ctx, key, c, run)
	}()
	return true
}

// begin notes a flight. The caller holds mu.
func (g *Group[V]) begin(key string, now time.Time) *call[V] {
	c := &call[V]{begun: now, done: make(chan struct{}), cancel: func() {}}
	if g.calls == nil {
		g.calls = map[string]*call[V]{}
	}
	g.calls[key] = c
	return c
}

// end forgets a flight, unless another has taken its place. The caller holds mu.
func (g *Group[V]) end(key string, c *call[V]) {
	if g.calls[key] == c {
		delete(g.calls, key)
	}
}

// fly runs a flight.
func (g *Group[V]) fly(ctx context.Context, key string, c *call[V], run func(ctx context.Context) (V, error)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g.mu.Lock()
	c.cancel = cancel
	if c.waiters == 0 { // all left before it began
		cancel()
	}
	g.mu.Unlock()
	defer func() {
		if v := recover(); v != nil {
			c.err = &PanicError{v, debug.Stack()}
		}
		g.mu.Lock()
		g.end(key, c)
		g.mu.Unlock()
		close(c.done)
	}()
	c.err = errGone // should run end the goroutine
	c.value, c.err = run(ctx)
}

type goneError struct{}

func (goneError) Error() string { return "a flight ended its goroutine" }

var errGone error = goneError{}

// Len is how many flights there are.
func (g *Group[V]) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.calls)
}
