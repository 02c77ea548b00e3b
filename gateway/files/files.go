// Package files reads files that may change while the gateway runs: keys, manifests, lists of instances. Read takes no
// more than it was told to. A Watcher says when to look again.
//
// It hears of changes from the folders, because files are replaced: by rename, or as in Kubernetes by another target of a
// link (..data) that the file's name leads through. Where the system can't tell of changes, comparing size, time and target
// of the links now and then has to do. It waits until a folder is calm, for some write in several steps. It knows nothing
// of what stands in the files; what can't be used is looked at again at the next turn. Everybody may use it.
package files

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Read reads a file of at most limit bytes. Its errors name the file.
func Read(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("is over %d bytes", limit)}
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}
