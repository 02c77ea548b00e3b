package balance_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/balance"
)

// spread picks n times, each request over at once, and returns the share of each instance.
func spread(t *testing.T, pool *balance.Pool, n int, key func(i int) string) map[string]float64 {
	t.Helper()
	shares := map[string]float64{}
	for i := range n {
		lease, err := pool.Pick(balance.Request{Key: key(i)})
		if err != nil {
			t.Fatal(err)
		}
		shares[lease.Instance().Name()] += 1 / float64(n)
		lease.Done(balance.Success, 2*time.Millisecond)
	}
	return shares
}

func number(i int) string { return fmt.Sprint(i) }

func newPool(t *testing.T, c balance.Config, o balance.Options, list ...found) *balance.Pool {
	t.Helper()
	if o.Seed == 0 {
		o.Seed = 5
	}
	pool, err := balance.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	pool.Update(list)
	return pool
}

func near(a, b float64) bool { return math.Abs(a-b) < 0.02 }

func TestWeights(t *testing.T) {
	list := []found{{URL: "http://a:80", Weight: 1}, {URL: "http://b:80", Weight: 3}, {URL: "http://c:80", Weight: 4}}
	for policy, want := range map[balance.Policy]map[string]float64{
		balance.P2C:        {"a:80": 1. / 8, "b:80": 3. / 8, "c:80": 4. / 8},
		balance.Weighted:   {"a:80": 1. / 8, "b:80": 3. / 8, "c:80": 4. / 8},
		balance.Hash:       {"a:80": 1. / 8, "b:80": 3. / 8, "c:80": 4. / 8},
		balance.RoundRobin: {"a:80": 1. / 3, "b:80": 1. / 3, "c:80": 1. / 3},
	} {
		pool := newPool(t, configOf(policy), balance.Options{}, list...)
		for name, got := range spread(t, pool, 10_000, number) {
			if !near(got, want[name]) {
				t.Errorf("%s: %s gets %.3f, not %.3f", policy, name, got, want[name])
			}
		}
	}
}

// TestSmooth: weights in turn are mixed and don't come in runs.
func TestSmooth(t *testing.T) {
	pool := newPool(t, balance.Config{Policy: balance.Weighted}, balance.Options{},
		found{URL: "http://a:80", Weight: 5}, found{URL: "http://b:80"}, found{URL: "http://c:80"})
	order := ""
	for range 14 {
		lease, err := pool.Pick(balance.Request{})
		if err != nil {
			t.Fatal(err)
		}
		order += lease.Instance().Name()[:1]
		lease.Done(balance.Success, time.Millisecond)
	}
	if order != "aabacaaaabacaa" {
		t.Error(order)
	}
}

// TestHashIsStable: when an instance goes, only its keys move; when it gets heavier, keys move to it and nowhere else.
func TestHashIsStable(t *testing.T) {
	const keys = 5000
	for _, n := range []int{2, 3, 10, 50} {
		var list []found
		for i := range n {
			list = append(list, found{URL: fmt.Sprintf("http://10.0.0.%d:80", i+1), Weight: 1 + i%3})
		}
		owners := func(list []found) []string {
			pool := newPool(t, configOf(balance.Hash), balance.Options{}, list...)
			owners := make([]string, keys)
			for i := range keys {
				lease, err := pool.Pick(balance.Request{Key: number(i)})
				if err != nil {
					t.Fatal(err)
				}
				owners[i] = lease.Instance().URL().String()
				lease.Done(balance.Success, time.Millisecond)
			}
			return owners
		}
		before := owners(list)
		removed := list[n/2].URL
		after := owners(append(append([]found(nil), list[:n/2]...), list[n/2+1:]...))
		moved := 0
		for i := range keys {
			if before[i] != after[i] {
				moved++
				if before[i] != removed {
					t.Fatalf("%d instances: key %d moved from %s to %s, and %s went", n, i, before[i], after[i], removed)
				}
			} else if before[i] == removed {
				t.Fatalf("%d instances: key %d stayed on %s, which went", n, i, removed)
			}
		}
		if moved == 0 {
			t.Errorf("%d instances: no key was on %s", n, removed)
		}
		heavier := append([]found(nil), list...)
		heavier[0].Weight *= 2
		for i, owner := range owners(heavier) {
			if owner != before[i] && owner != heavier[0].URL {
				t.Fatalf("%d instances: key %d moved from %s to %s, and %s got heavier", n, i, before[i], owner, heavier[0].URL)
			}
		}
	}
}

// TestHashOverflows: one hot key does not bury its instance; what overflows goes to the next in its order.
func TestHashOverflows(t *testing.T) {
	pool := newPool(t, configOf(balance.Hash), balance.Options{}, three()...)
	open := map[string]int{}
	for i := range 300 {
		lease, err := pool.Pick(balance.Request{Key: "hot"})
		if err != nil {
			t.Fatal(err)
		}
		open[lease.Instance().Name()]++
		for name, n := range open {
			if most := max(8, int(math.Ceil(1.25*float64(i+1)/3))); n > most {
				t.Fatalf("%d of %d under way are on %s", n, i+1, name)
			}
		}
	}
}

// TestHashWithoutKey goes by load.
func TestHashWithoutKey(t *testing.T) {
	pool := newPool(t, configOf(balance.Hash), balance.Options{}, three()...)
	for name, share := range spread(t, pool, 3000, func(int) string { return "" }) {
		if math.Abs(share-1./3) > 0.05 {
			t.Errorf("%s gets %.3f", name, share)
		}
	}
}

