package telemetry

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// together is how long a line may wait for others.
	together = 10 * time.Millisecond
	// mostBytes is how many bytes may wait.
	mostBytes = 32 << 10
)

// Lines is a writer for a logger. While there is little to write each line is written at once; those that come within 10 ms
// of the last time go together, because the system call costs as much as the line. A logger made with it writes lines of
// level warn and above at once, with all before them. It's safe for concurrent use.
type Lines struct {
	out io.Writer

	mu      sync.Mutex // guards what follows
	waiting []byte
	last    time.Time // when something was written
	timer   *time.Timer
	closed  bool
}

// NewLines makes a writer of lines to out. Close it, or the last lines may be missing.
func NewLines(out io.Writer) *Lines {
	l := &Lines{out: out}
	l.timer = time.AfterFunc(time.Hour, l.Flush)
	l.timer.Stop()
	return l
}

// Write implements io.Writer.
func (l *Lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		now := time.Now()
		if l.closed || now.Sub(l.last) >= together {
			l.last = now
			return l.out.Write(line)
		}
		l.timer.Reset(together)
	}
	l.waiting = append(l.waiting, line...)
	if len(l.waiting) >= mostBytes {
		l.flush()
	}
	return len(line), nil
}

// Flush writes what waits.
func (l *Lines) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

func (l *Lines) flush() {
	if len(l.waiting) == 0 {
		return
	}
	l.timer.Stop()
	_, _ = l.out.Write(l.waiting) // a log that can't be written fails nobody
	l.waiting, l.last = l.waiting[:0], time.Now()
}

// Close writes what waits. Lines that come later are written at once.
func (l *Lines) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.flush()
}

// urgent is a handler whose lines of level warn and above don't wait.
type urgent struct {
	slog.Handler

	lines *Lines
}

// Handle implements slog.Handler.
func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.lines.Flush()
	}
	return err
}

// WithAttrs implements slog.Handler.
func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.lines}
}

// WithGroup implements slog.Handler.
func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{u.Handler.WithGroup(name), u.lines}
}
