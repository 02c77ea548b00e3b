package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/playground"
	"github.com/tributary-gateway/tributary/gateway/server"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/resolvers"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/transport"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// run serves what cfg says until ctx ends.
func run(ctx context.Context, cfg *config.Config, logger *slog.Logger) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return runOn(ctx, listener, cfg, logger)
}

// runOn is run on a listener, which it closes.
func runOn(ctx context.Context, listener net.Listener, cfg *config.Config, logger *slog.Logger) error {
	s, err := newServer(cfg, logger)
	if err != nil {
		return fmt.Errorf("%w%s", err, closing(listener))
	}
	logger.InfoContext(ctx, "serving", "address", listener.Addr().String())
	return s.Serve(ctx, listener)
}

// closing closes the listener of a server that can't be made, and tells only if that fails too.
func closing(l net.Listener) string {
	if err := l.Close(); err != nil {
		return " (and " + err.Error() + ")"
	}
	return ""
}

// newServer puts the gateway together, from the wire up: transports, services, loaders, schema, server.
func newServer(cfg *config.Config, logger *slog.Logger) (*server.Server, error) {
	schema := newSchema()
	calls, err := call.Compile(schema.Schema(), slices.Sorted(maps.Keys(cfg.Services)))
	if err != nil {
		return nil, err
	}
	services := make(map[string]*rest.Client, len(cfg.Services))
	for name, section := range cfg.Services {
		if services[name], err = newService(name, section); err != nil {
			return nil, err
		}
	}
	upstreams, err := loader.New(calls, services)
	if err != nil {
		return nil, err
	}
	options := server.Options{
		Schema:     schema,
		Logger:     logger,
		Context:    withCaller,
		Extensions: []graphql.HandlerExtension{loader.Extension{Upstreams: upstreams}},
	}
	if cfg.Playground.Enabled {
		if options.Playground, err = newPlayground(cfg.Playground); err != nil {
			return nil, err
		}
	}
	return server.New(cfg.Server, options)
}

// newSchema is the executable schema of this gateway's graph.
func newSchema() graphql.ExecutableSchema {
	return graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{}})
}

// newService makes the client of one service, with its own pool of connections.
func newService(name string, section config.Service) (*rest.Client, error) {
	carrier, err := transport.New(transport.Config{})
	if err != nil {
		return nil, err
	}
	s := rest.Service{
		Name:      name,
		Base:      section.URL,
		Transport: carrier,
		Timeout:   section.Timeout,
		MaxBody:   int64(section.MaxBody),
		UserAgent: section.UserAgent,
		Headers:   map[string]string{},
		Forward:   section.Forward,
	}
	for header, value := range section.Headers {
		s.Headers[header] = value.Reveal()
	}
	for _, rule := range []struct {
		text string
		to   **view.Pointer
	}{
		{section.Errors.When, &s.Errors.When},
		{section.Errors.Message, &s.Errors.Message},
		{section.Errors.Code, &s.Errors.Code},
	} {
		if rule.text == "" {
			continue
		}
		pointer, err := view.ParsePointer(rule.text)
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", name, err)
		}
		*rule.to = &pointer
	}
	return rest.NewClient(s)
}

func newPlayground(section config.Playground) (http.Handler, error) {
	headers := ""
	if len(section.Headers) > 0 {
		text, err := json.MarshalIndent(section.Headers, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("playground headers: %w", err)
		}
		headers = string(text)
	}
	return playground.New(playground.Config{
		Title:    section.Title,
		Endpoint: "/graphql",
		Query:    section.Query,
		Headers:  headers,
	})
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
