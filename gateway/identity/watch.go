package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
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
	stop   context.CancelFunc
	done   chan struct{}

	// The watcher's own:
	stamp fileStamp
	sum   [sha256.Size]byte
	fault string // what was logged last
}

// fileStamp tells files apart without reading them.
type fileStamp struct {
	size     int64
	modified time.Time
	target   string
}

// watchKeys reads the file and begins to watch it. The first time it must be right.
func watchKeys(path string, logger *slog.Logger) (*watchedKeys, error) {
	w := &watchedKeys{path: path, logger: logger, done: make(chan struct{})}
	w.stamp = w.look()
	keys, err := w.read()
	if err != nil {
		return nil, err
	}
	index := indexOf(keys)
	w.index.Store(&index)

	notify, err := fsnotify.NewWatcher()
	if err == nil {
		// The folder: files are replaced, and so are links to them.
		if err = notify.Add(filepath.Dir(path)); err != nil {
			_ = notify.Close()
		}
	}
	if err != nil {
		logger.Warn("the keys file is only polled", "file", path, "cause", err)
		notify = nil
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go w.run(ctx, notify)
	return w, nil
}

func (w *watchedKeys) close() {
	w.stop()
	<-w.done
}

func (w *watchedKeys) find(ctx context.Context, h Hash) (Key, bool, error) {
	return w.index.Load().find(ctx, h)
}

func (w *watchedKeys) run(ctx context.Context, notify *fsnotify.Watcher) {
	defer close(w.done)
	var events chan fsnotify.Event
	var lost <-chan error
	if notify != nil {
		defer notify.Close() //nolint:errcheck // nothing was written
		events, lost = notify.Events, notify.Errors
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			w.reload(ctx, filepath.Base(e.Name) == filepath.Base(w.path))
		case err := <-lost:
			w.logger.DebugContext(ctx, "changes beside the keys file were missed", "cause", err)
			w.reload(ctx, true)
		case <-tick.C:
			w.reload(ctx, false)
		}
	}
}

// reload reads the file when it was touched or isn't the one that was read before.
func (w *watchedKeys) reload(ctx context.Context, touched bool) {
	stamp := w.look()
	if !touched && stamp == w.stamp && w.fault == "" {
		return
	}
	before := w.sum
	keys, err := w.read()
	if err != nil {
		if fault := err.Error(); fault != w.fault {
			w.fault = fault
			w.logger.ErrorContext(ctx, "the keys file can't be used; the keys stay as they were", "cause", fault)
		}
		return
	}
	w.stamp = stamp
	if w.sum == before && w.fault == "" {
		return
	}
	w.fault = ""
	index := indexOf(keys)
	w.index.Store(&index)
	w.logger.InfoContext(ctx, "keys read", "file", w.path, "keys", len(keys))
}

func (w *watchedKeys) look() fileStamp {
	info, err := os.Stat(w.path)
	if err != nil {
		return fileStamp{size: -1}
	}
	target, _ := filepath.EvalSymlinks(w.path)
	return fileStamp{info.Size(), info.ModTime(), target}
}

func (w *watchedKeys) read() ([]Key, error) {
	text, err := readBounded(w.path, maxKeyFile+1)
	if err != nil {
		return nil, fmt.Errorf("keys file: %w", err)
	}
	keys, err := parseKeys(w.path, text)
	if err == nil {
		w.sum = sha256.Sum256(text)
	}
	return keys, err
}
