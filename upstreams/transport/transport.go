// Package transport carries calls to the instances of a service, so that what fails there is hardly noticed here.
//
// It is a stack of RoundTripper layers, each in a file of its own and put together in New. What a layer decides is worked
// out by a core without I/O: when to try again (retry.go), whether a service is down (breaker.go), how much at once is too
// much (adaptive.go), what more may be sent (budget.go), how long is long (quantile.go). Those of breaker and adaptive
// limit are failsafe-go's. Package balance knows the instances, package quota what the service allows.
//
// An answer that comes out has its whole body in memory. When a service is down, calls fail with a *fail.Error that has no
// address in what clients see: UPSTREAM_UNAVAILABLE (no connection, the breaker is open, too many at once),
// UPSTREAM_TIMEOUT, UPSTREAM_INVALID_RESPONSE (cut, too big, no HTTP), UPSTREAM_RATE_LIMITED or CANCELED. What is
// not idempotent is never sent twice. The package has no goroutine of its own.
package transport

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/quota"
)

// Options are what a Transport works with. All are optional.
type Options struct {
	// Service is the service's name, for errors, the log and the quota's store.
	Service string
	// Balancer chooses instances. Nil sends requests where their URL says.
	Balancer Balancer
	// Credentials is the layer that puts the service's credentials into each attempt. Nil means none.
	Credentials func(next http.RoundTripper) http.RoundTripper
	// TLS are the settings of TLS connections. Nil means Go's own, from TLS 1.2 on.
	TLS *tls.Config
	// Carrier makes the exchanges. Nil means connections of its own, by Config.Connections and TLS.
	Carrier http.RoundTripper
	// Timeout bounds calls whose context has no earlier deadline. 0 means that only the context's counts.
	Timeout time.Duration
	// MaxBody is the most bytes of an answer. 0 means 8 MiB.
	MaxBody int64
	// Quotas is where the quota is counted. Nil means in memory.
	Quotas quota.Store
	// Logger is told when the breaker changes. Nil means silence.
	Logger *slog.Logger
	// Metrics counts. Nil means that nobody does.
	Metrics Metrics
}

const defaultMaxBody = 8 << 20

// Transport carries the calls to one service. It is safe for concurrent use.
type Transport struct {
	service string
	layers  http.RoundTripper
	alarms  alarms

	carrier  http.RoundTripper
	breaker  *breaker // nil when there is none
	balancer Balancer
	limit    *limit
	quota    *quota.Quota
	retries  *budget
	hedge    *hedge    // nil when there is none
	shared   *coalesce // nil when there is none
}

