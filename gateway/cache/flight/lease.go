package flight

import (
	"context"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
)

// Across is how a process agrees with others on who fetches.
type Across struct {
	// Lease is how long the others believe that one who fetches is there. Default: 10s.
	Lease time.Duration
	// Wait is how long one waits for another before it fetches itself. Default: 1s.
	Wait time.Duration
}

// WithDefaults replaces zeros.
func (a Across) WithDefaults() Across {
	if a.Lease == 0 {
		a.Lease = 10 * time.Second
	}
	if a.Wait == 0 {
		a.Wait = time.Second
	}
	return a
}

const (
	firstLook = 4 * time.Millisecond
	lastLook  = 32 * time.Millisecond
)

// Claim is called in a flight, before the fetch. It returns the entry of a key that another process has fetched, one for
// which enough says yes; or nil, and then the caller fetches, and calls release when its entry is in the store or won't
// be. Waiting ends with ctx, too.
func (a Across) Claim(ctx context.Context, s *store.Store, key string, enough func(*store.Entry) bool) (e *store.Entry, release func()) {
	nothing := func() {}
	if !s.Shared() {
		return nil, nothing
	}
	a = a.WithDefaults()
	deadline := s.Now().Add(a.Wait)
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		lease, release := s.Lease(ctx, key, a.Lease)
		if lease == store.Unavailable {
			return nil, nothing
		}
		e, held := s.Poll(ctx, key) // who had the lease may have stored it just now
		if e != nil && enough(e) {
			release()
			return e, nothing
		}
		if lease == store.Granted {
			return nil, release
		}
		for ; held; pause = min(2*pause, lastLook) {
			if !s.Now().Add(pause).Before(deadline) || !sleep(ctx, pause) {
				return nil, nothing
			}
			if e, held = s.Poll(ctx, key); e != nil && enough(e) {
				return e, nothing
			}
		}
		if !s.Now().Add(pause).Before(deadline) || ctx.Err() != nil { // given back without an entry
			return nil, nothing
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
