package subscription

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// subscriber is an operation of a WebSocket, and the Sink of its run.
type subscriber struct {
	socket *socket
	id     string
	cancel context.CancelFunc

	// guarded by socket.mu
	endless bool // it's a subscription
	first   bool // its first response was delivered
}

// begin starts an operation. The caller holds mu.
func (s *socket) begin(m message) {
	if s.draining {
		return // the close is on its way
	}
	if old := s.ops[m.id]; old != nil {
		if !s.wire.legacy {
			s.close(closeSubscriber, fmt.Sprintf("Subscriber for %s already exists", m.id))
			return
		}
		// In the older protocol the new one takes its place.
		delete(s.ops, m.id)
		old.cancel()
		s.room.Broadcast()
	}
	params, err := s.handler.options.Params(m.payload)
	switch {
	case err != nil && s.wire.legacy:
		s.send(s.wire.errors(m.id, errorOf(fail.BadRequest, "Invalid payload: "+err.Error()+".")))
		return
	case err != nil:
		s.bad("Invalid message: payload: " + err.Error())
		return
	case s.running >= s.handler.config.MaxOperations:
		s.send(s.wire.errors(m.id, errorOf(fail.ConcurrencyLimited, "The connection has too many operations under way.")))
		return
	case !s.handler.limits.begin(s.client.Account):
		s.send(s.wire.errors(m.id, errorOf(fail.ConcurrencyLimited, "")))
		return
	}
	params.Headers = s.request.Header
	ctx, cancel := context.WithCancel(s.ctx)
	op := &subscriber{socket: s, id: m.id, cancel: cancel}
	s.ops[m.id] = op
	s.running++
	go op.run(ctx, params)
}

// finish is the client's wish to hear no more of an operation. One that it doesn't have was over before it knew. The
// caller holds mu.
func (s *socket) finish(id string) {
	op := s.ops[id]
	switch {
	case op == nil:
	case s.wire.legacy:
		s.complete(op)
	default:
		delete(s.ops, id)
		op.cancel()
		s.room.Broadcast()
	}
	s.closeIfDrained()
}

// complete ends an operation and says so. The caller holds mu.
func (s *socket) complete(op *subscriber) {
	delete(s.ops, op.id)
	op.cancel()
	s.room.Broadcast()
	s.send(envelope("complete", op.id, nil))
}

// run is the operation's goroutine.
func (op *subscriber) run(ctx context.Context, params *graphql.RawParams) {
	s := op.socket
	h := s.handler
	h.options.Metrics.Operations(s.wire.name, 1)
	defer h.options.Metrics.Operations(s.wire.name, -1)
	defer op.cancel()
	errs := h.run(ctx, s.request, params, op)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	h.limits.end(s.client.Account)
	if s.ops[op.id] != op { // somebody ended it before
		return
	}
	if len(errs) > 0 {
		delete(s.ops, op.id)
		s.send(s.wire.errors(op.id, errs))
	} else {
		s.complete(op)
	}
	s.closeIfDrained()
}

// Start is Sink's.
func (op *subscriber) Start(kind ast.Operation) {
	s := op.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	op.endless = kind == ast.Subscription
	if op.endless && s.draining && s.ops[op.id] == op {
		s.complete(op)
		s.closeIfDrained()
	}
}

// Deliver is Sink's.
func (op *subscriber) Deliver(response *graphql.Response) bool {
	s := op.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ops[op.id] != op || s.stage == closing {
		return false
	}
	if response.HasNext != nil && !s.waitForRoom(op) {
		return false
	}
	s.send(envelope(s.wire.next, op.id, encodePart(response, op.first)))
	op.first = true
	return s.stage != closing
}

// encodePart encodes a response; later ones of an operation with deferred parts are increments.
func encodePart(response *graphql.Response, later bool) []byte {
	if later && response.HasNext != nil {
		return incrementJSON(response)
	}
	return responseJSON(response)
}

var _ Sink = (*subscriber)(nil)
