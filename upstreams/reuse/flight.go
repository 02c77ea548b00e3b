package reuse

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// flights are the exchanges under way, one for a key. An exchange ends when the last who waits for it has left; one that
// nobody waited for from its beginning goes on.
type flights struct {
	ended atomic.Uint64

	mu     sync.Mutex // guards what follows, and every flight but its outcome
	flying map[string]*flight
}

// flight is one exchange.
type flight struct {
	key     string
	began   time.Time
	waiters int
	left    bool // all have left
	cancel  context.CancelFunc
	done    chan struct{}
	outcome outcome // readable when done is closed
}

// mark changes when an exchange ends.
func (g *flights) mark() uint64 { return g.ended.Load() }

// join gives the flight of a key, and whether the caller has to start it. One that overtaken says yes to isn't joined.
func (g *flights) join(key string, now time.Time, overtaken func(began time.Time) bool) (f *flight, first bool) {
	g.mu.Lock()
	f = g.flying[key]
	g.mu.Unlock()
	if f != nil && !overtaken(f.began) {
		g.mu.Lock()
		if g.flying[key] == f {
			f.waiters++
			g.mu.Unlock()
			return f, false
		}
		g.mu.Unlock()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if other := g.flying[key]; other != nil && other != f { // somebody was quicker, and began after what was purged
		other.waiters++
		return other, false
	}
	return g.add(key, now), true
}

// alone makes a flight that nobody waits for; nil when there is one.
func (g *flights) alone(key string, now time.Time) *flight {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.flying[key] != nil {
		return nil
	}
	return g.add(key, now)
}

func (g *flights) add(key string, now time.Time) *flight {
	if g.flying == nil {
		g.flying = map[string]*flight{}
	}
	f := &flight{key: key, began: now, waiters: 1, done: make(chan struct{})}
	g.flying[key] = f
	return f
}

// takeOff says how to end the exchange; it's false when nobody waits any more.
func (g *flights) takeOff(f *flight, cancel context.CancelFunc) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.cancel = cancel
	return !f.left
}

// leave is called by one who doesn't wait any longer.
func (g *flights) leave(f *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.waiters--
	if f.waiters > 0 {
		return
	}
	f.left = true
	g.remove(f)
	if f.cancel != nil {
		f.cancel()
	}
}

// land gives the outcome to those who wait.
func (g *flights) land(f *flight, o outcome) {
	f.outcome = o
	g.ended.Add(1)
	g.mu.Lock()
	g.remove(f)
	g.mu.Unlock()
	close(f.done)
}

func (g *flights) remove(f *flight) {
	if g.flying[f.key] == f {
		delete(g.flying, f.key)
	}
}

// mostRefreshes is how many exchanges that nobody waits for a service gets at once.
const mostRefreshes = 32

// refreshes are the exchanges that nobody waits for.
type refreshes struct{ running atomic.Int32 }

// begin runs do, unless there are too many.
func (r *refreshes) begin(do func()) bool {
	if r.running.Add(1) > mostRefreshes {
		r.running.Add(-1)
		return false
	}
	go func() {
		defer r.running.Add(-1)
		do()
	}()
	return true
}

func errPanic(r any) error { return fmt.Errorf("panic: %v", r) }
