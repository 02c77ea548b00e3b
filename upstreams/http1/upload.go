package http1

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// upload writes a body on the side, so that an answer that comes before the body's end is read.
type upload struct {
	body    io.ReadCloser
	closing sync.Once
	done    chan struct{} // closed at the end; what follows is read after that
	whole   bool          // the body was written to its end
	err     error         // the body's own error
}

// start takes over the body.
func start(socket net.Conn, out *outgoing) *upload {
	u := &upload{body: out.body, done: make(chan struct{})}
	length := out.length
	out.body = nil
	go func() {
		u.whole, u.err = send(socket, u.body, length)
		close(u.done)
		if u.err != nil {
			_ = socket.Close() // an unfinished request must not look like one that goes on; whoever reads reads done first
		}
		u.close()
	}()
	return u
}

func (u *upload) close() { u.closing.Do(func() { _ = u.body.Close() }) }

// abort is called after the socket was closed. It gives the body's error if that was the cause.
func (u *upload) abort(err error) error {
	select {
	case <-u.done:
		if u.err != nil {
			err = u.err
		}
	default:
		u.close() // so that who fills it notices
	}
	return err
}

// patience is how long an answer that was read to its end waits for the rest of the request to be written.
const patience = 10 * time.Millisecond

// finished tells whether the whole body was written.
func (u *upload) finished() bool {
	select {
	case <-u.done:
		return u.whole
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-u.done:
		return u.whole
	case <-timer.C:
		return false
	}
}

// piece is how much of a body is written at once; around it is room for the size and the end of a chunk.
const (
	piece = 32 << 10
	room  = 16
)

var pieces = sync.Pool{New: func() any { return new([room + piece + room]byte) }}

// send writes a body of a known length, or in chunks when length is negative. The error is the body's: that the service
// doesn't want to read on is its own affair and shows in the answer.
func send(socket io.Writer, body io.Reader, length int64) (whole bool, err error) {
	buffer := pieces.Get().(*[room + piece + room]byte)
	defer pieces.Put(buffer)
	sent := int64(0)
	for {
		n, err := body.Read(buffer[room : room+piece])
		sent += int64(n)
		switch {
		case length >= 0 && sent > length:
			return false, lengthError(length, "more")
		case n > 0 && length >= 0:
			if _, err := socket.Write(buffer[room : room+n]); err != nil {
				return false, nil
			}
		case n > 0:
			if _, err := socket.Write(chunk(buffer, n)); err != nil {
				return false, nil
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, fmt.Errorf("http1: reading the request's body: %w", err)
		}
	}
	if length >= 0 && sent < length {
		return false, lengthError(length, "fewer")
	}
	if length < 0 {
		_, err = io.WriteString(socket, "0\r\n\r\n")
	}
	return err == nil, nil
}

func lengthError(length int64, what string) error {
	return fmt.Errorf("http1: ContentLength is %d, but the request's body has %s bytes", length, what)
}

// chunk puts size and end around n bytes.
func chunk(buffer *[room + piece + room]byte, n int) []byte {
	var digits [room]byte
	size := append(strconv.AppendInt(digits[:0], int64(n), 16), "\r\n"...)
	from := room - len(size)
	copy(buffer[from:], size)
	copy(buffer[room+n:], "\r\n")
	return buffer[from : room+n+2]
}
