package cache

import (
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// barren remembers, roughly, keys whose last answer couldn't be kept, though its plan allowed it. Processes don't wait
// for each other's answers to those.
type barren struct{ sums [1024]atomic.Uint64 }

func (b *barren) slot(key string) (*atomic.Uint64, uint64) {
	sum := xxhash.Sum64String(key)
	return &b.sums[sum%uint64(len(b.sums))], sum
}

func (b *barren) has(key string) bool {
	slot, sum := b.slot(key)
	return slot.Load() == sum
}

func (b *barren) note(key string, is bool) {
	slot, sum := b.slot(key)
	if is {
		slot.Store(sum)
	} else {
		slot.CompareAndSwap(sum, 0)
	}
}
