package subscription

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// bufferSize is that of a WebSocket's two buffers, in bytes. net/http gives a hijacked connection two of 4 KB, which are
// most of what an idle one costs; messages that are longer go past them.
const bufferSize = 512

// hijacked is a ResponseWriter whose connection comes with small buffers.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack is http.Hijacker's.
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, old, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking the connection over: %w", err)
	}
	h.conn = conn
	reader := bufio.NewReaderSize(conn, bufferSize)
	if n := old.Reader.Buffered(); n > 0 {
		// The client sent on before it had an answer. A reader that isn't net/http's keeps what fits.
		early, _ := old.Peek(n)
		reader = bufio.NewReaderSize(strings.NewReader(string(early)), max(n, bufferSize))
		_, _ = reader.Peek(n)
	}
	return conn, bufio.NewReadWriter(reader, bufio.NewWriterSize(conn, bufferSize)), nil
}

// websocket makes a WebSocket of a request. The connection lives on in a goroutine of its own with a small stack, without
// the request's.
func (h *Handler) websocket(w http.ResponseWriter, r *http.Request) {
	if !originAllowed(r.Header.Values("Origin"), r.Host, h.config.Origins) {
		refuse(w, http.StatusForbidden, "Pages of this origin can't connect.")
		return
	}
	s := &socket{handler: h, wire: chosen(r), ops: map[string]*subscriber{}}
	// The request's context ends with this function, and only its values count. What is kept of the request is small.
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(r.Context()))
	if !h.add(s) {
		s.cancel()
		refuse(w, http.StatusServiceUnavailable, "There are too many connections.")
		return
	}
	s.request = (&http.Request{
		Method: r.Method, URL: r.URL, Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Header: r.Header, Body: http.NoBody, Host: r.Host, RemoteAddr: r.RemoteAddr, RequestURI: r.RequestURI, TLS: r.TLS,
	}).WithContext(s.ctx)
	taken := &hijacked{ResponseWriter: w}
	options := &websocket.AcceptOptions{InsecureSkipVerify: true} // the origin was checked
	if s.wire != nil {
		options.Subprotocols = []string{s.wire.name}
	}
	ws, err := websocket.Accept(taken, r, options) // answers when it fails
	if err != nil {
		s.cancel()
		h.remove(s)
		return
	}
	ws.SetReadLimit(h.config.MaxMessageBytes)
	s.start(ws, taken.conn)
}

func splitComma(list string) []string {
	var all []string
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
