package documents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tributary-gateway/tributary/gateway/files"
)

// pollEvery is how often the files are looked at besides: not every file system tells of changes.
const pollEvery = 2 * time.Second

// manifests are files that are read again when they change. Ones that can't be read leave the documents as they were.
type manifests struct {
	paths  []string
	limit  int64
	logger *slog.Logger
	all    atomic.Pointer[trusted]
	close  func()
	fault  string // what was logged last
}

// watchManifests reads the files and begins to watch them. The first time they must be right.
func watchManifests(paths []string, limit int64, logger *slog.Logger) (*manifests, error) {
	m := &manifests{paths: paths, limit: limit, logger: logger, close: func() {}}
	watcher := files.Start(paths, pollEvery, logger)
	all, err := m.read()
	if err != nil || len(paths) == 0 {
		watcher.Close()
	} else {
		m.close = watcher.Background(m.reload)
	}
	m.all.Store(all)
	return m, err
}

func (m *manifests) load() *trusted { return m.all.Load() }

// reload reads all files, for one of them may not be what it was. A mistake is told once.
func (m *manifests) reload(ctx context.Context) error {
	all, err := m.read()
	if err != nil {
		if fault := err.Error(); fault != m.fault {
			m.fault = fault
			m.logger.ErrorContext(ctx, "manifests can't be used; the trusted documents stay as they were", "cause", fault)
		}
		return err
	}
	m.fault = ""
	m.all.Store(all)
	m.logger.InfoContext(ctx, "manifests read", "documents", len(all.prints))
	return nil
}

func (m *manifests) read() (*trusted, error) {
	var all [][]entry
	var problems []error
	for _, path := range m.paths {
		entries, err := readManifest(path, m.limit)
		if err != nil {
			problems = append(problems, err)
		}
		all = append(all, entries)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return newTrusted(all)
}

func readManifest(path string, limit int64) ([]entry, error) {
	text, err := files.Read(path, limit)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	entries, err := parseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", path, err)
	}
	return entries, nil
}
