package credential

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lookAgain is how long a file is believed without a look at its directory entry.
	lookAgain = time.Second
	// maxSecret bounds a secret's file.
	maxSecret = 64 << 10
)

// File is a secret in a file. A changed file is read within a second of its use; one that went missing or became empty
// leaves the secret as it was. It prints as its path.
type File struct {
	path    string
	logger  *slog.Logger
	opened  time.Time
	checked atomic.Int64 // when the file was last looked at, since opened
	value   atomic.Pointer[string]

	mu      sync.Mutex  // guards what follows
	seen    os.FileInfo // of what value was read from
	failing bool
}

// OpenFile reads the secret. The logger is told when it can't be read again; nil means silence.
func OpenFile(path string, logger *slog.Logger) (*File, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	f := &File{path: path, logger: logger, opened: time.Now()}
	value, info, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	f.value.Store(&value)
	f.seen = info
	return f, nil
}

// Value returns the secret as the file has it.
func (f *File) Value() string { return *f.load() }

// String returns the path.
func (f *File) String() string { return f.path }

// Format writes the path under every verb.
func (f *File) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.path) }

// load is Value; the pointer changes when the secret does.
func (f *File) load() *string {
	now := int64(time.Since(f.opened))
	last := f.checked.Load()
	if now-last >= int64(lookAgain) && f.checked.CompareAndSwap(last, now) {
		f.refresh(false)
	}
	return f.value.Load()
}

// refresh reads the file if its directory entry is another one, or always. It says whether the secret changed.
func (f *File) refresh(always bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if info, err := os.Stat(f.path); err == nil && !always && sameFile(info, f.seen) && !f.failing {
		return false
	}
	value, info, err := readSecret(f.path)
	if err != nil {
		if !f.failing {
			f.logger.WarnContext(context.Background(), "a secret can't be read again, the old one stays", "file", f.path, "reason", err)
		}
		f.failing = true
		return false
	}
	if f.failing {
		f.logger.InfoContext(context.Background(), "a secret can be read again", "file", f.path)
	}
	f.failing, f.seen = false, info
	if value == *f.value.Load() {
		return false
	}
	f.value.Store(&value)
	return true
}

// sameFile says whether nothing was written since. A file that was renamed into place is another one even if it has the
// size and time of the old.
func sameFile(a, b os.FileInfo) bool {
	return a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}

// readSecret reads one secret without the white space around it.
func readSecret(path string) (string, os.FileInfo, error) {
	text, info, err := readBounded(path, maxSecret)
	if err != nil {
		return "", nil, err
	}
	value := string(bytes.TrimSpace(text))
	switch {
	case value == "":
		return "", nil, fmt.Errorf("%s: is empty", path)
	case hasControl(value):
		return "", nil, fmt.Errorf("%s: has more than one line or a control character", path)
	}
	return value, info, nil
}

// readBounded reads a whole file of at most limit bytes. Its errors name the file.
func readBounded(path string, limit int64) ([]byte, os.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, nil, err
	}
	if int64(len(text)) > limit {
		return nil, nil, fmt.Errorf("%s: has more than %d bytes", path, limit)
	}
	return text, info, nil
}
