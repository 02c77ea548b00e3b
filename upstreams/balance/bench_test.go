package balance_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/balance"
)

// BenchmarkPick is a pick and the end of its request, which every upstream request pays once.
func BenchmarkPick(b *testing.B) {
	for _, policy := range []balance.Policy{balance.P2C, balance.RoundRobin, balance.Weighted, balance.Hash} {
		for _, n := range []int{3, 50} {
			pool := benchPool(b, policy, n)
			b.Run(fmt.Sprintf("%s/%d", policy, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					pick(b, pool)
				}
			})
			b.Run(fmt.Sprintf("%s/%d/parallel", policy, n), func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						pick(b, pool)
					}
				})
			})
		}
	}
}

func benchPool(b *testing.B, policy balance.Policy, n int) *balance.Pool {
	c := balance.Config{Policy: policy}
	if policy == balance.Hash {
		c.Hash = "{id}"
	}
	pool, err := balance.New(c, balance.Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	var list []found
	for i := range n {
		list = append(list, found{URL: fmt.Sprintf("http://10.0.0.%d:80", i+1), Weight: 1 + i%3})
	}
	pool.Update(list)
	return pool
}

func pick(b *testing.B, pool *balance.Pool) {
	lease, err := pool.Pick(balance.Request{Key: "user 42", Retryable: true})
	if err != nil {
		b.Fatal(err)
	}
	lease.Done(balance.Success, 2*time.Millisecond)
}
