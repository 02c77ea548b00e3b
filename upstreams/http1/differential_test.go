package http1_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// outcome is what a caller sees of an answer.
type outcome struct {
	Status  string
	Code    int
	Proto   string
	Header  http.Header
	Trailer http.Header
	Length  int64
	Close   bool
	Body    string
	Failed  bool
	Late    bool // it failed in the body
	err     error
}

// listen serves the same bytes to every connection, after the head of a request, and closes it.
type fixed struct {
	net.Listener
	raw chan []byte
}

func newFixed(t testing.TB) *fixed {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixed{listener, make(chan []byte, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			p := &peer{script: &script{}, TCPConn: socket.(*net.TCPConn)}
			p.in = newReader(socket)
			if p.request() {
				_, _ = socket.Write(<-f.raw)
				_ = p.CloseWrite()
				p.gone()
			}
			socket.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return f
}

// outcome asks once, on a connection of its own.
func (f *fixed) outcome(t testing.TB, rt interface {
	http.RoundTripper
	CloseIdleConnections()
}, method string, raw []byte) outcome {
	t.Helper()
	defer rt.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+f.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.raw <- raw
	res, err := rt.RoundTrip(req)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("hangs on %q", raw)
	}
	if err != nil {
		return outcome{Failed: true, err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("hangs in the body of %q", raw)
	}
	return outcome{
		Status: res.Status, Code: res.StatusCode, Proto: res.Proto, Header: res.Header, Trailer: res.Trailer,
		Length: res.ContentLength, Close: res.Close, Body: string(body), Failed: err != nil, Late: err != nil, err: err,
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// raws are answers as bytes. Those that are strict are taken by net/http and refused here.
var raws = []struct {
	name, method, raw string
	strict            bool
}{
	{"plain", "GET", ok, false},
	{"no reason", "GET", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", false},
	{"empty reason", "GET", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", false},
	{"long reason", "GET", "HTTP/1.1 404 There is: nothing\r\nContent-Length: 0\r\n\r\n", false},
	{"unknown status", "GET", "HTTP/1.1 799 ?\r\nContent-Length: 0\r\n\r\n", false},
	{"bare LF", "GET", "HTTP/1.1 200 OK\nContent-Length: 2\nX: y\n\nok", false},
	{"several values", "GET", "HTTP/1.1 200 OK\r\nset-cookie: a\r\nSet-Cookie: b\r\nSET-COOKIE: c\r\nContent-Length: 0\r\n\r\n", false},
	{"names in any case", "GET", "HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\nx-aB: \t y \t\r\nx_c: z\r\n\r\nok", false},
	{"empty value", "GET", "HTTP/1.1 200 OK\r\nX:\r\nContent-Length: 0\r\n\r\n", false},
	{"beyond ASCII", "GET", "HTTP/1.1 200 OK\r\nX: \xe9é\r\nContent-Length: 0\r\n\r\n", false},
	{"pragma", "GET", "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 0\r\n\r\n", false},
	{"by close", "GET", "HTTP/1.1 200 OK\r\n\r\nto the end", false},
	{"by close, 1.0", "GET", "HTTP/1.0 200 OK\r\n\r\nto the end", false},
	{"keep-alive, 1.0", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false},
	{"chunked, 1.0", "GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false},
	{"close", "GET", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", false},
	{"cut body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", false},
	{"body over", "GET", ok + "more", false},
	{"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\n...\r\n0\r\n\r\n", false},
	{"Chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", false},
	{"chunk extension", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;c=\"d\"\r\nok\r\n0;e\r\n\r\n", false},
	{"trailer", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-a, X-B\r\n\r\n2\r\nok\r\n0\r\nX-A: 1\r\nx-c: 3\r\n\r\n", false},
	{"trailer not announced", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: 1\r\n\r\n", false},
	{"trailer without chunks", "GET", "HTTP/1.1 200 OK\r\nTrailer: X-A\r\nContent-Length: 2\r\n\r\nok", false},
	{"bad trailer", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n", false},
	{"malformed trailer", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX A\r\n\r\n", false},
	{"trailer with bare LF", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: a\n\n", false},
	{"endless trailer", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", 1000) + "\r\n", false},
	{"cut trailer", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: 1\r\n", false},
	{"cut in a chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", false},
	{"cut between chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", false},
	{"no hexadecimal", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n", false},
	{"negative chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n", false},
	{"huge chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nok\r\n0\r\n\r\n", false},
	{"chunk without end", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n", false},
	{"chunk with bare LF", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n", false},
	{"chunks and length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false},
	{"two encodings", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false},
	{"encoding twice", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false},
	{"identity", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok", false},
	{"equal lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2 \r\n\r\nok", false},
	{"different lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\nok", false},
	{"list of lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", false},
	{"empty length", "GET", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok", false},
	{"negative length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", false},
	{"length with sign", "GET", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", false},
	{"hexadecimal length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok", false},
	{"huge length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nok", false},
	{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", false},
	{"204 with length", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", false},
	{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\nEtag: x\r\n\r\n", false},
	{"304 chunked", "GET", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", false},
	{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", false},
	{"HEAD without length", "HEAD", "HTTP/1.1 200 OK\r\n\r\n", false},
	{"HEAD chunked", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false},
	{"HEAD with bad length", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", false},
	{"100", "GET", "HTTP/1.1 100 Continue\r\n\r\n" + ok, false},
	{"103", "GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + ok, false},
	{"five informational", "GET", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 5) + ok, false},
	{"informational only", "GET", "HTTP/1.1 100 Continue\r\n\r\n", false},
	{"gzip", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzipped("hello"), false},
	{"GZIP with length", "POST", "HTTP/1.1 200 OK\r\nContent-Encoding: GZIP\r\nContent-Length: " + itoa(len(gzipped("hello"))) + "\r\n\r\n" + gzipped("hello"), false},
	{"gzip twice", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzipped("hello") + gzipped(" you"), false},
	{"gzip cut", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzipped("hello")[:12], false},
	{"gzip over", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzipped("hello") + "x", false},
	{"no gzip", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nplain", false},
	{"gzip of nothing", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", false},
	{"gzip HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", false},
	{"gzip 204", "GET", "HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n", false},
	{"brotli", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok", false},
	{"nothing", "GET", "", false},
	{"empty line", "GET", "\r\n" + ok, false},
	{"no HTTP", "GET", "SSH-2.0-x\r\n", false},
	{"HTTP/0.9", "GET", "ok", false},
	{"cut head", "GET", "HTTP/1.1 200 OK\r\nContent-Le", false},
	{"cut after the head's lines", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", false},
	{"status of two digits", "GET", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", false},
	{"status of four digits", "GET", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", false},
	{"status of letters", "GET", "HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n", false},
	{"version of two digits", "GET", "HTTP/1.11 200 OK\r\nContent-Length: 0\r\n\r\n", false},
	{"small letters", "GET", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
	{"no colon", "GET", "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n", false},
	{"no name", "GET", "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n", false},
	{"name with a bad byte", "GET", "HTTP/1.1 200 OK\r\nX(: y\r\nContent-Length: 0\r\n\r\n", false},
	{"value with NUL", "GET", "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n", false},
	{"value with CR", "GET", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n", false},
	{"first line folded", "GET", "HTTP/1.1 200 OK\r\n X: y\r\nContent-Length: 0\r\n\r\n", false},
	{"folded", "GET", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", true},
	{"space before colon", "GET", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", true},
	{"HTTP/2.0", "GET", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
	{"two spaces", "GET", "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok", true},
	{"status 099", "GET", "HTTP/1.1 099 ?\r\nContent-Length: 2\r\n\r\nok", true},
	{"control character in the reason", "GET", "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok", true},
	{"six informational", "GET", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 6) + ok, true},
	{"101", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", true},
}

// TestAnswersAreThoseOfNetHTTP: the same bytes give the same answer, or an error from both.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	service := newFixed(t)
	client, standard := newClient(t, http1.Config{}), &http.Transport{}
	for _, c := range raws {
		t.Run(c.name, func(t *testing.T) {
			want := service.outcome(t, standard, c.method, []byte(c.raw))
			got := service.outcome(t, client, c.method, []byte(c.raw))
			if c.strict {
				if want.Failed && !want.Late {
					t.Error("net/http refuses this as well")
				}
				if !isInvalid(got.err) {
					t.Errorf("%v", got.err)
				}
				return
			}
			if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".err" }, cmp.Ignore())); diff != "" {
				t.Errorf("net/http - http1 +\n%s\n%v\n%v", diff, want.err, got.err)
			}
		})
	}
}

// FuzzAnswer: no bytes make the client panic, hang, or give more of a body than net/http gives; and what it takes for a
// whole answer is one for net/http.
func FuzzAnswer(f *testing.F) {
	for _, c := range raws {
		f.Add([]byte(c.raw), c.method == "HEAD")
	}
	service := newFixed(f)
	client, standard := newClient(f, http1.Config{}), &http.Transport{MaxResponseHeaderBytes: 64 << 10}
	f.Fuzz(func(t *testing.T, raw []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		want := service.outcome(t, standard, method, raw)
		got := service.outcome(t, client, method, raw)
		switch {
		case !strings.HasPrefix(want.Body, got.Body):
			t.Errorf("body %q, but %q with net/http (%v)", got.Body, want.Body, want.err)
		case got.Failed:
		case want.Failed:
			t.Errorf("%+v, but an error with net/http: %v", got, want.err)
		case want.Body != got.Body || want.Code != got.Code || !cmp.Equal(want.Header, got.Header) || !cmp.Equal(want.Trailer, got.Trailer):
			t.Errorf("net/http %+v\nhttp1 %+v", want, got)
		}
	})
}
