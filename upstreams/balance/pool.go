package balance

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

// tick is how often, at most, the pool looks at the clock for what happens without a request: an ejection that is over,
// silence, weights that grow. It is done by the request that comes first after it.
const tick = 100 * time.Millisecond

// Pool are the instances of one service. Its methods are for concurrent use.
type Pool struct {
	config  Config
	rules   health.Config
	logger  *slog.Logger
	metrics Metrics
	checker *health.Checker // nil: no checks

	// mu guards all below and what Instance says it does. It's held for some dozens of nanoseconds per pick or answer,
	// under a microsecond with fifty instances; with it the limits on what is out of service and what a probe may get
	// are exact, which atomics could not promise.
	mu      sync.Mutex
	list    []*Instance          // that discovery names
	gone    []*Instance          // that it named before: drain, and are remembered for a while
	known   map[string]*Instance // all of both, by URL
	round   int                  // of Update
	closed  bool
	random  *rand.Rand
	chooser chooser
	typical time.Duration // what an answer takes, over all instances
	fresh   time.Time     // until then what follows holds
	all     crowd         // in service
	near    crowd         // of those, the ones to prefer
	rest    crowd         // scratch: without those to avoid
	probing []*Instance
	events  []event
	checks  sync.WaitGroup
}

// New makes a pool without instances; Update brings them.
func New(c Config, o Options) (*Pool, error) {
	var problems []error
	if err := c.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("balance: %w", err))
	}
	if err := o.Health.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("health: %w", err))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	p := &Pool{config: c, rules: o.Health.WithDefaults(), logger: o.Logger, metrics: o.Metrics, known: map[string]*Instance{}}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if p.rules.Check.Path != "" {
		checker, err := health.NewChecker(p.rules.Check, o.Carrier)
		if err != nil {
			return nil, fmt.Errorf("health: %w", err)
		}
		p.checker = checker
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	p.random = rand.New(rand.NewPCG(o.Seed, o.Seed))
	p.chooser = newChooser(c.Policy, p.random, &p.typical)
	return p, nil
}

// Pick chooses an instance and counts the request as under way there. The error is ErrNone and no other.
func (p *Pool) Pick(r Request) (Lease, error) {
	now := time.Now()
	p.mu.Lock()
	if !now.Before(p.fresh) {
		p.refresh(now)
	}
	instance, probe := p.choose(now, &r)
	if instance == nil {
		p.mu.Unlock()
		return Lease{}, ErrNone
	}
	instance.record.Begin(now, probe)
	var state State
	if p.metrics != nil {
		state = p.state(instance, now)
	}
	events := p.take()
	p.mu.Unlock()
	p.tell(events)
	if p.metrics != nil {
		p.metrics.Picked(state)
	}
	return Lease{p, instance, now, probe}, nil
}

// choose finds the instance of a request, and whether the request is a probe.
func (p *Pool) choose(now time.Time, r *Request) (*Instance, bool) {
	if len(p.all.list) == 0 {
		return nil, false
	}
	for _, one := range p.probing {
		// where all requests are of the kind that can't be repeated, one of them has to be the probe after a while
		may := r.Retryable || now.Sub(one.record.Since()) >= p.rules.Ejection.Max
		if may && one.record.WantsProbe() && !slices.Contains(r.Avoid, one) {
			return one, true
		}
	}
	from := &p.near
	if len(r.Avoid) > 0 {
		if p.rest.without(&p.near, r.Avoid) || p.rest.without(&p.all, r.Avoid) {
			from = &p.rest
		}
	}
	return p.chooser.choose(now, from, r.Key), false
}

// without makes c the candidates of another crowd that aren't to be avoided, and says whether there are any.
func (c *crowd) without(other *crowd, avoid []*Instance) bool {
	c.reset()
	for _, one := range other.list {
		if !slices.Contains(avoid, one.Instance) {
			c.add(one.Instance, one.share)
		}
	}
	return len(c.list) > 0
}

// done ends a request.
func (p *Pool) done(now time.Time, instance *Instance, sent health.Sent) {
	p.mu.Lock()
	switch sent.Result {
	case health.Answered:
		instance.latency.observe(now, sent.Latency)
		instance.answered = now
	case health.Failed, health.TimedOut:
		instance.latency.fail(now, sent.Latency, p.typical)
	case health.Canceled:
		instance.latency.left(now, sent.Latency)
	}
	before := instance.record.State()
	instance.record.End(now, sent)
	p.settle(now, instance, before, time.Time{})
	events := p.take()
	p.mu.Unlock()
	p.tell(events)
}

// settle does what follows from a change of an instance's record, whose state was before. answered is when another
// instance last answered.
func (p *Pool) settle(now time.Time, instance *Instance, before health.State, answered time.Time) {
	record := instance.record
	if state := record.State(); state != before {
		p.fresh = time.Time{}
		switch state {
		case health.Healthy:
			p.returned(now, instance, "well again after: "+record.Reason())
		case health.Ejected:
			p.ejected(instance)
		case health.Probing:
		}
	}
	if !instance.gone.IsZero() {
		return
	}
	cause, reason, due := record.Due(now, health.Others{Answered: answered, Typical: p.typical})
	instance.suspect = due
	if !due || p.out() >= p.rules.Ejection.MostOut(len(p.list)) {
		return
	}
	instance.suspect = false
	record.Eject(now, cause, reason)
	p.fresh = time.Time{}
	p.ejected(instance)
}

func (p *Pool) ejected(instance *Instance) {
	p.events = append(p.events, event{instance, instance.record.Cause(), instance.record.Reason()})
	if instance.wake != nil {
		select {
		case instance.wake <- struct{}{}:
		default:
		}
	}
}

func (p *Pool) returned(now time.Time, instance *Instance, reason string) {
	instance.latency, instance.joined, instance.suspect = latency{}, now, false
	p.events = append(p.events, event{instance, "", reason})
}

// out is how many instances are out of service.
func (p *Pool) out() int {
	n := 0
	for _, one := range p.list {
		if one.record.State() != health.Healthy {
			n++
		}
	}
	return n
}

// take returns what is to be told, to be told without the mutex.
func (p *Pool) take() []event {
	events := p.events
	p.events = nil
	return events
}

// Close ends the checks and waits for them. Leases that are out may still be done, and Pick still picks.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, one := range p.list {
		one.endChecks()
	}
	p.mu.Unlock()
	p.checks.Wait()
}
