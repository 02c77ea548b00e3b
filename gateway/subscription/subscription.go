// Package subscription serves operations that have more than one response, or come over more than one request.
//
// Over WebSockets it speaks graphql-transport-ws and the older graphql-ws; over HTTP, GraphQL over SSE in distinct and in
// single connection mode, and @defer as multipart/mixed. Each operation is run by a Runner, whose responses go through a
// bounded queue: who reads too slowly is cut off, nobody waits for him. An idle WebSocket has one goroutine and two small
// buffers, about 10 KB; each of its operations has one goroutine more. Connections, operations and messages are limited
// per connection and per client. Drain ends everything with what each protocol has for it. The package depends on
// nothing that could be down; who is calling is asked of a port.
package subscription

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Runner executes operations. It is called concurrently.
type Runner interface {
	// Run executes an operation until it has no more responses, ctx ends, or to doesn't want more. What it returns is why
	// the operation wasn't executed, or was ended early, as clients may read it.
	Run(ctx context.Context, params *graphql.RawParams, to Sink) gqlerror.List
}

// Sink takes what an operation has to say. Its methods are called one after the other.
type Sink interface {
	// Start is called once, when the operation passed all checks and before it is executed.
	Start(kind ast.Operation)
	// Deliver takes a response, whose memory it doesn't keep. It is false when nobody wants more.
	Deliver(response *graphql.Response) bool
}

// Client is what is known of who opened a connection.
type Client struct {
	// Account is what is counted by: connections and operations of one account share their limits.
	Account string
	// Expires is when the credentials end, and with them the connection. The zero time is never.
	Expires time.Time
}

// Options are what a Handler works with, next to its Config.
type Options struct {
	// Runner executes operations. It is required.
	Runner Runner
	// Identify says who is calling, and puts that into the context. payload is that of connection_init, nil for everything
	// but WebSockets. The error is a *fail.Error; Unauthenticated and Forbidden mean that the client is refused, others
	// that it can't be checked now. Nil means that nobody asks.
	Identify func(ctx context.Context, r *http.Request, payload map[string]any) (context.Context, Client, error)
	// Context puts what belongs to one operation into its context. Of r there are headers, address and URL, never a body.
	// Nil means nothing.
	Context func(ctx context.Context, r *http.Request) context.Context
	// Params reads the parameters of one operation from JSON. The error's text is for the client. Nil is ReadParams.
	Params func(data []byte) (*graphql.RawParams, error)
	// Answer answers a request to which there is one response and no more, as any other of the gateway's. Nil is plain JSON.
	Answer func(ctx context.Context, w http.ResponseWriter, r *http.Request, response *graphql.Response)
	// Metrics counts. Nil means that nobody does.
	Metrics Metrics
	// Logger gets what ended connections early. Nil is silence.
	Logger *slog.Logger
}

// Metrics is what is measured. Protocols are "graphql-transport-ws", "graphql-ws", "sse" and "multipart".
type Metrics interface {
	// Connections adds to the number of open connections.
	Connections(protocol string, delta int)
	// Operations adds to the number of operations under way.
	Operations(protocol string, delta int)
	// Closed counts connections that the gateway closed, by WebSocket close code.
	Closed(protocol string, code int)
}

// Handler serves what Handles says. It is made by New, and safe for concurrent use.
type Handler struct {
	config  Config
	options Options
	logger  *slog.Logger
	limits  *limits

	mu       sync.Mutex // guards what follows
	draining bool
	open     map[connection]struct{}
	empty    chan struct{} // closed when draining and nothing is open; nil before
	reserved map[string]*stream
}

// connection is something open that Drain ends.
type connection interface {
	// drain ends it in good order, and doesn't wait.
	drain()
	// cut ends it at once.
	cut()
}

