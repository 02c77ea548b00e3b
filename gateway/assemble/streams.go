package assemble

import (
	"context"
	"fmt"
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/server"
	"github.com/tributary-gateway/tributary/gateway/subscription"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/event"
	"github.com/tributary-gateway/tributary/upstreams/rest"
)

// streams is what a gateway has for operations with more than one answer.
type streams struct {
	hub     *event.Hub
	handler *subscription.Handler
}

// openEvents makes where subscriptions have their events from, and what serves them.
func (g *Gateway) openEvents(calls *call.Graph, clients map[string]*rest.Client, options *server.Options) (err error) {
	options.Streams = g.openStreams
	if g.streams.hub, err = event.NewHub(g.config.Events, g.clients.redis); err != nil {
		return err
	}
	options.Events = g.streams.hub.Push()
	if calls.Schema.Subscription == nil {
		return nil
	}
	fields, err := event.Read(calls, g.config.ServiceNames())
	if err != nil {
		return err
	}
	services := make(map[string]event.Service, len(clients))
	for _, u := range g.upstreams {
		services[u.name] = u.events
	}
	sources, err := event.New(g.config.Events, event.Options{Schema: calls.Schema, Fields: fields, Services: services, Hub: g.streams.hub})
	if err != nil {
		return err
	}
	options.Extensions = append(options.Extensions, event.Extension{Sources: sources})
	return nil
}

// openStreams makes the server's Streams.
func (g *Gateway) openStreams(s *server.Server) (server.Streams, error) {
	execution := subscription.Execution{
		Executor: s.Executor(), Created: s.Created, Admission: admitting{g.clients.admission},
		Timeout: g.config.Server.WithDefaults().OperationTimeout,
	}
	runner, err := subscription.NewRunner(execution)
	if err != nil {
		return nil, err
	}
	g.streams.handler, err = subscription.New(g.config.Subscriptions, subscription.Options{
		Runner: runner, Identify: g.clients.identifyInit, Context: withCaller, Params: s.ReadParams, Answer: s.Answer, Logger: g.logger,
	})
	if err != nil {
		return nil, fmt.Errorf("subscriptions: %w", err)
	}
	return g.streams.handler, nil
}

// close cuts off what is still open.
func (s *streams) close() {
	if s.handler != nil {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.handler.Drain(now) // whoever wants to know has drained before
	}
	if s.hub != nil {
		_ = s.hub.Close() // ends subscriptions, of which there are none any more
	}
}

// identifyInit says who opens a connection that lasts. payload is that of a WebSocket's first message.
func (c *clients) identifyInit(ctx context.Context, r *http.Request, payload map[string]any) (context.Context, subscription.Client, error) {
	client, err := c.identity.IdentifyInit(ctx, payload, r)
	if err != nil {
		return ctx, subscription.Client{}, err
	}
	return c.admission.Informed(identity.With(ctx, client)), subscription.Client{Account: client.Account(), Expires: client.Expires}, nil
}

// admitting is the admission as the runner of subscriptions knows it.
type admitting struct{ admission *admission.Admission }

func (a admitting) Admit(ctx context.Context, header http.Header, op *graphql.OperationContext) (subscription.Ticket, error) {
	ticket, err := a.admission.Admit(ctx, header, op)
	server.Paid(op, ticket)
	return ticket, err
}

func (a admitting) Invalid(ctx context.Context) (subscription.Ticket, error) {
	return a.admission.Invalid(ctx)
}
