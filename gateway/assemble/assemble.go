// Package assemble puts a gateway together: an executable schema and a configuration in, a server out.
//
// It is what a team's own main calls, and what cmd/gateway calls with the schema of this repository. It knows which
// part of the configuration belongs to which package and how the parts hold on to each other, from the wire up: one
// transport and one client for each service, the schema's calls, the loaders, the server. It decides nothing else and
// has no state. Services are not asked for anything before the first operation, so a gateway starts while they are
// down; a directive that can't work, or a service that gateway.yaml doesn't have, is an error before it starts.
package assemble

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/memory"
	"github.com/tributary-gateway/tributary/gateway/server"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/rest"
)

// Server makes the server of a schema. logger gets what the gateway has to say; nil means silence.
//
// The error is a call.Problems, with every mistake in the schema's directives, or says which part of cfg can't be.
func Server(schema graphql.ExecutableSchema, cfg *config.Config, logger *slog.Logger) (*server.Server, error) {
	calls, err := call.Compile(schema.Schema(), cfg.ServiceNames())
	if err != nil {
		return nil, err
	}
	services := make(map[string]*rest.Client, len(cfg.Services))
	for name, section := range cfg.Services {
		if services[name], err = newService(name, section); err != nil {
			return nil, err
		}
	}
	upstreams, err := loader.New(calls, services, loader.WithBatchPath(engine.BatchPath))
	if err != nil {
		return nil, err
	}
	options := server.Options{
		Schema:     schema,
		Logger:     logger,
		Context:    withCaller,
		Recycle:    engine.Recycle,
		Extensions: []graphql.HandlerExtension{loader.Extension{Upstreams: upstreams}},
	}
	if cfg.Playground.Enabled {
		if options.Playground, err = newPlayground(cfg.Playground); err != nil {
			return nil, err
		}
	}
	return server.New(cfg.Server, options)
}

// Run sets what the process may use of memory, serves a schema on the address that cfg names until ctx ends, and drains. It returns nil after a complete drain.
// The errors are those of Server, of the address, and of server.Serve.
func Run(ctx context.Context, schema graphql.ExecutableSchema, cfg *config.Config, logger *slog.Logger) error {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	memory.Apply(ctx, cfg.Memory, logger)
	s, err := Server(schema, cfg, logger)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	logger.InfoContext(ctx, "serving", "address", listener.Addr().String())
	return s.Serve(ctx, listener)
}

// withCaller tells the services what they may know of the client's request.
func withCaller(ctx context.Context, r *http.Request) context.Context {
	return rest.WithCaller(ctx, &rest.Caller{
		RequestID:   server.RequestID(ctx),
		Traceparent: r.Header.Get("Traceparent"),
		Tracestate:  r.Header.Get("Tracestate"),
		Header:      r.Header,
	})
}
