package admission_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
)

const (
	fiveItems = `{ items(first: 5) { id } }` // 1 call, 5 objects and the root: 7
	twoCame   = `{"items":[{"id":1},{"id":2}]}`
)

// TestEstimateIsReservedAndTheRestGivenBack is the arithmetic in a row: the headers before, the extension after.
func TestEstimateIsReservedAndTheRestGivenBack(t *testing.T) {
	d := newDesk(t, limits(burst(100, hardly)))
	v := d.admit(fiveItems)
	if v.err != nil {
		t.Fatal(v.err)
	}
	if got, want := v.header("RateLimit"), `"burst";r=93;t=7000`; got != want {
		t.Errorf("reserved: %s, want %s", got, want)
	}
	if got, want := v.header("RateLimit-Policy"), `"burst";q=100;w=100000`; got != want {
		t.Errorf("policy: %s, want %s", got, want)
	}
	if v.header("Retry-After") != "" {
		t.Error("who was admitted is told to come again")
	}
	got := v.answer(twoCame)
	want := `{"actualQueryCost":4,"fieldCost":1,"requestedQueryCost":7,"throttleStatus":{"maximumAvailable":100,"currentlyAvailable":96,"restoreRate":0.001},"typeCost":3}`
	if got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
	if got := v.header("RateLimit"); !strings.Contains(got, "r=96;") {
		t.Errorf("after settling: %s", got)
	}
	if got := d.left(client("ada", "")); !strings.Contains(got, "r=95;") {
		t.Errorf("the bucket has %s, want 96 but one", got)
	}
}

// TestWaysOut: whatever becomes of an operation, it's settled once.
func TestWaysOut(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(visit)
		left  int // of 100, and 1 to ask
	}{
		{"an answer", func(v visit) { v.answer(twoCame) }, 95},
		{"nobody waits, or a panic", func(v visit) { v.Settle(nil) }, 92},
		{"no data: a time-out", func(v visit) { v.answer("") }, 92},
		{"data that is null", func(v visit) { v.answer("null") }, 98},
		{"an answer that can't be read", func(v visit) { v.answer(`{"items":`) }, 92},
		{"settled twice", func(v visit) { v.answer(twoCame); v.answer(twoCame) }, 95},
		{"more than was asked for", func(v visit) { v.answer(`{"items":[{},{},{},{},{},{},{},{}]}`) }, 89},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, limits(burst(100, hardly)))
			c.leave(d.admit(fiveItems))
			if got, want := d.left(client("ada", "")), fmt.Sprintf("r=%d;", c.left); !strings.Contains(got, want) {
				t.Errorf("%s is left, want %s", got, want)
			}
		})
	}
}

// TestOverrun: a service that returns more than it was asked for is told in the log, and its client has debt.
func TestOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, limits(burst(10, 1)))
		v := d.admit(fiveItems)
		v.answer(`{"items":[` + strings.Repeat(`{"id":1},`, 13) + `{"id":1}]}`) // 16
		for _, want := range []string{"level=WARN", "a list is longer than was asked for", "path=items", "asked=5", "got=14"} {
			if !strings.Contains(d.log.String(), want) {
				t.Errorf("no %q in %s", want, d.log.String())
			}
		}
		late := d.admit(`{ item { id } }`) // 3, of −6
		if _, told := late.refused(fail.RateLimited); told != `{"cost":3,"policy":"burst","retryAfterMs":9000}` {
			t.Errorf("told %s", told)
		}
		if got := late.header("RateLimit"); got != `"burst";r=0;t=16` {
			t.Errorf("RateLimit %s", got)
		}
		time.Sleep(9*time.Second - time.Microsecond)
		if v := d.admit(`{ item { id } }`); v.err == nil {
			t.Error("a microsecond too early")
		}
		time.Sleep(time.Microsecond)
		if v := d.admit(`{ item { id } }`); v.err != nil {
			t.Errorf("after retryAfterMs: %v", v.err)
		}
	})
}

func TestTooExpensive(t *testing.T) {
	plan := burst(100, 1)
	plan.MaxOperationCost = 6
	d := newDesk(t, limits(plan))
	v := d.admit(fiveItems)
	if _, told := v.refused(fail.TooExpensive); told != `{"cost":{"estimated":7,"max":6}}` {
		t.Errorf("told %s", told)
	}
	if got := v.header("Retry-After"); got != "" {
		t.Errorf("Retry-After %s for what never passes", got)
	}
	if got := v.header("RateLimit"); got != `"burst";r=100;t=0` {
		t.Errorf("RateLimit %s", got)
	}
	if got := v.answer(""); !strings.Contains(got, `"requestedQueryCost":7`) || strings.Contains(got, "actual") {
		t.Errorf("told %s", got)
	}
	if d.admit(`{ items(first: 4) { id } }`).err != nil {
		t.Error("6 points are no more than 6")
	}
}

