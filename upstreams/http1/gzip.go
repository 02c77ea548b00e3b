package http1

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"sync"
)

// inflated is a body that is inflated as it is read. How much comes out is for the reader to bound.
type inflated struct {
	body *body

	mu      sync.Mutex // guards what follows; not held while reading
	reading bool
	closed  bool
	from    *inflater // nil before the first read and after the end
	err     error
}

// inflater is the memory that inflating takes, about 40 KiB.
type inflater struct {
	in  *bufio.Reader
	out *gzip.Reader
}

var inflaters = sync.Pool{New: func() any { return &inflater{in: bufio.NewReader(nil), out: new(gzip.Reader)} }}

func (f *inflater) release() {
	f.in.Reset(nil)
	inflaters.Put(f)
}

func (i *inflated) Read(p []byte) (int, error) {
	i.mu.Lock()
	switch {
	case i.closed:
		i.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	case i.err != nil:
		defer i.mu.Unlock()
		return 0, i.err
	case i.reading:
		i.mu.Unlock()
		return 0, errors.New("http1: two goroutines read one body")
	}
	i.reading = true
	i.mu.Unlock()
	n, err := i.next(p)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.reading, i.err = false, err
	if (err != nil || i.closed) && i.from != nil {
		i.from.release()
		i.from = nil
	}
	return n, err
}

// next is called by one goroutine at a time.
func (i *inflated) next(p []byte) (int, error) {
	if i.from == nil {
		from := inflaters.Get().(*inflater)
		from.in.Reset(i.body)
		if err := from.out.Reset(from.in); err != nil {
			from.release()
			return 0, err
		}
		i.from = from
	}
	return i.from.out.Read(p)
}

// Close closes the body beneath.
func (i *inflated) Close() error {
	i.mu.Lock()
	i.closed = true
	if !i.reading && i.from != nil {
		i.from.release()
		i.from = nil
	}
	i.mu.Unlock()
	return i.body.Close()
}

var _ io.ReadCloser = (*inflated)(nil)
