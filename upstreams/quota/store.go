package quota

import (
	"context"
	"sync"
	"time"
)

// Store remembers one instant for each key. Its methods may be called concurrently and apply their own timeout; what they
// decide for one key is decided for everybody who shares the store.
type Store interface {
	// Take takes one of what the rate allows. When there is none, it takes nothing and says how long to wait before
	// asking again.
	Take(ctx context.Context, key string, r Rate, now time.Time) (wait time.Duration, err error)
	// Pause lets nobody take anything before until. A pause that ends later stands.
	Pause(ctx context.Context, key string, r Rate, until time.Time) error
}

// Memory is a Store for this process alone. The zero value is empty and ready.
type Memory struct {
	mu   sync.Mutex // guards tats
	tats map[string]time.Time
}

var _ Store = (*Memory)(nil)

// Take is Store's. It doesn't fail.
func (m *Memory) Take(_ context.Context, key string, r Rate, now time.Time) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.tats[key]
	tat, wait := r.take(before, now)
	if wait == 0 && tat != before {
		m.set(key, tat)
	}
	return wait, nil
}

// Pause is Store's. It doesn't fail.
func (m *Memory) Pause(_ context.Context, key string, r Rate, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, r.pause(m.tats[key], until))
	return nil
}

func (m *Memory) set(key string, tat time.Time) {
	if m.tats == nil {
		m.tats = map[string]time.Time{}
	}
	m.tats[key] = tat
}
