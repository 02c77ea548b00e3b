package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"syscall"
	"time"
)

// conn is one connection. One exchange has it at a time.
type conn struct {
	socket net.Conn
	host   *host
	since  time.Time // when it became idle
	reused bool
	// interrupt makes whatever blocks on the socket return.
	interrupt func()
	raw       syscall.RawConn
	probe     func(fd uintptr) bool
	open      bool // what probe found
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

func newConn(socket net.Conn, h *host) *conn {
	cn := &conn{socket: socket, host: h}
	cn.interrupt = func() { _ = socket.SetDeadline(past) }
	if s, ok := socket.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			cn.raw = raw
			cn.probe = func(fd uintptr) bool {
				cn.open = silent(fd)
				return true
			}
		}
	}
	return cn
}

// quiet tells whether an idle connection is open and nothing came on it, as far as can be told without waiting. It takes
// less than a microsecond, so that every connection is looked at before it is used again.
func (cn *conn) quiet() bool {
	if cn.raw == nil {
		return true
	}
	return cn.raw.Read(cn.probe) == nil && cn.open
}

// incoming is what an answer is read with.
type incoming struct {
	*bufio.Reader
	head []byte // scratch of block
}

// buffered is how much is read at once: the whole of most answers.
const buffered = 16 << 10

var incomings = sync.Pool{New: func() any { return &incoming{Reader: bufio.NewReaderSize(nil, buffered)} }}

func (in *incoming) release() {
	in.Reset(nil)
	if cap(in.head) > buffered {
		in.head = nil
	}
	incomings.Put(in)
}

// exchange writes a request and reads the head of its answer. When it fails, the socket is closed but the slot of the
// connection stays the caller's.
func (cn *conn) exchange(c *Client, req *http.Request, out *outgoing) (*http.Response, progress, error) {
	ctx := req.Context()
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: cn.socket, Reused: cn.reused, WasIdle: cn.reused})
	}
	x := &exchange{client: c, conn: cn, ctx: ctx}
	x.stop = afterFunc(ctx, cn.interrupt)
	n, writeErr := cn.socket.Write(out.buffer)
	if writeErr != nil && n == 0 && cn.reused {
		return nil, untouched, x.fail(writeErr)
	}
	// After a failed write there may be an answer all the same, which says why.
	if out.body != nil && writeErr == nil {
		x.upload = start(cn.socket, out)
	}
	x.in = incomings.Get().(*incoming)
	x.in.Reset(cn.socket)
	if _, err := x.in.Peek(1); err != nil {
		switch {
		case writeErr != nil:
			err = writeErr
		case err == io.EOF: //nolint:errorlint // Peek gives it bare
			err = errNoAnswer
		}
		return nil, written, x.fail(err)
	}
	if trace != nil && trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
	res, frame, err := x.in.answer(req, c.config.MaxHeader)
	if err != nil {
		return nil, answered, x.fail(err)
	}
	x.keep = frame.keep && !out.close && writeErr == nil
	x.attach(res, frame, out)
	return res, answered, nil
}

// afterFunc calls f when ctx ends, unless stop is called before; stop is nil when ctx can't end. A context that can do so
// itself is asked to: context.AfterFunc would put a context of its own below it first.
func afterFunc(ctx context.Context, f func()) (stop func() bool) {
	if c, ok := ctx.(interface{ AfterFunc(f func()) func() bool }); ok {
		return c.AfterFunc(f)
	}
	if ctx.Done() == nil {
		return nil
	}
	return context.AfterFunc(ctx, f)
}

// exchange is what holds a connection until the end of the answer.
type exchange struct {
	client *Client
	conn   *conn
	in     *incoming
	ctx    context.Context
	stop   func() bool // stops watching ctx; nil when it can't end
	upload *upload     // nil unless a body is written on the side
	keep   bool        // the connection may be used again after the answer's end
}

// fail closes the socket and gives the error that tells most: the context's, the request body's, or err.
func (x *exchange) fail(err error) error {
	if x.stop != nil {
		x.stop()
	}
	_ = x.conn.socket.Close()
	if x.in != nil {
		x.in.release()
		x.in = nil
	}
	if x.upload != nil {
		err = x.upload.abort(err)
	}
	return ended(x.ctx, err)
}

// done ends the exchange after the last byte of the answer: the connection goes back.
func (x *exchange) done() {
	whole := x.keep && x.in.Buffered() == 0 && (x.upload == nil || x.upload.finished())
	if (x.stop == nil || x.stop()) && whole {
		x.in.release()
		x.client.put(x.conn)
		return
	}
	_ = x.fail(nil)
	x.client.drop(x.conn.host)
}
