package loader

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
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
			o.begin(nil)
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

// send sends the keys of one group: their batch is due. The caller holds mu, and calls begin.
func (o *Operation) send(g *group) {
	b := g.open
	if b == nil { // all that is wanted of it was sent before
		return
	}
	g.open = nil
	b.sent = true
	o.window = slices.DeleteFunc(o.window, func(other *group) bool { return other == g })
	if b.loads > 1 {
		// Tasks run side by side and bring their keys in any order; the same keys make the same request.
		slices.SortFunc(b.entries, func(a, b *entry) int {
			return cmp.Or(len(a.key.Text)-len(b.key.Text), strings.Compare(a.key.Text, b.key.Text))
		})
	}
	if len(o.window) == 0 && o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
	o.busy++
	o.due = append(o.due, b)
}

// begin starts the batches that are due, but for that of a group, which it leaves to the caller. The caller holds mu.
func (o *Operation) begin(but *group) (left *batch) {
	for _, b := range o.due {
		if b.group == but {
			left = b
			continue
		}
		go b.run()
	}
	o.due = o.due[:0]
	return left
}

// waiter is a task that waits for batches.
type waiter struct {
	left    int           // batches it waits for; below 0 when it waits no more
	counted bool          // it was taken out of the running tasks
	ready   chan struct{} // nil before it sleeps
}

// load gives the entries of the keys, which have to be different, in their order, when they are all done.
func (o *Operation) load(ctx context.Context, g *group, keys []key) ([]*entry, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	alone := !o.isTracked() && singleList(ctx)
	w := &waiter{}
	o.mu.Lock()
	entries := o.want(g, keys, w)
	if w.left == 0 {
		o.mu.Unlock()
		return entries, nil
	}
	if w.counted = o.tracked; w.counted {
		o.running--
	}
	o.settle(g, alone)
	// The batch of these keys is made here, where somebody waits for it anyway; unless he might leave before.
	if ctx.Done() == o.ctx.Done() {
		if b := o.begin(g); b != nil {
			o.mu.Unlock()
			b.run()
			o.mu.Lock()
		}
	} else {
		o.begin(nil)
	}
	if w.left > 0 {
		w.ready = make(chan struct{})
		o.mu.Unlock()
		return entries, o.await(ctx, w)
	}
	o.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	return entries, nil
}

// want finds or makes the entries of keys, and lets w wait for those that aren't done. The caller holds mu.
func (o *Operation) want(g *group, keys []key, w *waiter) []*entry {
	entries := make([]*entry, len(keys))
	var fresh []entry // in one piece of memory
	known := len(g.entries) > 0
	waits := false // for keys that are still to be sent
	for i, k := range keys {
		var e *entry
		if known {
			e = g.find(k.Text)
		}
		if e == nil {
			if g.open == nil {
				g.open = newBatch(g, len(keys)-i)
				o.window = append(o.window, g)
			}
			if fresh == nil {
				fresh = make([]entry, 0, len(keys)-i)
				g.entries = slices.Grow(g.entries, len(keys)-i)
			}
			fresh = append(fresh, entry{key: k, batch: g.open})
			e = &fresh[len(fresh)-1]
			g.open.entries = append(g.open.entries, e)
			g.add(e)
		}
		entries[i] = e
		waits = waits || !e.batch.sent
		e.batch.wakes(w)
	}
	if waits {
		g.open.loads++
	}
	return entries
}

// await waits until w has everything, or its context ends.
func (o *Operation) await(ctx context.Context, w *waiter) error {
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		o.mu.Lock()
		defer o.mu.Unlock()
		if w.left > 0 { // nobody has counted it yet
			w.left = -1
			if w.counted {
				o.running++
			}
		}
		return ended(ctx)
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

// complete marks a batch as done and wakes who has nothing left to wait for. All of them are counted as running before
// the first one can bring its next keys: otherwise these would be sent without the keys of the others.
func (o *Operation) complete(b *batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy--
	b.done = true
	for _, w := range b.waiters {
		if w.left--; w.left != 0 {
			continue
		}
		if w.counted {
			o.running++
		}
		if w.ready != nil {
			close(w.ready)
		}
	}
	b.waiters = nil
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
