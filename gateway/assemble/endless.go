package assemble

import (
	"crypto/tls"
	"net/http"

	"github.com/tributary-gateway/tributary/gateway/config"
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
		Transport: u.transport.Streams(credentials(carrier)),
	}
	for header, value := range section.Headers {
		u.events.Headers[header] = value.Reveal()
	}
	return nil
}
