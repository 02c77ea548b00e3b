// Package quota keeps to what a service lets us ask of it.
//
// A service has a rate and a burst, and it may say itself that it has enough: by 429, Retry-After or RateLimit. Who asks
// for more than that waits in line, first come, first served. Only the head of the line asks the store, so that nothing
// is taken by those who leave, and who can't get a turn before its deadline is told so at once instead of waiting.
//
// The arithmetic (gcra.go) takes the time and remembers one instant; where that is kept is behind a port (store.go):
// in memory, or somewhere that several gateways share. A store that is down doesn't stop anything: calls go through
// then, because the service still has its own limit.
package quota

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// ErrLate means that there is no turn before the caller's deadline.
var ErrLate = errors.New("the service's quota is used up until after the deadline")

// Config is a service's quota. The zero Config is none: only what the service itself says counts.
type Config struct {
	// Rate is how many requests per second the service gets, at most. Default: 0, as many as there are.
	Rate float64 `yaml:"rate" json:"rate,omitempty"`
	// Burst is how many of them may go at once after a time of rest. Default: a second's worth, at least 1.
	Burst int `yaml:"burst" json:"burst,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	if c.Rate > 0 && c.Burst == 0 {
		c.Burst = max(1, int(c.Rate))
	}
	return c
}

const (
	leastRate = 1.0 / 3600
	mostRate  = 1e6
)

// Validate names everything wrong with the configuration.
func (c Config) Validate() error {
	var problems []error
	if c.Rate != 0 && !(c.Rate >= leastRate && c.Rate <= mostRate) {
		problems = append(problems, fmt.Errorf("rate: is %v; give requests per second, from one per hour (0.00028) to a million, or 0 for no quota", c.Rate))
	}
	if c.Burst < 0 {
		problems = append(problems, fmt.Errorf("burst: is %d; give 1 or more", c.Burst))
	}
	if c.Burst > 0 && c.Rate == 0 {
		problems = append(problems, errors.New("burst: is nothing without rate"))
	}
	return errors.Join(problems...)
}

func (c Config) limit() Rate {
	c = c.WithDefaults()
	if c.Rate == 0 {
		return Rate{}
	}
	return Rate{Interval: time.Duration(float64(time.Second) / c.Rate), Burst: c.Burst}
}

// Quota is the line in front of one service. It is safe for concurrent use.
type Quota struct {
	key    string
	rate   Rate
	store  Store
	logger *slog.Logger

	mu   sync.Mutex // guards what follows; the store isn't called while it's held
	line []*waiter  // the first is the head, who asks the store
	turn time.Time  // when the head may go, as far as is known
	down bool       // the store is
}

// waiter is one in the line.
type waiter struct {
	deadline time.Time     // zero: can wait for ever
	wake     chan struct{} // has one element when something has changed
	late     bool
}

// Options are what a Quota works with. All are optional.
type Options struct {
	// Key names the service in the store.
	Key string
	// Store remembers. Nil means memory of its own.
	Store Store
	// Logger is told when the store goes down and when it's back.
	Logger *slog.Logger
}

// New makes the line of one service.
func New(c Config, o Options) (*Quota, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Store == nil {
		o.Store = &Memory{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Quota{key: o.Key, rate: c.limit(), store: o.Store, logger: o.Logger}, nil
}

// Take waits for a turn. The error is ErrLate when there is none before the context's deadline, and the context's when
// it ended.
func (q *Quota) Take(ctx context.Context) error {
	wait, ok := q.now(ctx)
	if ok {
		return nil
	}
	w := &waiter{wake: make(chan struct{}, 1)}
	w.deadline, _ = ctx.Deadline()
	if !q.enter(w, wait) {
		return ErrLate
	}
	return q.stand(ctx, w)
}

// TryTake takes a turn if there is one and nobody waits for it.
func (q *Quota) TryTake(ctx context.Context) bool {
	_, ok := q.now(ctx)
	return ok
}

// Waiting is how many stand in the line.
func (q *Quota) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.line)
}

// Pause sends nobody before until, and tells those who then can't go before their deadline. The shorter of two pauses
// makes no difference.
func (q *Quota) Pause(ctx context.Context, until time.Time) {
	q.told(q.store.Pause(ctx, q.key, q.rate, until))
	q.mu.Lock()
	defer q.mu.Unlock()
	if until.After(q.turn) {
		q.turn = until
	}
	for i, w := range q.line {
		if w.canWait(q.at(i)) {
			continue
		}
		w.late = true
		w.poke()
	}
}

// now takes a turn when nobody is in the line.
func (q *Quota) now(ctx context.Context) (wait time.Duration, ok bool) {
	q.mu.Lock()
	busy := len(q.line) > 0
	q.mu.Unlock()
	if busy {
		return 0, false
	}
	wait = q.ask(ctx)
	return wait, wait == 0
}

func (q *Quota) ask(ctx context.Context) time.Duration {
	wait, err := q.store.Take(ctx, q.key, q.rate, time.Now())
	if ctx.Err() == nil {
		q.told(err)
	}
	if err != nil {
		return 0
	}
	return wait
}

// enter puts a waiter at the end of the line, if that helps.
func (q *Quota) enter(w *waiter, wait time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.line) == 0 {
		q.turn = time.Now().Add(wait)
	}
	if !w.canWait(q.at(len(q.line))) {
		return false
	}
	q.line = append(q.line, w)
	return true
}

// at is when the one at a place in the line may go. It needs the mutex.
func (q *Quota) at(place int) time.Time { return q.turn.Add(time.Duration(place) * q.rate.Interval) }

// stand waits in the line until the turn comes.
func (q *Quota) stand(ctx context.Context, w *waiter) error {
	defer q.leave(w)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		head, late, at := q.place(w)
		if late {
			return ErrLate
		}
		if head {
			wait := time.Until(at)
			if wait <= 0 {
				if wait = q.ask(ctx); wait == 0 {
					return ctx.Err()
				}
				if !q.moved(w, time.Now().Add(wait)) {
					return ErrLate
				}
			}
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		case <-timer.C:
		}
	}
}

func (q *Quota) place(w *waiter) (head, late bool, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.line[0] == w, w.late, q.turn
}

// moved notes when the head may go, and tells whether it can wait for that.
func (q *Quota) moved(w *waiter, turn time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn = turn
	return w.canWait(turn)
}

// leave takes a waiter out of the line, and lets a new head know.
func (q *Quota) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.line {
		if other != w {
			continue
		}
		q.line = append(q.line[:i], q.line[i+1:]...)
		if i == 0 && len(q.line) > 0 {
			q.line[0].poke()
		}
		return
	}
}

// canWait tells whether there is time for anything at that time.
func (w *waiter) canWait(turn time.Time) bool { return w.deadline.IsZero() || turn.Before(w.deadline) }

func (w *waiter) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// told logs that the store went down or came back, once each.
func (q *Quota) told(err error) {
	q.mu.Lock()
	before := q.down
	q.down = err != nil
	q.mu.Unlock()
	switch {
	case err != nil && !before:
		q.logger.Warn("quota: the store is down; calls go through uncounted", "error", err)
	case err == nil && before:
		q.logger.Info("quota: the store is back")
	}
}
