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
	conn    net.Conn
	refused bool
}

// WriteHeader answers what isn't a handshake as everything is answered, and not with the library's text.
func (h *hijacked) WriteHeader(status int) {
	if h.refused = status != http.StatusSwitchingProtocols; h.refused {
		refuseHandshake(h.ResponseWriter, status, "The request is no handshake of a WebSocket.")
		return
	}
	h.ResponseWriter.WriteHeader(status)
}

func (h *hijacked) Write(p []byte) (int, error) {
	if h.refused {
		return len(p), nil
	}
	return h.ResponseWriter.Write(p)
}

// refuseHandshake also closes the connection: who thinks that it's a WebSocket now would send on what isn't HTTP, and a
// proxy that thinks so lets its client write requests that nobody looks at.
func refuseHandshake(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Connection", "close")
	refuse(w, status, message)
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
	if r.ContentLength != 0 { // its body would be read as frames
		refuseHandshake(w, http.StatusBadRequest, "A handshake has no body.")
		return
	}
	if !originAllowed(r.Header.Values("Origin"), r.Host, h.config.Origins) {
		refuseHandshake(w, http.StatusForbidden, "Pages of this origin can't connect.")
		return
	}
	s := &socket{handler: h, wire: chosen(r), ops: map[string]*subscriber{}}
	s.room.L = &s.mu
	// The request's context ends with this function, and only its values count. What is kept of the request is small.
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(r.Context()))
	if !h.add(s) {
		s.cancel()
		refuseHandshake(w, http.StatusServiceUnavailable, "There are too many connections.")
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
