package reuse

import (
	"context"
	"slices"
	"sync"
	"time"
)

// State is where an answer came from.
type State string

// The states.
const (
	// Hit: it was kept, and fresh.
	Hit State = "hit"
	// Stale: it was kept, and no longer fresh.
	Stale State = "stale"
	// Revalidated: it was kept, and the service said that it still holds.
	Revalidated State = "revalidated"
	// Miss: the service gave it, and it may be kept.
	Miss State = "miss"
	// Bypass: the service gave it, and it isn't kept. Use.Reason says why.
	Bypass State = "bypass"
)

// Use is an answer that an operation used, or several for keys of one batch.
type Use struct {
	// Service is the name of the service, and Call the coordinate of the call, where it's known.
	Service, Call string
	// State is where it came from.
	State State
	// Reason is why it isn't kept, or why it's stale; for people.
	Reason string
	// Known says that Left is known: somebody said how long it's fresh. An answer that nobody said anything of doesn't bound
	// what is made of it.
	Known bool
	// Left is how long it's still fresh, never negative, and Age how old it is: of several the least, and the greatest.
	Left, Age time.Duration
	// Private says that the service calls it private, or that it's for one caller only: what is made of it isn't for others.
	Private bool
	// Keys is how many keys of a batch it stands for; 0 for a whole answer.
	Keys int
}

// Recorder collects what an operation used. It's safe for concurrent use.
type Recorder struct {
	mu    sync.Mutex // guards what follows
	uses  []Use
	few   [2]Use // where uses begins
	began time.Time
}

type recorderKey struct{}

// WithRecorder gives ctx a Recorder, for all calls that are made with it.
func WithRecorder(ctx context.Context) (context.Context, *Recorder) {
	r := &Recorder{}
	return context.WithValue(ctx, recorderKey{}, r), r
}

// recorderOf is the Recorder in ctx, or nil.
func recorderOf(ctx context.Context) *Recorder {
	r, _ := ctx.Value(recorderKey{}).(*Recorder)
	return r
}

// add may be called on nil.
func (r *Recorder) add(u Use) {
	if r == nil {
		return
	}
	u.Left = max(0, u.Left)
	r.mu.Lock()
	if r.uses == nil {
		r.uses = r.few[:0]
	}
	r.uses = append(r.uses, u)
	r.mu.Unlock()
}

// older notes that an answer was on its way since t. It may be called on nil.
func (r *Recorder) older(t time.Time) {
	if r == nil {
		return
	}
	r.mu.Lock()
	if r.began.IsZero() || t.Before(r.began) {
		r.began = t
	}
	r.mu.Unlock()
}

// Uses are the answers so far, in no order.
func (r *Recorder) Uses() []Use {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.uses)
}

// Summary is what all uses together mean for what is made of them.
type Summary struct {
	// Services are the names of those that were asked, or whose kept answers were used, sorted.
	Services []string
	// Known says that there is a bound: what is made of the answers is fresh for Left at most.
	Known bool
	Left  time.Duration
	// Age is that of the oldest answer.
	Age time.Duration
	// Stale says that one of them was stale, and Private that one is for one caller only.
	Stale, Private bool
	// Began is when the service was asked for the oldest answer that was waited for together with other operations; zero
	// when there is none. What was purged after that may be in it.
	Began time.Time
}

// Summary adds the uses up.
func (r *Recorder) Summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Summary{Began: r.began}
	for i := range r.uses {
		u := &r.uses[i]
		if !slices.Contains(s.Services, u.Service) {
			s.Services = append(s.Services, u.Service)
		}
		if u.Known && (!s.Known || u.Left < s.Left) {
			s.Known, s.Left = true, u.Left
		}
		s.Age = max(s.Age, u.Age)
		s.Stale = s.Stale || u.State == Stale
		s.Private = s.Private || u.Private
	}
	slices.Sort(s.Services)
	return s
}
