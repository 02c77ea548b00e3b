package store

import (
	"context"
	"sync"
	"time"
)

// reads are the reads of Redis that are under way: who asks for the same key meanwhile waits for the same answer. It's as
// old as the beginning of the read, and what was purged here since is looked at by each who waited.
type reads struct {
	mu    sync.Mutex // guards under
	under map[string]*read
}

type read struct {
	start time.Time
	done  chan struct{}
	entry *Entry // written before done is closed
}

// one reads an entry.
func (r *remote) one(ctx context.Context, key string) *Entry {
	r.reads.mu.Lock()
	under, joined := r.reads.under[key]
	if !joined {
		under = &read{start: r.store.now(), done: make(chan struct{})}
		if r.reads.under == nil {
			r.reads.under = map[string]*read{}
		}
		r.reads.under[key] = under
	}
	r.reads.mu.Unlock()
	if joined {
		select {
		case <-under.done:
			return r.still(under)
		case <-ctx.Done():
			return nil
		}
	}
	defer func() {
		r.reads.mu.Lock()
		delete(r.reads.under, key)
		r.reads.mu.Unlock()
		close(under.done)
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.store.config.ReadTimeout) // others wait for it, too
	defer cancel()
	value, err := r.client.Get(ctx, r.entryKey(key)).Result()
	if err == nil {
		under.entry = r.open(key, value, under.start, r.store.now())
	}
	return under.entry
}

// still is what a read brought, if nothing of it was purged since it began.
func (r *remote) still(under *read) *Entry {
	e, s := under.entry, r.store
	if e == nil || !s.now().Before(e.StaleUntil) || s.guard.awaits(e.Tags) || s.guard.since(under.start, e.Tags) {
		return nil
	}
	return e
}
