package event

import (
	"context"
	"sync"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// queue is a subscriber with a channel.
type queue[T any] struct {
	out     chan T
	convert func(Update) (T, report)
	mail    *mail // where errors go, which a channel of values has no place for; nil for none

	mu     sync.Mutex // guards what follows, and sending
	sent   int
	closed bool
}

// report is what is wrong with an event: it's an error as a whole, or items of it are.
type report struct {
	err   error
	items gqlerror.List
}

func newQueue[T any](size int, convert func(Update) (T, report), m *mail) *queue[T] {
	return &queue[T]{out: make(chan T, size), convert: convert, mail: m}
}

// offer is listener's.
func (q *queue[T]) offer(u Update) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return true
	case len(q.out) == cap(q.out):
		return false // nobody else sends, so that there is room otherwise
	}
	value, wrong := q.convert(u)
	if q.mail != nil {
		q.mail.put(q.sent, wrong)
	}
	q.sent++
	q.out <- value
	return true
}

// errSlow is what a subscriber is told that events were lost for.
var errSlow = fail.New(fail.Canceled, "The subscription was ended: its events came faster than they could be delivered.")

// overflow is listener's.
func (q *queue[T]) overflow() { q.end(errSlow) }

// end is listener's.
func (q *queue[T]) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	if err != nil && q.mail != nil {
		q.mail.put(q.sent, report{err: err})
	}
	close(q.out)
}

// until leaves the feed when ctx ends. No goroutine waits for that.
func (q *queue[T]) until(ctx context.Context, leave func()) {
	context.AfterFunc(ctx, func() {
		leave()
		q.end(nil)
	})
}
