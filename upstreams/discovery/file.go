package discovery

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// maxFile bounds the file: about ten thousand instances.
	maxFile = 1 << 20
	// settle is how long nothing must happen in the directory before the file is read: some write in several steps.
	// When something happens all the time, it is read every patience.
	settle   = 50 * time.Millisecond
	patience = time.Second
)

// fileSource reads a file when something happens in its directory, and now and then. It watches the directory because
// files are replaced: by rename, or as in Kubernetes by another target of a link (..data) that the file's name leads
// through. Where the system can't tell of changes, reading now and then has to do.
type fileSource struct {
	config  File
	options Options
}

func (f *fileSource) Watch(ctx context.Context, update func([]Instance)) error {
	w := &fileWatch{path: f.config.Path, reporter: newReporter(f.options, "file "+f.config.Path, update)}
	var events <-chan fsnotify.Event
	var errs <-chan error
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer func() { _ = watcher.Close() }()
		events, errs = watcher.Events, watcher.Errors
	} else {
		w.reporter.logger.WarnContext(ctx, "no notice of changed files, the file is read now and then", "every", f.config.Refresh, "reason", err)
	}
	refresh := time.NewTicker(f.config.Refresh)
	defer refresh.Stop()
	for {
		if watcher != nil {
			// Again each time: a directory that was made anew is another one. What happens before the file is read
			// comes as an event.
			_ = watcher.Add(filepath.Dir(f.config.Path))
		}
		w.read(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-refresh.C:
		case err := <-errs:
			// Some changes were missed, as when there are too many at once; the file is read anyway.
			w.reporter.logger.DebugContext(ctx, "notices of changed files", "reason", err)
		case <-events:
			calm(ctx, events)
		}
	}
}

// calm waits until nothing happens any more.
func calm(ctx context.Context, events <-chan fsnotify.Event) {
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for {
		quiet := time.NewTimer(settle)
		select {
		case <-events:
			quiet.Stop()
			continue
		case <-quiet.C:
		case <-enough.C:
		case <-ctx.Done():
		}
		quiet.Stop()
		return
	}
}

// fileWatch is one Watch of a file.
type fileWatch struct {
	path     string
	reporter *reporter
	text     []byte // as it was read last, good or bad
	problem  string // with it, told once
}

// read reads the file, and reports it if it's another one. A mistake in it is told once, and so is the next one.
func (w *fileWatch) read(ctx context.Context) {
	text, err := readFile(w.path)
	if err == nil && w.text != nil && bytes.Equal(text, w.text) && w.problem == "" {
		return
	}
	var list []Instance
	if err == nil {
		w.text = text
		list, err = parseTargets(w.path, text)
	}
	if err == nil {
		err = w.reporter.list(ctx, list)
	}
	if err == nil {
		w.problem = ""
		return
	}
	if err.Error() != w.problem {
		w.problem, w.reporter.failing = err.Error(), false
	}
	w.reporter.trouble(ctx, err)
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: has more than %d bytes", path, maxFile)
	}
	return text, err
}
