package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/engine"
)

func TestBatchGetsTheWholeLevel(t *testing.T) {
	var calls [][]int
	es := newLab(`type Query { grid: [[Thing]!]! } type Thing { n: Int! next: Thing }`,
		engine.Fields{"grid": constant(engine.List(things), [][]*thing{someThings(2), {nil}, {}, someThings(3)})},
		engine.Fields{
			"n": thingNumber,
			"next": engine.Batch(func(_ context.Context, objs []*thing, _ *graphql.FieldContext) ([]*thing, error) {
				var call []int
				for _, o := range objs {
					call = append(call, o.n)
				}
				calls = append(calls, call)
				return objs, nil
			}, aThing),
		})
	ask(t, es, `{ grid { next { n next { n } } } }`, nil).check(t,
		`{"grid":[[{"next":{"n":0,"next":{"n":0}}},{"next":{"n":1,"next":{"n":1}}}],[null],[],`+
			`[{"next":{"n":0,"next":{"n":0}}},{"next":{"n":1,"next":{"n":1}}},{"next":{"n":2,"next":{"n":2}}}]]}`)
	if got := fmt.Sprint(calls); got != "[[0 1 0 1 2] [0 1 0 1 2]]" {
		t.Errorf("calls %s", got)
	}
}

// A field that waits must not keep the levels below its siblings from being resolved.
func TestNoBarrierBetweenLevels(t *testing.T) {
	deep := make(chan struct{})
	es := newLab(`type Query { slow: Int fast: Thing } type Thing { next: Thing end: Int }`,
		engine.Fields{
			"slow": root(number, func(context.Context) (int32, error) { <-deep; return 1, nil }),
			"fast": constant(aThing, &thing{}),
		},
		engine.Fields{
			"next": of(aThing, func(_ context.Context, t *thing) (*thing, error) { return t, nil }),
			"end":  of(number, func(context.Context, *thing) (int32, error) { close(deep); return 2, nil }),
		})
	for _, query := range []string{`{ slow fast { next { next { end } } } }`, `{ fast { next { end } } slow }`} {
		deep = make(chan struct{})
		if a := ask(t, es, query, nil); len(a.errors) > 0 {
			t.Error(a)
		}
	}
}

func TestSingleResolversRunSideBySide(t *testing.T) {
	const n = 40
	for _, limit := range []int{n, 4, 1} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var running, most atomic.Int32
				gate := make(chan struct{})
				es := newLab(`type Query { things: [Thing!]! } type Thing { wait: Int! }`,
					engine.Fields{"things": constant(things, someThings(n))},
					engine.Fields{"wait": of(number, func(context.Context, *thing) (int32, error) {
						most.Store(max(most.Load(), running.Add(1)))
						<-gate
						running.Add(-1)
						return 1, nil
					})}, engine.WithConcurrency(limit))
				go func() {
					synctest.Wait() // all who can, wait at the gate
					if int(running.Load()) != limit {
						t.Errorf("%d of %d are waiting", running.Load(), limit)
					}
					close(gate)
				}()
				ask(t, es, `{ things { wait } }`, nil)
				if int(most.Load()) > limit {
					t.Errorf("%d at once, the limit is %d", most.Load(), limit)
				}
			})
		})
	}
}

func TestMutationsRunInOrder(t *testing.T) {
	var log []string
	note := func(s string) func(context.Context) (*thing, error) {
		return func(context.Context) (*thing, error) { log = append(log, s); return &thing{}, nil }
	}
	child := of(number, func(context.Context, *thing) (int32, error) { log = append(log, "below"); return 1, nil })
	l := newLabWithMutation(engine.Fields{"a": root(aThing, note("a")), "b": root(aThing, note("b"))}, engine.Fields{"below": child})
	ask(t, l, `mutation { b { below } a { below } again: b { below } }`, nil).check(t,
		`{"b":{"below":1},"a":{"below":1},"again":{"below":1}}`)
	if got := fmt.Sprint(log); got != "[b below a below b below]" {
		t.Error(got)
	}
}

func newLabWithMutation(mutation, thing engine.Fields) graphql.ExecutableSchema {
	l := newLabSchema(`type Query { x: Int } type Mutation { a: Thing b: Thing } type Thing { below: Int }`)
	return engine.New(l, engine.NewBindings(nil, engine.NewObject("Query", nil), engine.NewObject("Mutation", mutation), engine.NewObject("Thing", thing)))
}

