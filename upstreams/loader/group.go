package loader

import (
	"context"
	"fmt"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/template"
)

// key is a key of a batch. Two keys are the same when their texts are: 1 and "1" are one GraphQL ID.
type key = template.LookupKey

// groupKey tells which keys may travel together: those of one call with one set of arguments. Whose keys they are needs
// no mention: groups belong to one operation, and an operation to one client.
type groupKey struct {
	call string // field coordinate, or the entity's type
	args string // the arguments as JSON
}

// group is a loader: the keys of one groupKey with what is known of them.
type group struct {
	operation *Operation
	fetch     func(ctx context.Context, keys []key) []Answer
	// entries, pending and loads, which counts who wants keys of pending, are guarded by the operation's mu.
	entries map[string]*entry
	pending []*entry
	loads   int
}

// entry is one key and, when done, its answer.
type entry struct {
	key     key
	answer  Answer // set before done
	sent    bool
	done    bool
	waiters []*waiter
}

// awaits tells whether w is among the waiters; it could only be the last one, as one task adds itself at a time.
func (e *entry) awaits(w *waiter) bool {
	return len(e.waiters) > 0 && e.waiters[len(e.waiters)-1] == w
}

// run fetches entries that nobody has fetched yet, as one batch of a dataloader that is full with exactly them, so it
// starts at once. The entries are the cache of all batches, so the dataloader needs none.
func (g *group) run(pending []*entry) {
	defer g.operation.complete(pending)
	load := dataloader.NewBatchedLoader(
		func(ctx context.Context, texts []string) []*dataloader.Result[Answer] {
			return g.batch(ctx, pending)
		},
		dataloader.WithBatchCapacity[string, Answer](len(pending)),
		dataloader.WithInputCapacity[string, Answer](len(pending)),
		dataloader.WithWait[string, Answer](time.Hour), // never reached: the batch is full first
		dataloader.WithCache[string, Answer](&dataloader.NoCache[string, Answer]{}),
	)
	thunks := make([]dataloader.Thunk[Answer], len(pending))
	for i, e := range pending {
		thunks[i] = load.Load(g.operation.ctx, e.key.Text)
	}
	for i, e := range pending {
		answer, err := thunks[i]()
		if err != nil {
			answer = Answer{Err: err}
		}
		e.answer = answer
	}
}

// batch fetches the keys of entries. A panic is the failure of every key.
func (g *group) batch(ctx context.Context, pending []*entry) (results []*dataloader.Result[Answer]) {
	all := make([]dataloader.Result[Answer], len(pending))
	results = make([]*dataloader.Result[Answer], len(pending))
	keys := make([]key, len(pending))
	for i := range pending {
		results[i] = &all[i]
		keys[i] = pending[i].key
	}
	defer func() {
		if r := recover(); r != nil {
			for i := range all {
				all[i].Error = &fail.Error{Kind: fail.Internal, Op: "batch", Err: fmt.Errorf("panic: %v", r)}
			}
		}
	}()
	for i, answer := range g.fetch(ctx, keys) {
		all[i].Data = answer
	}
	return results
}
