package loader

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

const (
	// gather is how long an executor that doesn't report its tasks is given to bring the keys of the other lists of a
	// level; each new key begins it anew, gatherMost is the longest a key waits.
	gather     = 2 * time.Millisecond
	gatherMost = 20 * time.Millisecond
	// patience is how long keys wait for tasks that run without asking for keys, such as a resolver that computes or
	// calls something that is not ours.
	patience = 5 * time.Millisecond
)

// Operation is what the loaders of one GraphQL operation share: its batches and when they are sent.
//
// An executor that reports its tasks with Start and Done gets batches without any timer: keys are sent at the moment
// when every task that runs waits for keys or for an answer, because then no further key can come. For other executors
// keys of a single list are sent at once, and keys of several lists after a moment without new ones.
type Operation struct {
	upstreams *Upstreams
	// ctx is the operation's context. A batch belongs to all who wait for it, so it runs with this one and not with the
	// context of whoever asked first.
	ctx context.Context

	// mu guards everything below.
	mu      sync.Mutex
	groups  map[groupKey]*group
	window  []*group // those with keys that are not sent yet, in the order of their first key
	tracked bool
	running int
	timer   *time.Timer
	opened  time.Time // when the oldest key that is not sent came
}

type operationKey struct{}

// With puts a new Operation for the upstreams into ctx. Call it once for every operation: what is loaded is kept until
// the operation ends, and is never shared with another one.
func With(ctx context.Context, u *Upstreams) context.Context {
	o := &Operation{upstreams: u, groups: map[groupKey]*group{}}
	o.ctx = context.WithValue(ctx, operationKey{}, o)
	return o.ctx
}

// From gives the Operation in ctx, or nil. Start and Done may be called on nil.
func From(ctx context.Context) *Operation {
	o, _ := ctx.Value(operationKey{}).(*Operation)
	return o
}

// Start tells that n tasks are about to run.
func (o *Operation) Start(n int) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tracked = true
	o.running += n
}

// Done tells that a task has ended, and that the tasks which it led to were started.
func (o *Operation) Done() {
	if o == nil {
		return
	}
	o.park()
}

// park takes a task out of the count because it ended or waits for a service. It is false when nothing is counted.
func (o *Operation) park() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.tracked {
		return false
	}
	o.running--
	o.settle(nil, false)
	return true
}

// unpark counts a task again that has what it waited for.
func (o *Operation) unpark() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running++
}

// settle sends what can be sent. g is the group that just got keys, if any, and alone tells that no other list can
// add to it. The caller holds mu.
func (o *Operation) settle(g *group, alone bool) {
	switch {
	case len(o.window) == 0:
	case o.tracked && o.running <= 0:
		o.flush()
	case o.tracked:
		if o.timer == nil {
			o.flushAfter(patience)
		}
	case alone:
		o.send(g)
	case o.timer == nil:
		o.opened = time.Now()
		o.flushAfter(gather)
	case time.Since(o.opened) < gatherMost-gather:
		o.timer.Reset(gather)
	}
}

// flushAfter sends all keys that wait then, unless they were sent before. The caller holds mu.
func (o *Operation) flushAfter(d time.Duration) {
	var timer *time.Timer
	timer = time.AfterFunc(d, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.timer == timer { // else its keys are gone, and those of now have a timer of their own
			o.flush()
		}
	})
	o.timer = timer
}

// flush sends all keys that wait. The caller holds mu.
func (o *Operation) flush() {
	for len(o.window) > 0 {
		o.send(o.window[0])
	}
}

// send sends the keys of one group. The caller holds mu.
func (o *Operation) send(g *group) {
	for i := range o.window {
		if o.window[i] == g {
			o.window = append(o.window[:i], o.window[i+1:]...)
			break
		}
	}
	pending := g.pending
	g.pending = nil
	if g.loads > 1 {
		// Tasks run side by side and bring their keys in any order; the same keys make the same request.
		slices.SortFunc(pending, func(a, b *entry) int {
			return cmp.Or(len(a.key.Text)-len(b.key.Text), strings.Compare(a.key.Text, b.key.Text))
		})
	}
	g.loads = 0
	for _, e := range pending {
		e.sent = true
	}
	if len(o.window) == 0 && o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
	if len(pending) > 0 {
		go g.run(pending)
	}
}

// waiter is a task that waits for entries.
type waiter struct {
	left    int  // entries it waits for; below 0 when it waits no more
	counted bool // it was taken out of the running tasks
	ready   chan struct{}
}

// load gives the entries of the keys, in their order, when they are all done.
func (o *Operation) load(ctx context.Context, g *group, keys []key) ([]*entry, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	alone := !o.isTracked() && singleList(ctx)
	entries := make([]*entry, len(keys))
	w := &waiter{ready: make(chan struct{})}
	waits := false // some of the keys are still to be sent

	o.mu.Lock()
	for i, k := range keys {
		e := g.entries[k.Text]
		if e == nil {
			e = &entry{key: k}
			g.entries[k.Text] = e
			if len(g.pending) == 0 {
				o.window = append(o.window, g)
			}
			g.pending = append(g.pending, e)
		}
		entries[i] = e
		waits = waits || !e.sent
		if !e.done && !e.awaits(w) {
			e.waiters = append(e.waiters, w)
			w.left++
		}
	}
	if waits {
		g.loads++
	}
	if w.left == 0 {
		o.mu.Unlock()
		return entries, nil
	}
	if w.counted = o.tracked; w.counted {
		o.running--
	}
	o.settle(g, alone)
	o.mu.Unlock()

	select {
	case <-w.ready:
		return entries, nil
	case <-ctx.Done():
		o.mu.Lock()
		defer o.mu.Unlock()
		if w.left > 0 { // nobody has counted it yet
			w.left = -1
			if w.counted {
				o.running++
			}
		}
		return nil, ended(ctx)
	}
}

// ended is the failure of a wait that its context ended.
func ended(ctx context.Context) error {
	kind := fail.Canceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		kind = fail.UpstreamTimeout
	}
	return &fail.Error{Kind: kind, Op: "load", Err: context.Cause(ctx)}
}

func (o *Operation) isTracked() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tracked
}

// complete marks entries as done and wakes who has nothing left to wait for. All of them are counted as running before
// the first one wakes: otherwise its next keys would be sent without the keys of the others.
func (o *Operation) complete(entries []*entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var ready []*waiter
	for _, e := range entries {
		e.done = true
		for _, w := range e.waiters {
			if w.left--; w.left == 0 {
				ready = append(ready, w)
				if w.counted {
					o.running++
				}
			}
		}
		e.waiters = nil
	}
	for _, w := range ready {
		close(w.ready)
	}
}

// singleList tells whether the field in ctx stands under one list at most.
func singleList(ctx context.Context) bool {
	lists := 0
	for _, step := range graphql.GetPath(ctx) {
		if _, ok := step.(ast.PathIndex); ok {
			lists++
		}
	}
	return lists <= 1
}