func TestCancellation(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("too late")
	called := atomic.Int32{}
	es := newLab(`type Query { things: [Thing!]! } type Thing { n: Int! one: Int many: Int }`,
		engine.Fields{"things": root(things, func(context.Context) ([]*thing, error) { cancel(late); return someThings(2), nil })},
		engine.Fields{
			"n":   thingNumber,
			"one": of(number, func(context.Context, *thing) (int32, error) { called.Add(1); return 1, nil }),
			"many": engine.Batch(func(_ context.Context, objs []*thing, _ *graphql.FieldContext) ([]int32, error) {
				called.Add(1)
				return make([]int32, len(objs)), nil
			}, number),
		})
	a := runWith(ctx, es, `{ things { n one many } }`)
	a.check(t, `{"things":[{"n":0,"one":null,"many":null},{"n":1,"one":null,"many":null}]}`,
		"things[0].one 1:14 too late", "things[0].many 1:18 too late", "things[1].one 1:14 too late", "things[1].many 1:18 too late")
	if called.Load() > 0 {
		t.Error("resolvers were called after the operation was canceled")
	}
}

// ledger is a Tracker, and a loader that sends its keys when all tasks wait.
type ledger struct {
	mu      sync.Mutex
	running int
	started int
	waiting []chan struct{}
	batches []int
}

func (l *ledger) Start(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running += n
	l.started += n
}

func (l *ledger) Done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.settle()
}

func (l *ledger) load() {
	l.mu.Lock()
	ready := make(chan struct{})
	l.waiting = append(l.waiting, ready)
	l.running--
	l.settle()
	l.mu.Unlock()
	<-ready
}

func (l *ledger) settle() {
	if l.running > 0 || len(l.waiting) == 0 {
		return
	}
	l.batches = append(l.batches, len(l.waiting))
	l.running += len(l.waiting)
	for _, c := range l.waiting {
		close(c)
	}
	l.waiting = nil
}

// Without a timer, loaders get all keys of the tasks that can run at the same time, and no task is forgotten.
func TestTrackerLetsLoadersBatch(t *testing.T) {
	const n = 60
	book := &ledger{}
	wait := of(number, func(_ context.Context, t *thing) (int32, error) { book.load(); return int32(t.n), nil })
	es := newLab(`type Query { a: [Thing!]! b: [Thing!]! c: Int } type Thing { one: Int two: Int next: [Thing!]! }`,
		engine.Fields{
			"a": constant(things, someThings(n)), "b": constant(things, someThings(n)),
			"c": root(number, func(context.Context) (int32, error) { book.load(); return 1, nil }),
		},
		engine.Fields{
			"one": wait, "two": wait,
			"next": of(things, func(context.Context, *thing) ([]*thing, error) { book.load(); return someThings(1), nil }),
		},
		engine.WithTracker(func(context.Context) engine.Tracker { return book }))
	if a := ask(t, es, `{ a { one two next { one } } b { one } c }`, nil); len(a.errors) > 0 {
		t.Error(a.errors)
	}
	// First a's three fields, b's and c; then the field below next.
	if got := fmt.Sprint(book.batches); got != fmt.Sprint([]int{4*n + 1, n}) {
		t.Errorf("batches of %s", got)
	}
	if book.running != 0 {
		t.Errorf("%d tasks are left", book.running)
	}
}

func TestConcurrentExecutionsShareAPlan(t *testing.T) {
	es := newEngine()
	query := `query($a: Boolean!) { cats(n: 4, from: 1) { id name @skip(if: $a) owner { id name @include(if: $a) } mate { id } } }`
	for _, a := range []bool{true, false} {
		exec := prepared(t, es, query, map[string]any{"a": a})
		want := string(exec().Data)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 50 {
					r := exec()
					if got := string(r.Data); got != want {
						t.Errorf("got %s want %s", got, want)
					}
					engine.Recycle(r.Data)
				}
			})
		}
		group.Wait()
	}
}

// Nobody waits for the rest of a list whose operation has ended while it was written.
func TestWritingStopsWithTheOperation(t *testing.T) {
	const n = 1_000_000
	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	es := newLab(`type Query { things: [Thing] } type Thing { n: Int }`,
		engine.Fields{"things": constant(things, someThings(n))},
		engine.Fields{"n": engine.Variable(func(*thing) int32 {
			if read++; read == 1000 {
				cancel()
			}
			return 0
		}, number)})
	if got := runWith(ctx, es, `{ things { n } }`); got.data != "" || len(got.errors) > 0 {
		t.Errorf("answer of %d bytes, errors %v", len(got.data), got.errors)
	}
	if read > 2000 {
		t.Errorf("%d items were read after the end", read-1000)
	}
}
