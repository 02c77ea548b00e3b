package transport

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/balance"
)

// streams opens answers that don't end, for which most of the layers are nothing: there is no time for them as a whole, and
// nobody can read them before they are passed on. What calls learn of the service counts for them and the other way round:
// its breaker, and how its instances are.
type streams struct {
	service  string
	carrier  http.RoundTripper
	balancer Balancer
	breaker  *breaker // nil when there is none
}

// Streams opens answers that don't end by way of the carrier. It has to be one of its own: such connections would be those
// that calls are to have.
func (t *Transport) Streams(carrier http.RoundTripper) http.RoundTripper {
	return &streams{service: t.service, carrier: carrier, balancer: t.balancer, breaker: t.breaker}
}

// openings is how many instances are asked for one stream.
const openings = 3

// RoundTrip is http.RoundTripper's, for requests that may be sent again. Errors are *fail.Error.
func (l *streams) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.breaker == nil {
		return l.open(r)
	}
	era, ok := l.breaker.allow()
	if !ok {
		l.breaker.metrics.Count(BreakerRefused)
		return nil, l.unavailable(errOpen)
	}
	res, err := l.open(r)
	l.breaker.record(era, streamVerdict(r.Context(), res, err))
	return res, err
}

func (l *streams) unavailable(err error) error {
	return &fail.Error{Kind: fail.UpstreamUnavailable, Op: l.service, Service: l.service, Err: err}
}

// open asks one instance after the other, each once.
func (l *streams) open(r *http.Request) (res *http.Response, err error) {
	var tried []*balance.Instance
	for n := 1; ; n++ {
		lease, none := l.balancer.Pick(balance.Request{Avoid: tried, Retryable: n < openings})
		if none != nil {
			if n == 1 {
				err = l.unavailable(none)
			}
			return res, err
		}
		i := lease.Instance()
		if n > 1 && (i == nil || slices.Contains(tried, i)) {
			lease.Done(balance.Neutral, 0)
			return res, err
		}
		if res != nil {
			_ = res.Body.Close()
		}
		if res, err = l.ask(r, lease); n == openings || !elsewhere(r.Context(), res, err) {
			return res, err
		}
		tried = append(tried, i)
	}
}

// ask sends the request to one instance. How that is doing is told by the time to the answer's header alone.
func (l *streams) ask(r *http.Request, lease balance.Lease) (*http.Response, error) {
	sent := r
	if i := lease.Instance(); i != nil {
		sent = r.Clone(r.Context())
		to := i.URL()
		if sent.Host == "" || sent.Host == r.URL.Host {
			sent.Host = to.Host
		}
		sent.URL.Scheme, sent.URL.Host = to.Scheme, to.Host
	}
	began := time.Now()
	res, err := l.carrier.RoundTrip(sent)
	status := 0
	if res != nil {
		status = res.StatusCode
	}
	outcome, why := balance.OutcomeOf(status, err)
	lease.DoneFor(outcome, time.Since(began), why)
	if err != nil {
		return nil, l.unavailable(err)
	}
	return res, nil
}

// elsewhere tells whether another instance may do better.
func elsewhere(ctx context.Context, res *http.Response, err error) bool {
	if err != nil {
		return ctx.Err() == nil
	}
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// streamVerdict is what the beginning of a stream says about the service. Who cancels for taking too long says so by the
// context's cause.
func streamVerdict(ctx context.Context, res *http.Response, err error) verdict {
	switch {
	case err == nil && res.StatusCode >= http.StatusInternalServerError:
		return failed
	case err == nil:
		return worked
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return unknown
	default:
		return failed
	}
}
