// Package server is the HTTP side of the gateway: a listener's connections in, GraphQL over HTTP out.
//
// It serves any gqlgen schema at /graphql by POST and GET as the GraphQL-over-HTTP draft has it, a playground at /, and
// /healthz and /readyz. A request passes the middleware in the order that Server.handler shows, is read strictly, has its
// documents found by name where it names them, is executed under a deadline by gateway/operation, and answered without
// encoding its data again. Every error passes one
// presenter, which tells clients what gateway/fail lets them read and logs the rest once. Panics cost one field or one
// request, never the process. When the context of Serve ends, the server drains: it says it is not ready, closes
// connections as it answers, and waits for what is under way. The package has no dependency that could be down.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/documents"
	"github.com/tributary-gateway/tributary/gateway/edge"
	"github.com/tributary-gateway/tributary/gateway/edge/batch"
	"github.com/tributary-gateway/tributary/gateway/operation"
	"github.com/tributary-gateway/tributary/gateway/upload"
)

// Options is what a server works with, next to its Config.
type Options struct {
	// Schema answers operations. It is required.
	Schema graphql.ExecutableSchema
	// Edge is what stands between the network and the handlers. Nil means one with every default.
	Edge *edge.Edge
	// Documents finds the documents that clients name instead of sending them. Nil means that each request has its text.
	Documents *documents.Documents
	// Plan is the name of the plan of the client that the context belongs to, for Documents. Nil means none.
	Plan func(context.Context) string
	// Uploads says whether requests may bring files.
	Uploads upload.Config
	// Batching says whether one request may have several operations.
	Batching batch.Config
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
	recall   *recall // nil when requests aren't remembered
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
	if err := s.complete(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	p := presenter{s.logger}
	executor, err := operation.NewExecutor(options.Schema, s.config.Operation, p.present, p.recovered)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s.executor = executor
	if err := s.Use(named{s.options.Documents, options.Plan}); err != nil {
		return nil, err
	}
	for _, extension := range options.Extensions {
		if err := s.Use(extension); err != nil {
			return nil, err
		}
	}
	if s.recalls() {
		s.recall = &recall{seed: maphash.MakeSeed()}
	}
	if options.Streams != nil {
		if s.streams, err = options.Streams(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// complete makes the parts that the options leave out.
func (s *Server) complete() (err error) {
	o := &s.options
	if o.Edge == nil {
		if o.Edge, err = edge.New(edge.Config{}, edge.Options{MaxBodyBytes: s.config.MaxBodyBytes, Logger: s.logger}); err != nil {
			return err
		}
	}
	if o.Documents == nil {
		none := documents.Config{Automatic: documents.Automatic{Disabled: true}}
		if o.Documents, err = documents.New(none, documents.Options{Logger: s.logger}); err != nil {
			return err
		}
	}
	o.Uploads, o.Batching = o.Uploads.WithDefaults(), o.Batching.WithDefaults()
	return errors.Join(o.Uploads.Validate(), o.Batching.Validate())
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
	e := s.options.Edge
	h := s.routes()        // GraphQL is guarded against forged requests there
	h = e.Compress(h)      // inside the log, which counts what is sent
	h = e.Inflate(h)       // bounds what a body becomes
	h = s.limitBody(h)     // bounds what comes, before anything reads
	h = e.CrossOrigin(h)   // preflights end here
	h = s.logAccess(h)     // outside the limits: what they refuse is logged too
	h = e.Secure(h)        // whatever is answered further in has these headers
	h = s.identify(h)      // before the log: it needs the id
	h = s.recoverPanics(h) // outermost, so that nothing gets past it
	return h
}
