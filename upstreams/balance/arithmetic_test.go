package balance

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

const ms = time.Millisecond

func TestLatency(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	within := func(what string, got, from, to time.Duration) {
		t.Helper()
		if got < from || got > to {
			t.Errorf("%s: %v is not within %v and %v", what, got, from, to)
		}
	}
	var l latency
	within("nothing known", l.now(start, 3*ms), 3*ms, 3*ms)
	l.observe(start, 2*ms)
	within("the first", l.now(start, 3*ms), 2*ms, 2*ms)
	l.observe(at(ms), 800*ms)
	within("up at once", l.now(at(ms), 2*ms), 800*ms, 800*ms)
	within("down slowly", l.now(at(memory), 2*ms), 290*ms, 300*ms)
	within("down to what is typical", l.now(at(time.Minute), 2*ms), 2*ms, 2*ms)
	l.observe(at(2*ms), 2*ms)
	within("not at once", l.now(at(2*ms), 2*ms), 785*ms, 800*ms)
	l.observe(at(3*memory), 2*ms)
	within("an answer after long", l.now(at(3*memory), 2*ms), 40*ms, 45*ms)

	fails := latency{2 * ms, start}
	for i := range 1000 {
		fails.fail(at(time.Duration(i)*10*ms), ms/10, 2*ms)
	}
	within("failing fast is neither quick nor slow", fails.now(at(10*time.Second), 2*ms), 2*ms, 2*ms)
	fails.fail(at(10*time.Second), time.Second, 2*ms)
	within("a timeout is slow", fails.now(at(10*time.Second), 2*ms), time.Second, time.Second)

	gone := latency{2 * ms, start}
	gone.left(at(time.Second), ms)
	within("left early", gone.value, 2*ms, 2*ms)
	gone.left(at(time.Second), 50*ms)
	within("left late", gone.value, 50*ms, 50*ms)
	back := latency{2 * ms, at(time.Second)}
	back.observe(start, ms) // the clock of another goroutine may be a little behind
	within("backwards", back.value, ms, 2*ms)
}

func TestRamp(t *testing.T) {
	for _, test := range []struct {
		passed, slowStart time.Duration
		want              float64
	}{
		{0, 10, 0.1}, {5, 10, 0.55}, {10, 10, 1}, {11, 10, 1}, {-1, 10, 0.1}, {0, -1, 1}, {0, 0, 1},
	} {
		if got := ramp(test.passed, test.slowStart); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%d of %d: %v", test.passed, test.slowStart, got)
		}
	}
}

// TestDraw: by weight, and never the exception.
func TestDraw(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var c crowd
		n := 2 + random.IntN(6)
		for range n {
			c.add(&Instance{}, 0.1+random.Float64()*math.Pow(10, float64(random.IntN(6))))
		}
		for except := -1; except < n; except++ {
			for _, at := range []float64{0, 0.1, 0.5, 0.9, math.Nextafter(1, 0)} {
				if got := c.draw(at, except); got < 0 || got >= n || got == except {
					t.Fatalf("%d of %d without %d at %v", got, n, except, at)
				}
			}
		}
	}
	var c crowd
	for _, share := range []float64{1, 2, 5} {
		c.add(&Instance{}, share)
	}
	counts := [3]int{}
	for i := range 6000 {
		counts[c.draw(float64(i)/6000, 1)]++
	}
	if counts != [3]int{1000, 0, 5000} {
		t.Error(counts)
	}
}

func TestTypical(t *testing.T) {
	rules := health.Config{}.WithDefaults()
	list := func(values ...time.Duration) (list []*Instance) {
		for _, value := range values {
			list = append(list, &Instance{record: health.NewRecord(&rules), latency: latency{value: value}})
		}
		return list
	}
	for _, test := range []struct {
		list []*Instance
		want time.Duration
	}{
		{nil, unknown}, {list(0, 0), unknown}, {list(0, 5*ms), 5 * ms}, {list(800*ms, 2*ms), 2 * ms}, {list(3*ms, 800*ms, 2*ms), 3 * ms},
		{list(make([]time.Duration, 200)...), unknown},
	} {
		if got := typicalOf(test.list); got != test.want {
			t.Errorf("%v, not %v", got, test.want)
		}
	}
}

// TestUnit is never 0, whose logarithm is infinite.
func TestUnit(t *testing.T) {
	for _, hash := range []uint64{0, 1, math.MaxUint64} {
		if u := unit(hash); u <= 0 || u > 1 {
			t.Errorf("%d: %v", hash, u)
		}
	}
}
