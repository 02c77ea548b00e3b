// Package ratelimit knows what a client may still spend.
//
// The model: a plan has buckets of points, each with a capacity and a rate at which points come back. Before an operation
// runs its estimated cost is reserved in all buckets of the client's plan, or in none; afterwards it's settled: what it
// didn't use is given back, never above full, and what it used beyond the estimate becomes debt, at most one capacity.
// A reservation that nobody settles, because the gateway died, stays charged. Reservations under way are counted too, for
// plans that bound them; they are leases that end by themselves.
//
// Buckets are kept by a Store: in memory, or in Redis, where one script decides, so that any number of gateways can't
// spend a point twice. When the store fails the plan says what happens: local counts in this process, from where the
// store was last and with this instance's share of the plan, open lets everything pass, closed refuses. Nothing here
// knows what a request is.
package ratelimit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Client is whose points are spent.
type Client struct {
	// ID names the client among all that there are: what identity says, or an address. Redis never sees it.
	ID string
	// Plan is what the client may spend. Nil is no limit.
	Plan *Plan
}

// Options are what a Limiter needs beside its Config. The zero value counts in memory, in silence.
type Options struct {
	// Store keeps the buckets. Default: memory. Close closes it.
	Store Store
	// Logger gets a line when the store stops answering or is back.
	Logger *slog.Logger
	// Metrics counts decisions.
	Metrics Metrics
}

// Limiter decides who may spend.
type Limiter struct {
	config  Config
	plans   map[string]*Plan
	store   Store
	local   *Memory // counts while store doesn't answer
	logger  *slog.Logger
	metrics Metrics
	seq     atomic.Uint64
	health  health
}

// New makes a limiter. The error is c.Validate's.
func New(c Config, o Options) (*Limiter, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	l := &Limiter{config: c, plans: map[string]*Plan{}, store: o.Store, logger: o.Logger, metrics: o.Metrics}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	if l.metrics == nil {
		l.metrics = noMetrics{}
	}
	l.local = NewMemory(c.MaxClients, c.Lease)
	if l.store == nil {
		l.store = l.local
	}
	l.seq.Store(rand.Uint64())
	for name, plan := range c.Plans {
		l.plans[name] = newPlan(name, plan)
	}
	return l, nil
}

// Plan returns the plan of a name, nil when there's none.
func (l *Limiter) Plan(name string) *Plan { return l.plans[name] }

// Close writes what is still to be settled, until ctx ends.
func (l *Limiter) Close(ctx context.Context) error { return l.store.Close(ctx) }

// Reserve takes points from all buckets of a client, or from none. The sum of a batch is one reservation.
//
// There's always a reservation, also beside an error: it knows what to tell the client. The caller settles it on every
// way out; one that took nothing is settled by doing nothing. The error is a *fail.Error: TooExpensive when the points
// can never be had, RateLimited, ConcurrencyLimited, RateLimiterUnavailable, or Canceled when ctx had ended before. It
// takes no longer than the store's timeout and doesn't end early with ctx: what was taken must be known.
func (l *Limiter) Reserve(ctx context.Context, c Client, points int64) (*Reservation, error) {
	if c.Plan == nil || c.Plan.config.Mode == Off {
		return &Reservation{plan: c.Plan}, nil
	}
	if err := ctx.Err(); err != nil {
		return &Reservation{plan: c.Plan}, &fail.Error{Kind: fail.Canceled, Op: "reserve points", Err: err}
	}
	r := &Reservation{
		plan: c.Plan, counted: c.Plan, store: l.store,
		request: Request{Client: c.ID, Seq: l.seq.Add(1), Points: max(points, 0)},
	}
	outcome := l.decide(ctx, r)
	measured := c.Plan.config.Mode == Measure
	l.metrics.Reserved(c.Plan.name, outcome, measured)
	if outcome == Admitted || outcome == Uncounted {
		return r, nil
	}
	r.refused = true
	err := r.refusal(outcome)
	if measured {
		r.WouldRefuse = err
		return r, nil
	}
	return r, err
}

// decide asks the store, or does what the plan says when that can't be.
func (l *Limiter) decide(ctx context.Context, r *Reservation) Outcome {
	r.request.Look = r.request.Points > r.plan.most
	r.request.Plan = r.plan
	verdict, standing, err := l.store.Reserve(ctx, &r.request)
	if err == nil {
		l.answered(ctx)
		r.standing, r.known = standing, true
		if l.store != Store(l.local) && r.plan.config.OnLimiterDown == Local {
			n := l.instances()
			l.local.learn(r.request.Client, r.plan.share(n), n, &standing)
		}
		if r.request.Look {
			return Never
		}
		return verdict
	}
	l.failed(ctx, err)
	r.err = err
	switch {
	case r.request.Look:
		return Never
	case r.plan.config.OnLimiterDown == Open:
		return Uncounted
	case r.plan.config.OnLimiterDown == Closed:
		return Unavailable
	}
	return l.decideLocally(ctx, r)
}

// decideLocally counts in this process, with its share of the plan, from where the store was last.
func (l *Limiter) decideLocally(ctx context.Context, r *Reservation) Outcome {
	r.store, r.counted = l.local, r.plan.share(l.instances())
	r.request.Plan = r.counted
	r.request.Look = r.request.Points > r.counted.most
	verdict, standing, err := l.local.Reserve(ctx, &r.request)
	if err != nil {
		return Unavailable
	}
	r.standing, r.known = standing, true
	if r.request.Look { // more than our share: whether it can pass is known when the store is back
		r.wait = sharedWait
		return Short
	}
	return verdict
}

// sharedWait is how long a client is told to wait for what a share of its plan is too small for.
const sharedWait = time.Second

// instances is how many gateways share the store.
func (l *Limiter) instances() int {
	if l.config.Instances > 0 {
		return l.config.Instances
	}
	if s, ok := l.store.(interface{ Instances() int }); ok {
		return max(1, s.Instances())
	}
	return 1
}
