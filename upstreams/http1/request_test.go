package http1_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// seen is a request as a service sees it.
type seen struct {
	Method, URI, Host, Body string
	Header                  http.Header
	Length                  int64
	Encoding                []string
	Close                   bool
}

// TestRequestsAreThoseOfNetHTTP: a net/http server sees the same request from both clients.
func TestRequestsAreThoseOfNetHTTP(t *testing.T) {
	var last seen
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		last = seen{r.Method, r.RequestURI, r.Host, string(text), r.Header, r.ContentLength, r.TransferEncoding, r.Close}
	}))
	defer server.Close()
	unsized := func(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) }
	long := strings.Repeat("0123456789", 30_000)
	for name, c := range map[string]struct {
		method, path string
		body         func() io.Reader
		edit         func(*http.Request)
	}{
		"GET":                 {"GET", "/a/b", nil, nil},
		"method missing":      {"", "/", nil, func(r *http.Request) { r.Method = "" }},
		"no path":             {"GET", "", nil, nil},
		"query":               {"GET", "/a?b=c&d=%20e", nil, nil},
		"empty query":         {"GET", "/a?", nil, nil},
		"escaped path":        {"GET", "/a%2Fb/%C3%A9/c%20d", nil, nil},
		"path to be escaped":  {"GET", "/", nil, func(r *http.Request) { r.URL.Path = "/a b/é%" }},
		"star":                {"OPTIONS", "/", nil, func(r *http.Request) { r.URL = &url.URL{Scheme: "http", Host: r.URL.Host, Path: "*"} }},
		"HEAD":                {"HEAD", "/", nil, nil},
		"own method":          {"PURGE", "/", nil, nil},
		"host":                {"GET", "/", nil, func(r *http.Request) { r.Host = "example.com" }},
		"zone":                {"GET", "/", nil, func(r *http.Request) { r.Host = "[fe80::1%25eth0]:80" }},
		"close":               {"GET", "/", nil, func(r *http.Request) { r.Close = true }},
		"close by header":     {"GET", "/", nil, func(r *http.Request) { r.Header.Set("Connection", "close") }},
		"agent":               {"GET", "/", nil, func(r *http.Request) { r.Header.Set("User-Agent", "me") }},
		"no agent":            {"GET", "/", nil, func(r *http.Request) { r.Header.Set("User-Agent", "") }},
		"encoding":            {"GET", "/", nil, func(r *http.Request) { r.Header.Set("Accept-Encoding", "br") }},
		"range":               {"GET", "/", nil, func(r *http.Request) { r.Header.Set("Range", "bytes=0-1") }},
		"several values":      {"GET", "/", nil, func(r *http.Request) { r.Header["X-A"] = []string{"1", " 2\t", ""} }},
		"beyond ASCII":        {"GET", "/", nil, func(r *http.Request) { r.Header.Set("X-A", "é\tü") }},
		"ours to say":         {"GET", "/", nil, func(r *http.Request) { r.Header.Set("Content-Length", "7"); r.Header.Set("Host", "other") }},
		"encoding is ours":    {"GET", "/", nil, func(r *http.Request) { r.Header.Set("Transfer-Encoding", "chunked") }},
		"POST":                {"POST", "/", func() io.Reader { return strings.NewReader("hello") }, nil},
		"POST nothing":        {"POST", "/", nil, nil},
		"POST NoBody":         {"POST", "/", func() io.Reader { return http.NoBody }, nil},
		"POST empty reader":   {"POST", "/", func() io.Reader { return unsized("") }, nil},
		"POST unknown length": {"POST", "/", func() io.Reader { return unsized("hello") }, nil},
		"POST long":           {"POST", "/", func() io.Reader { return strings.NewReader(long) }, nil},
		"POST long, unknown":  {"POST", "/", func() io.Reader { return unsized(long) }, nil},
		"POST not repeatable": {"POST", "/", func() io.Reader { return strings.NewReader("hello") }, func(r *http.Request) { r.GetBody = nil }},
		"POST chunked":        {"POST", "/", func() io.Reader { return strings.NewReader("hello") }, func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }},
		"PUT":                 {"PUT", "/", nil, nil},
		"GET with body":       {"GET", "/", func() io.Reader { return strings.NewReader("hello") }, nil},
		"GET empty reader":    {"GET", "/", func() io.Reader { return unsized("") }, nil},
		"GET unknown length":  {"GET", "/", func() io.Reader { return unsized("hello") }, nil},
		"DELETE with body":    {"DELETE", "/", func() io.Reader { return bytes.NewReader([]byte("[1]")) }, nil},
		"DELETE empty reader": {"DELETE", "/", func() io.Reader { return unsized("") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var both [2]seen
			standard := &http.Transport{}
			defer standard.CloseIdleConnections()
			for i, rt := range []http.RoundTripper{standard, newClient(t, http1.Config{})} {
				var body io.Reader
				if c.body != nil {
					body = c.body()
				}
				req := newRequest(t, c.method, server.URL+c.path, body)
				if c.edit != nil {
					c.edit(req)
				}
				if _, _, err := ask(rt, req); err != nil {
					t.Fatal(err)
				}
				both[i] = last
			}
			if diff := cmp.Diff(both[0], both[1]); diff != "" {
				t.Errorf("net/http - http1 +\n%s", diff)
			}
		})
	}
}

// closed is a body that counts its closings.
type closed struct {
	io.Reader
	times chan bool
}

