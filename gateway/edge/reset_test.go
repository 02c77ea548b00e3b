package edge_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tributary-gateway/tributary/gateway/edge"
)

// dialHTTP2 opens a bare connection to a server whose handlers are told of on entered and wait for release.
func dialHTTP2(t *testing.T, h edge.HTTP2, handler http.HandlerFunc) (*tls.Conn, *http2.Framer) {
	t.Helper()
	own := issue(t, "gateway.test", nil)
	settings := must(edge.NewTLS(writePair(t, t.TempDir(), own), h, nil))
	server := &http.Server{TLSConfig: settings, Handler: handler, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	h.Apply(server)
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { server.Close(); <-done })
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: poolOf(own), ServerName: "gateway.test", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return conn, framer
}

func headers(more ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "gateway.test"}, {":path", "/"}} {
		_ = e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	for i := 0; i < len(more); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: more[i], Value: more[i+1], Sensitive: true})
	}
	return b.Bytes()
}

// CVE-2023-44487, rapid reset: streams that are opened and reset at once must not make more handlers run than streams are
// allowed.
func TestRapidReset(t *testing.T) {
	const most = 8
	var running, peak atomic.Int64
	release := make(chan struct{})
	conn, framer := dialHTTP2(t, edge.HTTP2{MaxStreams: most}, func(http.ResponseWriter, *http.Request) {
		now := running.Add(1)
		for old := peak.Load(); now > old && !peak.CompareAndSwap(old, now); old = peak.Load() {
		}
		<-release // a handler that doesn't notice
		running.Add(-1)
	})
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	block := headers()
	for i := range 5000 {
		id := uint32(2*i + 1)
		if framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true, EndStream: true}) != nil ||
			framer.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
			break // the server has had enough
		}
	}
	until(t, func() bool { return running.Load() > 0 })
	close(release)
	if n := peak.Load(); n > most {
		t.Errorf("%d handlers ran at once, %d streams are allowed", n, most)
	}
}

// CVE-2023-45288: header frames without end must not be read without end.
func TestContinuationFlood(t *testing.T) {
	conn, framer := dialHTTP2(t, edge.HTTP2{}, func(http.ResponseWriter, *http.Request) {})
	over := make(chan error, 1)
	go func() {
		for {
			frame, err := framer.ReadFrame()
			if _, goaway := frame.(*http2.GoAwayFrame); goaway || err != nil {
				over <- err
				return
			}
		}
	}()
	writer := http2.NewFramer(conn, nil)
	if err := writer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headers()}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for b.Len() < 15<<10 {
		_ = e.WriteField(hpack.HeaderField{Name: "x", Value: "some value or other", Sensitive: true})
	}
	sent := 0
	for sent < 64<<20 {
		if err := writer.WriteContinuation(1, false, b.Bytes()); err != nil {
			break
		}
		sent += b.Len()
	}
	if err := <-over; errors.Is(err, http2.ErrFrameTooLarge) {
		t.Error(err)
	}
	if sent >= 64<<20 {
		t.Error("64 MB of headers were read")
	}
}
