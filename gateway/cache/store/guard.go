package store

import (
	"sync"
	"sync/atomic"
	"time"
)

// guard remembers what was purged lately, as this process knows it, so that what was read before isn't kept after.
type guard struct {
	all atomic.Int64 // when everything was purged last, in nanoseconds

	mu      sync.RWMutex // guards what follows
	marks   map[string]time.Time
	journal []record // by time
	lost    time.Time
	swept   time.Time
	pending map[string]int // tags of purges that Redis doesn't know of yet
}

// record is one purge.
type record struct {
	at   time.Time
	tags []string
}

const (
	// remembered is how long a fetch may take and be kept all the same.
	remembered = 10 * time.Minute
	// journalled and journalSize bound the journal, about.
	journalled  = time.Minute
	journalSize = 4096
)

// mark remembers a purge.
func (g *guard) mark(now time.Time, tags []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.marks == nil {
		g.marks = map[string]time.Time{}
	}
	for _, tag := range tags {
		if tag == All {
			g.all.Store(now.UnixNano())
		}
		g.marks[tag] = now
	}
	g.journal = append(g.journal, record{now, tags})
	if len(g.journal) > journalSize || now.Sub(g.journal[0].at) > 2*journalled {
		drop := 0
		for drop < len(g.journal) && (drop < len(g.journal)-journalSize*3/4 || now.Sub(g.journal[drop].at) > journalled) {
			g.lost = g.journal[drop].at
			drop++
		}
		g.journal = append(g.journal[:0:0], g.journal[drop:]...)
	}
	if now.Sub(g.swept) > remembered/4 {
		g.swept = now
		for tag, at := range g.marks {
			if now.Sub(at) > remembered {
				delete(g.marks, tag)
			}
		}
	}
}

// since says whether one of the tags was purged at start or later. All counts as one of them.
func (g *guard) since(start time.Time, tags []string) bool {
	if g.all.Load() >= start.UnixNano() {
		return true
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	if len(g.marks) == 0 {
		return false
	}
	for _, tag := range tags {
		if at, purged := g.marks[tag]; purged && !at.Before(start) {
			return true
		}
	}
	return false
}

// any says whether something for which concerns says yes was purged at t or later.
func (g *guard) any(t time.Time, concerns func(tag string) bool) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if !g.lost.Before(t) && !g.lost.IsZero() {
		return true
	}
	for i := len(g.journal) - 1; i >= 0 && !g.journal[i].at.Before(t); i-- {
		for _, tag := range g.journal[i].tags {
			if tag == All || concerns(tag) {
				return true
			}
		}
	}
	return false
}

// await notes tags that Redis isn't known to have purged.
func (g *guard) await(tags []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pending == nil {
		g.pending = map[string]int{}
	}
	for _, tag := range tags {
		g.pending[tag]++
	}
}

// done undoes await.
func (g *guard) done(tags []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, tag := range tags {
		if g.pending[tag]--; g.pending[tag] <= 0 {
			delete(g.pending, tag)
		}
	}
}

// awaits says whether what Redis has under these tags can't be trusted.
func (g *guard) awaits(tags []string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if len(g.pending) == 0 {
		return false
	}
	if g.pending[All] > 0 {
		return true
	}
	for _, tag := range tags {
		if g.pending[tag] > 0 {
			return true
		}
	}
	return false
}
