// Package body keeps the bodies of services' answers, in memory that is used again.
//
// A body is read once, to its end and within a limit, into one piece of memory of the right size. Who holds it counts: Read
// gives one reference, Retain adds one, Release gives one back, and the last Release returns the memory for the next
// answer. A reference that is never given back costs nothing but that: the garbage collector has the memory then. So whoever
// can't be sure that nobody reads a body any more leaves it alone.
//
// Programs built with the race detector overwrite what is returned, so that a test which reads too late sees it. The
// package depends on nothing that can be down; a service that lies about a body's length gets an error.
package body

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// ErrTooBig is the error of a body over the limit.
var ErrTooBig = errors.New("body over max_body")

// Body is the whole body of an answer. It stands in for http.Response.Body too: it can be read, by one reader, and
// closing it does nothing, least of all release it. Different goroutines may retain, release and ask for its bytes.
type Body struct {
	memory *memory // nil when the bytes aren't the pool's
	pool   *Pool
	data   []byte
	refs   atomic.Int32
	read   int
	began  time.Time
}

var _ io.ReadCloser = (*Body)(nil)

// Wrap makes a body of bytes that belong to somebody else: its Release returns nothing.
func Wrap(data []byte) *Body {
	b := &Body{data: data}
	b.refs.Store(1)
	return b
}

// WrapOf is Wrap for an answer that several wait for: began is when the first of them asked.
func WrapOf(data []byte, began time.Time) *Body {
	b := Wrap(data)
	b.began = began
	return b
}

// Began is when the exchange began that brought the body, if that may have been before its own request was made; else it's
// zero.
func (b *Body) Began() time.Time { return b.began }

// Read reads the body of an answer with memory of a pool that all of the program shares; see Pool.Read.
func Read(res *http.Response, limit int64) (*Body, error) { return shared.Read(res, limit) }

// Bytes are the body's bytes. They must not be changed, nor read after the caller's reference was released.
func (b *Body) Bytes() []byte { return b.data }

// Len is how many bytes it has.
func (b *Body) Len() int { return len(b.data) }

// Retain adds a reference, for another Release. The caller must hold one.
func (b *Body) Retain() {
	if b.refs.Add(1) <= 1 {
		b.refs.Add(-1)
		b.misused("retained after its last release")
	}
}

// Release gives a reference back. After the last one the bytes are somebody else's.
func (b *Body) Release() {
	switch left := b.refs.Add(-1); {
	case left < 0:
		b.refs.Add(1)
		b.misused("released too often")
	case left == 0 && b.memory != nil:
		b.pool.put(b.memory)
	}
}

// misused panics where mistakes are looked for. Elsewhere nothing comes of them: memory is returned the one time that the
// count reaches zero, because the count doesn't rise from there, and a Body isn't used for another answer.
func (b *Body) misused(how string) {
	if b.pool.poisons() {
		panic("body: " + how)
	}
}

// Read reads on, for those who take a body for an http.Response's.
func (b *Body) Read(p []byte) (int, error) {
	if b.read >= len(b.data) {
		return 0, io.EOF
	}
	n := copy(p, b.data[b.read:])
	b.read += n
	return n, nil
}

// Close does nothing.
func (b *Body) Close() error { return nil }
