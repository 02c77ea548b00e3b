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

// group is the keys of one groupKey with what is known of them.
type group struct {
	fetcher

	// What follows is guarded by the operation's mu.
	entries []*entry
	index   map[string]*entry // of entries, made for those who come after the first
	open    *batch            // of keys that aren't sent yet, nil when there are none
}

// find is the entry of a key's text, or nil.
func (g *group) find(text string) *entry {
	if g.index == nil {
		g.index = make(map[string]*entry, len(g.entries))
		for _, e := range g.entries {
			g.index[e.key.Text] = e
		}
	}
	return g.index[text]
}

func (g *group) add(e *entry) {
	g.entries = append(g.entries, e)
	if g.index != nil {
		g.index[e.key.Text] = e
	}
}

// entry is one key and, when its batch is done, its answer.
type entry struct {
	key    key
	answer Answer // set before the batch is done
	batch  *batch
}

// batch is entries that are fetched together.
type batch struct {
	group   *group
	entries []*entry
	// What follows is guarded by the operation's mu.
	loads      int // who wanted some of them before it was sent
	sent, done bool
	waiters    []*waiter
	first      [1]*waiter
}

// newBatch has room for n entries.
func newBatch(g *group, n int) *batch {
	b := &batch{group: g, entries: make([]*entry, 0, n)}
	b.waiters = b.first[:0]
	return b
}

// wakes lets w wait for the batch, unless it's done or w waits for it already. Only one waiter is added at a time.
func (b *batch) wakes(w *waiter) {
	if b.done || len(b.waiters) > 0 && b.waiters[len(b.waiters)-1] == w {
		return
	}
	b.waiters = append(b.waiters, w)
	w.left++
}

// run fetches the entries. Keys that one field brought are a batch as they are. Those that several brought, each its own,
// go through a dataloader that is full with exactly them, so that it starts at once; the operation's entries are its cache.
func (b *batch) run() {
	defer b.group.operation.complete(b)
	ctx := b.group.operation.ctx
	if b.loads == 1 {
		b.fetch(ctx)
		return
	}
	load := dataloader.NewBatchedLoader(
		func(ctx context.Context, entries []*entry) []*dataloader.Result[struct{}] {
			b.fetch(ctx)
			results := make([]*dataloader.Result[struct{}], len(entries))
			for i := range results {
				results[i] = &dataloader.Result[struct{}]{}
			}
			return results
		},
		dataloader.WithBatchCapacity[*entry, struct{}](len(b.entries)),
		dataloader.WithInputCapacity[*entry, struct{}](len(b.entries)),
		dataloader.WithWait[*entry, struct{}](time.Hour), // never reached: the batch is full first
		dataloader.WithCache[*entry, struct{}](&dataloader.NoCache[*entry, struct{}]{}),
	)
	thunks := make([]dataloader.Thunk[struct{}], len(b.entries))
	for i, e := range b.entries {
		thunks[i] = load.Load(ctx, e)
	}
	for i, e := range b.entries {
		if _, err := thunks[i](); err != nil {
			e.answer = Answer{Err: err}
		}
	}
}

// fetch gives each entry its answer. A panic is the failure of every key.
func (b *batch) fetch(ctx context.Context) {
	defer func() {
		if r := recover(); r != nil {
			err := &fail.Error{Kind: fail.Internal, Op: "batch", Err: fmt.Errorf("panic: %v", r)}
			for _, e := range b.entries {
				e.answer = Answer{Err: err}
			}
		}
	}()
	keys := make([]key, len(b.entries))
	for i, e := range b.entries {
		keys[i] = e.key
	}
	for i, answer := range b.group.fetch(ctx, keys) {
		b.entries[i].answer = answer
	}
}
