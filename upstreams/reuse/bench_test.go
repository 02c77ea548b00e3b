package reuse_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

var page = bytes.Repeat([]byte(`{"name":"x"},`), 1000)

// service answers in memory, as a transport does.
func service(header string) tripper {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{
			"Content-Type": {"application/json"}, "Date": {"Sun, 01 Mar 2026 12:00:00 GMT"}, "Etag": {`"abc"`},
			"Server": {"x"}, "Vary": {"Accept-Encoding"},
		}
		if header != "" {
			h["Cache-Control"] = []string{header}
		}
		return &http.Response{StatusCode: http.StatusOK, Header: h, Body: body.Wrap(page), ContentLength: int64(len(page)), Request: r}, nil
	}
}

func bench(b *testing.B, header string, enabled bool) {
	config := reuse.Default()
	config.Enabled = enabled
	now := newClock()
	via := cacheOf(b, config, reuse.Options{Store: memory(b, now)}).Layer(service(header))
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://users.internal:8080/users/1?fields=name", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header = http.Header{
		"Accept": {"application/json"}, "User-Agent": {"tributary"}, "X-Request-Id": {"0123456789abcdef"},
		"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "Accept-Language": {"en"},
	}
	b.ReportAllocs()
	for b.Loop() {
		res, err := via.RoundTrip(r)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(err)
		}
	}
}

func BenchmarkWithout(b *testing.B) { bench(b, "max-age=60", false) } // no cache, for comparison
func BenchmarkHit(b *testing.B)     { bench(b, "max-age=60", true) }
func BenchmarkBypass(b *testing.B)  { bench(b, "", true) } // a service that says nothing

// A call of the schema, as loaders make it, of a service that says nothing.
func BenchmarkBypassCall(b *testing.B) {
	via := cacheOf(b, reuse.Default(), reuse.Options{Store: memory(b, nil)}).Layer(service(""))
	call := &reuse.Call{Coordinate: "User", Reads: true}
	r := plainRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := via.RoundTrip(r.WithContext(reuse.WithCall(r.Context(), call))); err != nil {
			b.Fatal(err)
		}
	}
}

// The same for a batch.
func BenchmarkBypassBatch(b *testing.B) {
	cache := cacheOf(b, reuse.Default(), reuse.Options{Store: memory(b, nil)})
	via := cache.Layer(service(""))
	call := &reuse.Call{Coordinate: "User", Reads: true}
	r := plainRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		x := cache.Begin(r.Context(), call)
		if _, err := via.RoundTrip(r.WithContext(x)); err != nil || x.Keeps() {
			b.Fatal(err)
		}
	}
}

// For comparison: no cache, and a request with a context of its own.
func BenchmarkWithoutCall(b *testing.B) {
	var via http.RoundTripper = service("")
	if b.N < 0 {
		via = nil // so that it isn't inlined
	}
	r := plainRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := via.RoundTrip(r.WithContext(r.Context())); err != nil {
			b.Fatal(err)
		}
	}
}

func plainRequest(b *testing.B) *http.Request {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://users.internal:8080/users?id=1", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header = http.Header{"Accept": {"application/json"}, "User-Agent": {"tributary"}, "X-Request-Id": {"0123456789abcdef"}}
	return r
}

func BenchmarkLookup50(b *testing.B) {
	now := newClock()
	config := reuse.Default()
	cache := cacheOf(b, config, reuse.Options{Store: memory(b, now)})
	via := cache.Layer(service("max-age=60"))
	call := &reuse.Call{Coordinate: "User", Tags: []string{"type:User"}, Reads: true}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://users.internal:8080/users?id=0", nil)
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]string, 50)
	for i := range ids {
		ids[i] = fmt.Sprint(1000 + i)
	}
	lookup := func() *reuse.Lookup {
		scope, err := cache.Scope(call, r)
		if err != nil {
			b.Fatal(err)
		}
		return cache.Lookup(context.Background(), scope, ids)
	}
	l := lookup()
	ctx := context.Background()
	x := cache.Begin(ctx, call)
	if _, err := via.RoundTrip(r.WithContext(x)); err != nil {
		b.Fatal(err)
	}
	for i := range ids {
		l.Keep(ctx, x, i, []byte(`{"id":1,"name":"Ada"}`), "User:"+ids[i])
	}
	b.ReportAllocs()
	for b.Loop() {
		if l := lookup(); len(l.Missing) > 0 {
			b.Fatal(len(l.Missing))
		}
	}
}