// TestUnbounded: the refusal of what has no bound names the field that lacks one.
func TestUnbounded(t *testing.T) {
	d := newDesk(t, limits(burst(1000, 1)), unbounded)
	v := d.admit(`{ items(first: 1) { few: more { id } } }`)
	message, told := v.refused(fail.TooExpensive)
	if !strings.Contains(message, "items.few") || told != `{"cost":{"estimated":null,"max":1000}}` {
		t.Errorf("%s %s", message, told)
	}
	if got := v.answer(""); !strings.Contains(got, `"requestedQueryCost":null`) {
		t.Errorf("told %s", got)
	}
	if v := d.asking(client("ada", ""), "validate", `{ all { id } }`, nil); v.err != nil {
		t.Error(v.err)
	} else if got := v.answer("null"); !strings.Contains(got, `"requestedQueryCost":null`) || !strings.Contains(got, `"size":null`) {
		t.Errorf("validated: %s", got)
	}
}

func TestOutOfPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, limits(burst(10, 2)))
		d.admit(fiveItems)
		v := d.admit(fiveItems) // 7 of 3: 4 points are 2 seconds
		if _, told := v.refused(fail.RateLimited); told != `{"cost":7,"policy":"burst","retryAfterMs":2000}` {
			t.Errorf("told %s", told)
		}
		if got := v.header("Retry-After"); got != "2" && got != "3" {
			t.Errorf("Retry-After %s, want 2 and at most one more", got)
		}
		if got := v.header("RateLimit"); got != `"burst";r=3;t=4` {
			t.Errorf("RateLimit %s", got)
		}
		if got := v.answer(""); !strings.Contains(got, `"currentlyAvailable":3`) || !strings.Contains(got, `"requestedQueryCost":7`) {
			t.Errorf("told %s", got)
		}
		time.Sleep(2 * time.Second)
		if v := d.admit(fiveItems); v.err != nil {
			t.Errorf("after retryAfterMs: %v", v.err)
		}
	})
}

func TestConcurrency(t *testing.T) {
	plan := burst(1000, 1)
	plan.MaxConcurrent = 2
	d := newDesk(t, limits(plan))
	first, second := d.admit(fiveItems), d.admit(fiveItems)
	if err := errors.Join(first.err, second.err); err != nil {
		t.Fatal(err)
	}
	third := d.admit(fiveItems)
	if _, told := third.refused(fail.ConcurrencyLimited); told != `{"maxConcurrent":2,"retryAfterMs":1000}` {
		t.Errorf("told %s", told)
	}
	if third.header("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if v := d.asking(client("eve", ""), "", fiveItems, nil); v.err != nil {
		t.Errorf("another client: %v", v.err)
	}
	third.answer("")
	if v := d.admit(fiveItems); fail.KindOf(v.err) != fail.ConcurrencyLimited {
		t.Errorf("settling what was refused made room: %v", v.err)
	}
	first.Settle(nil)
	if v := d.admit(fiveItems); v.err != nil {
		t.Errorf("one has ended: %v", v.err)
	}
}

// gone is a store that doesn't answer.
type gone struct{}

func (gone) Reserve(context.Context, *ratelimit.Request) (ratelimit.Outcome, ratelimit.Standing, error) {
	return ratelimit.Unavailable, ratelimit.Standing{}, errors.New("dial tcp 10.1.2.3:6379: connection refused")
}
func (gone) Settle(ratelimit.Settlement) {}
func (gone) Close(context.Context) error { return nil }

func TestWithoutStore(t *testing.T) {
	for _, c := range []struct {
		down   ratelimit.OnDown
		passes bool
		header string
	}{
		{ratelimit.Closed, false, ""},
		{ratelimit.Open, true, ""},
		{ratelimit.Local, true, `"burst";r=93;t=7000`},
	} {
		plan := burst(100, hardly)
		plan.OnLimiterDown = c.down
		d := newDesk(t, limits(plan), func(o *admission.Options) { o.Store = gone{} })
		v := d.admit(fiveItems)
		if got := v.header("RateLimit"); got != c.header {
			t.Errorf("%s: RateLimit %q, want %q", c.down, got, c.header)
		}
		if c.passes {
			if v.err != nil {
				t.Errorf("%s: %v", c.down, v.err)
			}
			if got := v.answer(twoCame); !strings.Contains(got, `"actualQueryCost":4`) {
				t.Errorf("%s: told %s", c.down, got)
			}
			continue
		}
		message, told := v.refused(fail.RateLimiterUnavailable)
		if told != `{"retryAfterMs":1000}` || strings.Contains(message, "10.1.2.3") || v.header("Retry-After") == "" {
			t.Errorf("%s: %s %s", c.down, message, told)
		}
		if v := d.asking(client("ada", ""), "validate", fiveItems, nil); fail.KindOf(v.err) != fail.RateLimiterUnavailable {
			t.Errorf("%s: validate: %v", c.down, v.err)
		}
	}
}

