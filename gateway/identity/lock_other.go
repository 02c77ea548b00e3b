//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// lock waits a few seconds for the file to be gone, and makes it. A process that is killed leaves it behind.
func lock(path string) (unlock func() error, err error) {
	for range 100 {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("somebody else has %s; remove it when nobody is running \"gateway keys\"", path)
}

// keepOwner does nothing: files have no such owner here.
func keepOwner(*os.File, os.FileInfo) {}
