package http1

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"
)

// body is the body of an answer. At its end, or when it is closed, it gives the connection back.
type body struct {
	exchange
	ending ending
	left   int64     // of a body with a length
	chunks io.Reader // of a body in chunks
	res    *http.Response

	mu      sync.Mutex // guards what follows; not held while reading
	reading bool
	closed  bool
	err     error // why there is nothing more to read; then the connection isn't ours anymore
}

// attach gives the answer its body.
func (x *exchange) attach(res *http.Response, frame framing, out *outgoing) {
	if frame.ending == none {
		res.Body = http.NoBody
		x.done()
		return
	}
	b := &body{exchange: *x, ending: frame.ending, left: res.ContentLength, res: res}
	if frame.ending == byChunks {
		b.chunks = httputil.NewChunkedReader(b.in.Reader)
	}
	res.Body = b
	if out.gzip && strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		delete(res.Header, "Content-Encoding")
		delete(res.Header, "Content-Length")
		res.ContentLength, res.Uncompressed = -1, true
		res.Body = &inflated{body: b}
	}
}

// Read gives the end together with the last bytes, where it is known by then.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	switch {
	case b.closed:
		b.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	case b.err != nil:
		defer b.mu.Unlock()
		return 0, b.err
	case b.reading:
		b.mu.Unlock()
		return 0, errors.New("http1: two goroutines read one body")
	}
	b.reading = true
	b.mu.Unlock()
	n, err := b.next(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	switch {
	case b.closed: // meanwhile; Close left the connection to us
		b.err = http.ErrBodyReadAfterClose
		_ = b.end(b.err)
		return n, b.err
	case err != nil:
		b.err = b.end(err)
	}
	return n, b.err
}

// end lets go of the connection, and says what the reader gets to know.
func (b *body) end(err error) error {
	if err == io.EOF { //nolint:errorlint // next gives it bare
		b.done()
		return err
	}
	err = b.fail(err)
	b.client.drop(b.conn.host)
	return err
}

// next reads what the framing has next. Its EOF is the end of a whole body.
func (b *body) next(p []byte) (n int, err error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case b.ending == byChunks:
		n, err = b.chunks.Read(p)
		if err == io.EOF { //nolint:errorlint // a Reader gives it bare
			err = b.trailer()
		} else if err != nil {
			err = chunkError(err)
		}
		return n, err
	case b.ending == byClose:
		return b.in.Read(p)
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err = b.in.Read(p)
	b.left -= int64(n)
	switch {
	case b.left == 0:
		err = io.EOF
	case err == io.EOF: //nolint:errorlint // a Reader gives it bare
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// chunkError is an InvalidError unless the connection broke.
func chunkError(err error) error {
	var network *net.OpError
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) {
		return err
	}
	return invalid("malformed chunk")
}

// mostTrailer is how many bytes a trailer may have, as in net/http.
const mostTrailer = 4 << 10

// trailer reads what follows the last chunk. It gives EOF when all is well.
func (b *body) trailer() error {
	limit := min(b.client.config.MaxHeader, mostTrailer)
	fields, err := b.in.block(&limit, true)
	if err != nil {
		return err
	}
	if fields == "" {
		return io.EOF
	}
	trailer, err := parseFields(fields)
	if err != nil {
		return err
	}
	if b.res.Trailer == nil {
		b.res.Trailer = trailer
	} else {
		maps.Copy(b.res.Trailer, trailer)
	}
	return io.EOF
}

// Close closes the connection, unless the body has been read to its end.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return nil
	case b.reading: // in another goroutine, which ends the exchange
		_ = b.conn.socket.Close()
	case b.err == nil:
		b.err = b.end(b.rest())
	}
	b.closed = true
	return nil
}

// rest gives EOF when nothing but the end of the body is missing, and that has come: who reads exactly as many bytes as
// there are doesn't see the last chunk. It doesn't wait.
func (b *body) rest() error {
	if b.ending != byChunks || b.in.Buffered() == 0 || b.conn.socket.SetReadDeadline(past) != nil {
		return http.ErrBodyReadAfterClose
	}
	var one [1]byte
	n, err := b.next(one[:])
	if n > 0 || err != io.EOF || b.conn.socket.SetReadDeadline(time.Time{}) != nil { //nolint:errorlint // next gives it bare
		return http.ErrBodyReadAfterClose
	}
	return io.EOF
}
