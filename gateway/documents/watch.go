package documents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

// pollEvery is how often the files are looked at besides: not every file system tells of changes.
const pollEvery = 2 * time.Second

// manifests are files that are read again when they change. Ones that can't be read leave the documents as they were.
type manifests struct {
	paths  []string
	limit  int64
	logger *slog.Logger
	all    atomic.Pointer[trusted]
	stop   context.CancelFunc
	done   chan struct{}

	// The watcher's own:
	stamps []stamp
	fault  string // what was logged last
}

// stamp tells files apart without reading them.
type stamp struct {
	size     int64
	modified time.Time
	target   string
}

// watchManifests reads the files and begins to watch them. The first time they must be right.
func watchManifests(paths []string, limit int64, logger *slog.Logger) (*manifests, error) {
	m := &manifests{paths: paths, limit: limit, logger: logger, done: make(chan struct{}), stop: func() {}}
	m.stamps = m.look()
	all, err := m.read()
	if err != nil {
		return nil, err
	}
	m.all.Store(all)
	if len(paths) == 0 {
		close(m.done)
		return m, nil
	}
	notify, err := fsnotify.NewWatcher()
	if err == nil {
		for _, path := range paths { // the folders: files are replaced, and so are links to them
			if err = notify.Add(filepath.Dir(path)); err != nil {
				_ = notify.Close()
				break
			}
		}
	}
	if err != nil {
		logger.Warn("manifests are only polled", "cause", err)
		notify = nil
	}
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	go m.run(ctx, notify)
	return m, nil
}

func (m *manifests) load() *trusted { return m.all.Load() }

func (m *manifests) close() {
	m.stop()
	<-m.done
}

func (m *manifests) run(ctx context.Context, notify *fsnotify.Watcher) {
	defer close(m.done)
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
		case <-events:
		case <-lost: //nolint:errcheck // changes were missed: look again
		case <-tick.C:
		}
		m.reload(ctx)
	}
}

// reload reads all files when one of them isn't what it was.
func (m *manifests) reload(ctx context.Context) {
	stamps := m.look()
	if slices.Equal(stamps, m.stamps) && m.fault == "" {
		return
	}
	all, err := m.read()
	if err != nil {
		if fault := err.Error(); fault != m.fault {
			m.fault = fault
			m.logger.ErrorContext(ctx, "manifests can't be used; the trusted documents stay as they were", "cause", fault)
		}
		return
	}
	m.stamps, m.fault = stamps, ""
	m.all.Store(all)
	m.logger.InfoContext(ctx, "manifests read", "documents", len(all.prints))
}

func (m *manifests) look() []stamp {
	stamps := make([]stamp, len(m.paths))
	for i, path := range m.paths {
		info, err := os.Stat(path)
		if err != nil {
			stamps[i].size = -1
			continue
		}
		target, _ := filepath.EvalSymlinks(path)
		stamps[i] = stamp{info.Size(), info.ModTime(), target}
	}
	return stamps
}

func (m *manifests) read() (*trusted, error) {
	var all [][]entry
	var problems []error
	for _, path := range m.paths {
		entries, err := readManifest(path, m.limit)
		if err != nil {
			problems = append(problems, fmt.Errorf("manifest %s: %w", path, err))
		}
		all = append(all, entries)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return newTrusted(all)
}

func readManifest(path string, limit int64) ([]entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) > limit:
		return nil, fmt.Errorf("is over %d bytes", limit)
	}
	return parseManifest(text)
}
