package loader

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

const (
	// sideBySide is how many requests of one call are under way at once.
	sideBySide = 16
	// mostHalves bounds the requests made to find the bad keys of one batch: enough for six bad keys among a hundred.
	mostHalves = 64
)

// Answer is what a service had for one key: a value, or the items of a list that were matched to it.
type Answer struct {
	// Value is the value, absent when there is none.
	Value view.Value
	// Items are the matched items. Grouped tells that they count instead of Value.
	Items   []Item
	Grouped bool
	// Err is why there is no answer.
	Err error
}

// Item is one value of a list that was put together from several answers, or why there is none.
type Item struct {
	Value view.Value
	Err   error
}

// fetcher makes the calls of one group.
type fetcher struct {
	operation *Operation
	one, many *call.Call
	scope     template.Scope // without keys
	list      bool           // the answer for a key is a list of items
	entity    string         // the type of which the keys are the ids, or empty
	keep      *rest.Kept     // where answers are kept alive; nil leaves them to the garbage collector
	keeper    *keeper        // keeps what batches bring; nil when nobody does
	keeping   *keeping       // what is kept for the keys; nil when nobody has looked
}

// ask gives an answer per key, in their order.
func (f *fetcher) ask(ctx context.Context, keys []key) []Answer {
	if f.many == nil || len(keys) == 1 && f.one != nil {
		answers := make([]Answer, len(keys))
		concurrently(len(keys), func(i int) { answers[i] = f.single(ctx, keys[i]) })
		return answers
	}
	if len(keys) <= f.many.Max {
		return f.isolate(ctx, keys, new(int))
	}
	chunks := slices.Collect(slices.Chunk(keys, f.many.Max))
	answers := make([][]Answer, len(chunks))
	concurrently(len(chunks), func(i int) { answers[i] = f.isolate(ctx, chunks[i], new(int)) })
	return slices.Concat(answers...)
}

// single asks for one key with {key}.
func (f *fetcher) single(ctx context.Context, k key) Answer {
	scope := f.scope
	scope.Key = k
	answers, err := f.do(ctx, f.one, &scope, []key{k}, func(value view.Value) []Answer {
		if value.IsNull() && f.one.NotFoundIsError {
			return []Answer{{Err: notFound(f.one)}}
		}
		return []Answer{{Value: value}}
	})
	if err != nil {
		return Answer{Err: err}
	}
	return answers[0]
}

// isolate asks for a batch. When the service refuses it, its halves are asked for, until the bad key is alone: one bad
// key doesn't spoil the others. used counts the requests that this took.
func (f *fetcher) isolate(ctx context.Context, keys []key, used *int) []Answer {
	scope := f.scope
	scope.Keys = keys
	answers, err := f.do(ctx, f.many, &scope, keys, func(value view.Value) []Answer { return f.assign(keys, value) })
	*used++
	if err == nil {
		return answers
	}
	if len(keys) > 1 && refused(err) && *used < mostHalves {
		half := len(keys) / 2
		return append(f.isolate(ctx, keys[:half], used), f.isolate(ctx, keys[half:], used)...)
	}
	if len(keys) == 1 && fail.KindOf(err) == fail.NotFound && !f.many.NotFoundIsError {
		return []Answer{{}}
	}
	return slices.Repeat([]Answer{{Err: err}}, len(keys))
}

// refused tells whether a request was refused for what it asks: by the service, or before it was sent by a template that
// can't take one of the keys. Who asks, and how often, doesn't get better in halves.
func refused(err error) bool {
	var failure *fail.Error
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Status {
	case 0:
		return failure.Kind == fail.BadInput
	case 401, 403, 407, 408, 425, 429:
		return false
	}
	return failure.Status >= 400 && failure.Status < 500
}

// assign gives the answer of a batch to its keys.
func (f *fetcher) assign(keys []key, value view.Value) []Answer {
	answers := make([]Answer, len(keys))
	if value.IsNull() {
		return f.missing(answers)
	}
	switch f.many.Answer {
	case call.AnswerMap:
		if value.Kind() != view.KindObject {
			return f.unreadable(answers, "an object from key to value")
		}
		for i, k := range keys {
			answers[i].Value = value.Get(k.Text)
		}
	case call.AnswerOrdered:
		if value.Kind() != view.KindArray || value.Len() != len(keys) {
			return f.unreadable(answers, "a list with one value for each key")
		}
		for i, item := range value.Elems() {
			answers[i].Value = item
		}
	default:
		if value.Kind() != view.KindArray {
			return f.unreadable(answers, "a list of items")
		}
		f.match(keys, value, answers)
	}
	return f.missing(answers)
}

// match gives the items of a list to the keys that they carry. An item whose key can't be read belongs to nobody.
func (f *fetcher) match(keys []key, value view.Value, answers []Answer) {
	ring := template.NewKeyring(keys)
	for _, item := range value.Elems() {
		i, ok := ring.Find(item.At(f.many.Match))
		switch {
		case !ok:
		case f.list:
			answers[i].Items = append(answers[i].Items, Item{Value: item})
		case answers[i].Value.Kind() == view.KindAbsent:
			answers[i].Value = item
		}
	}
	if f.list {
		for i := range answers {
			answers[i].Grouped = true
		}
	}
}

// missing marks keys without an answer as not found, where that is an error.
func (f *fetcher) missing(answers []Answer) []Answer {
	if !f.many.NotFoundIsError {
		return answers
	}
	for i := range answers {
		a := &answers[i]
		if a.Err == nil && a.Value.IsNull() && len(a.Items) == 0 {
			a.Err = notFound(f.many)
		}
	}
	return answers
}

// notFound is the failure of a key that a service answered for with nothing.
func notFound(c *call.Call) error {
	return &fail.Error{Kind: fail.NotFound, Service: c.Service, Op: c.Coordinate}
}

// unreadable is the failure of a batch whose answer isn't what the directive says.
func (f *fetcher) unreadable(answers []Answer, want string) []Answer {
	err := &fail.Error{Kind: fail.UpstreamInvalidResponse, Service: f.many.Service, Op: f.many.Coordinate,
		Err: errors.New("the answer to a batch isn't " + want)}
	for i := range answers {
		answers[i].Err = err
	}
	return answers
}

// concurrently calls do for 0 to n-1, a bounded number at a time, and waits for all. A panic becomes one of the caller's
// goroutine, whose business it is to recover: in another it would end the process.
func concurrently(n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	var wait sync.WaitGroup
	var panicked atomic.Pointer[any]
	places := make(chan struct{}, sideBySide)
	for i := range n {
		places <- struct{}{}
		wait.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panicked.CompareAndSwap(nil, &p)
				}
				<-places
			}()
			do(i)
		})
	}
	wait.Wait()
	if p := panicked.Load(); p != nil {
		panic(*p)
	}
}
