package transport_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/quota"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// everything is a configuration with all layers on.
func everything() transport.Config {
	c := transport.Default()
	c.AttemptTimeout = 2 * time.Second
	c.Hedge.Enabled = true
	c.Adaptive.Enabled = true
	c.Quota = quota.Config{Rate: 1e6}
	return c
}

// BenchmarkStack is what the layers cost: the difference between stack and bare, over a carrier in memory that costs next to
// nothing. Both have a context with a deadline and read the body.
func BenchmarkStack(b *testing.B) {
	text := `{"id": "1", "name": "Ada"}`
	carrier := wire(func(r *http.Request) (*http.Response, error) {
		if c, ok := r.Context().(interface{ AfterFunc(f func()) func() bool }); ok { // as http1 does
			c.AfterFunc(func() {})()
		} else {
			context.AfterFunc(r.Context(), func() {})()
		}
		return answer(200, text), nil
	})
	for _, c := range []struct {
		name string
		next http.RoundTripper
	}{
		{"bare", carrier},
		{"stack", newTransport(b, everything(), transport.Options{Carrier: carrier, Balancer: newPool(b, three...)})},
		{"default", newTransport(b, transport.Default(), transport.Options{Carrier: carrier, Balancer: newPool(b, three...)})},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			r := newRequest(b, b.Context(), http.MethodGet, "http://users/users/1?full=true", "")
			for _, name := range []string{"Accept", "User-Agent", "Authorization", "X-Request-Id", "Traceparent"} {
				r.Header.Set(name, "some value of it")
			}
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), 5*time.Second)
				res, err := c.next.RoundTrip(r.WithContext(ctx))
				if err != nil {
					b.Fatal(err)
				}
				read, err := body.Read(res, 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				read.Release()
				cancel()
			}
		})
	}
}

// BenchmarkExchange is an exchange over the loopback interface, with net/http and with the stack over either carrier.
func BenchmarkExchange(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id": "1", "name": "Ada"}`))
	}))
	defer server.Close()
	bare, err := transport.NewNetHTTP(transport.Connections{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer bare.CloseIdleConnections()
	pool := newPool(b, server.URL)
	for _, c := range []struct {
		name string
		next http.RoundTripper
	}{
		{"net/http", bare},
		{"stack over net/http", newTransport(b, everything(), transport.Options{Carrier: bare, Balancer: pool})},
		{"stack", newTransport(b, everything(), transport.Options{Balancer: pool})},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			r := newRequest(b, b.Context(), http.MethodGet, server.URL+"/users/1", "")
			r.Header.Set("Accept", "application/json")
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), 5*time.Second)
				res, err := c.next.RoundTrip(r.WithContext(ctx))
				if err != nil {
					b.Fatal(err)
				}
				read, err := body.Read(res, 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				read.Release()
				cancel()
			}
		})
	}
}
