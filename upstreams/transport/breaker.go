package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

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

// breakerState is closed when calls go through.
type breakerState uint8

const (
	breakerClosed breakerState = iota
	breakerOpen
	breakerHalfOpen
)

func (s breakerState) String() string { return [...]string{"closed", "open", "half_open"}[s] }

// verdict is what a call's end says about the service.
type verdict uint8

const (
	worked verdict = iota
	failed
	unknown // the caller left, or the call wasn't sent
)

// windowParts is how many parts a breaker's window has.
const windowParts = 10

// circuit is the breaker's arithmetic. It isn't safe for concurrent use.
type circuit struct {
	config BreakerConfig
	state  breakerState
	era    uint64    // counts changes: what belongs to an earlier era says nothing any more
	since  time.Time // the last change
	trying time.Time // half open: when the one that tries began; zero: nobody does
	row    int       // failures in a row
	parts  [windowParts]struct {
		number        int64 // which part of all time this is
		calls, failed int
	}
}

// allow tells whether a call may go, and gives the era for its record.
func (b *circuit) allow(now time.Time) (era uint64, ok bool) {
	switch b.state {
	case breakerClosed:
		return b.era, true
	case breakerOpen:
		if now.Sub(b.since) < b.config.OpenFor {
			return 0, false
		}
		b.change(breakerHalfOpen, now)
	case breakerHalfOpen:
		if !b.trying.IsZero() && now.Sub(b.trying) < b.config.OpenFor {
			return 0, false
		}
	}
	b.trying = now
	return b.era, true
}

// record takes a call's verdict.
func (b *circuit) record(now time.Time, era uint64, v verdict) {
	if era != b.era {
		return
	}
	switch {
	case b.state == breakerHalfOpen:
		switch v {
		case worked:
			b.change(breakerClosed, now)
		case failed:
			b.change(breakerOpen, now)
		case unknown:
			b.trying = time.Time{}
		}
	case v == unknown:
	default:
		b.count(now, v == failed)
	}
}

func (b *circuit) count(now time.Time, failed bool) {
	length := max(1, int64(b.config.Window)/windowParts)
	number := now.UnixNano() / length
	p := &b.parts[uint64(number)%windowParts]
	if p.number != number {
		p.number, p.calls, p.failed = number, 0, 0
	}
	p.calls++
	if !failed {
		b.row = 0
		return
	}
	p.failed++
	b.row++
	calls, failures := 0, 0
	for i := range b.parts {
		if number-b.parts[i].number < windowParts {
			calls += b.parts[i].calls
			failures += b.parts[i].failed
		}
	}
	if b.row >= b.config.Failures || calls >= b.config.MinCalls && float64(failures) >= b.config.FailureRate*float64(calls) {
		b.change(breakerOpen, now)
	}
}

func (b *circuit) change(to breakerState, now time.Time) {
	fresh := circuit{config: b.config, state: to, era: b.era + 1, since: now}
	*b = fresh
}

// breaker is the layer that fails calls at once while the service is down. It hears of whole calls: what a retry saved
// worked.
type breaker struct {
	next    http.RoundTripper
	service string
	logger  *slog.Logger
	metrics Metrics

	mu      sync.Mutex // guards circuit
	circuit circuit
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
	now := time.Now()
	l.mu.Lock()
	before := l.circuit.state
	l.circuit.record(now, era, v)
	after := l.circuit.state
	l.mu.Unlock()
	l.tell(before, after)
}

func (l *breaker) tell(before, after breakerState) {
	if before == after {
		return
	}
	level, event := slog.LevelInfo, BreakerClosed
	switch {
	case after == breakerHalfOpen:
		level, event = slog.LevelDebug, BreakerHalfOpened
	case before == breakerHalfOpen && after == breakerOpen: // once per second for as long as an outage lasts
		level, event = slog.LevelDebug, BreakerOpened
	case after == breakerOpen:
		level, event = slog.LevelWarn, BreakerOpened
	}
	l.metrics.Count(event)
	l.logger.Log(context.Background(), level, "breaker "+after.String(), "service", l.service)
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

func (l *breaker) now() (breakerState, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.circuit.state, l.circuit.since
}
