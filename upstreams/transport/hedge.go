package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/quota"
)

// HedgeConfig lets a GET that takes longer than most be sent a second time, to another instance. The first answer counts.
type HedgeConfig struct {
	// Enabled says whether it is. Default: false.
	Enabled bool `yaml:"enabled" json:"enabled,omitempty"`
	// Percentile of the times of answers so far is how long the first attempt has for itself. Default: 0.95.
	Percentile float64 `yaml:"percentile" json:"percentile,omitempty"`
	// MinDelay is how long it has at least. Default: 10ms.
	MinDelay time.Duration `yaml:"min_delay" json:"min_delay,omitempty"`
	// Budget is how many second attempts there may be, as a share of calls. Default: 0.1.
	Budget float64 `yaml:"budget" json:"budget,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c HedgeConfig) WithDefaults() HedgeConfig {
	c.Percentile = orDefault(c.Percentile, 0.95)
	c.MinDelay = orDefault(c.MinDelay, 10*time.Millisecond)
	c.Budget = orDefault(c.Budget, 0.1)
	return c
}

// Validate names everything wrong with the configuration.
func (c HedgeConfig) Validate() error {
	d := c.WithDefaults()
	return errors.Join(
		within("percentile", d.Percentile, 0.5, 0.999),
		between("min_delay", d.MinDelay, 100*time.Microsecond, time.Minute),
		within("budget", d.Budget, 0.001, 1),
	)
}

const (
	// hedgeWindow is the time that the percentile is of.
	hedgeWindow = time.Minute
	// hedgePerSecond and hedgeBurst are the rest of the budget.
	hedgePerSecond = 0.1
	hedgeBurst     = 10
)

// hedge is the layer that sends slow GETs a second time. The first attempt stays in the caller's goroutine, and the second
// one is made by the timer that begins it: a call that is as quick as most costs a timer's setting.
type hedge struct {
	next     http.RoundTripper // of the first
	second   http.RoundTripper // of the second, which isn't retried
	minDelay time.Duration
	budget   *budget
	quota    *quota.Quota // nil for none
	metrics  Metrics

	mu    sync.Mutex // guards times
	times quantile
}

func newHedge(next, second http.RoundTripper, c HedgeConfig, q *quota.Quota, m Metrics) *hedge {
	c = c.WithDefaults()
	return &hedge{
		next: next, second: second, minDelay: c.MinDelay, quota: q, metrics: m,
		budget: newBudget(BudgetConfig{Ratio: c.Budget, PerSecond: hedgePerSecond, Burst: hedgeBurst}),
		times:  quantile{q: c.Percentile, half: hedgeWindow / 2},
	}
}

// RoundTrip answers as http.RoundTripper does.
func (l *hedge) RoundTrip(r *http.Request) (*http.Response, error) {
	s := scopeOf(r)
	if r.Method != http.MethodGet && r.Method != "" || !s.call.idempotent {
		return l.next.RoundTrip(r)
	}
	began := time.Now()
	l.budget.call(began)
	delay, ok := l.delay(began)
	if !ok || !s.deadline.IsZero() && began.Add(delay).After(s.deadline) {
		res, err := l.next.RoundTrip(r)
		l.observe(began, res, err)
		return res, err
	}
	p := s.call.pair
	p.layer, p.request, p.began, p.parent = l, r, began, s
	p.one.open(s.call, s, r, s.deadline, false)
	p.alarm = s.call.stack.alarms.set(delay, p)
	res, err := l.next.RoundTrip(&p.one.request)
	return p.first(res, err)
}

func (l *hedge) delay(now time.Time) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.times.estimate(now)
	return max(d, l.minDelay), ok
}

func (l *hedge) observe(began time.Time, res *http.Response, err error) {
	if !good(res, err) {
		return
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times.observe(now, now.Sub(began))
}

func good(res *http.Response, err error) bool {
	return err == nil && res.StatusCode < http.StatusInternalServerError
}

// pair is a call with two attempts, of which the second may never begin.
type pair struct {
	layer   *hedge
	request *http.Request
	parent  *scope
	began   time.Time
	alarm   *alarm
	one     scope
	two     scope

	mu    sync.Mutex    // guards what follows
	over  bool          // the first has its answer: nothing begins any more
	ended chan struct{} // closed when the second is through; nil while it hasn't begun
	won   bool          // the second's answer is the call's
	res   *http.Response
	err   error
}

// ring begins the second attempt, in the timer's goroutine.
func (p *pair) ring() {
	p.mu.Lock()
	if p.over || p.parent.Err() != nil {
		p.mu.Unlock()
		return
	}
	if !p.layer.budget.spend(time.Now()) || p.layer.quota != nil && !p.layer.quota.TryTake(p.parent) {
		p.mu.Unlock()
		p.layer.metrics.Count(HedgeDenied)
		return
	}
	p.ended = make(chan struct{})
	p.two.open(p.parent.call, p.parent, p.request, p.parent.deadline, false)
	p.mu.Unlock()
	p.layer.metrics.Count(Hedged)

	began := time.Now()
	res, err := p.layer.second.RoundTrip(&p.two.request) //nolint:bodyclose // a *body.Body, which the caller or discard gets
	p.two.end(context.Canceled)
	p.layer.observe(began, res, err)

	p.mu.Lock()
	p.res, p.err = res, err
	p.won = !p.over && good(res, err)
	won, late := p.won, p.over
	close(p.ended)
	p.mu.Unlock()
	switch {
	case won:
		p.layer.metrics.Count(HedgeWon)
		p.one.end(context.Canceled)
	case late:
		discard(res)
	}
}

// first takes what the first attempt brought, and gives the call's answer.
func (p *pair) first(res *http.Response, err error) (*http.Response, error) {
	p.one.end(context.Canceled)
	p.mu.Lock()
	if p.ended == nil || !p.won && (good(res, err) || !p.canHelp(err)) {
		p.over = true // a second one ends with the call, which is now
		p.mu.Unlock()
		p.parent.call.stack.alarms.stop(p.alarm)
		p.layer.observe(p.began, res, err)
		return res, err
	}
	p.mu.Unlock()
	<-p.ended // soon, when the parent has ended
	if good(p.res, p.err) {
		discard(res)
		return p.res, p.err
	}
	discard(p.res)
	return res, err
}

// canHelp tells whether to wait for the second, the first having failed.
func (p *pair) canHelp(err error) bool { return err == nil || fail.KindOf(err) != fail.Canceled }
