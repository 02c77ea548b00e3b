package identity

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// keyStore finds keys. Its find is called concurrently; an error says that it can't be asked.
type keyStore interface {
	find(ctx context.Context, h Hash) (k Key, found bool, err error)
}

// cachedKeys asks a slower store at most once in a while for each key, and not at all for a moment after it failed.
// While it can't be asked, keys that were there a short time ago still are.
type cachedKeys struct {
	store   keyStore
	fresh   time.Duration
	stale   time.Duration
	now     func() time.Time
	logger  *slog.Logger
	present *lru.Cache[Hash, cachedKey]
	absent  *lru.Cache[Hash, time.Time] // apart, so that guessing doesn't displace what is there

	mu     sync.Mutex // guards what follows
	broken bool
	retry  time.Time // when the store is asked again
}

type cachedKey struct {
	key Key
	at  time.Time
}

const (
	cachedKeysMost = 10_000
	lookupTimeout  = 100 * time.Millisecond
	lookupPause    = 500 * time.Millisecond
)

// recordError is a record that can't be read.
type recordError struct{ id, reason string }

func (e *recordError) Error() string { return "key " + e.id + ": " + e.reason }

var errPaused = errors.New("the key store failed a moment ago")

func newCachedKeys(store keyStore, c Keys, now func() time.Time, logger *slog.Logger) (*cachedKeys, error) {
	present, err := lru.New[Hash, cachedKey](cachedKeysMost)
	if err != nil {
		return nil, err
	}
	absent, err := lru.New[Hash, time.Time](cachedKeysMost)
	if err != nil {
		return nil, err
	}
	return &cachedKeys{store: store, fresh: c.CacheFor, stale: c.StaleFor, now: now, logger: logger, present: present, absent: absent}, nil
}

func (c *cachedKeys) find(ctx context.Context, h Hash) (Key, bool, error) {
	now := c.now()
	known, ok := c.present.Get(h)
	if ok && now.Sub(known.at) < c.fresh {
		return known.key, true, nil
	}
	if at, absent := c.absent.Get(h); absent && now.Sub(at) < c.fresh {
		return Key{}, false, nil
	}
	k, found, err := c.ask(ctx, h, now)
	switch {
	case errors.As(err, new(*recordError)):
		return Key{}, false, err
	case err != nil && ok && now.Sub(known.at) < c.stale:
		return known.key, true, nil
	case err != nil:
		return Key{}, false, err
	case found:
		c.present.Add(h, cachedKey{k, now})
		c.absent.Remove(h)
	default:
		c.absent.Add(h, now)
		c.present.Remove(h)
	}
	return k, found, nil
}

// ask goes to the store. A client that hangs up doesn't make the store look broken.
func (c *cachedKeys) ask(ctx context.Context, h Hash, now time.Time) (Key, bool, error) {
	if c.paused(now) {
		return Key{}, false, errPaused
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	defer cancel()
	k, found, err := c.store.find(ctx, h)
	var bad *recordError
	if errors.As(err, &bad) { // it has answered
		c.logger.ErrorContext(ctx, "an API key's record can't be read", "cause", err)
		c.note(ctx, now, nil)
		return k, found, err
	}
	c.note(ctx, now, err)
	return k, found, err
}

// paused is false for one caller after each pause, who tries for all.
func (c *cachedKeys) paused(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken && !now.Before(c.retry) {
		c.retry = now.Add(lookupPause)
		return false
	}
	return c.broken
}

// note remembers how the store is, and logs when that changes.
func (c *cachedKeys) note(ctx context.Context, now time.Time, err error) {
	c.mu.Lock()
	changed := c.broken != (err != nil)
	c.broken, c.retry = err != nil, now.Add(lookupPause)
	c.mu.Unlock()
	if changed && err != nil {
		c.logger.WarnContext(ctx, "API keys can't be looked up; those seen lately stay valid", "cause", err)
	} else if changed {
		c.logger.InfoContext(ctx, "API keys are looked up again")
	}
}
