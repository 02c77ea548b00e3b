package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tributary-gateway/tributary/gateway/files"
)

// keyIndex finds keys by their hash.
type keyIndex map[uint64][]Key // by the first bytes of the hash

func indexOf(keys []Key) keyIndex {
	index := make(keyIndex, len(keys))
	for _, k := range keys {
		start := binary.BigEndian.Uint64(k.Hash[:8])
		index[start] = append(index[start], k)
	}
	return index
}

// find compares in constant time, with one hash at least.
func (x keyIndex) find(_ context.Context, h Hash) (Key, bool, error) {
	candidates := x[binary.BigEndian.Uint64(h[:8])]
	found := -1
	var none Hash
	subtle.ConstantTimeCompare(h[:], none[:])
	for i := range candidates {
		if subtle.ConstantTimeCompare(h[:], candidates[i].Hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Key{}, false, nil
	}
	return candidates[found], true, nil
}

// pollEvery is how often the file is looked at besides: not every file system tells of changes.
const pollEvery = 2 * time.Second

// watchedKeys are those of a file, read again when it changes. A file that can't be read leaves the keys as they were.
type watchedKeys struct {
	path   string
	logger *slog.Logger
	index  atomic.Pointer[keyIndex]
	close  func()

	// The watcher's own:
	sum   [sha256.Size]byte
	fault string // what was logged last
}

// watchKeys reads the file and begins to watch it. The first time it must be right.
func watchKeys(path string, logger *slog.Logger) (*watchedKeys, error) {
	w := &watchedKeys{path: path, logger: logger}
	watcher := files.Start([]string{path}, pollEvery, logger)
	keys, err := w.read()
	if err != nil {
		watcher.Close()
		return nil, err
	}
	index := indexOf(keys)
	w.index.Store(&index)
	w.close = watcher.Background(w.reload)
	return w, nil
}

func (w *watchedKeys) find(ctx context.Context, h Hash) (Key, bool, error) {
	return w.index.Load().find(ctx, h)
}

// reload reads the file, for it may not be what it was. A mistake is told once.
func (w *watchedKeys) reload(ctx context.Context) error {
	before := w.sum
	keys, err := w.read()
	if err != nil {
		if fault := err.Error(); fault != w.fault {
			w.fault = fault
			w.logger.ErrorContext(ctx, "the keys file can't be used; the keys stay as they were", "cause", fault)
		}
		return err
	}
	if w.sum == before && w.fault == "" {
		return nil
	}
	w.fault = ""
	index := indexOf(keys)
	w.index.Store(&index)
	w.logger.InfoContext(ctx, "keys read", "file", w.path, "keys", len(keys))
	return nil
}

func (w *watchedKeys) read() ([]Key, error) {
	text, err := files.Read(w.path, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("keys file: %w", err)
	}
	keys, err := parseKeys(w.path, text)
	if err == nil {
		w.sum = sha256.Sum256(text)
	}
	return keys, err
}
