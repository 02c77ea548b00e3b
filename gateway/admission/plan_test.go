package admission_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/mistake"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
)

// TestChoiceOfPlan tells plans apart by their capacities.
func TestChoiceOfPlan(t *testing.T) {
	known := func(plan string) context.Context { return client("ada", plan) }
	stranger := func(plan string) context.Context {
		return identity.With(context.Background(), identity.Client{ID: "192.0.2.1", Plan: plan})
	}
	for _, c := range []struct {
		name  string
		plans string
		who   context.Context
		want  int // 0 is no limit
	}{
		{"named", "gold default anonymous", known("gold"), 100},
		{"of a name that isn't there", "gold default anonymous", known("silver"), 200},
		{"of no name", "gold default anonymous", known(""), 200},
		{"no default", "gold anonymous", known("silver"), 0},
		{"anonymous", "gold default anonymous", stranger("anonymous"), 300},
		{"anonymous on a plan of its own", "gold default anonymous", stranger("gold"), 100},
		{"anonymous on one that isn't there", "gold default anonymous", stranger("visitors"), 300},
		{"no plan for anonymous", "gold default", stranger("anonymous"), 0},
		{"nobody asked who it is", "gold default anonymous", context.Background(), 300},
		{"no plans at all", "", known("gold"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := map[string]admission.Plan{}
			for _, name := range strings.Fields(c.plans) {
				all[name] = burst(map[string]int{"gold": 100, "default": 200, "anonymous": 300}[name], 1)
			}
			d := newDesk(t, admission.Config{Plans: all, Tell: admission.Always})
			v := d.asking(c.who, "", fiveItems, nil)
			want := ""
			if c.want > 0 {
				want = fmt.Sprintf(`"burst";q=%d;w=%d`, c.want, c.want)
			}
			if got := v.header("RateLimit-Policy"); v.err != nil || got != want {
				t.Errorf("got %q, %v, want %q", got, v.err, want)
			}
			if got := v.answer(twoCame); !strings.Contains(got, `"actualQueryCost":4`) || strings.Contains(got, "throttle") != (c.want > 0) {
				t.Errorf("told %s", got)
			}
		})
	}
}

// TestAccounts: clients have points of their own, and an address that calls itself as a client is another.
func TestAccounts(t *testing.T) {
	d := newDesk(t, admission.Config{Plans: map[string]admission.Plan{"default": burst(10, hardly), "anonymous": burst(10, hardly)}})
	ada, eve := client("ada", ""), client("eve", "")
	address := identity.With(context.Background(), identity.Client{ID: "ada"})
	for _, who := range []context.Context{ada, eve, address} {
		if v := d.asking(who, "", fiveItems, nil); v.err != nil {
			t.Error(v.err)
		}
		if v := d.asking(who, "", fiveItems, nil); fail.KindOf(v.err) != fail.RateLimited {
			t.Errorf("got %v", v.err)
		}
	}
}

// TestBounds: a plan bounds documents, whatever they cost.
func TestBounds(t *testing.T) {
	for _, c := range []struct {
		name          string
		bound         func(*admission.Plan)
		passes, fails string
		told          string
	}{
		{"depth", func(p *admission.Plan) { p.MaxDepth = 2 }, `{ item { id } }`, `{ item { more { id } } }`, "more than 2 levels of fields"},
		{"depth by a fragment", func(p *admission.Plan) { p.MaxDepth = 2 }, `{ ...F } fragment F on Query { item { id } }`,
			`{ item { ...F } } fragment F on Item { more { id } }`, "more than 2 levels"},
		{"aliases", func(p *admission.Plan) { p.MaxAliases = 1 }, `{ a: dear }`, `{ a: dear b: dear }`, "more than 1 aliases"},
		{"aliases by a fragment", func(p *admission.Plan) { p.MaxAliases = 1 }, `{ item { ...F } } fragment F on Item { x: id }`,
			`{ item { ...F more { ...F } } } fragment F on Item { x: id }`, "more than 1 aliases"},
		{"root fields", func(p *admission.Plan) { p.MaxRootFields = 1 }, `{ dear }`, `{ dear item { id } }`, "more than 1 root fields"},
		{"tokens", func(p *admission.Plan) { p.MaxTokens = 6 }, `{ item { id } }`, `{ item { id id } }`, "more than 6 tokens"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := burst(1000, hardly)
			c.bound(&plan)
			d := newDesk(t, limits(plan))
			if v := d.admit(c.passes); v.err != nil {
				t.Error(v.err)
			} else {
				v.answer("null")
			}
			before := d.left(client("ada", ""))
			for _, asked := range []string{"", "validate"} {
				v := d.asking(client("ada", ""), asked, c.fails, nil)
				if message, _ := v.refused(fail.TooLarge); !strings.Contains(message, c.told) {
					t.Errorf("told %s", message)
				}
				if got := v.answer(""); got != "" {
					t.Errorf("what wasn't priced has a cost: %s", got)
				}
			}
			if after := d.left(client("ada", "")); after == before {
				t.Error("looking was for nothing")
			}
			for _, mode := range []ratelimit.Mode{ratelimit.Off, ratelimit.Measure} {
				plan.Mode = mode
				if v := newDesk(t, limits(plan)).admit(c.fails); v.err != nil {
					t.Errorf("mode %s refuses: %v", mode, v.err)
				}
			}
		})
	}
}

