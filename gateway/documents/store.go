package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/redis/go-redis/v9"
)

type hash = [sha256.Size]byte

// store keeps texts by their hash: in memory, and in Redis if there is one.
type store struct {
	config Automatic
	redis  redis.UniversalClient // nil for none
	prefix string
	logger *slog.Logger
	now    func() time.Time

	mu    sync.Mutex // guards what follows
	lru   *simplelru.LRU[hash, string]
	bytes int64
	began time.Time // of the minute in which were learnt:
	news  int
}

// overhead is what an entry takes beside its text.
const overhead = 200

func newStore(c Automatic, o Options, logger *slog.Logger) *store {
	s := &store{config: c, redis: o.Redis, prefix: o.Prefix, logger: logger, now: time.Now}
	if s.prefix == "" {
		s.prefix = "tributary:"
	}
	s.prefix += "document:"
	s.lru, _ = simplelru.NewLRU(math.MaxInt32, func(_ hash, text string) { s.bytes -= int64(len(text)) + overhead }) // fails for sizes under 1
	return s
}

func (s *store) key(h hash) string { return s.prefix + hex.EncodeToString(h[:]) }

// get finds a text. That Redis doesn't answer is the same as not finding it: the client has the text.
func (s *store) get(ctx context.Context, h hash) (string, bool) {
	s.mu.Lock()
	text, ok := s.lru.Get(h)
	s.mu.Unlock()
	if ok || s.redis == nil {
		return text, ok
	}
	text, err := s.redis.GetEx(ctx, s.key(h), s.config.TTL).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", false
	case err != nil:
		s.logger.DebugContext(ctx, "a persisted document can't be looked up", "cause", err)
		return "", false
	case sha256.Sum256([]byte(text)) != h:
		s.logger.WarnContext(ctx, "Redis has another text under a document's hash", "key", s.key(h))
		return "", false
	}
	s.keep(h, text)
	return text, true
}

// put learns a text. In memory the ones unused for longest make room.
func (s *store) put(ctx context.Context, h hash, text string) {
	if !s.learns(h) || !s.keep(h, text) || s.redis == nil {
		return
	}
	if err := s.redis.Set(ctx, s.key(h), text, s.config.TTL).Err(); err != nil {
		s.logger.DebugContext(ctx, "a persisted document can't be kept", "cause", err)
	}
}

// learns says whether a text is new, and one of those that may be learnt in this minute: whoever can pay for operations
// could otherwise make Redis grow as fast as the gateway answers.
func (s *store) learns(h hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lru.Contains(h) {
		return false
	}
	if now := s.now(); now.Sub(s.began) >= time.Minute {
		s.began, s.news = now, 0
	}
	s.news++
	return s.news <= s.config.MaxNew
}

// keep keeps a text in memory, unless it is larger than all that may be kept.
func (s *store) keep(h hash, text string) bool {
	size := int64(len(text)) + overhead
	if size > s.config.MaxBytes {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lru.Contains(h) {
		return true
	}
	s.lru.Add(h, text)
	s.bytes += size
	for s.bytes > s.config.MaxBytes {
		s.lru.RemoveOldest()
	}
	return true
}
