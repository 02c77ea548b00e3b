package balance_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/health"
)

// TestWhateverHappens does thousands of random things to pools and holds after each: what is under way is counted
// right, nobody who is dropped is picked, an instance on its return has one request as a probe at most, and no more are
// out than may be.
func TestWhateverHappens(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			policy := []balance.Policy{balance.P2C, balance.RoundRobin, balance.Weighted, balance.Hash}[random.IntN(4)]
			c := configOf(policy)
			c.Zone = []string{"", "a"}[random.IntN(2)]
			limit := health.Ejection{Percent: []int{-1, 0, 10, 34, 100}[random.IntN(5)]}
			pool := newPool(t, c, balance.Options{Seed: seed + 1, Health: health.Config{Ejection: limit}})
			h := &history{t: t, random: random, pool: pool, limit: health.Config{Ejection: limit}.WithDefaults().Ejection, open: map[string]int{}}
			for range 1500 {
				h.step()
				h.check()
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

type history struct {
	t      *testing.T
	random *rand.Rand
	pool   *balance.Pool
	limit  health.Ejection
	list   []found
	leases []balance.Lease
	open   map[string]int
}

func (h *history) step() {
	switch h.random.IntN(20) {
	case 0:
		h.list = nil
		for i := range h.random.IntN(7) {
			if h.random.IntN(4) > 0 {
				h.list = append(h.list, found{URL: fmt.Sprintf("http://h%d:80", i), Weight: h.random.IntN(5), Zone: string(rune('a' + i%2))})
			}
		}
		h.pool.Update(h.list)
	case 1:
		time.Sleep(time.Duration(h.random.IntN(4000)) * time.Millisecond)
	case 2, 3, 4, 5, 6, 7, 8, 9, 10:
		h.pick()
	default:
		if len(h.leases) > 0 {
			h.done(h.random.IntN(len(h.leases)))
		}
	}
}

func (h *history) pick() {
	var avoid []*balance.Instance
	if len(h.leases) > 0 && h.random.IntN(3) == 0 {
		avoid = append(avoid, h.leases[0].Instance())
	}
	before := h.pool.State()
	lease, err := h.pool.Pick(balance.Request{Key: fmt.Sprint(h.random.IntN(50)), Avoid: avoid, Retryable: h.random.IntN(2) == 0})
	if (err != nil) != (len(h.list) == 0) {
		h.t.Errorf("%v with %d instances", err, len(h.list))
	}
	if err != nil {
		return
	}
	address := lease.Instance().URL().String()
	if !slices.ContainsFunc(h.list, func(f found) bool { return f.URL == address }) {
		h.t.Errorf("%s was picked and is not there any more", address)
	}
	for _, s := range before {
		if s.URL == address && s.State == balance.Ejected {
			h.t.Errorf("%s was picked and is out", address)
		}
	}
	if slices.Contains(avoid, lease.Instance()) {
		serving := 0
		for _, s := range before {
			if s.State == balance.Healthy || s.State == balance.SlowStart {
				serving++
			}
		}
		if serving > 1 {
			h.t.Errorf("%s was to be avoided, and %d serve", address, serving)
		}
	}
	h.leases = append(h.leases, lease)
	h.open[address]++
}

func (h *history) done(i int) {
	lease := h.leases[i]
	h.leases = slices.Delete(h.leases, i, i+1)
	h.open[lease.Instance().URL().String()]--
	outcome := balance.Outcome(h.random.IntN(4))
	if lease.Instance().Name() < "h3" { // some are rather bad, some rather good
		outcome = balance.Failure
	}
	lease.Done(outcome, time.Duration(h.random.IntN(1000))*time.Millisecond)
}

func (h *history) check() {
	out, there := 0, 0
	for _, s := range h.pool.State() {
		if s.InFlight != h.open[s.URL] || s.InFlight < 0 {
			h.t.Errorf("%s: %d under way, not %d", s.URL, s.InFlight, h.open[s.URL])
		}
		if s.State != balance.Draining {
			there++
		}
		if s.State == balance.Ejected || s.State == balance.Probing {
			out++
			if s.Reason == "" {
				h.t.Errorf("%s is %s for no reason", s.URL, s.State)
			}
		}
	}
	if there != len(h.list) {
		h.t.Errorf("%d instances, not %d", there, len(h.list))
	}
	if most := h.limit.MostOut(len(h.list)); out > most {
		h.t.Errorf("%d of %d are out, not %d at most", out, there, most)
	}
}

// TestAtOnce is for the race detector, and for the account of what is under way.
func TestAtOnce(t *testing.T) {
	metrics := &counter{}
	pool := newPool(t, configOf(balance.P2C), balance.Options{Metrics: metrics}, three()...)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 2000 {
				lease, err := pool.Pick(balance.Request{Retryable: true})
				if err != nil {
					t.Error(err)
					return
				}
				lease.DoneFor(balance.Outcome(random.IntN(4)), time.Millisecond, lease.Instance().Name())
				if random.IntN(100) == 0 {
					pool.Update(three()[:2+random.IntN(2)])
					pool.State()
				}
			}
		})
	}
	group.Wait()
	pool.Update(three())
	for _, s := range pool.State() {
		if s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	}
}
