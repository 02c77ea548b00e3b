package loader

import (
	"context"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/rest"
)

// Operation is what the loaders of one GraphQL operation share: its batches, when they are sent, and the memory of the
// answers.
//
// An executor that reports its tasks with Start and Done gets batches without any timer: keys are sent at the moment
// when every task that runs waits for keys or for an answer, because then no further key can come. For other executors
// keys of a single list are sent at once, and keys of several lists after a moment without new ones.
type Operation struct {
	upstreams *Upstreams
	// ctx is the operation's context. A batch belongs to all who wait for it, so it runs with this one and not with the
	// context of whoever asked first.
	ctx  context.Context
	own  within // what ctx is
	kept rest.Kept
	used bounds

	// mu guards everything below.
	mu      sync.Mutex
	groups  map[groupKey]*group
	window  []*group // those with keys that are not sent yet, in the order of their first key
	due     []*batch // sent, and not yet begun
	tracked bool
	running int
	busy    int // batches, and calls that are no batch, that are under way
	timer   *time.Timer
	opened  time.Time // when the oldest key that is not sent came
}

// within is the context of an operation.
type within struct {
	context.Context

	operation *Operation
}

type operationKey struct{}

// Value has the Operation.
func (w *within) Value(key any) any {
	if key == (operationKey{}) {
		return w.operation
	}
	return w.Context.Value(key)
}

// With puts a new Operation for the upstreams into ctx. Call it once for every operation: what is loaded is kept until
// the operation ends, and is never shared with another one.
func With(ctx context.Context, u *Upstreams) context.Context {
	o := &Operation{upstreams: u}
	o.own = within{ctx, o}
	o.ctx = &o.own
	return o.ctx
}

// From gives the Operation in ctx, or nil. Start and Done may be called on nil.
func From(ctx context.Context) *Operation {
	o, _ := ctx.Value(operationKey{}).(*Operation)
	return o
}

// Release gives back the memory of all answers, when nothing of the operation is under way any more; else it's left to the
// garbage collector. Views, and what was made of them without a copy, can't be used from now on.
func (o *Operation) Release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy > 0 || o.running > 0 || len(o.window) > 0 {
		return
	}
	o.groups = nil // whoever comes late fetches again
	o.kept.Release()
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
	o.mu.Lock()
	if o.tracked {
		o.running--
		o.settle(nil, false)
	}
	o.begin(nil)
	o.mu.Unlock()
}

// park takes a task out of the count because it waits for a service.
func (o *Operation) park() {
	o.mu.Lock()
	o.busy++
	if o.tracked {
		o.running--
		o.settle(nil, false)
	}
	o.begin(nil)
	o.mu.Unlock()
}

// unpark counts a task again that has what it waited for.
func (o *Operation) unpark() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy--
	if o.tracked {
		o.running++
	}
}
