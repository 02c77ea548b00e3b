package loader_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// tasks runs functions as an executor that reports them, and waits for all.
func tasks(ctx context.Context, all ...func()) {
	o := loader.From(ctx)
	o.Start(len(all))
	var wait sync.WaitGroup
	for _, do := range all {
		wait.Go(func() {
			defer o.Done()
			do()
		})
	}
	wait.Wait()
}

func TestTwoFieldsAreOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, byID)
		books := parents(t, `[{"author":1,"editor":2},{"author":"2","editor":3}]`)
		tasks(ctx,
			func() {
				equal(t, "authors", texts(authors(ctx, books)), `{"id":"1","name":"n1"} {"id":"2","name":"n2"}`)
			},
			func() {
				equal(t, "editors", texts(editors(ctx, books)), `{"id":"2","name":"n2"} {"id":"3","name":"n3"}`)
			},
		)
		if got := s.sent(); len(got) != 1 {
			t.Errorf("got %q, want one request", got)
		}
		equal(t, "time without a timer", time.Since(s.began), time.Duration(0))
	})
}

func TestAKeyIsFetchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			byID(w, r)
		})
		tasks(ctx,
			func() { _, _ = authors(ctx, parents(t, `[{"author":1},{"author":1},{"author":2}]`)) },
			func() {
				time.Sleep(500 * time.Millisecond) // the batch is under way
				equal(t, "in flight", texts(editors(ctx, parents(t, `[{"editor":2}]`))), `{"id":"2","name":"n2"}`)
				equal(t, "in flight until", time.Since(s.began), time.Second+5*time.Millisecond)
			},
		)
		equal(t, "done", texts(authors(ctx, parents(t, `[{"author":"1"}]`))), `{"id":"1","name":"n1"}`)
		equal(t, "requests", s.sent(), []string{"GET /authors?id=1,2"})
	})
}

// Keys of the level below wait for all parents that wait for the same batch: each of them counts as running before the
// first one wakes.
func TestNextLevelIsOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			byID(w, r)
		})
		level := func(first, second string) func() {
			return func() {
				_, _ = authors(ctx, parents(t, `[{"author":%q}]`, first))
				_, _ = editors(ctx, parents(t, `[{"editor":%q}]`, second))
			}
		}
		tasks(ctx, level("1", "11"), level("2", "12"), level("1", "13"))
		if got := s.sent(); len(got) != 2 {
			t.Errorf("got %q, want one request for each level", got)
		}
		equal(t, "time", time.Since(s.began), 2*time.Second)
	})
}

// A task that runs for long without asking for keys holds the others up for 5 ms, and only once for each batch.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, byID)
		tasks(ctx,
			func() { time.Sleep(time.Hour) },
			func() {
				_, _ = authors(ctx, parents(t, `[{"author":1}]`))
				_, _ = authors(ctx, parents(t, `[{"author":2}]`))
			},
			func() {
				time.Sleep(3 * time.Millisecond)
				_, _ = authors(ctx, parents(t, `[{"author":3}]`))
			},
		)
		equal(t, "requests", s.sent(), []string{"GET /authors?id=1,3", "GET /authors?id=2"})
		equal(t, "times", s.times, []time.Duration{5 * time.Millisecond, 10 * time.Millisecond})
	})
}

// The timer of keys that were sent before it ended sent the next ones too early, in a batch too small.
func TestPatienceIsForKeysOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, byID)
		tasks(ctx,
			func() {
				time.Sleep(time.Millisecond)
				_, _ = authors(ctx, parents(t, `[{"author":1}]`)) // nobody runs: sent at once
				time.Sleep(time.Hour)
			},
			func() {
				_, _ = authors(ctx, parents(t, `[{"author":2}]`))
				time.Sleep(3 * time.Millisecond)
				_, _ = authors(ctx, parents(t, `[{"author":3}]`))
			},
		)
		equal(t, "times", s.times, []time.Duration{time.Millisecond, 9 * time.Millisecond})
	})
}

// Who waits for a call of its own isn't running: keys don't wait for it.
func TestCallsOfTheirOwnHoldNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/books" {
				time.Sleep(time.Hour)
			}
			byID(w, r)
		})
		tasks(ctx,
			func() { _, _ = loader.Field(ctx, "Query.books", loader.Objects[book]) },
			func() { _, _ = authors(ctx, parents(t, `[{"author":1}]`)) },
		)
		equal(t, "times", s.times, []time.Duration{0, 0})
	})
}

// A resolver written by hand may load several things side by side within one task.
func TestOneTaskWithManyLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, byID)
		one := func(id string) {
			if _, err := loader.Entity[author](ctx, "Author", id); err != nil {
				t.Error(err)
			}
		}
		tasks(ctx, func() {
			var wait sync.WaitGroup
			for _, id := range []string{"1", "2", "3"} {
				wait.Go(func() { one(id) })
			}
			wait.Wait()
			one("4")
		}, func() { one("5") })
		equal(t, "time", time.Since(s.began), time.Duration(0))
		tasks(ctx, func() { one("6") }, func() { one("7") })
		if last := s.sent()[len(s.sent())-1]; last != "GET /authors?id=6,7" && last != "GET /authors?id=7,6" {
			t.Errorf("got %q: the count of tasks is wrong afterwards", last)
		}
	})
}

func TestOneWaiterCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			byID(w, r)
		})
		impatient, cancel := context.WithCancel(ctx)
		tasks(ctx,
			func() {
				got, err := authors(impatient, parents(t, `[{"author":1},{"author":2}]`))
				equal(t, "canceled", fail.KindOf(err), fail.Canceled)
				if got != nil {
					t.Errorf("canceled: got %v", got)
				}
				equal(t, "canceled after", time.Since(s.began), 100*time.Millisecond)
				if _, err = editors(impatient, parents(t, `[{"editor":9}]`)); fail.KindOf(err) != fail.Canceled {
					t.Errorf("again: %v", err)
				}
			},
			func() {
				equal(t, "the other", texts(authors(ctx, parents(t, `[{"author":2},{"author":3}]`))),
					`{"id":"2","name":"n2"} {"id":"3","name":"n3"}`)
			},
			func() {
				time.Sleep(100 * time.Millisecond)
				cancel()
			},
		)
		if got := s.sent(); len(got) != 1 {
			t.Errorf("got %q, want one request: what is asked after the end isn't sent", got)
		}
		equal(t, "afterwards", texts(authors(ctx, parents(t, `[{"author":1}]`))), `{"id":"1","name":"n1"}`)
		equal(t, "requests", len(s.sent()), 1)
	})
}

// A waiter that was canceled while its keys were under way is counted once, or the next batch would never, or too soon,
// be sent.
func TestCountAfterCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			byID(w, r)
		})
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		tasks(ctx,
			func() {
				_, err := authors(short, parents(t, `[{"author":1}]`))
				equal(t, "late", fail.KindOf(err), fail.UpstreamTimeout)
				time.Sleep(700*time.Millisecond + time.Microsecond) // until after the answer
				_, _ = authors(ctx, parents(t, `[{"author":3}]`))
			},
			func() {
				_, _ = authors(ctx, parents(t, `[{"author":2}]`))
				_, _ = authors(ctx, parents(t, `[{"author":4}]`))
			},
		)
		if got := s.sent(); len(got) != 2 {
			t.Errorf("got %q, want two requests", got)
		}
		equal(t, "times", s.times, []time.Duration{0, time.Second + time.Microsecond})
	})
}

func TestOperationCanceled(t *testing.T) {
	for name, end := range map[string]struct {
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		want fail.Kind
	}{
		"canceled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, fail.Canceled},
		"deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, fail.UpstreamTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := end.ctx(t.Context())
				defer cancel()
				s := &service{began: time.Now(), handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
				ctx = operation(t, ctx, s)
				tasks(ctx,
					func() {
						_, err := authors(ctx, parents(t, `[{"author":1}]`))
						equal(t, "in flight", fail.KindOf(err), end.want)
					},
					func() {
						time.Sleep(999 * time.Millisecond)
						_, err := authors(ctx, parents(t, `[{"author":2}]`))
						equal(t, "not sent yet", fail.KindOf(err), end.want)
					},
					func() { time.Sleep(2 * time.Second) },
				)
				equal(t, "time", time.Since(s.began), 2*time.Second)
			})
		})
	}
}

// Executors that don't report their tasks: what is under one list is sent at once, what is under lists of lists when no
// key has come for 2 ms, after 20 ms at most.
func TestWithoutReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, byID)
		_, _ = authors(at(ctx, 3), parents(t, `[{"author":1}]`))
		equal(t, "one list", s.times, []time.Duration{0})

		var wait sync.WaitGroup
		for i, delay := range []time.Duration{0, time.Millisecond, 2500 * time.Microsecond} {
			wait.Go(func() {
				time.Sleep(delay)
				_, _ = authors(at(ctx, i, 0), parents(t, `[{"author":%d}]`, 10+i))
			})
		}
		wait.Wait()
		equal(t, "lists of lists", s.sent()[1:], []string{"GET /authors?id=10,11,12"})
		equal(t, "lists of lists: times", s.times[1:], []time.Duration{4500 * time.Microsecond})
	})
}

// A single list whose keys are all under way has nothing to send, though keys of another group wait.
func TestWithoutReportsNothingToSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Millisecond)
			byID(w, r)
		})
		var wait sync.WaitGroup
		wait.Go(func() { _, _ = authors(at(ctx, 0), parents(t, `[{"author":1}]`)) })
		wait.Go(func() {
			time.Sleep(time.Microsecond)
			_, _ = loader.Batch(at(ctx, 1, 0), "Book.price", parents(t, `[{"id":5}]`), loader.Nullable(nothing))
		})
		wait.Go(func() {
			time.Sleep(2 * time.Microsecond)
			equal(t, "under way", texts(editors(at(ctx, 0), parents(t, `[{"editor":1}]`))), `{"id":"1","name":"n1"}`)
		})
		wait.Wait()
		equal(t, "requests", s.sent(), []string{"GET /authors?id=1", "GET /prices/5"})
	})
}

func TestWithoutReportsButWithAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, byID)
		var wait sync.WaitGroup
		for i := range 30 {
			wait.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				_, _ = loader.Batch(at(ctx, i, 0), "Book.price", parents(t, `[{"id":%d}]`, i), loader.Nullable(nothing))
			})
		}
		wait.Wait()
		if s.times[0] > 20*time.Millisecond {
			t.Errorf("first batch after %s", s.times[0])
		}
		equal(t, "requests", len(s.times), 2)
	})
}

// at is the context of a field below lists, at these places.
func at(ctx context.Context, places ...int) context.Context {
	for _, i := range places {
		ctx = graphql.WithPathContext(ctx, graphql.NewPathWithField("f"))
		ctx = graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i))
	}
	return ctx
}

func TestNilOperation(*testing.T) {
	loader.From(context.Background()).Start(1)
	loader.From(context.Background()).Done()
}

func nothing(view.Value) (int, error) { return 0, nil }
