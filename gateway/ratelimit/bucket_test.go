package ratelimit

import (
	"math/rand/v2"
	"testing"
)

// rule is a bucket of so many points that come back at so many per second.
func rule(capacity, restore int64) policy {
	return policy{name: "b", capacity: capacity * micro, restore: restore * micro}
}

const second = micro // of the time

func TestAt(t *testing.T) {
	for name, test := range map[string]struct {
		policy policy
		level  level
		now    int64
		want   level
	}{
		"a missing bucket is full":       {rule(10, 1), level{}, 5 * second, level{at: 5 * second}},
		"comes back":                     {rule(10, 1), level{deficit: 5 * micro}, 2 * second, level{deficit: 3 * micro, at: 2 * second}},
		"up to full":                     {rule(10, 1), level{deficit: 5 * micro, part: 7}, 9 * second, level{at: 9 * second}},
		"time runs back":                 {rule(10, 1), level{deficit: 5 * micro, at: 9 * second}, second, level{deficit: 5 * micro, at: 9 * second}},
		"a part":                         {policy{capacity: micro, restore: 3}, level{deficit: 10}, 500_000, level{deficit: 9, at: 500_000, part: 500_000}},
		"parts add up":                   {policy{capacity: micro, restore: 3}, level{deficit: 9, at: 500_000, part: 500_000}, second, level{deficit: 7, at: second}},
		"a smaller plan bounds the debt": {rule(2, 1), level{deficit: 90 * micro}, 0, level{deficit: 4 * micro}},
		"centuries":                      {rule(MaxCapacity, MaxCapacity), level{deficit: MaxCapacity * micro}, 1 << 62, level{at: 1 << 62}},
		"most at once":                   {rule(MaxCapacity, MaxCapacity), level{deficit: MaxCapacity * micro}, 1, level{deficit: (MaxCapacity - 1000) * micro, at: 1}},
	} {
		if got := test.policy.at(test.level, test.now); got != test.want {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}

func TestWaitAndFull(t *testing.T) {
	p := rule(1000, 50)
	for name, test := range map[string]struct {
		level      level
		cost       int64
		admits     bool
		wait, full int64
		points     int64
	}{
		"full":           {level{}, 1000 * micro, true, 0, 0, 1000},
		"enough":         {level{deficit: 42 * micro}, 958 * micro, true, 0, 840_000, 958},
		"one short":      {level{deficit: 42 * micro}, 959 * micro, false, 20_000, 840_000, 958},
		"a bit short":    {level{deficit: 42*micro + 1}, 958 * micro, false, 1, 840_001, 957},
		"empty":          {level{deficit: 1000 * micro}, micro, false, 20_000, 20_000_000, 0},
		"debt":           {level{deficit: 2000 * micro}, micro, false, 20_020_000, 40_000_000, 0},
		"nothing passes": {level{deficit: 2000 * micro}, 0, true, 0, 40_000_000, 0},
		"from later":     {level{deficit: 1000 * micro, at: 7}, micro, false, 20_007, 20_000_007, 0},
	} {
		if got := p.admits(test.level, test.cost); got != test.admits {
			t.Errorf("%s: admits %v", name, got)
		}
		if got := p.wait(test.level, test.cost, 0); got != test.wait {
			t.Errorf("%s: waits %d µs, want %d", name, got, test.wait)
		}
		if got := p.untilFull(test.level, 0); got != test.full {
			t.Errorf("%s: full in %d µs, want %d", name, got, test.full)
		}
		if got := p.points(test.level); got != test.points {
			t.Errorf("%s: %d points, want %d", name, got, test.points)
		}
	}
}

func TestWindowIsRoundedUp(t *testing.T) {
	for _, test := range []struct {
		policy policy
		want   int64
	}{{rule(1000, 50), 20_000_000}, {rule(1000, 3), 333_333_334}, {policy{capacity: 1000 * micro, restore: 32}, 31_250_000_000_000}} {
		if got := test.policy.timeFor(test.policy.capacity, level{}, 0); got != test.want {
			t.Errorf("%+v: %d, want %d", test.policy, got, test.want)
		}
	}
}

// FuzzBucket plays a random story on one bucket: what holds after each step, and what was admitted over all.
func FuzzBucket(f *testing.F) {
	f.Add(uint64(1), int64(1000), int64(50_000_000))
	f.Add(uint64(2), int64(1), int64(1))
	f.Add(uint64(3), int64(MaxCapacity), int64(MaxCapacity)*micro)
	f.Add(uint64(4), int64(MaxCapacity), int64(31_999_999))
	f.Fuzz(func(t *testing.T, seed uint64, capacity, restore int64) {
		if capacity < 1 || capacity > MaxCapacity || restore < 1 || restore > MaxCapacity*micro {
			t.Skip()
		}
		p := policy{capacity: capacity * micro, restore: restore}
		random := rand.New(rand.NewPCG(seed, 0))
		var l level
		var now, latest int64
		admitted := int64(0) // no refunds: what was admitted net of what was given back
		for range 200 {
			now += random.Int64N(1 << random.Int64N(40))
			if random.IntN(10) == 0 {
				now -= min(now, random.Int64N(1<<random.Int64N(40)))
			}
			latest = max(latest, now)
			before := l
			l = p.at(l, now)
			if now < before.at && before.deficit > 0 && before.deficit <= p.debt() && l != before {
				t.Fatalf("time ran back and %+v became %+v", before, l)
			}
			cost := random.Int64N(p.capacity + 1)
			if p.admits(l, cost) {
				l = p.add(l, cost)
				admitted += cost
				if l.deficit > p.capacity && cost > 0 {
					t.Fatalf("admitted %d beyond the capacity: %+v", cost, l)
				}
				if random.IntN(2) == 0 {
					back := min(random.Int64N(cost+1), l.deficit)
					l = p.add(l, -back)
					admitted -= back
				}
			} else {
				wait := p.wait(l, cost, now)
				if wait <= 0 {
					t.Fatalf("refused %d at %+v, to wait %d", cost, l, wait)
				}
				if wait >= forever {
					continue
				}
				if later := p.at(l, now+wait); !p.admits(later, cost) {
					t.Fatalf("after waiting %d µs %+v became %+v and %d isn't admitted", wait, l, later, cost)
				}
				if wait > 1 {
					if early := p.at(l, now+wait-1); p.admits(early, cost) {
						t.Fatalf("%d is told as the wait of %+v for %d, one less would do", wait, l, cost)
					}
				}
			}
			if l.deficit < 0 || l.deficit > p.debt() || l.part < 0 || l.part >= micro {
				t.Fatalf("impossible: %+v", l)
			}
			// In floating point: over 2⁶³ for the biggest buckets. Its error is far under a point.
			if most := float64(p.capacity) + float64(latest)*float64(restore)/micro; float64(admitted) > most*(1+1e-12)+1 {
				t.Fatalf("admitted %d, capacity and what came back are %.0f", admitted, most)
			}
			if left := p.untilFull(l, max(now, l.at)); left >= forever {
				continue
			} else if full := p.at(l, max(now, l.at)+left); full.deficit != 0 {
				t.Fatalf("not full when it was to be: %+v", full)
			}
		}
	})
}

// Two steps restore what one over both does, whatever the rate: nothing is lost to rounding.
func TestStepsAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		p := policy{capacity: 1 + random.Int64N(MaxCapacity*micro), restore: 1 + random.Int64N(1<<random.Int64N(50))}
		l := level{deficit: p.capacity}
		end := random.Int64N(1 << random.Int64N(44))
		once := p.at(l, end)
		for now := int64(0); now < end; now += 1 + random.Int64N(1+end/3) {
			l = p.at(l, now)
		}
		if got := p.at(l, end); got != once {
			t.Fatalf("%+v: %+v in steps, %+v at once", p, got, once)
		}
	}
}

func TestRetryAfterIsRoundedUpWithALittleOnTop(t *testing.T) {
	for _, test := range []struct {
		milliseconds int64
		chance       float64
		want         int64
	}{{0, 0, 1}, {1, 0, 1}, {1000, 0, 1}, {1001, 0, 2}, {1000, 0.99, 2}, {100_000, 0, 100}, {100_000, 0.99, 110}} {
		if got := retryAfter(duration(test.milliseconds*1000), test.chance); got != test.want {
			t.Errorf("%+v: got %d", test, got)
		}
	}
}
