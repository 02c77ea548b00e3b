package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/quota"
)

// limited is the layer that keeps to the service's quota: the one that is configured, and what the service says itself.
type limited struct {
	next     http.RoundTripper
	service  string
	quota    *quota.Quota
	attempts int // how often a call is sent that gets 429
	metrics  Metrics
}

// RoundTrip answers as http.RoundTripper does.
func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	s := scopeOf(r)
	for n := 1; ; n++ {
		if err := l.turn(s); err != nil {
			return nil, err
		}
		res, err := l.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		until := quota.Told(res.StatusCode, res.Header, now)
		if until.IsZero() {
			return res, nil
		}
		l.quota.Pause(s, until)
		late := !s.deadline.IsZero() && until.After(s.deadline)
		if res.StatusCode != http.StatusTooManyRequests || late || n >= l.attempts || !s.call.idempotent {
			return res, nil
		}
		discard(res)
		l.metrics.Count(Retried)
	}
}

// turn waits for one.
func (l *limited) turn(s *scope) error {
	err := l.quota.Take(s)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return s.call.stack.ended(s)
	}
	// Also when the deadline came: it's the quota that took the time.
	l.metrics.Count(QuotaRefused)
	return &fail.Error{Kind: fail.UpstreamRateLimited, Op: l.service, Service: l.service, Err: err}
}
