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
	ctx, x := cache.Begin(reuse.WithCall(context.Background(), call))
	if _, err := via.RoundTrip(r.WithContext(ctx)); err != nil {
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
