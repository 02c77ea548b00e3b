// Package server is the HTTP side of the gateway: a listener's connections in, GraphQL over HTTP out.
//
// It serves any gqlgen schema at /graphql by POST and GET as the GraphQL-over-HTTP draft has it, a playground at /, and
// /healthz and /readyz. A request passes the middleware in the order that Server.handler shows, is read strictly,
// executed under a deadline by gateway/operation, and answered without encoding its data again. Every error passes one
// presenter, which tells clients what gateway/fail lets them read and logs the rest once. Panics cost one field or one
// request, never the process. When the context of Serve ends, the server drains: it says it is not ready, closes
// connections as it answers, and waits for what is under way. The package has no dependency that could be down.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

// Options is what a server works with, next to its Config.
type Options struct {
	// Schema answers operations. It is required.
	Schema graphql.ExecutableSchema
	// Playground answers GET and HEAD for / and everything below /graphiql/. Nil means no playground.
	Playground http.Handler
	// Logger gets the access log and what clients may not read. Nil means silence.
	Logger *slog.Logger
	// Ready says why the gateway can't serve now, for /readyz; the reason goes to the log. Nil means always ready.
	Ready func() error
	// Identity says who sent a request. Nil means that nobody asks.
	Identity Identity
	// Admission decides which operations run. Nil means all of them.
	Admission Admission
	// Cache keeps answers. Nil means that every operation is executed.
	Cache Cache
	// Context puts what belongs to one operation into its context: loaders, the caller. It is called once for each
	// request to /graphql that is one, before its document is looked at. RequestID works on the context it gets.
	Context func(context.Context, *http.Request) context.Context
	// Streams makes what serves operations that have more than one answer. It is called once, by New. Nil means that they
	// aren't served.
	Streams func(*Server) (Streams, error)
	// Events answers /events, and bounds what it reads. Nil means that there is nothing.
	Events http.Handler
	// Recycle gets the data of each response when it was sent, and may use its memory again. Nil means no more than that.
	Recycle func(json.RawMessage)
	// Extensions are gqlgen's, the first outermost.
	Extensions []graphql.HandlerExtension
}

// Server answers HTTP. It is made by New, may be given extensions by Use, and then serves.
type Server struct {
	config   Config
	options  Options
	logger   *slog.Logger
	executor *operation.Executor
	streams  Streams // nil without
	draining atomic.Bool
}

// New makes a server. The error names everything wrong with the configuration.
func New(config Config, options Options) (*Server, error) {
	if options.Schema == nil {
		return nil, errors.New("server: no schema")
	}
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s := &Server{config: config.WithDefaults(), options: options, logger: options.Logger}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	p := presenter{s.logger}
	executor, err := operation.NewExecutor(options.Schema, s.config.Operation, p.present, p.recovered)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s.executor = executor
	for _, extension := range options.Extensions {
		if err := s.Use(extension); err != nil {
			return nil, err
		}
	}
	if options.Streams != nil {
		if s.streams, err = options.Streams(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Use adds an extension inside those that are there. It must not be called once the server serves.
func (s *Server) Use(extension graphql.HandlerExtension) error {
	if err := s.executor.Use(extension); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}

// Handler is what Serve serves, for those who bring their own listener loop, as tests do.
func (s *Server) Handler() http.Handler { return s.handler() }

// handler stacks the middleware; read it from the last line up, as a request goes.
func (s *Server) handler() http.Handler {
	h := s.routes()
	h = s.limitBody(h)     // before anything reads
	h = s.logAccess(h)     // outside the limits: what they refuse is logged too
	h = s.identify(h)      // before the log: it needs the id
	h = s.recoverPanics(h) // outermost, so that nothing gets past it
	return h
}