// New stacks the layers.
func New(c Config, o Options) (*Transport, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	if o.Timeout < 0 || o.MaxBody < 0 {
		return nil, errors.New("timeout and max_body can't be negative")
	}
	if o.Metrics == nil {
		o.Metrics = unmeasured{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Balancer == nil {
		o.Balancer = nowhere{}
	}
	if o.Carrier == nil {
		carrier, err := NewCarrier(c.Connections, o.TLS)
		if err != nil {
			return nil, err
		}
		o.Carrier = carrier
	}
	line, err := quota.New(c.Quota, quota.Options{Key: o.Service, Store: o.Quotas, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	t := &Transport{service: o.Service, carrier: o.Carrier, balancer: o.Balancer, quota: line, retries: newBudget(c.Retry.Budget)}
	t.stack(c, o)
	return t, nil
}

// stack puts the layers together, the innermost first.
func (t *Transport) stack(c Config, o Options) {
	carrier := o.Carrier
	if o.Credentials != nil { // in each attempt: a token may be refused, or have ended since the last one
		carrier = o.Credentials(carrier)
	}
	policy := c.Retry.policy()

	// one exchange with one instance, to the last byte of the answer
	once := &attempts{
		carrier: carrier, balancer: o.Balancer, service: o.Service, timeout: c.AttemptTimeout,
		maxBody: orDefault(o.MaxBody, defaultMaxBody), most: policy.attempts,
		remaining: remaining{header: c.header()}, metrics: o.Metrics,
	}

	// around balancing: another attempt goes to another instance
	var next http.RoundTripper = &retry{next: once, policy: policy, budget: t.retries, quota: t.quota, metrics: o.Metrics}

	// around retries: the second attempt is beside all of the first's, and has none itself
	if c.Hedge.Enabled {
		t.hedge = newHedge(next, once, c.Hedge, t.quota, o.Metrics)
		next = t.hedge
	}

	// around what sends: a call that waits for its turn isn't slow
	next = &limited{next: next, service: o.Service, quota: t.quota, attempts: policy.attempts, metrics: o.Metrics}

	// around the quota's line, so that it has a length
	t.limit = &limit{next: next, service: o.Service, metrics: o.Metrics, wait: c.MaxWait, most: c.MaxConcurrent}
	if c.Adaptive.Enabled {
		t.limit.adaptive = newAdaptive(c.Adaptive, c.MaxConcurrent)
		t.limit.most = t.limit.adaptive.Limit()
	}
	next = t.limit

	// around retries: it hears of calls; before the limit: when the service is down, nobody waits for a turn
	if c.Breaker.Enabled {
		t.breaker = &breaker{next: next, service: o.Service, logger: o.Logger, metrics: o.Metrics, circuit: newCircuit(c.Breaker)}
		next = t.breaker
	}

	// around all that costs something
	if c.Coalesce {
		t.shared = newCoalesce(next, o.Metrics, c.header())
		next = t.shared
	}

	// outermost: each caller has a deadline of its own, also those who wait for another's answer
	t.layers = &deadline{next: next, stack: t, timeout: o.Timeout, shared: t.shared}
}

// RoundTrip makes a call. The answer's body is a *body.Body; every error is a *fail.Error.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.layers.RoundTrip(r)
	if err != nil {
		return nil, public(err)
	}
	return res, nil
}

// Separate has GETs from now on not wait for the answers to those that are under way: something has changed since they were
// sent.
func (t *Transport) Separate() {
	if t.shared != nil {
		t.shared.separate()
	}
}

// CloseIdleConnections closes connections that nothing uses.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.carrier.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Close closes idle connections. Calls that are under way end as they would have.
func (t *Transport) Close() { t.CloseIdleConnections() }

// State is what the admin listener shows of the transport.
type State struct {
	// Breaker is closed, open, half_open, or off; Since is when it last changed.
	Breaker string     `json:"breaker"`
	Since   *time.Time `json:"since,omitempty"`
	// InFlight is how many calls are under way, of MaxConcurrent, and Waiting how many wait to be.
	InFlight      int `json:"in_flight"`
	MaxConcurrent int `json:"max_concurrent"`
	Waiting       int `json:"waiting"`
	// QuotaWaiting is how many wait for the service's quota.
	QuotaWaiting int `json:"quota_waiting"`
	// RetryBudget is how many retries there may be now.
	RetryBudget float64 `json:"retry_budget"`
	// HedgeDelay is after how long a call is sent a second time; absent while that isn't known, or isn't done.
	HedgeDelay string `json:"hedge_delay,omitempty"`
}

// State tells how things are now.
func (t *Transport) State() any {
	now := time.Now()
	s := State{Breaker: "off", QuotaWaiting: t.quota.Waiting(), RetryBudget: t.retries.left(now)}
	s.MaxConcurrent, s.InFlight, s.Waiting = t.limit.numbers()
	if t.breaker != nil {
		state, since := t.breaker.now()
		s.Breaker = state
		if !since.IsZero() {
			s.Since = &since
		}
	}
	if t.hedge != nil {
		if d, ok := t.hedge.delay(now); ok {
			s.HedgeDelay = d.String()
		}
	}
	return s
}
