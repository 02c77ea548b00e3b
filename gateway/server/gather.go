package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// net/http sends an answer of some size in two writes: what fits into its buffer behind the header, and the rest. Each is a
// system call that wakes the client. A gatheringConn holds the first back and sends both at once.

// netBuffer is the size of the buffer that net/http writes to a connection from. A write of just that much is a full buffer.
const netBuffer = 4 << 10

// gathering makes the connections of a listener gathering ones.
type gathering struct{ net.Listener }

// Accept is net.Listener's.
func (l gathering) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		return &gatheringConn{TCPConn: tcp}, nil
	}
	return conn, err
}

// gatheringConn is used by one goroutine at a time, as far as writing goes: that of the request.
type gatheringConn struct {
	*net.TCPConn

	gathers bool
	held    []byte // nil, or a full buffer of net/http, which waits for its next write
	parts   [2][]byte
}

// Write holds a full buffer back while an answer is written.
func (c *gatheringConn) Write(p []byte) (int, error) {
	switch {
	case c.held != nil:
		return c.both(p)
	case c.gathers && len(p) == netBuffer:
		buffer := fullBuffers.Get().(*[netBuffer]byte)
		c.held = buffer[:copy(buffer[:], p)]
		return len(p), nil
	}
	return c.TCPConn.Write(p)
}

// both sends what is held, and p behind it.
func (c *gatheringConn) both(p []byte) (int, error) {
	held := c.held
	c.held = nil
	defer fullBuffers.Put((*[netBuffer]byte)(held))
	c.parts = [2][]byte{held, p}
	buffers := net.Buffers(c.parts[:])
	sent, err := buffers.WriteTo(c.TCPConn)
	c.parts = [2][]byte{}
	return max(int(sent)-len(held), 0), err
}

// flush sends what is held, if anything is, with what net/http still has of the answer.
func (c *gatheringConn) flush(w http.ResponseWriter) {
	if c == nil {
		return
	}
	if c.held != nil {
		_ = http.NewResponseController(w).Flush() // whoever writes next has the same error
	}
	c.gathers = false
	if c.held != nil {
		_, _ = c.both(nil) // likewise
	}
}

// fullBuffers are *[netBuffer]byte.
var fullBuffers = sync.Pool{New: func() any { return new([netBuffer]byte) }}

type connKey struct{}

// withGathering lets requests find their connection, which others may have wrapped.
func withGathering(ctx context.Context, conn net.Conn) context.Context {
	for {
		switch c := conn.(type) {
		case *gatheringConn:
			return context.WithValue(ctx, connKey{}, c)
		case *tls.Conn:
			return ctx
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return ctx
		}
	}
}

// gatheringOf is the connection of a request, nil when it doesn't gather.
func gatheringOf(ctx context.Context) *gatheringConn {
	c, _ := ctx.Value(connKey{}).(*gatheringConn)
	return c
}

// begin has what is written gathered until flush. Both may be called on nil.
func (c *gatheringConn) begin() {
	if c != nil {
		c.gathers = true
	}
}
