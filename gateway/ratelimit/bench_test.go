package ratelimit_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

func benchLimiter(b *testing.B, store ratelimit.Store) *ratelimit.Limiter {
	b.Helper()
	l, err := ratelimit.New(ratelimit.Config{Plans: map[string]ratelimit.PlanConfig{"plan": {MaxConcurrent: 1000, Buckets: []ratelimit.Bucket{
		{Name: "burst", Capacity: 1_000_000_000, Restore: 1_000_000}, {Name: "day", Capacity: 1_000_000_000, Restore: 1_000_000},
	}}}}, ratelimit.Options{Store: store})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func BenchmarkMemory(b *testing.B) {
	l := benchLimiter(b, nil)
	client, ctx := ratelimit.Client{ID: "a", Plan: l.Plan("plan")}, context.Background()
	b.ReportAllocs()
	for b.Loop() {
		r, err := l.Reserve(ctx, client, 10)
		if err != nil {
			b.Fatal(err)
		}
		r.Settle(5)
	}
}

// BenchmarkMemoryManyClients is with 10,000 clients from all CPUs.
func BenchmarkMemoryManyClients(b *testing.B) {
	l := benchLimiter(b, nil)
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			r, err := l.Reserve(context.Background(), ratelimit.Client{ID: ids[i%len(ids)], Plan: l.Plan("plan")}, 10)
			if err != nil {
				b.Error(err)
				return
			}
			r.Settle(5)
		}
	})
}

// BenchmarkRedis is over loopback: one after the other, and 64 at once.
func BenchmarkRedis(b *testing.B) {
	server := redistest.Start(b)
	client, err := redisconn.New(redisconn.Config{Addresses: []string{server.Address}, Timeout: 10 * time.Second}, redisconn.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	store, err := ratelimit.NewRedis(client, ratelimit.RedisConfig{Secret: secretText, Timeout: 10 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close(context.Background()) }() // nothing to be told here
	l := benchLimiter(b, store)
	run := func(b *testing.B, id string) {
		r, err := l.Reserve(context.Background(), ratelimit.Client{ID: id, Plan: l.Plan("plan")}, 10)
		if err != nil {
			b.Error(err)
		}
		r.Settle(5)
	}
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			run(b, "a")
		}
	})
	b.Run("ping", func(b *testing.B) { // what a round trip costs here
		b.ReportAllocs()
		for b.Loop() {
			if err := client.Ping(context.Background()).Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("together", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				run(b, strconv.Itoa(i%50))
			}
		})
	})
}
