package balance_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tributary-gateway/tributary/upstreams/balance"
)

// states maps instances to their states, in short.
func states(pool *balance.Pool) map[string]balance.State {
	got := map[string]balance.State{}
	for _, s := range pool.State() {
		got[strings.TrimPrefix(s.URL, "http://")] = s.State
	}
	return got
}

func TestNone(t *testing.T) {
	pool, err := balance.New(balance.Config{}, balance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Pick(balance.Request{}); !errors.Is(err, balance.ErrNone) {
		t.Error(err)
	}
	pool.Update(three())
	if _, err := pool.Pick(balance.Request{}); err != nil {
		t.Error(err)
	}
	pool.Update(nil)
	if _, err := pool.Pick(balance.Request{Retryable: true}); !errors.Is(err, balance.ErrNone) {
		t.Error(err)
	}
	pool.Close()
	pool.Close()
	balance.Lease{}.Done(balance.Success, 0) // of the error above: nothing to end
}

// TestDrain: who is dropped finishes what it has, gets nothing new, and is gone then.
func TestDrain(t *testing.T) {
	pool := newPool(t, balance.Config{Policy: balance.RoundRobin}, balance.Options{}, three()...)
	var leases []balance.Lease
	for range 3 {
		lease, err := pool.Pick(balance.Request{})
		if err != nil {
			t.Fatal(err)
		}
		leases = append(leases, lease)
	}
	pool.Update(three()[1:])
	for range 50 {
		lease, err := pool.Pick(balance.Request{Retryable: true})
		if err != nil || lease.Instance().Name() == "a:80" {
			t.Fatal(lease.Instance(), err)
		}
		lease.Done(balance.Success, time.Millisecond)
	}
	want := map[string]balance.State{"a:80": balance.Draining, "b:80": balance.Healthy, "c:80": balance.Healthy}
	if diff := cmp.Diff(want, states(pool)); diff != "" {
		t.Error(diff)
	}
	for _, lease := range leases {
		lease.Done(balance.Success, time.Millisecond)
	}
	delete(want, "a:80")
	if diff := cmp.Diff(want, states(pool)); diff != "" {
		t.Error(diff)
	}
}

// TestComesBack: an instance that discovery drops and names again is the same as before.
func TestComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
		w.run(150, second)
		w.set("b:80", broken)
		w.until(150, second, "b:80", balance.Ejected)
		w.group.Wait()
		before := w.state("b:80")
		w.pool.Update([]found{{URL: "http://a:80"}, {URL: "http://c:80"}})
		w.run(150, second)
		w.pool.Update(three())
		if diff := cmp.Diff(before, w.state("b:80"), cmpopts.IgnoreFields(before, "Latency")); diff != "" {
			t.Error(diff)
		}
		lease, err := w.pool.Pick(balance.Request{})
		if err != nil {
			t.Fatal(err)
		}
		w.pool.Update(nil)
		w.pool.Update(three())
		if s := w.state(lease.Instance().Name()); s.State != balance.Healthy || s.InFlight != 1 {
			t.Errorf("back before it was empty: %+v", s)
		}
		w.pool.Update(nil)
		time.Sleep(2 * time.Minute)
		w.pool.Update(three())
		lease.Done(balance.Success, time.Minute)
		if s := w.state("b:80"); s.State != balance.SlowStart || s.Reason != "new" {
			t.Errorf("back after long: %+v", s)
		}
	})
}

func TestWeightsAndZonesChangeInPlace(t *testing.T) {
	pool := newPool(t, balance.Config{Policy: balance.Weighted}, balance.Options{}, three()...)
	pool.Update([]found{{URL: "http://a:80", Weight: 3, Zone: "x"}, {URL: "http://b:80"}, {URL: "http://c:80", Weight: 4}})
	if diff := cmp.Diff(map[string]float64{"a:80": 3. / 8, "b:80": 1. / 8, "c:80": 4. / 8}, spread(t, pool, 800, number),
		cmp.Comparer(near)); diff != "" {
		t.Error(diff)
	}
	if s := pool.State()[0]; s.Zone != "x" || s.Weight != 3 || s.State != balance.Healthy {
		t.Errorf("%+v", s)
	}
}

func TestNames(t *testing.T) {
	var logged bytes.Buffer
	pool := newPool(t, balance.Config{}, balance.Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))},
		found{URL: "http://10.0.0.7"}, found{URL: "https://users.internal/"}, found{URL: "http://[::1]:8080"},
		found{URL: "http://10.0.0.7", Weight: 9}, found{URL: "http://10.0.0.7/path"}, found{URL: "ftp://10.0.0.7"},
		found{URL: "http://me:secret@10.0.0.8"}, found{URL: ":"})
	var urls, names []string
	for _, s := range pool.State() {
		urls = append(urls, s.URL)
	}
	var leases []*balance.Instance
	for range 3 {
		lease, err := pool.Pick(balance.Request{Avoid: leases})
		if err != nil {
			t.Fatal(err)
		}
		leases = append(leases, lease.Instance())
		names = append(names, lease.Instance().Name())
	}
	if diff := cmp.Diff([]string{"http://10.0.0.7", "https://users.internal", "http://[::1]:8080"}, urls); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"10.0.0.7:80", "users.internal:443", "[::1]:8080"} {
		if !strings.Contains(strings.Join(names, " "), name) {
			t.Errorf("%s is not among %v", name, names)
		}
	}
	if n := strings.Count(logged.String(), "instance left out"); n != 4 || strings.Contains(logged.String(), "secret") {
		t.Errorf("logged:\n%s", &logged)
	}
}

// TestOthersGo: an instance that is out returns when too few others are left.
func TestOthersGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
		w.set("b:80", broken)
		w.until(150, second, "b:80", balance.Ejected)
		w.group.Wait()
		w.pool.Update(three()[1:2])
		lease, err := w.pool.Pick(balance.Request{})
		if err != nil || lease.Instance().Name() != "b:80" {
			t.Fatal(lease.Instance(), err)
		}
		lease.Done(balance.Success, time.Millisecond)
	})
}

func FuzzUpdate(f *testing.F) {
	for _, seed := range []string{"http://a:80", "https://[::1]", "http://", "http://a:b", "http://x@y", "http://a/b?c", "//a", "http://%41"} {
		f.Add(seed, 1)
	}
	f.Fuzz(func(t *testing.T, address string, weight int) {
		pool := newPool(t, balance.Config{}, balance.Options{}, found{URL: address, Weight: weight})
		for _, s := range pool.State() {
			if s.Weight < 1 || !strings.HasPrefix(s.URL, "http") {
				t.Errorf("%q: %+v", address, s)
			}
		}
		lease, err := pool.Pick(balance.Request{})
		if (err == nil) != (len(pool.State()) == 1) {
			t.Errorf("%q: %v", address, err)
		}
		if err == nil && (lease.Instance().URL().Host == "" || lease.Instance().URL().Path != "" || lease.Instance().URL().User != nil) {
			t.Errorf("%q: %v", address, lease.Instance().URL())
		}
	})
}
