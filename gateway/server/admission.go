package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Admission decides whether an operation may run, and is told what became of it. Errors are *fail.Error; with each of
// them there is a Ticket all the same. Its methods are called concurrently.
type Admission interface {
	// Admit is asked when an operation has passed every check, before anything of it runs.
	Admit(ctx context.Context, header http.Header, operation *graphql.OperationContext) (Ticket, error)
	// Invalid is told of a request whose document or variables were refused: looking at them was work too.
	Invalid(ctx context.Context) (Ticket, error)
}

// Ticket is one operation between Admit and its answer.
type Ticket interface {
	// Instead is the answer to an operation that isn't to be run, nil when it is.
	Instead() *graphql.Response
	// Settle is called exactly once: with the response, which it may add extensions to, before that is sent, or with nil
	// when there is none because nobody waits for it or something panicked.
	Settle(response *graphql.Response)
	// Header adds what the client is told of its budget. It is called once, after Settle.
	Header(h http.Header)
}

// ticketKey is where Paid leaves an operation's Ticket.
const ticketKey = "server.ticket"

// Paid notes the Ticket of an operation that is about to be executed. The server does that itself for those that it asks its
// Admission about.
func Paid(operation *graphql.OperationContext, ticket Ticket) {
	operation.Stats.SetExtension(ticketKey, ticket)
}

// TicketOf is the Ticket of an operation that is executed, nil when there's none.
func TicketOf(operation *graphql.OperationContext) Ticket {
	ticket, _ := operation.Stats.GetExtension(ticketKey).(Ticket)
	return ticket
}

// Identity says who sent a request to /graphql, before its body is read.
type Identity interface {
	// Identify puts the client into the context. The error is a *fail.Error: Unauthenticated for credentials that are
	// missing or wrong, another kind when they can't be checked.
	Identify(ctx context.Context, r *http.Request) (context.Context, error)
	// Challenge is the value of WWW-Authenticate (RFC 9110, section 11.6.1) for an error of Identify.
	Challenge(err error) string
}

// admitted runs an operation that the admission lets through.
func (s *Server) admitted(
	ctx context.Context, w http.ResponseWriter, r *http.Request, operation *graphql.OperationContext,
) (response *graphql.Response, kept Kept) {
	if s.options.Admission == nil {
		return s.answered(ctx, r, operation, nil)
	}
	ticket, err := s.options.Admission.Admit(ctx, r.Header, operation)
	defer func() { // also when running it panics
		ticket.Settle(response)
		ticket.Header(w.Header())
	}()
	if err != nil {
		return s.executor.DispatchError(graphql.WithOperationContext(ctx, operation), gqlerror.List{gqlerror.WrapIfUnwrapped(err)}), nil
	}
	if response = ticket.Instead(); response == nil {
		Paid(operation, ticket)
		response, kept = s.answered(ctx, r, operation, ticket)
	}
	return response, kept
}

// invalid gives the response to a request that was refused for what it says.
func (s *Server) invalid(ctx context.Context, w http.ResponseWriter, operation *graphql.OperationContext, errs gqlerror.List) (response *graphql.Response) {
	if s.options.Admission != nil {
		ticket, err := s.options.Admission.Invalid(ctx)
		defer func() {
			ticket.Settle(response)
			ticket.Header(w.Header())
		}()
		if err != nil {
			errs = gqlerror.List{gqlerror.Wrap(err)}
		}
	}
	return s.executor.DispatchError(graphql.WithOperationContext(ctx, operation), errs)
}

// identified is the context of the client that sent a request.
func (s *Server) identified(ctx context.Context, w http.ResponseWriter, r *http.Request) (context.Context, *problem) {
	if s.options.Identity == nil {
		return ctx, nil
	}
	known, err := s.options.Identity.Identify(ctx, r)
	if err == nil {
		return known, nil
	}
	p := &problem{status: http.StatusServiceUnavailable, kind: fail.KindOf(err)}
	if failure := new(fail.Error); errors.As(err, &failure) {
		p.message = failure.Message()
	}
	if p.kind == fail.Unauthenticated {
		p.status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", s.options.Identity.Challenge(err))
		s.logger.DebugContext(ctx, "a client was refused", "request_id", RequestID(ctx), "cause", err)
	} else {
		p.requestID = RequestID(ctx)
		s.logger.WarnContext(ctx, "a client can't be identified", "request_id", p.requestID, "cause", err)
	}
	return nil, p
}

// refusedBy are the statuses of operations that aren't admitted. They don't depend on the media type: what balances
// load, retries or watches between client and gateway reads no bodies.
var refusedBy = map[string]int{
	fail.TooExpensive.Code():           http.StatusUnprocessableEntity,
	fail.RateLimited.Code():            http.StatusTooManyRequests,
	fail.ConcurrencyLimited.Code():     http.StatusTooManyRequests,
	fail.RateLimiterUnavailable.Code(): http.StatusServiceUnavailable,
}
