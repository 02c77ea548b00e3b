package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

// BreakerConfig says when a service is taken for down. Calls fail at once then, but for one now and again that tries.
type BreakerConfig struct {
	// Enabled says whether there is a breaker. Default: true.
	Enabled bool `yaml:"enabled" json:"enabled"`
	// Failures is how many calls in a row must fail, after their retries, to open it. Default: 10.
	Failures int `yaml:"failures" json:"failures,omitempty"`
	// FailureRate is the share of calls in the window that must fail to open it. Default: 0.5.
	FailureRate float64 `yaml:"failure_rate" json:"failure_rate,omitempty"`
	// MinCalls is how many calls there must be in the window for its rate to count. Default: 20.
	MinCalls int `yaml:"min_calls" json:"min_calls,omitempty"`
	// Window is the time that the rate is of. Default: 5s.
	Window time.Duration `yaml:"window" json:"window,omitempty"`
	// OpenFor is the time until one call may try; and, when that takes longer, until another one may. Default: 1s.
	OpenFor time.Duration `yaml:"open_for" json:"open_for,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c BreakerConfig) WithDefaults() BreakerConfig {
	c.Failures = orDefault(c.Failures, 10)
	c.FailureRate = orDefault(c.FailureRate, 0.5)
	c.MinCalls = orDefault(c.MinCalls, 20)
	c.Window = orDefault(c.Window, 5*time.Second)
	c.OpenFor = orDefault(c.OpenFor, time.Second)
	return c
}

// Validate names everything wrong with the configuration.
func (c BreakerConfig) Validate() error {
	d := c.WithDefaults()
	return errors.Join(
		positive("failures", d.Failures),
		within("failure_rate", d.FailureRate, 0.01, 1),
		positive("min_calls", d.MinCalls),
		between("window", d.Window, 100*time.Millisecond, 10*time.Minute),
		between("open_for", d.OpenFor, 10*time.Millisecond, 10*time.Minute),
	)
}

// verdict is what a call's end says about the service.
type verdict uint8

const (
	worked verdict = iota
	failed
	unknown // the caller left, or the call wasn't sent
)

// circuit is the breaker's arithmetic: failsafe-go's, which knows rates, windows and when one may try, and what it doesn't
// know. That is failures in a row beside the rate; that an answer to a call which began before a change says nothing
// about the time after it; and that one who tries may leave, or take too long. It isn't safe for concurrent use.
type circuit struct {
	config BreakerConfig
	rate   circuitbreaker.CircuitBreaker[any]
	state  circuitbreaker.State
	since  time.Time // when it last changed
	era    uint64    // how often it did
	row    int       // failures in a row
	trying time.Time // half open: when the last one that tries began
}

func newCircuit(c BreakerConfig) *circuit {
	b := &circuit{config: c}
	b.rate = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(c.FailureRate, uint(c.MinCalls), c.Window). //nolint:gosec // Validate: it's positive
		WithSuccessThreshold(1).
		WithDelay(c.OpenFor).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			b.state, b.since, b.row = e.NewState, time.Now(), 0
			b.era++
		}).
		Build()
	return b
}

// allow tells whether a call may go, and gives the era for its record.
func (b *circuit) allow(now time.Time) (era uint64, ok bool) {
	if !b.rate.TryAcquirePermit() {
		if b.state != circuitbreaker.HalfOpenState || now.Sub(b.trying) < b.config.OpenFor {
			return 0, false
		}
		b.another() // the one who tries takes too long
		b.rate.TryAcquirePermit()
	}
	b.trying = now
	return b.era, true
}

// record takes a call's verdict.
func (b *circuit) record(era uint64, v verdict) {
	switch {
	case era != b.era:
	case v == worked:
		b.row = 0
		b.rate.RecordSuccess()
	case v == failed:
		b.row++
		b.rate.RecordFailure()
		if b.row >= b.config.Failures {
			b.rate.Open()
		}
	case b.state == circuitbreaker.HalfOpenState:
		b.another()
	}
}

// another lets another one try. There is no way to give a permit back without a verdict (failsafe-go 0.9.8), but a breaker
// that has just become half open has one.
func (b *circuit) another() {
	since, era := b.since, b.era
	b.rate.Open()
	b.rate.HalfOpen()
	b.since, b.era = since, era
}

// breaker is the layer that fails calls at once while the service is down. It hears of whole calls: what a retry saved
// worked.
type breaker struct {
	next    http.RoundTripper
	service string
	logger  *slog.Logger
	metrics Metrics

	mu      sync.Mutex // guards circuit
	circuit *circuit
}

var errOpen = errors.New("the breaker is open")

// RoundTrip answers as http.RoundTripper does.
func (l *breaker) RoundTrip(r *http.Request) (*http.Response, error) {
	era, ok := l.allow()
	if !ok {
		l.metrics.Count(BreakerRefused)
		return nil, &fail.Error{Kind: fail.UpstreamUnavailable, Op: l.service, Service: l.service, Err: errOpen}
	}
	res, err := l.next.RoundTrip(r)
	l.record(era, verdictOf(res, err))
	return res, err
}

func (l *breaker) allow() (uint64, bool) {
	now := time.Now()
	l.mu.Lock()
	before := l.circuit.state
	era, ok := l.circuit.allow(now)
	after := l.circuit.state
	l.mu.Unlock()
	l.tell(before, after)
	return era, ok
}

func (l *breaker) record(era uint64, v verdict) {
	l.mu.Lock()
	before := l.circuit.state
	l.circuit.record(era, v)
	after := l.circuit.state
	l.mu.Unlock()
	l.tell(before, after)
}

func (l *breaker) tell(before, after circuitbreaker.State) {
	if before == after {
		return
	}
	level, event := slog.LevelInfo, BreakerClosed
	switch {
	case after == circuitbreaker.HalfOpenState:
		level, event = slog.LevelDebug, BreakerHalfOpened
	case before == circuitbreaker.HalfOpenState && after == circuitbreaker.OpenState: // once per second for as long as an outage lasts
		level, event = slog.LevelDebug, BreakerOpened
	case after == circuitbreaker.OpenState:
		level, event = slog.LevelWarn, BreakerOpened
	}
	l.metrics.Count(event)
	l.logger.Log(context.Background(), level, "breaker "+stateName(after), "service", l.service)
}

// verdictOf is what a call's end says about the service. That it has too much to do, or refuses us, isn't that it's down.
func verdictOf(res *http.Response, err error) verdict {
	switch {
	case err == nil && res.StatusCode >= http.StatusInternalServerError:
		return failed
	case err == nil:
		return worked
	}
	var b *broken
	if errors.As(err, &b) && b.silent {
		return unknown
	}
	if isTooBig(err) {
		return worked
	}
	switch fail.KindOf(err) {
	case fail.UpstreamUnavailable, fail.UpstreamTimeout, fail.UpstreamInvalidResponse:
		return failed
	default:
		return unknown
	}
}

func (l *breaker) now() (string, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return stateName(l.circuit.state), l.circuit.since
}

// stateName is closed, open or half_open.
func stateName(s circuitbreaker.State) string { return strings.ReplaceAll(s.String(), "-", "_") }
