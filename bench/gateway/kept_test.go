package main

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/tributary-gateway/tributary/bench/internal/placeholder"
	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
)

// Q1 from the gateway's memory, with a plan, over the loopback.
func BenchmarkQ1Kept(b *testing.B) {
	benchmark(b, "Q1", placeholder.Posts, "CACHE=memory", "LIMITS=memory")
}

// Q1 from Redis each time.
func BenchmarkQ1KeptInRedis(b *testing.B) {
	benchmark(b, "Q1", placeholder.Posts, "CACHE=redis", "REDIS="+redistest.Start(b).Address)
}

// The same as the first without a connection: what the gateway's own code allocates for an answer that is kept.
func BenchmarkQ1KeptHandler(b *testing.B) {
	h := keptHandler(b)
	b.ReportAllocs()
	for b.Loop() {
		h.serve()
	}
	if h.w.status != http.StatusOK || h.w.bytes < 10_000 || h.w.header.Get("Cache-Status") == "" {
		b.Fatalf("status %d, %d bytes, %v", h.w.status, h.w.bytes, h.w.header)
	}
}

// handler is a gateway whose memory has the answer to Q1, and one client of it that allocates nothing.
type handler struct {
	http.Handler

	r    *http.Request
	w    discard
	body bytes.Reader
	text []byte
}

func (h *handler) serve() {
	clear(h.w.header)
	h.w.status, h.w.bytes = 0, 0
	h.body.Reset(h.text)
	h.r.Body = io.NopCloser(&h.body)
	h.ServeHTTP(&h.w, h.r)
}

func keptHandler(tb testing.TB) *handler {
	rows := placeholder.New(placeholder.Posts)
	service := listen(tb)
	go rows.Serve(service)
	cfg, err := configure([]string{"CACHE=memory", "LIMITS=memory", "UPSTREAM=http://" + service.Addr().String()})
	if err != nil {
		tb.Fatal(err)
	}
	g, err := assemble.New(schema(), cfg, telemetry.NewLogger(io.Discard, cfg.Log))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(g.Close)
	q, err := placeholder.ByName("Q1")
	if err != nil {
		tb.Fatal(err)
	}
	h := &handler{Handler: g.Handler(), text: []byte(`{"query":"` + q.Text + `"}`), w: discard{header: http.Header{}}}
	h.r, err = http.NewRequestWithContext(tb.Context(), http.MethodPost, "/graphql", &h.body)
	if err != nil {
		tb.Fatal(err)
	}
	h.r.RemoteAddr = "127.0.0.1:4711"
	h.r.ContentLength = int64(len(h.text))
	h.r.Header["Content-Type"] = []string{"application/json"}
	for range 3 {
		h.serve()
	}
	return h
}

// discard is an http.ResponseWriter that counts.
type discard struct {
	header http.Header
	status int
	bytes  int
}

func (d *discard) Header() http.Header    { return d.header }
func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(p []byte) (int, error) {
	d.bytes += len(p)
	return len(p), nil
}
