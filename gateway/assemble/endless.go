package assemble

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/event"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// openStreams makes what subscriptions need of a service. Event streams have connections of their own: they don't end, and
// would take all of those that calls are to have.
func (u *upstream) openStreams(section config.Service, secured *tls.Config, credentials func(http.RoundTripper) http.RoundTripper) error {
	carrier, err := transport.NewNetHTTP(section.Connections, secured)
	if err != nil {
		return err
	}
	carrier.MaxConnsPerHost = 0 // those who subscribe have limits
	u.stopping = carrier.CloseIdleConnections
	u.events = event.Service{
		Client: u.client, Base: section.Base(u.name), Forward: section.Forward, Headers: map[string]string{},
		Transport: endless{service: u.name, pool: u.pool, carrier: credentials(carrier)},
	}
	for header, value := range section.Headers {
		u.events.Headers[header] = value.Reveal()
	}
	return nil
}

// endless sends requests to instances of a service and doesn't wait for the end of their answers.
type endless struct {
	service string
	pool    *balance.Pool
	carrier http.RoundTripper
}

// RoundTrip is http.RoundTripper's. How an instance is doing is told by the time to the answer's header alone.
func (e endless) RoundTrip(r *http.Request) (*http.Response, error) {
	lease, err := e.pool.Pick(balance.Request{})
	if err != nil {
		return nil, &fail.Error{Kind: fail.UpstreamUnavailable, Op: e.service, Service: e.service, Err: err}
	}
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
	res, err := e.carrier.RoundTrip(sent)
	status := 0
	if res != nil {
		status = res.StatusCode
	}
	outcome, why := balance.OutcomeOf(status, err)
	lease.DoneFor(outcome, time.Since(began), why)
	return res, err
}
