// Package event is where the events of subscription fields come from.
//
// A field has one of three sources: a call that is polled, a stream of server-sent events of a service, or a topic that
// events are pushed to, through Redis or by POST /events. What is asked for in the same way is asked once: a feed serves
// all subscribers with the same key, starts with the first and stops with the last. The key has the arguments and all
// that the service sees of the caller, so that nobody gets what was fetched for another. Subscribers have bounded queues
// and never hold back a feed: one of polled values skips to the newest, one of events that falls behind is ended with an
// error. A source that is down is one error for its subscribers, is tried again with growing pauses, and goes on.
package event

import (
	"context"
	"sync"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Update is what a feed has to say: a value, or why there is none at the moment.
type Update struct {
	Value view.Value
	Err   error
}

// listener is a subscriber of a feed. Its methods are called one after the other, and don't block.
type listener interface {
	// offer is false when there is no room for the update.
	offer(u Update) bool
	// overflow is what a subscriber becomes that had no room for an event.
	overflow()
	// end tells that there won't be any more; err is why, nil when the source has said so.
	end(err error)
}

// source runs a feed until ctx ends or it has nothing more to say, and returns why.
type source func(ctx context.Context, f *feed) error

// feeds are those that somebody listens to, by key.
type feeds struct {
	mu    sync.Mutex // guards byKey, and who is in a feed that is in it
	byKey map[string]*feed
}

// feed serves the subscribers of one key.
type feed struct {
	cancel context.CancelFunc
	keeps  bool // the last update is the state, and new subscribers get it at once

	mu        sync.Mutex         // guards what follows; listeners are called with it, for the order of updates
	listeners map[listener]*bool // with whether it has missed the last update
	last      *Update
	over      bool
	err       error // why it's over
}

// join adds a subscriber to the feed of a key, which it starts if there is none. ctx gives the feed its values. leave may
// be called more than once.
func (s *feeds) join(ctx context.Context, key string, keeps bool, l listener, run source) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.byKey[key]
	if f == nil {
		f = &feed{keeps: keeps, listeners: map[listener]*bool{}}
		if s.byKey == nil {
			s.byKey = map[string]*feed{}
		}
		s.byKey[key] = f
		var own context.Context
		own, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
		go func() {
			defer f.cancel()
			err := run(own, f)
			s.mu.Lock()
			if s.byKey[key] == f {
				delete(s.byKey, key)
			}
			s.mu.Unlock()
			f.finish(err)
		}()
	}
	f.add(l)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if f.remove(l) && s.byKey[key] == f {
			delete(s.byKey, key)
			f.cancel()
		}
	}
}

// len is how many feeds there are.
func (s *feeds) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byKey)
}

func (f *feed) add(l listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	missed := new(bool)
	f.listeners[l] = missed
	if f.over {
		l.end(f.err)
		return
	}
	if f.keeps && f.last != nil {
		*missed = !l.offer(*f.last)
	}
}

// remove tells whether that was the last one.
func (f *feed) remove(l listener) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.listeners, l)
	return len(f.listeners) == 0
}

// publish gives an update to everybody.
func (f *feed) publish(u Update) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = &u
	for l, missed := range f.listeners {
		*missed = !l.offer(u)
		if *missed && !f.keeps {
			l.overflow()
		}
	}
}

// again gives the last update to those who had no room for it.
func (f *feed) again() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for l, missed := range f.listeners {
		if *missed {
			*missed = !l.offer(*f.last)
		}
	}
}

func (f *feed) finish(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over, f.err = true, err
	for l := range f.listeners {
		l.end(err)
	}
}
