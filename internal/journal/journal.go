// Package journal has a log that tests read while it is written.
package journal

import (
	"bytes"
	"sync"
)

// Journal keeps what is written to it. The zero value is empty. It's safe for concurrent use.
type Journal struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *Journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

// String is all that was written, or all since Take.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// Take gives what is there and begins anew.
func (j *Journal) Take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.text.Reset()
	return j.text.String()
}
