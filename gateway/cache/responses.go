package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	random "math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/flight"
	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Options are what Responses need beside their Config.
type Options struct {
	// Store keeps answers. It's the caller's, and may keep others' entries as well.
	Store *store.Store
	// Logger gets what nobody waits for: refreshes that fail. Default: silence.
	Logger *slog.Logger
	// Metrics counts answers by origin.
	Metrics Metrics
	// Random gives numbers from 0 to under 1. Default: those of math/rand/v2.
	Random func() float64
}

// Metrics are the measurements of this package. Implementations may be called concurrently and are quick.
type Metrics interface {
	// CacheAnswered counts an answer by where it came from.
	CacheAnswered(Origin)
}

// Responses answer operations from the store where they may. It's safe for concurrent use.
type Responses struct {
	config  Config
	store   *store.Store
	logger  *slog.Logger
	metrics Metrics
	random  func() float64
	across  flight.Across
	keys    *keys
	flights flight.Group[outcome]
	barren  barren
	changed atomic.Int64 // when a mutation ended last, in nanoseconds
}

// outcome is what a flight brings.
type outcome struct {
	response Response
	entry    *store.Entry // when it was kept, or when another process had it
	stored   bool         // by this flight
	why      string
	subject  string // for whom it flew
}

// joinable is how old a flight may be that's joined, where other gateways purge: what they did since may not be heard.
// With what a service's answer may outlive a purge, l1_ttl, it makes no more than 1 s.
const joinable = 500 * time.Millisecond