// New makes a Handler. The error names everything wrong with the configuration.
func New(config Config, options Options) (*Handler, error) {
	if options.Runner == nil {
		return nil, errors.New("subscription: no Runner")
	}
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("subscription: %w", err)
	}
	h := &Handler{
		config: config.WithDefaults(), options: options, logger: options.Logger,
		open: map[connection]struct{}{}, reserved: map[string]*stream{},
	}
	h.limits = newLimits(h.config)
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	if h.options.Identify == nil {
		h.options.Identify = func(ctx context.Context, _ *http.Request, _ map[string]any) (context.Context, Client, error) {
			return ctx, Client{}, nil
		}
	}
	if h.options.Context == nil {
		h.options.Context = func(ctx context.Context, _ *http.Request) context.Context { return ctx }
	}
	if h.options.Params == nil {
		h.options.Params = ReadParams
	}
	if h.options.Answer == nil {
		h.options.Answer = answerJSON
	}
	if h.options.Metrics == nil {
		h.options.Metrics = noMetrics{}
	}
	return h, nil
}

type noMetrics struct{}

func (noMetrics) Connections(string, int) {}
func (noMetrics) Operations(string, int)  {}
func (noMetrics) Closed(string, int)      {}

// Handles tells whether a request is one for this package: a WebSocket's handshake, anything of GraphQL over SSE, or a
// POST whose client takes its answer in parts.
func (h *Handler) Handles(r *http.Request) bool { return kindOf(r) != other }

// ServeHTTP answers the requests that Handles tells.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch kindOf(r) {
	case handshake:
		h.websocket(w, r)
	case distinct:
		h.distinct(w, r)
	case reserve:
		h.reserve(w, r)
	case attach:
		h.attach(w, r)
	case enter:
		h.enter(w, r)
	case withdraw:
		h.withdraw(w, r)
	case parts:
		h.parts(w, r)
	default:
		refuse(w, http.StatusNotFound, "There is nothing here.")
	}
}

// add notes something that is open. It is false when there is no room for more, or none should come any more.
func (h *Handler) add(c connection) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining || len(h.open) >= h.config.MaxConnections {
		return false
	}
	h.open[c] = struct{}{}
	return true
}

func (h *Handler) remove(c connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, c)
	if h.empty != nil && len(h.open) == 0 {
		close(h.empty)
		h.empty = nil
	}
}

// identify asks who is calling. What panics there costs one connection.
func (h *Handler) identify(ctx context.Context, r *http.Request, payload map[string]any) (known context.Context, c Client, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = h.panicked(ctx, thrown)
		}
	}()
	return h.options.Identify(ctx, r, payload)
}

// run runs an operation. What panics there costs one operation.
func (h *Handler) run(ctx context.Context, r *http.Request, params *graphql.RawParams, to Sink) (errs gqlerror.List) {
	defer func() {
		if thrown := recover(); thrown != nil {
			errs = errorOf(fail.KindOf(h.panicked(ctx, thrown)), "")
		}
	}()
	return h.options.Runner.Run(h.options.Context(context.WithValue(ctx, partsKey{}, true), r), params, to)
}

type partsKey struct{}

// TakesParts tells whether the client of an operation takes its answer in parts, as those of this package do. For others
// @defer means nothing.
func TakesParts(ctx context.Context) bool {
	takes, _ := ctx.Value(partsKey{}).(bool)
	return takes
}

func (h *Handler) panicked(ctx context.Context, thrown any) error {
	h.logger.LogAttrs(ctx, slog.LevelError, "panic in a subscription", slog.Any("cause", thrown), slog.String("stack", string(debug.Stack())))
	return &fail.Error{Kind: fail.Internal, Err: fmt.Errorf("panic: %v", thrown)}
}

// Drain ends everything that is open and refuses what is new: subscriptions are completed at once, and other operations
// may finish; then WebSockets are closed with 1001, and event streams end. It returns when all are gone. When ctx ends
// before, it cuts off the rest and says how many that were.
func (h *Handler) Drain(ctx context.Context) error {
	h.mu.Lock()
	h.draining = true
	all := make([]connection, 0, len(h.open))
	for c := range h.open {
		all = append(all, c)
	}
	gone := make(chan struct{})
	if len(all) == 0 {
		close(gone)
	} else {
		h.empty = gone
	}
	h.mu.Unlock()
	for _, c := range all {
		c.drain()
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	h.mu.Lock()
	all = all[:0]
	for c := range h.open {
		all = append(all, c)
	}
	h.mu.Unlock()
	for _, c := range all {
		c.cut()
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("subscription: %d connections were still open and were cut off", len(all))
}