// counts is what a metric would show.
type counts map[string]int

func (c counts) Reserved(plan string, o ratelimit.Outcome, measured bool) {
	c[fmt.Sprint(plan, " ", o, " ", measured)]++
}
func (counts) StoreUp(bool) {}

// TestMeasure: who would be refused is counted, runs, and isn't told to come again.
func TestMeasure(t *testing.T) {
	plan := burst(10, hardly)
	plan.Mode = ratelimit.Measure
	seen := counts{}
	d := newDesk(t, limits(plan), func(o *admission.Options) { o.Metrics = seen })
	for _, query := range []string{fiveItems, fiveItems, `{ dear }`} {
		v := d.admit(query)
		if v.err != nil || v.header("Retry-After") != "" {
			t.Errorf("%s: %v, Retry-After %q", query, v.err, v.header("Retry-After"))
		}
		if _, ok := admission.BudgetOf(graphql.WithOperationContext(t.Context(), v.operation)); !ok {
			t.Errorf("%s: no budget", query)
		}
	}
	want := counts{"default admitted true": 1, "default short true": 1, "default never true": 1}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", seen, want)
	}
}

func TestOff(t *testing.T) {
	plan := burst(1, hardly)
	plan.Mode = ratelimit.Off
	seen := counts{}
	v := newDesk(t, limits(plan), func(o *admission.Options) { o.Metrics = seen }).admit(fiveItems)
	if v.err != nil || v.header("RateLimit") != "" || len(seen) > 0 {
		t.Errorf("got %v, %q, counted %v", v.err, v.header("RateLimit"), seen)
	}
	if got := v.answer(twoCame); !strings.Contains(got, `"actualQueryCost":4`) || strings.Contains(got, "throttle") {
		t.Errorf("told %s", got)
	}
}

// TestSeveralBuckets: all or none; the client reads of all, and waits for the one that takes longest.
func TestSeveralBuckets(t *testing.T) {
	plan := burst(20, 10)
	plan.Buckets = append(plan.Buckets, ratelimit.Bucket{Name: "day", Capacity: 12, Restore: 0.01})
	d := newDesk(t, limits(plan))
	v := d.admit(fiveItems)
	if got, want := v.header("RateLimit-Policy"), `"burst";q=20;w=2, "day";q=12;w=1200`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := v.header("RateLimit"); got != `"burst";r=13;t=1, "day";r=5;t=700` {
		t.Errorf("got %s", got)
	}
	if _, told := d.admit(fiveItems).refused(fail.RateLimited); !strings.Contains(told, `"policy":"day"`) {
		t.Errorf("told %s", told)
	}
}

func TestMistakes(t *testing.T) {
	plan := burst(0, 1)
	plan.MaxDepth, plan.MaxTokens = -1, -2
	err := admission.Config{Plans: map[string]admission.Plan{"gold": plan}, Tell: "loudly"}.Validate()
	for _, want := range []string{"tell: ", "plans.gold.max_depth: ", "plans.gold.max_tokens: ", "plans.gold.buckets[0].capacity: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if _, err := admission.New(admission.Config{Tell: "loudly"}, admission.Options{Schema: schema}); err == nil {
		t.Error("a configuration that is wrong is taken")
	}
	var problems mistake.List
	if _, err := admission.New(admission.Config{}, admission.Options{Schema: faulty()}); !errors.As(err, &problems) {
		t.Errorf("mistakes in the schema: %v", err)
	}
	for _, tell := range admission.Tell("").Values() {
		if err := (admission.Config{Tell: admission.Tell(tell)}).Validate(); err != nil {
			t.Errorf("%s: %v", tell, err)
		}
	}
}