// New makes Responses.
func New(c Config, o Options) (*Responses, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Store == nil {
		return nil, errors.New("answers need a store")
	}
	c = c.WithDefaults()
	if c.Secret == "" && !o.Store.Shared() {
		c.Secret = secret.Text(rand.Text())
	}
	r := &Responses{
		config: c, store: o.Store, logger: o.Logger, metrics: o.Metrics, random: o.Random,
		across: flight.Across{Lease: c.Lease, Wait: c.LeaseWait}, keys: newKeys(c.Store.Namespace, c.Secret),
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if r.random == nil {
		r.random = random.Float64
	}
	return r, nil
}

// Do answers a request: with a kept answer, with one that's under way for another, or by run. run's context has ctx's
// values and ends when nobody waits for it; run may be called in another goroutine, and not at all. The error is ctx's
// cause, or a fail.Error of kind Internal after a panic in run.
func (r *Responses) Do(ctx context.Context, q *Request, run func(ctx context.Context) Response) (Answer, error) {
	policy := q.Plan.Policy(q.Variables)
	why := r.refusal(q, policy)
	a := Answer{Private: policy.Private, Vary: q.Vary, Why: why}
	var err error
	if why == "" {
		err = r.kept(ctx, q, policy, run, &a)
	} else {
		err = r.unkept(ctx, q, run, &a)
	}
	if err != nil {
		return Answer{}, told(err)
	}
	if r.metrics != nil {
		r.metrics.CacheAnswered(a.Origin)
	}
	return a, nil
}

// told makes what clients may see of a flight's error.
func told(err error) error {
	var p *flight.PanicError
	if errors.As(err, &p) {
		return &fail.Error{Kind: fail.Internal, Op: "cache", Err: p}
	}
	return err
}

// alone executes a request for itself.
func alone(ctx context.Context, run func(context.Context) Response, a *Answer) error {
	return protected(func() { a.Response = run(ctx) })
}

// protected makes an error of a panic, as a flight does.
func protected(do func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &flight.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	do()
	return nil
}

// refusal says why an answer can't be kept, as far as it's known before.
func (r *Responses) refusal(q *Request, p Policy) string {
	switch {
	case q.Plan.refused != "":
		return q.Plan.refused
	case p.MaxAge <= 0:
		return p.Why
	case p.Private && q.Subject == "":
		return p.PrivateAt + " is PRIVATE and there is no subject"
	case p.Private && r.config.Secret == "":
		return p.PrivateAt + " is PRIVATE and the cache has no secret"
	case r.config.Disabled:
		return "the cache is off"
	}
	return ""
}

// unkept executes a request whose answer isn't kept, together with the same of the same caller.
func (r *Responses) unkept(ctx context.Context, q *Request, run func(context.Context) Response, a *Answer) error {
	a.Origin = Bypassed
	if r.config.Coalesce == "off" || !q.Plan.shareable || q.NoCache {
		return alone(ctx, run, a)
	}
	key, known := r.keys.of("u:", q, oneself)
	if !known {
		return alone(ctx, run, a)
	}
	now := r.store.Now()
	o, joined, err := r.flights.Do(ctx, key, now, func(begun time.Time) bool {
		// Who has changed something sees it: what began before isn't for those who come after.
		return begun.UnixNano() > r.changed.Load() && now.Sub(begun) <= joinable
	}, func(ctx context.Context) (outcome, error) { return outcome{response: run(ctx)}, nil })
	if err != nil {
		return err
	}
	if a.Response = o.response; joined {
		a.Origin = Shared
	}
	return nil
}

// kept answers from the store, or executes the request and keeps its answer.
func (r *Responses) kept(ctx context.Context, q *Request, policy Policy, run func(context.Context) Response, a *Answer) error {
	w := everybody
	if policy.Private {
		w = oneself
	}
	key, known := r.keys.of("r:", q, w)
	if !known {
		a.Why = "a variable has no canonical form"
		a.Origin = Bypassed
		return alone(ctx, run, a)
	}
	now := r.store.Now()
	if q.NoCache && !q.NoStore {
		return protected(func() { r.executed(a, r.fetch(ctx, key, q, policy, run, func() {}), Miss, now) })
	}
	if q.NoCache {
		a.Why = noStore
		return r.unkept(ctx, q, run, a)
	}
	if e := r.store.Get(ctx, key); e != nil { // also for no-store: who isn't permitted can't get around what is kept
		fresh := e.Fresh(now)
		switch {
		case fresh && (q.Refresh == nil || !flight.Early(now, e.Expires, e.Took, r.random())):
			r.found(a, e, Hit, now)
			return nil
		case q.Refresh != nil && !q.NoStore:
			r.refresh(ctx, key, q, policy, e, now)
			origin := Hit
			if !fresh {
				origin = Stale
			}
			r.found(a, e, origin, now)
			return nil
		}
	}
	if q.NoStore {
		a.Why = noStore
		return r.unkept(ctx, q, run, a)
	}
	o, joined, err := r.flights.Do(ctx, key, now, func(begun time.Time) bool { return r.young(q.Plan, begun, now) },
		func(ctx context.Context) (outcome, error) {
			if r.barren.has(key) { // no use in waiting for another gateway
				return r.fetch(ctx, key, q, policy, run, func() {}), nil
			}
			e, release := r.across.Claim(ctx, r.store, key, func(e *store.Entry) bool { return e.Fresh(r.store.Now()) })
			if e != nil {
				return outcome{entry: e}, nil
			}
			return r.guarded(ctx, key, q, policy, run, release), nil
		})
	if err != nil {
		return err
	}
	now = r.store.Now()
	switch {
	case o.entry != nil && !o.stored && now.Before(o.entry.StaleUntil):
		origin := Hit // another gateway has executed it just now, or a refresh brought nothing
		if !o.entry.Fresh(now) {
			origin = Stale
		}
		r.found(a, o.entry, origin, now)
	case !joined:
		r.executed(a, o, Miss, now)
	case o.stored:
		r.executed(a, o, Shared, now)
		a.Stored = false
	case o.entry == nil && o.subject == q.Subject:
		r.executed(a, o, Shared, now)
	default:
		// It wasn't kept, so it isn't for everybody either: an error, perhaps, that only that caller gets.
		a.Why = o.why
		return r.unkept(ctx, q, run, a)
	}
	return nil
}

// young says whether a flight that began at begun has seen all that was purged until now.
func (r *Responses) young(p *Plan, begun, now time.Time) bool {
	if r.store.Shared() && now.Sub(begun) > joinable {
		return false
	}
	return !r.store.PurgedSince(begun, p.Concerns)
}

const noStore = "the client sent no-store"

// guarded is fetch that gives the lease back when run panics.
func (r *Responses) guarded(ctx context.Context, key string, q *Request, policy Policy, run func(context.Context) Response, release func()) outcome {
	handed := false
	defer func() {
		if !handed {
			release()
		}
	}()
	o := r.fetch(ctx, key, q, policy, run, release)
	handed = true
	return o
}

// fetch executes a request and keeps its answer, if it may be kept. then is called when that's done.
func (r *Responses) fetch(ctx context.Context, key string, q *Request, policy Policy, run func(context.Context) Response, then func()) outcome {
	f := r.store.BeginOver() // services' answers come from it
	o := outcome{response: run(ctx), subject: q.Subject}
	if !o.response.Began.IsZero() {
		f = f.From(o.response.Began)
	}
	defer func() { r.barren.note(key, !o.stored) }()
	now := r.store.Now()
	ttl := policy.MaxAge
	if o.response.Bounded {
		ttl = min(ttl, o.response.Fresh)
	}
	switch {
	case o.response.Failed:
		o.why = "there are errors"
	case ctx.Err() != nil:
		o.why = "the request was cancelled"
	case o.response.Unkeyed:
		o.why = "it depends on more than the key has"
	case o.response.Private && !policy.Private:
		o.why = cmp.Or(o.response.Reason, "a service says that its answer is private")
	case ttl <= 0:
		o.why = cmp.Or(o.response.Reason, "a service's answer may not be kept")
	case int64(len(o.response.Data)) > r.config.Store.MaxEntry:
		o.why = "the answer is too large"
	}
	if o.why != "" {
		then()
		return o
	}
	tags, err := q.Plan.TagsOf(o.response.Data)
	if err != nil {
		o.why = err.Error()
		then()
		return o
	}
	for _, service := range o.response.Services {
		tags = append(tags, store.ServiceTag(service))
	}
	if r.config.TTLJitter > 0 {
		ttl = flight.Shorten(ttl, float64(r.config.TTLJitter)/100, r.random())
	}
	e := &store.Entry{
		Key: key, Tags: tags, Body: o.response.Data, Meta: []byte(etag(o.response.Data)),
		Created: f.Start(), Expires: now.Add(ttl), StaleUntil: now.Add(ttl), Took: now.Sub(f.Start()),
	}
	if q.Refresh != nil {
		e.StaleUntil = e.StaleUntil.Add(r.config.Stale)
	}
	o.entry, o.stored = e, true
	r.store.Set(e, f, then)
	return o
}

// refresh begins to execute a request again for which nobody waits. old is the answer there is.
func (r *Responses) refresh(ctx context.Context, key string, q *Request, policy Policy, old *store.Entry, now time.Time) {
	again := *q
	r.flights.Start(ctx, key, now, r.config.RefreshTimeout, func(ctx context.Context) (outcome, error) {
		if e := r.store.Get(ctx, key); e != nil && e.Created.After(old.Created) { // somebody was quicker
			return outcome{entry: e}, nil
		}
		lease, release := r.store.Lease(ctx, key, r.config.Lease)
		if lease == store.Held { // another gateway does it
			return outcome{entry: old}, nil
		}
		o := r.guarded(ctx, key, &again, policy, again.Refresh, release)
		if o.entry == nil {
			r.logger.DebugContext(ctx, "an answer was not refreshed", "reason", o.why)
			o.entry = old // who joined gets what there is, for as long as it's there
		}
		return o, nil
	})
}

// found fills an answer from an entry.
func (r *Responses) found(a *Answer, e *store.Entry, origin Origin, now time.Time) {
	a.Origin = origin
	a.Data, a.Tags, a.ETag = e.Body, e.Tags, string(e.Meta)
	a.Age, a.TTL = e.Age(now), e.Expires.Sub(now)
}

// executed fills an answer from an execution.
func (r *Responses) executed(a *Answer, o outcome, origin Origin, now time.Time) {
	a.Origin, a.Response, a.Why = origin, o.response, o.why
	if !o.stored {
		if origin == Miss {
			a.Origin = Bypassed
		}
		return
	}
	a.Stored, a.Tags, a.ETag = o.stored, o.entry.Tags, string(o.entry.Meta)
	a.Age, a.TTL = o.entry.Age(now), o.entry.Expires.Sub(now)
}

// Changed is called when a mutation has ended, before its answer is sent: whatever it was, and whether it failed or not.
// Purge its tags first. Identical queries that are under way then aren't shared with those who ask after it.
func (r *Responses) Changed() { r.changed.Store(r.store.Now().UnixNano()) }

// Purge drops what a mutation's tags reach, in all gateways, and says that something changed. It's to be called before the
// mutation's answer is sent. An error is for the log: the store goes on trying, and this gateway serves nothing of it
// any more.
func (r *Responses) Purge(ctx context.Context, tags []string) (count int, err error) {
	if len(tags) > 0 {
		count, err = r.store.Purge(ctx, tags...)
	}
	r.Changed()
	return count, err
}
