package assemble

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/credential"
	"github.com/tributary-gateway/tributary/upstreams/discovery"
	"github.com/tributary-gateway/tributary/upstreams/event"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/transport"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// upstream is one service: how it's spoken to, and what is known of its instances.
type upstream struct {
	name      string
	source    discovery.Source
	pool      *balance.Pool
	transport *transport.Transport
	client    *rest.Client
	events    event.Service // what subscriptions need of it
	stopping  func()        // closes the connections of event streams
	answers   *reuse.Cache
	ending    func()        // of what it hears of purges
	fixed     bool          // the instances stand in the configuration
	found     chan struct{} // closed when the instances are known
}

// newUpstream makes the parts of one service, from its connections up.
func newUpstream(name string, section config.Service, kept *store.Store, logger *slog.Logger) (*upstream, error) {
	u := &upstream{name: name, fixed: section.Discover == nil, found: make(chan struct{})}
	if err := u.assemble(section, kept, logger); err != nil {
		return nil, fmt.Errorf("service %s: %w", name, err)
	}
	return u, nil
}

func (u *upstream) assemble(section config.Service, kept *store.Store, logger *slog.Logger) (err error) {
	secured, err := credential.TLS(section.TLS, credential.Options{Service: u.name, Logger: logger})
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	carrier, err := transport.NewCarrier(section.Connections, secured)
	if err != nil {
		return err
	}
	if u.source, err = discovery.New(section.Places(), discovery.Options{Service: u.name, Logger: logger}); err != nil {
		return err
	}
	u.pool, err = balance.New(section.Balance, balance.Options{
		Health: section.Health, Carrier: carrier, Logger: logger.With("service", u.name),
	})
	if err != nil {
		return err
	}
	credentials, err := credential.New(section.Credentials, credential.Options{
		Service: u.name, Logger: logger, Idempotent: transport.Idempotent,
	})
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	u.transport, err = transport.New(section.Config, transport.Options{
		Service: u.name, Balancer: u.pool, Credentials: credentials, Carrier: carrier,
		MaxBody: int64(section.MaxBody), Logger: logger, // the timeout is the caller's to set: a call may have one of its own
	})
	if err != nil {
		return err
	}
	s := rest.Service{
		Name:      u.name,
		Base:      section.Base(u.name),
		Transport: u.transport,
		Timeout:   section.Timeout,
		MaxBody:   int64(section.MaxBody),
		UserAgent: section.UserAgent,
		Headers:   map[string]string{},
		Forward:   section.Forward,
	}
	for header, value := range section.Headers {
		s.Headers[header] = value.Reveal()
	}
	if s.Errors, err = errorRules(section.Errors); err != nil {
		return err
	}
	if section.Balance.Hash != "" {
		if s.BalanceBy, err = template.Parse(section.Balance.Hash); err != nil {
			return fmt.Errorf("balance: hash: %w", err)
		}
	}
	u.answers, err = reuse.New(section.Cache, reuse.Options{
		Service: u.name, Store: kept, Timeout: section.Timeout, MaxBody: int64(section.MaxBody),
		Check: func(res *http.Response, body []byte) error { return u.client.Check(res, body) },
	})
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	u.ending = kept.OnPurge(func([]string) { u.transport.Separate() })
	s.Transport = u.answers.Layer(u.transport) // also when nothing is kept: it tells operations what answers say
	if u.client, err = rest.NewClient(s); err != nil {
		return err
	}
	return u.openStreams(section, secured, credentials)
}

// errorRules reads the JSON Pointers.
func errorRules(section config.Errors) (rules rest.ErrorRules, err error) {
	for _, rule := range []struct {
		text string
		to   **view.Pointer
	}{
		{section.When, &rules.When},
		{section.Message, &rules.Message},
		{section.Code, &rules.Code},
	} {
		if rule.text == "" {
			continue
		}
		pointer, err := view.ParsePointer(rule.text)
		if err != nil {
			return rules, err
		}
		*rule.to = &pointer
	}
	return rules, nil
}

// watch keeps the pool up to date until ctx ends.
func (u *upstream) watch(ctx context.Context) {
	known := sync.OnceFunc(func() { close(u.found) })
	// Sources end without an error when ctx does.
	_ = u.source.Watch(ctx, func(instances []discovery.Instance) {
		u.pool.Update(instances)
		known()
	})
}

// state is what operators see of the service.
func (u *upstream) state() any {
	return struct {
		Instances []balance.InstanceState `json:"instances"`
		Calls     any                     `json:"calls"`
	}{u.pool.State(), u.transport.State()}
}

func (u *upstream) close() {
	u.ending()
	u.pool.Close()
	u.transport.Close()
	u.stopping()
}
