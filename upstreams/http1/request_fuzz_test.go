package http1_test

import (
	"context"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// FuzzRequest: whatever a request is made of, a service reads exactly that one request, or nothing is sent.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/a", "b=c", "example.com", "X-A", "1", "", false)
	f.Add("POST", "/a b/é%2F", "", "", "Content-Length", "7", "hello", true)
	f.Add("DELETE", "//x/..", "?a\r\nX: y", "a b", "transfer-encoding", "chunked", "[]", false)
	f.Add("OPTIONS", "*", "y", "", "A", "1", "", false)
	f.Add("GET /\r\nX: y", "*", "", "[::1%25x]:80", "X\r\nY", "a\r\n\r\nGET / HTTP/1.1", "\r\n", true)
	type result struct {
		req  *http.Request
		body string
		over int64
		err  error
	}
	results := make(chan result, 1)
	server := newScript(f, func(p *peer) {
		var r result
		if r.req, r.err = http.ReadRequest(p.in); r.err == nil {
			var body []byte
			body, r.err = io.ReadAll(r.req.Body)
			r.body = string(body)
		}
		p.say("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		r.over, _ = io.Copy(io.Discard, p.in)
		results <- r
	})
	client := newClient(f, http1.Config{})
	origin, err := url.Parse(server.origin)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path, query, host, name, value, body string, chunked bool) {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		req := (&http.Request{
			Method: method, URL: &url.URL{Scheme: "http", Host: origin.Host, Path: path, RawQuery: query}, Host: host,
			Header: http.Header{name: {value}}, ContentLength: int64(len(body)),
		}).WithContext(ctx)
		if body != "" {
			req.Body = io.NopCloser(strings.NewReader(body))
			if chunked {
				req.ContentLength = -1
			} else {
				req.GetBody = func() (io.ReadCloser, error) { return req.Body, nil }
			}
		}
		before := server.connections()
		if _, err := client.RoundTrip(req); err != nil {
			if server.connections() != before {
				t.Errorf("sent, but %v: %+v", err, <-results)
			}
			return
		}
		got := <-results
		if got.err != nil || got.over != 0 {
			t.Fatalf("%v, %d bytes over", got.err, got.over)
		}
		if method == "" {
			method = http.MethodGet
		}
		if path == "" {
			path = "/"
		}
		if got.req.Method != method || got.req.URL.Path != path || got.req.URL.RawQuery != query || got.body != body {
			t.Errorf("%+v %q", got.req, got.body)
		}
		for other := range got.req.Header {
			switch other {
			case "User-Agent", "Accept-Encoding", "Content-Length", textproto.CanonicalMIMEHeaderKey(name):
			default:
				t.Errorf("a header %q that nobody set", other)
			}
		}
	})
}