func (c closed) Close() error {
	c.times <- true
	return nil
}

// TestRefused: what isn't sure to be one request is not sent at all, and its body is closed.
func TestRefused(t *testing.T) {
	server := newScript(t, func(p *peer) { p.gone() })
	client := newClient(t, http1.Config{})
	for name, edit := range map[string]func(*http.Request){
		"no URL":             func(r *http.Request) { r.URL = nil },
		"no header":          func(r *http.Request) { r.Header = nil },
		"https":              func(r *http.Request) { r.URL.Scheme = "https" },
		"method with space":  func(r *http.Request) { r.Method = "GET /" },
		"method with line":   func(r *http.Request) { r.Method = "GET\r\n" },
		"CONNECT":            func(r *http.Request) { r.Method = "CONNECT" },
		"no host":            func(r *http.Request) { r.URL.Host = "" },
		"host with line":     func(r *http.Request) { r.Host = "a\r\nX: y" },
		"host with space":    func(r *http.Request) { r.Host = "a b" },
		"host with slash":    func(r *http.Request) { r.Host = "a/b" },
		"host beyond ASCII":  func(r *http.Request) { r.URL.Host = "é" },
		"opaque":             func(r *http.Request) { r.URL.Opaque = "//x/y" },
		"star":               func(r *http.Request) { r.URL.Path = "*" },
		"relative path":      func(r *http.Request) { r.URL.Path = "x" },
		"line in the query":  func(r *http.Request) { r.URL.RawQuery = "a=1\r\nX: y" },
		"space in the query": func(r *http.Request) { r.URL.RawQuery = "a b" },
		"DEL in the query":   func(r *http.Request) { r.URL.RawQuery = "\x7f" },
		"name with line":     func(r *http.Request) { r.Header["X\r\nY"] = []string{"1"} },
		"name with space":    func(r *http.Request) { r.Header["X "] = []string{"1"} },
		"name with colon":    func(r *http.Request) { r.Header["X:"] = []string{"1"} },
		"empty name":         func(r *http.Request) { r.Header[""] = []string{"1"} },
		"value with CR":      func(r *http.Request) { r.Header["X"] = []string{"a\rb"} },
		"value with LF":      func(r *http.Request) { r.Header["X"] = []string{"1", "a\nb"} },
		"value with NUL":     func(r *http.Request) { r.Header["X"] = []string{"\x00"} },
		"agent with line":    func(r *http.Request) { r.Header["User-Agent"] = []string{"a\r\nX: y"} },
		"trailer":            func(r *http.Request) { r.Trailer = http.Header{"X": nil} },
		"encoding":           func(r *http.Request) { r.TransferEncoding = []string{"gzip", "chunked"} },
		"body too short": func(r *http.Request) {
			r.ContentLength = 6
			r.GetBody = func() (io.ReadCloser, error) { return nil, nil }
		},
		"body too long": func(r *http.Request) {
			r.ContentLength = 4
			r.GetBody = func() (io.ReadCloser, error) { return nil, nil }
		},
		"length without any body": func(r *http.Request) { _ = r.Body.Close(); r.Body = nil; r.ContentLength = 5 },
	} {
		t.Run(name, func(t *testing.T) {
			times := make(chan bool, 5)
			req := newRequest(t, "POST", server.origin+"/", closed{strings.NewReader("hello"), times})
			req.ContentLength = 5
			edit(req)
			if _, _, err := ask(client, req); err == nil {
				t.Error("no error")
			}
			if len(times) != 1 {
				t.Errorf("the body was closed %d times", len(times))
			}
		})
	}
	if n := server.connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestNamesInAnyCase: a length that is spelled otherwise than http.Header has it would make two requests of one.
func TestNamesInAnyCase(t *testing.T) {
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { header = r.Header }))
	defer server.Close()
	req := newRequest(t, "POST", server.URL, strings.NewReader("GET / HTTP/1.1\r\n\r\n"))
	req.Header["content-length"] = []string{"0"}
	req.Header["TRANSFER-encoding"] = []string{"chunked"}
	req.Header["host"] = []string{"other"}
	req.Header["x-a"] = []string{"1"}
	if _, _, err := ask(newClient(t, http1.Config{}), req); err != nil {
		t.Fatal(err)
	}
	want := http.Header{"Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"}, "X-A": {"1"}, "Content-Length": {"18"}}
	if diff := cmp.Diff(want, header); diff != "" {
		t.Error(diff)
	}
}

// TestBodyThatFails: the error is the body's own, and the service can't take what it got for a request.
func TestBodyThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
	}{
		"fails":     {io.MultiReader(strings.NewReader("hel"), failing{}), -1},
		"too short": {strings.NewReader("hello"), 6},
		"too long":  {strings.NewReader("hello"), 4},
	} {
		t.Run(name, func(t *testing.T) {
			whole := make(chan bool, 1)
			server := newScript(t, func(p *peer) {
				req, err := http.ReadRequest(p.in)
				if err == nil {
					_, err = io.Copy(io.Discard, req.Body)
				}
				whole <- err == nil
			})
			times := make(chan bool, 5)
			req := newRequest(t, "POST", server.origin, closed{c.body, times})
			req.ContentLength = c.length
			_, _, err := ask(newClient(t, http1.Config{}), req)
			if err == nil || !strings.Contains(err.Error(), "request's body") {
				t.Error(err)
			}
			if <-whole && name != "too long" {
				t.Error("the service took it for a whole request")
			}
			<-times
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
