package store

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// local is the layer in the process: entries by key, and by tag. It admits by how often a key is asked for (W-TinyLFU),
// so that many keys that are asked for once don't push out those in use. The order of things is the one of Redis: a fill
// is index, entry, look at the marks again; a purge is mark, index, drop.
type local struct {
	cache *otter.Cache[string, *item]
	seed  maphash.Seed
	tags  [32]tagShard
}

// item is an entry in the process.
type item struct {
	entry *Entry
	start time.Time    // of the fetch, or of the read from Redis
	until atomic.Int64 // in nanoseconds: until when it may be served without asking Redis
	keep  time.Duration
	dead  atomic.Bool // purged
}

type tagShard struct {
	mu    sync.Mutex // guards items
	items map[string]map[*item]struct{}
}

// overhead is about what an entry takes beside its bytes, and perTag what a tag does.
const (
	overhead = 400
	perTag   = 120
)

func (it *item) weight() uint32 {
	n := overhead + len(it.entry.Key) + len(it.entry.Body) + len(it.entry.Meta)
	for _, tag := range it.entry.Tags {
		n += perTag + len(tag)
	}
	return uint32(min(n, 1<<31)) //nolint:gosec // bounded
}

func newLocal(memory int64) (*local, error) {
	l := &local{seed: maphash.MakeSeed()}
	for i := range l.tags {
		l.tags[i].items = map[string]map[*item]struct{}{}
	}
	var err error
	l.cache, err = otter.New(&otter.Options[string, *item]{
		MaximumWeight:    uint64(memory),
		Weigher:          func(_ string, it *item) uint32 { return it.weight() },
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, *item]) time.Duration { return e.Value.keep }),
		OnAtomicDeletion: func(e otter.DeletionEvent[string, *item]) { l.unlink(e.Value) },
	})
	return l, err
}

func (l *local) shard(tag string) *tagShard {
	return &l.tags[maphash.String(l.seed, tag)%uint64(len(l.tags))]
}

func (l *local) get(key string, now time.Time, g *guard) *Entry {
	it, ok := l.cache.GetIfPresent(key)
	if !ok || it.dead.Load() || now.UnixNano() >= it.until.Load() || g.all.Load() >= it.start.UnixNano() {
		return nil
	}
	return it.entry
}

// put keeps an item for at most keep.
func (l *local) put(it *item, keep time.Duration, g *guard) {
	it.keep = max(keep, time.Millisecond)
	for _, tag := range it.entry.Tags {
		s := l.shard(tag)
		s.mu.Lock()
		items := s.items[tag]
		if items == nil {
			items = map[*item]struct{}{}
			s.items[tag] = items
		}
		items[it] = struct{}{}
		s.mu.Unlock()
	}
	l.cache.Set(it.entry.Key, it)
	if g.since(it.start, it.entry.Tags) {
		l.drop(it)
	}
}

// drop makes sure that an item isn't served any more.
func (l *local) drop(it *item) {
	it.dead.Store(true)
	l.cache.ComputeIfPresent(it.entry.Key, func(now *item) (*item, otter.ComputeOp) {
		if now == it {
			return nil, otter.InvalidateOp
		}
		return now, otter.CancelOp
	})
	l.unlink(it) // it may never have been in, or be out already
}

// unlink takes an item out of the index.
func (l *local) unlink(it *item) {
	for _, tag := range it.entry.Tags {
		s := l.shard(tag)
		s.mu.Lock()
		if items := s.items[tag]; items != nil {
			delete(items, it)
			if len(items) == 0 {
				delete(s.items, tag)
			}
		}
		s.mu.Unlock()
	}
}

// purge drops the items with one of the tags and counts them. All drops everything.
func (l *local) purge(tags []string) int {
	count := 0
	for _, tag := range tags {
		if tag == All {
			count += l.cache.EstimatedSize()
			l.cache.InvalidateAll()
			continue
		}
		s := l.shard(tag)
		s.mu.Lock()
		items := s.items[tag]
		delete(s.items, tag)
		s.mu.Unlock()
		for it := range items {
			if !it.dead.Load() {
				count++
			}
			l.drop(it)
		}
	}
	return count
}

func (l *local) size() (entries int, bytes int64) {
	l.cache.CleanUp()
	return l.cache.EstimatedSize(), int64(l.cache.WeightedSize()) //nolint:gosec // bounded by Memory
}

func (l *local) close() {
	l.cache.InvalidateAll()
	l.cache.StopAllGoroutines()
}