func TestInvalidDocumentsCostAPoint(t *testing.T) {
	d := newDesk(t, limits(burst(3, hardly)))
	ctx := client("ada", "")
	for range 3 {
		ticket, err := d.Invalid(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if ticket.Instead() != nil {
			t.Error("what can't run has an answer instead")
		}
		response := &graphql.Response{Errors: gqlerror.List{{Message: "?"}}}
		ticket.Settle(response)
		if response.Extensions != nil {
			t.Errorf("an invalid document has a cost: %v", response.Extensions)
		}
	}
	ticket, err := d.Invalid(ctx)
	if fail.KindOf(err) != fail.RateLimited {
		t.Errorf("got %v", err)
	}
	header := http.Header{}
	ticket.Header(header)
	if header.Get("Retry-After") == "" || !strings.Contains(header.Get("RateLimit"), "r=0;") {
		t.Errorf("headers %v", header)
	}
	ticket.Settle(nil)
}

// TestNoPrice: what can't be priced is refused by the rule that it breaks, costs a point, and no cost is told.
func TestNoPrice(t *testing.T) {
	d := newDesk(t, limits(burst(100, hardly)))
	for _, asked := range []string{"", "report", "validate"} {
		v := d.asking(client("ada", ""), asked, "{\n  x: items { id }\n}", nil)
		message, _ := v.refused(fail.ValidationFailed)
		var told *gqlerror.Error
		if !strings.Contains(message, `"first"`) || !errors.As(v.err, &told) || len(told.Locations) != 1 || told.Locations[0].Line != 2 {
			t.Errorf("%q: %s %+v", asked, message, told)
		}
		if v.header("Retry-After") != "" {
			t.Error("it will never pass")
		}
		if got := v.answer(""); got != "" {
			t.Errorf("%q: told %s", asked, got)
		}
	}
	if got := d.left(client("ada", "")); !strings.Contains(got, "r=96;") {
		t.Errorf("%s is left", got)
	}
	poor := newDesk(t, limits(burst(3, hardly)))
	poor.admit(`{ item { id } }`)
	if v := poor.admit(`{ items { id } }`); fail.KindOf(v.err) != fail.RateLimited || v.header("Retry-After") == "" {
		t.Errorf("without a point: %v", v.err)
	}
}

// TestExactlyTheBudgetPasses: many at once spend no point twice.
func TestExactlyTheBudgetPasses(t *testing.T) {
	d := newDesk(t, limits(burst(70, hardly)))
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				ticket, err := d.Admit(client("ada", ""), http.Header{}, operation(t, fiveItems, nil))
				if err == nil {
					passed.Add(1)
				}
				ticket.Settle(nil)
			}
		})
	}
	all.Wait()
	if passed.Load() != 10 {
		t.Errorf("%d passed, want 10", passed.Load())
	}
}

// TestHangingUpSavesNothing: an operation that its client's leaving ends has an answer of nulls, which isn't what it cost.
func TestHangingUpSavesNothing(t *testing.T) {
	d := newDesk(t, limits(burst(100, hardly)))
	ctx, leave := context.WithCancel(client("ada", ""))
	v := d.asking(ctx, "", fiveItems, nil)
	leave()
	if got := v.answer(`{"items":[]}`); !strings.Contains(got, `"actualQueryCost":7`) || !strings.Contains(got, `"typeCost":6`) {
		t.Errorf("told %s", got)
	}
	if got := d.left(client("ada", "")); !strings.Contains(got, "r=92;") {
		t.Errorf("%s is left", got)
	}
}

func TestClientGoneBeforeItBegan(t *testing.T) {
	d := newDesk(t, limits(burst(100, hardly)))
	ctx, leave := context.WithCancel(client("ada", ""))
	leave()
	v := d.asking(ctx, "", fiveItems, nil)
	v.refused(fail.Canceled)
	v.Settle(nil)
	if got := d.left(client("ada", "")); !strings.Contains(got, "r=99;") {
		t.Errorf("%s is left: nothing was done", got)
	}
}
