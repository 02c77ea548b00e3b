package transport

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/health"
)

// Balancer chooses the instance that an attempt goes to; *balance.Pool is one.
type Balancer interface {
	Pick(r balance.Request) (balance.Lease, error)
}

// nowhere is the balancer of a service whose requests go where their URL says.
type nowhere struct{}

func (nowhere) Pick(balance.Request) (balance.Lease, error) { return balance.Lease{}, nil }

// attempts is the innermost layer: one exchange with one instance, with the answer's body read to its end. What is cut,
// slow or too big is thereby known while something can still be done about it.
type attempts struct {
	carrier   http.RoundTripper // with credentials
	balancer  Balancer
	service   string
	timeout   time.Duration // of an attempt; 0: the call's
	maxBody   int64
	most      int // attempts of a call
	remaining remaining
	metrics   Metrics
}

// attempt is the memory that one takes.
type attempt struct {
	scope

	url url.URL
}

// maxErrorBody is how much of the body of an answer that isn't 2xx is kept, in bytes.
const maxErrorBody = 64 << 10

// RoundTrip answers as http.RoundTripper does; the body is a *body.Body.
func (l *attempts) RoundTrip(r *http.Request) (*http.Response, error) {
	up := scopeOf(r)
	c := up.call
	a, number := c.begin()
	lease, err := l.balancer.Pick(balance.Request{
		Key: c.settings.Key, Avoid: c.avoid(), Retryable: c.idempotent && number < l.most,
	})
	if err != nil {
		return nil, &broken{what: fail.Error{Kind: fail.UpstreamUnavailable, Op: l.service, Service: l.service, Err: err}}
	}
	began := time.Now()
	timeout, end, timed := l.deadline(up, began)
	a.open(c, up, r, end, timed)
	if err = l.address(a, lease.Instance(), number, began); err != nil {
		a.end(context.Canceled)
		lease.Done(balance.Neutral, 0)
		return nil, &broken{what: fail.Error{Kind: fail.Internal, Op: l.service, Service: l.service, Err: err}, silent: true}
	}
	c.try(lease.Instance())
	res, err := l.carrier.RoundTrip(&a.request)
	if err == nil {
		res, err = l.read(a, res)
	}
	took := time.Since(began)
	var b *broken
	if err != nil {
		b = explain(l.service, a.Err(), up.Err(), err, took < timeout/2)
		err = b
	}
	outcome, why := outcomeOf(res, b)
	if lease.Probe() && (outcome == balance.Failure || outcome == balance.Timeout) {
		c.probed.Store(true)
	}
	a.end(context.Canceled)
	lease.DoneFor(outcome, took, why)
	l.metrics.Attempted(outcome, took)
	return res, err
}

// deadline is the attempt's: its timeout, or the end of the call when that comes first.
func (l *attempts) deadline(up *scope, now time.Time) (timeout time.Duration, end time.Time, timed bool) {
	timeout = orDefault(up.call.settings.AttemptTimeout, l.timeout)
	if timeout > 0 {
		if at := now.Add(timeout); up.deadline.IsZero() || at.Before(up.deadline) {
			return timeout, at, true
		}
	}
	if !up.deadline.IsZero() {
		whole := up.deadline.Sub(up.call.began)
		if timeout == 0 || whole < timeout {
			timeout = whole
		}
	}
	return timeout, up.deadline, false
}

// address makes the attempt's request one to the instance.
func (l *attempts) address(a *attempt, i *balance.Instance, number int, now time.Time) error {
	r := &a.request
	if i != nil {
		a.url = *r.URL
		to := i.URL()
		if r.Host == "" || r.Host == r.URL.Host {
			r.Host = to.Host
		}
		a.url.Scheme, a.url.Host = to.Scheme, to.Host
		r.URL = &a.url
	}
	left := l.remaining.of(now, a.deadline)
	if left != nil || a.call.key != "" {
		r.Header = maps.Clone(r.Header)
		if r.Header == nil {
			r.Header = http.Header{}
		}
		if left != nil {
			r.Header[l.remaining.header] = left
		}
		if a.call.key != "" {
			r.Header[idempotencyKey] = []string{a.call.key}
		}
	}
	var err error
	r.Body, err = a.call.body(r, number)
	return err
}

// read reads the answer's body.
func (l *attempts) read(a *attempt, res *http.Response) (*http.Response, error) {
	most := orDefault(a.call.settings.MaxBody, l.maxBody)
	fine := res.StatusCode >= 200 && res.StatusCode <= 299
	if !fine {
		most = min(most, maxErrorBody)
	}
	b, err := body.Read(res, most)
	switch {
	case err == nil:
		res.Body = b
	case fine || a.Err() != nil:
		return nil, &unread{status: res.StatusCode, err: err}
	default: // its status says it all
		res.Body = body.Wrap(nil)
	}
	res.Request = a.call.original
	return res, nil
}

// outcomeOf is what an attempt says about its instance, with the reason of a failure in a word or two.
func outcomeOf(res *http.Response, b *broken) (balance.Outcome, string) {
	switch {
	case b == nil && res.StatusCode >= http.StatusInternalServerError:
		return balance.Failure, strconv.Itoa(res.StatusCode)
	case b == nil:
		return balance.Success, ""
	case b.silent:
		return balance.Neutral, ""
	case b.reason == outOfTime:
		return balance.Timeout, "timeout"
	case errors.Is(b.what.Err, body.ErrTooBig):
		return balance.Success, "" // it does what it's there for
	default:
		return balance.Failure, health.Words(b.what.Err)
	}
}
