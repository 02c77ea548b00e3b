// Package assemble puts a gateway together: an executable schema and a configuration in, a server out.
//
// It is what a team's own main calls, and what cmd/gateway calls with the schema of this repository. It knows which
// part of the configuration belongs to which package and how the parts hold on to each other, from the wire up: one
// transport and one client for each service, the schema's calls, the loaders, the server. It decides nothing else.
// Services are not asked for anything before the first operation, so a gateway starts while they are down; a directive
// that can't work, or a service that gateway.yaml doesn't have, is an error before it starts.
package assemble

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/memory"
	"github.com/tributary-gateway/tributary/gateway/server"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// New makes the gateway of a schema and starts what runs beside requests, such as watching for instances. Close it in the
// end. logger gets what the gateway has to say; nil means silence.
//
// The error is a mistake.List, with every mistake in the schema's directives, or says which part of cfg can't be.
func New(schema graphql.ExecutableSchema, cfg *config.Config, logger *slog.Logger, options ...Option) (*Gateway, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	calls, err := call.Compile(schema.Schema(), cfg.ServiceNames())
	if err != nil {
		return nil, err
	}
	rules, err := authorize.New(schema.Schema())
	if err != nil {
		return nil, err
	}
	g := newGateway(cfg, logger)
	if rules != nil && !engine.Guarded(schema) {
		g.extensions = append(g.extensions, guarded{rules})
	}
	for _, option := range options {
		option(g)
	}
	if err := g.assemble(schema, calls, rules); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// Option changes what a gateway is made of.
type Option func(*Gateway)

// WithKeys adds API keys that are neither in a file nor in Redis, as the demo's.
func WithKeys(keys ...identity.Key) Option {
	return func(g *Gateway) { g.keys = append(g.keys, keys...) }
}

// assemble makes the parts, from the wire up.
func (g *Gateway) assemble(schema graphql.ExecutableSchema, calls *call.Graph, rules *authorize.Rules) error {
	cfg := g.config
	if err := g.openStore(); err != nil {
		return err
	}
	clients := make(map[string]*rest.Client, len(cfg.Services))
	answers := map[string]*reuse.Cache{}
	for _, name := range cfg.ServiceNames() {
		u, err := newUpstream(name, cfg.Services[name], g.answers, g.logger)
		if err != nil {
			return err
		}
		clients[name] = u.client
		answers[name] = u.answers
		g.add(u)
	}
	upstreams, err := loader.New(calls, clients, loader.WithBatchPath(engine.BatchPath), loader.WithAnswers(answers))
	if err != nil {
		return err
	}
	if err := g.openClients(schema.Schema()); err != nil {
		return err
	}
	if err := g.openCaching(schema.Schema(), calls, rules); err != nil {
		return err
	}
	options := server.Options{
		Cache:      g.caching,
		Schema:     schema,
		Logger:     g.logger,
		Identity:   &g.clients,
		Admission:  g.clients.admission,
		Ready:      g.ready,
		Context:    withCaller,
		Recycle:    engine.Recycle,
		Extensions: append(g.extensions, loader.Extension{Upstreams: upstreams}),
	}
	if err := g.openEdge(&options); err != nil {
		return err
	}
	if err := g.openEvents(calls, clients, &options); err != nil {
		return err
	}
	if cfg.Playground.Enabled {
		if options.Playground, err = newPlayground(cfg.Playground); err != nil {
			return err
		}
	}
	if g.server, err = server.New(cfg.Server, options); err != nil {
		return err
	}
	return g.openAdmin()
}

// Run sets what the process may use of memory, serves a schema on the addresses that cfg names until ctx ends, and
// drains. It returns nil after a complete drain. The errors are those of New, of the addresses, and of Serve.
func Run(ctx context.Context, schema graphql.ExecutableSchema, cfg *config.Config, logger *slog.Logger) error {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	memory.Apply(ctx, cfg.Memory, logger)
	g, err := New(schema, cfg, logger)
	if err != nil {
		return err
	}
	defer g.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	logger.InfoContext(ctx, "serving", "address", listener.Addr().String())
	return g.Serve(ctx, listener)
}

// withCaller tells the services what they may know of the client's request.
func withCaller(ctx context.Context, r *http.Request) context.Context {
	caller := &rest.Caller{RequestID: server.RequestID(ctx), Header: r.Header}
	caller.Traceparent, caller.Tracestate = rest.Trace(r.Header)
	if client := identity.From(ctx); client.Authenticated {
		caller.ClientID = client.ID
		caller.Claim = claims(client.Claims)
	}
	return rest.WithCaller(ctx, caller)
}
