package files

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long nothing must happen in the folders before the files are looked at. When something happens all
	// the time, they are looked at every patience.
	settle   = 50 * time.Millisecond
	patience = time.Second
)

// Watcher watches files from the moment when it was made.
type Watcher struct {
	paths  []string
	every  time.Duration
	logger *slog.Logger
	notify *fsnotify.Watcher // nil when the system can't tell of changes
	stamps []stamp           // as the files were when they were looked at last
}

// Start begins to watch: who reads the files after it, and then calls Run or Background, misses nothing. Who calls neither
// calls Close.
// every is how often the files are compared with what they were, besides the system's notices.
func Start(paths []string, every time.Duration, logger *slog.Logger) *Watcher {
	w := &Watcher{paths: paths, every: every, logger: logger}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		logger.Warn("no notice of changed files, they are looked at now and then", "files", paths, "every", every, "cause", err)
	} else {
		w.notify = notify
		w.addFolders()
	}
	w.stamps = w.look()
	return w
}

// addFolders is called again and again: a folder that was made anew is another one.
func (w *Watcher) addFolders() {
	if w.notify == nil {
		return
	}
	for _, path := range w.paths {
		_ = w.notify.Add(filepath.Dir(path)) // a folder that isn't there is looked for at the next turn
	}
}

// Run calls look when one of the files may have changed, until ctx ends. When look's last answer was an error, it's called at
// each turn.
func (w *Watcher) Run(ctx context.Context, look func(context.Context) error) {
	var events <-chan fsnotify.Event
	var lost <-chan error
	defer w.Close()
	if w.notify != nil {
		events, lost = w.notify.Events, w.notify.Errors
	}
	turn := time.NewTicker(w.every)
	defer turn.Stop()
	var failed bool
	for {
		touched := false
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		case err := <-lost:
			w.logger.DebugContext(ctx, "notices of changed files were missed", "files", w.paths, "cause", err)
			touched = true
		case <-events:
			calm(ctx, events)
			touched = true
		}
		if ctx.Err() != nil {
			return
		}
		w.addFolders()
		// Before they are read: a change in between is seen at the next turn.
		stamps := w.look()
		if !touched && !failed && slices.Equal(stamps, w.stamps) {
			continue
		}
		w.stamps = stamps
		failed = look(ctx) != nil
	}
}

// Close ends a watch that nobody runs.
func (w *Watcher) Close() {
	if w.notify != nil {
		_ = w.notify.Close()
	}
}

// Background is Run beside the caller, until stop is called; stop waits for a look under way.
func (w *Watcher) Background(look func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx, look)
	}()
	return func() {
		cancel()
		<-done
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

// stamp tells files apart without reading them.
type stamp struct {
	size     int64
	modified time.Time
	target   string
}

func (w *Watcher) look() []stamp {
	stamps := make([]stamp, len(w.paths))
	for i, path := range w.paths {
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