// TestLoad: requests that wait count, by weight.
func TestLoad(t *testing.T) {
	pool := newPool(t, balance.Config{}, balance.Options{}, found{URL: "http://a:80"}, found{URL: "http://b:80", Weight: 3})
	open := map[string]int{}
	for range 400 {
		lease, err := pool.Pick(balance.Request{})
		if err != nil {
			t.Fatal(err)
		}
		open[lease.Instance().Name()]++
	}
	if open["a:80"] < 70 || open["a:80"] > 130 {
		t.Errorf("under way by weights 1 and 3: %v", open)
	}
}

func TestAvoid(t *testing.T) {
	for _, policy := range []balance.Policy{balance.P2C, balance.RoundRobin, balance.Weighted, balance.Hash} {
		pool := newPool(t, configOf(policy), balance.Options{}, three()...)
		for i := range 300 {
			first, _ := pool.Pick(balance.Request{Key: number(i)})
			second, _ := pool.Pick(balance.Request{Key: number(i), Avoid: []*balance.Instance{first.Instance()}})
			third, _ := pool.Pick(balance.Request{Key: number(i), Avoid: []*balance.Instance{first.Instance(), second.Instance()}})
			if first.Instance() == second.Instance() || third.Instance() == first.Instance() || third.Instance() == second.Instance() {
				t.Fatalf("%s: %s, %s, %s", policy, first.Instance().Name(), second.Instance().Name(), third.Instance().Name())
			}
			all := []*balance.Instance{first.Instance(), second.Instance(), third.Instance()}
			fourth, err := pool.Pick(balance.Request{Key: number(i), Avoid: all})
			if err != nil {
				t.Fatal(err)
			}
			for _, lease := range []balance.Lease{first, second, third, fourth} {
				lease.Done(balance.Success, time.Millisecond)
			}
		}
	}
}

func TestZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := []found{
			{URL: "http://a1:80", Zone: "a"}, {URL: "http://a2:80", Zone: "a"}, {URL: "http://a3:80", Zone: "a"},
			{URL: "http://b1:80", Zone: "b"}, {URL: "http://b2:80", Zone: "b"}, {URL: "http://none:80"},
		}
		w := newWorld(t, balance.Config{Zone: "a"}, balance.Options{}, list...)
		local := func() float64 {
			from := w.now()
			w.run(150, second)
			w.group.Wait()
			return w.share("a1:80", from, w.now()) + w.share("a2:80", from, w.now()) + w.share("a3:80", from, w.now())
		}
		if share := local(); share != 1 {
			t.Errorf("ours get %.3f", share)
		}
		w.set("a1:80", broken)
		w.until(150, second, "a1:80", balance.Ejected)
		if share := local(); share != 1 {
			t.Errorf("with two of three ours get %.3f", share)
		}
		w.set("a2:80", broken)
		w.until(150, second, "a2:80", balance.Ejected)
		if share := local(); share > 0.5 || share == 0 {
			t.Errorf("with one of three ours get %.3f", share)
		}
		w.check(0, 1.1)
		pool := newPool(t, balance.Config{Zone: "other"}, balance.Options{}, list...)
		if shares := spread(t, pool, 600, number); len(shares) != 6 {
			t.Errorf("with none of ours: %v", shares)
		}
		one := newPool(t, balance.Config{Zone: "a"}, balance.Options{}, list[0], list[3])
		first, _ := one.Pick(balance.Request{})
		retry, _ := one.Pick(balance.Request{Avoid: []*balance.Instance{first.Instance()}})
		if first.Instance().Name() != "a1:80" || retry.Instance().Name() != "b1:80" {
			t.Errorf("%s, again %s", first.Instance().Name(), retry.Instance().Name())
		}
	})
}

// TestSlowStart: the share of an instance that is new grows from a tenth of its weight to all of it.
func TestSlowStart(t *testing.T) {
	for _, policy := range []balance.Policy{balance.P2C, balance.RoundRobin, balance.Weighted, balance.Hash} {
		synctest.Test(t, func(t *testing.T) {
			pool := newPool(t, configOf(policy), balance.Options{}, three()...)
			time.Sleep(time.Minute)
			pool.Update(append(three(), found{URL: "http://new:80"}))
			for _, at := range []struct {
				passed time.Duration
				weight float64
			}{{0, 0.1}, {5 * second, 0.55}, {5 * second, 1}} {
				time.Sleep(at.passed)
				want := at.weight / (3 + at.weight)
				if got := spread(t, pool, 4000, number)["new:80"]; math.Abs(got-want) > 0.03 {
					t.Errorf("%s: gets %.3f, not %.3f", policy, got, want)
				}
			}
			if s := pool.State()[3]; s.State != balance.Healthy {
				t.Errorf("%+v", s)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, balance.Config{SlowStart: -1}, balance.Options{}, three()...)
		pool.Update(append(three(), found{URL: "http://new:80"}))
		if got := spread(t, pool, 4000, number)["new:80"]; math.Abs(got-0.25) > 0.03 {
			t.Errorf("without slow start: %.3f", got)
		}
	})
}

// TestCanceledIsEvidence: an instance whose requests are given up, as hedging does, is slower than that and gets fewer.
func TestCanceledIsEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, balance.Config{}, balance.Options{}, three()...)
		picks := 0
		for range 600 {
			lease, err := pool.Pick(balance.Request{})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond)
			if lease.Instance().Name() == "b:80" {
				picks++
				time.Sleep(20 * time.Millisecond)
				lease.Done(balance.Neutral, 22*time.Millisecond)
				continue
			}
			lease.Done(balance.Success, 2*time.Millisecond)
		}
		// the first may be before anything is known of b
		if s := pool.State()[1]; picks > 250 || s.State != balance.Healthy {
			t.Errorf("picked %d times, %+v", picks, s)
		}
	})
}
