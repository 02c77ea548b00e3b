package http1_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// TestBomb: an answer is inflated as it is read, so that who stops reading stops the inflating.
func TestBomb(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		zeros := make([]byte, 1<<20)
		for range 1 << 10 {
			if _, err := z.Write(zeros); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	res, err := newClient(t, http1.Config{}).RoundTrip(newRequest(t, "GET", server.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	if !res.Uncompressed || res.ContentLength != -1 || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("%+v", res)
	}
	if n, err := io.CopyN(io.Discard, res.Body, 1<<20); n != 1<<20 || err != nil {
		t.Error(n, err)
	}
	res.Body.Close()
	if _, err := res.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Error(err)
	}
}

// TestManyInflated: the memory for inflating is shared, but never by two at once.
func TestManyInflated(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Error("gzip wasn't asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, gzipped(strings.Repeat(r.URL.Path, 1000)))
	}))
	defer server.Close()
	client := newClient(t, http1.Config{MaxConns: 8})
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			path := "/" + itoa(i)
			req := newRequest(t, "GET", server.URL+path, nil)
			if i%4 == 0 { // leaves early
				res, err := client.RoundTrip(req)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = res.Body.Read(make([]byte, 5))
				res.Body.Close()
				return
			}
			if _, text, err := ask(client, req); err != nil || text != strings.Repeat(path, 1000) {
				t.Errorf("%.20q %v", text, err)
			}
		})
	}
	group.Wait()
}

// TestReadAfterEnd: the end stays the end, until Close.
func TestReadAfterEnd(t *testing.T) {
	server := newScript(t, keeping)
	client := newClient(t, http1.Config{})
	res, err := client.RoundTrip(newRequest(t, "GET", server.origin, nil))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(res.Body); err != nil || string(text) != "ok" {
		t.Errorf("%q %v", text, err)
	}
	other, err := client.RoundTrip(newRequest(t, "GET", server.origin, nil)) // has the connection now
	if err != nil {
		t.Fatal(err)
	}
	if n, err := res.Body.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Error(n, err)
	}
	for range 2 {
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	if text, err := io.ReadAll(other.Body); err != nil || string(text) != "ok" {
		t.Errorf("%q %v", text, err)
	}
	other.Body.Close()
	if n := server.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestTrace(t *testing.T) {
	server := newScript(t, keeping)
	client := newClient(t, http1.Config{})
	for _, reused := range []bool{false, true} {
		got, first := 0, 0
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			GotConn: func(info httptrace.GotConnInfo) {
				got++
				if info.Reused != reused || info.Conn == nil {
					t.Errorf("%+v", info)
				}
			},
			GotFirstResponseByte: func() { first++ },
		})
		if _, _, err := ask(client, newRequest(t, "GET", server.origin, nil).WithContext(ctx)); err != nil {
			t.Fatal(err)
		}
		if got != 1 || first != 1 {
			t.Errorf("%d connections, %d first bytes", got, first)
		}
	}
}

// TestRequestIsNotChanged: a RoundTripper leaves requests alone.
func TestRequestIsNotChanged(t *testing.T) {
	server := newScript(t, keeping)
	req := newRequest(t, "GET", server.origin+"/a?b", nil)
	req.Header.Set("X-A", "1")
	before := req.Clone(req.Context())
	res, _, err := ask(newClient(t, http1.Config{}), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(req.Header) != len(before.Header) || *req.URL != *before.URL || req.Host != before.Host || res.Request != req {
		t.Errorf("%+v", req)
	}
}
