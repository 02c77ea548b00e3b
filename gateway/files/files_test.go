package files_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/files"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.yaml")
	if _, err := files.Read(path, 4); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: %v", err)
	}
	write(t, path, "abcd")
	if text, err := files.Read(path, 4); string(text) != "abcd" || err != nil {
		t.Errorf("just as long as it may be: %q, %v", text, err)
	}
	write(t, path, "abcde")
	if text, err := files.Read(path, 4); text != nil || err == nil || err.Error() != "read "+path+": is over 4 bytes" {
		t.Errorf("too long: %q, %v", text, err)
	}
}

// watch returns the texts that were seen, one for each look.
func watch(t *testing.T, path string, every time.Duration, answer error) <-chan string {
	t.Helper()
	seen := make(chan string, 100)
	stop := files.Start([]string{path}, every, slog.New(slog.DiscardHandler)).Background(func(context.Context) error {
		text, _ := os.ReadFile(path)
		seen <- string(text)
		return answer
	})
	t.Cleanup(stop)
	return seen
}

// await waits until the text was seen: one change may be looked at twice.
func await(t *testing.T, seen <-chan string, want string) {
	t.Helper()
	for {
		select {
		case got := <-seen:
			if got == want {
				return
			}
		case <-t.Context().Done():
			t.Fatalf("%q was never seen", want)
		}
	}
}

const never = time.Hour

func TestChangesAreSeen(t *testing.T) {
	t.Run("written", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "list")
		write(t, path, "one")
		seen := watch(t, path, never, nil)
		write(t, path, "two")
		await(t, seen, "two")
	})
	t.Run("replaced by another file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "list")
		write(t, path, "one")
		seen := watch(t, path, never, nil)
		write(t, path+".new", "two")
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		await(t, seen, "two")
	})
	t.Run("led elsewhere by a link, as Kubernetes does", func(t *testing.T) {
		folder := t.TempDir()
		for _, version := range []string{"v1", "v2"} {
			if err := os.Mkdir(filepath.Join(folder, version), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(folder, version, "list"), version)
		}
		link(t, "v1", filepath.Join(folder, "..data"))
		link(t, "..data/list", filepath.Join(folder, "list"))
		seen := watch(t, filepath.Join(folder, "list"), never, nil)
		link(t, "v2", filepath.Join(folder, "..data_new"))
		if err := os.Rename(filepath.Join(folder, "..data_new"), filepath.Join(folder, "..data")); err != nil {
			t.Fatal(err)
		}
		await(t, seen, "v2")
	})
	t.Run("made where none was, in a folder that is made anew", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "later")
		path := filepath.Join(folder, "list")
		seen := watch(t, path, 10*time.Millisecond, nil)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, "one")
		await(t, seen, "one")
	})
}

// What couldn't be used is looked at again, though nothing about the file tells that it would be right now: what it depends
// on may have come.
func TestWhatCannotBeUsedIsLookedAtAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	write(t, path, "one")
	seen := watch(t, path, 10*time.Millisecond, errors.New("can't be used"))
	write(t, path, "two")
	for range 3 {
		await(t, seen, "two")
	}
}

func TestNothingIsLookedAtAfterStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	var looks int // no lock: stop waits for the last look
	stop := files.Start([]string{path}, time.Millisecond, slog.New(slog.DiscardHandler)).Background(func(context.Context) error {
		looks++
		return nil
	})
	write(t, path, "one")
	stop()
	before := looks
	write(t, path, "two")
	if looks != before {
		t.Error("looked after stop")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
