package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/bench/internal/load"
	"github.com/tributary-gateway/tributary/bench/internal/placeholder"
	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
)

// Each operation goes over the loopback twice: from the client to the gateway, and from there to the service. All three
// are in this process, but client and service allocate nothing for a request, so that bytes and objects are the
// gateway's.
func BenchmarkQ1(b *testing.B) { benchmark(b, "Q1", placeholder.Posts) }
func BenchmarkQ2(b *testing.B) { benchmark(b, "Q2", placeholder.Posts) }
func BenchmarkQ3(b *testing.B) { benchmark(b, "Q3", placeholder.Posts) }
func BenchmarkQ4(b *testing.B) { benchmark(b, "Q4", placeholder.Posts) }

// The time per item must not grow with the length of the list.
func BenchmarkItems(b *testing.B) {
	for _, posts := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprint(posts), func(b *testing.B) {
			benchmark(b, "Q1", posts)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*posts), "ns/item")
		})
	}
}

// What limits in memory add.
func BenchmarkQ3WithLimits(b *testing.B) { benchmark(b, "Q3", placeholder.Posts, "LIMITS=memory") }
func BenchmarkQ4WithLimits(b *testing.B) { benchmark(b, "Q4", placeholder.Posts, "LIMITS=memory") }

func TestAnswersAreRight(t *testing.T) {
	rows, address := serve(t, placeholder.Posts)
	for _, q := range placeholder.Queries {
		if _, err := load.Verify(address, exchanges(rows, q, address)); err != nil {
			t.Errorf("%s: %v", q.Name, err)
		}
	}
}

// Answers stay right when many are made at once and use each other's memory; with the race detector that is overwritten as
// soon as it is given back.
func TestAnswersAreRightSideBySide(t *testing.T) {
	rows, address := serve(t, placeholder.Posts)
	var all sync.WaitGroup
	for worker := range 8 {
		q := placeholder.Queries[worker%len(placeholder.Queries)]
		all.Go(func() {
			for range 30 {
				if _, err := load.Verify(address, exchanges(rows, q, address)); err != nil {
					t.Errorf("%s: %v", q.Name, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// side is how many connections there are for each CPU, where Go benchmarks have one.
const side = 16

func benchmark(b *testing.B, query string, posts int, environ ...string) {
	rows, address := serve(b, posts, environ...)
	q, err := placeholder.ByName(query)
	if err != nil {
		b.Fatal(err)
	}
	all, err := load.Verify(address, exchanges(rows, q, address))
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	b.SetParallelism(side)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c, err := load.Dial(address)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		for pb.Next() {
			e := &all[int(next.Add(1))%len(all)]
			status, body, err := c.Do(e.Request)
			if err != nil || status != 200 || len(body) != len(e.Answer) {
				b.Errorf("status %d, %d bytes, %v", status, len(body), err)
				return
			}
		}
	})
	b.StopTimer()
}

func exchanges(rows *placeholder.Rows, q placeholder.Query, address string) []load.Exchange {
	var all []load.Exchange
	for _, r := range rows.Requests(q) {
		all = append(all, load.Exchange{Request: load.Post(address, "/graphql", r.Body), Answer: r.Answer})
	}
	return all
}

// serve starts the service and the gateway, and stops both at the end of the test.
func serve(tb testing.TB, posts int, environ ...string) (rows *placeholder.Rows, address string) {
	tb.Helper()
	rows = placeholder.New(posts)
	service := listen(tb)
	go rows.Serve(service)
	cfg, err := configure(append(environ, "UPSTREAM=http://"+service.Addr().String()))
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Server.DrainGrace = -1
	cfg.Server.DrainTimeout = 5 * time.Second
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := assemble.New(schema(), cfg, telemetry.NewLogger(log, cfg.Log))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	listener := listen(tb)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		_ = log.Close()
	})
	return rows, listener.Addr().String()
}

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return l
}
