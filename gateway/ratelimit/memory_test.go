package ratelimit_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/ratelimit"
)

// Many addresses that spend a little each take no memory, and fill nobody's bucket by crowding it out.
func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 640
		store := ratelimit.NewMemory(most, time.Minute)
		l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(10, 0.1)}, ratelimit.Options{Store: store})
		if _, code := take(t, l, client("victim"), 10); code != "" {
			t.Fatal(code)
		}
		admitted := 0
		for i := range 20_000 {
			r, code := take(t, l, client(fmt.Sprint("crowd", i)), 5)
			r.Settle(5)
			if code == "" {
				admitted++
			}
		}
		if got := store.Clients(); got > most+64 {
			t.Errorf("%d clients in memory", got)
		}
		if _, code := take(t, l, client("victim"), 1); code != "RATE_LIMITED" {
			t.Errorf("the crowd filled a bucket: %q", code)
		}
		if least := most; admitted < least || admitted > 2*(most+64) {
			t.Errorf("%d of the crowd admitted", admitted)
		}
		// When their points are back they are forgotten, as new ones come.
		time.Sleep(time.Hour)
		for i := range 3000 {
			r, code := take(t, l, client(fmt.Sprint("later", i)), 5)
			if code != "" {
				t.Fatalf("%d: %s", i, code)
			}
			r.Settle(0)
		}
		if got := store.Clients(); got > most {
			t.Errorf("%d clients in memory", got)
		}
	})
}

// Asking takes no memory: what isn't admitted leaves nothing behind, and neither does what is given back.
func TestNothingStaysOfIdleClients(t *testing.T) {
	store := ratelimit.NewMemory(1_000_000, time.Minute)
	l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(10, slow)}, ratelimit.Options{Store: store})
	for i := range 50_000 {
		r, _ := take(t, l, client(fmt.Sprint(i)), 5)
		r.Settle(0)
	}
	if got := store.Clients(); got > 10_000 {
		t.Errorf("%d idle clients in memory", got)
	}
}

// Reservations that nobody settles are forgotten too.
func TestLeakedReservations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := ratelimit.NewMemory(1000, time.Minute)
		l, client := limiter(t, ratelimit.PlanConfig{MaxConcurrent: 100, Buckets: buckets(1000, 1000)}, ratelimit.Options{Store: store})
		for range 100 {
			if _, code := take(t, l, client("a"), 1); code != "" {
				t.Fatal(code)
			}
		}
		if _, code := take(t, l, client("a"), 1); code != "CONCURRENCY_LIMITED" {
			t.Fatal(code)
		}
		time.Sleep(time.Minute)
		if _, code := take(t, l, client("a"), 1); code != "" {
			t.Error(code)
		}
	})
}
