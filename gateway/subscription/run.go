package subscription

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Admission decides which operations run and which events are delivered. Errors are *fail.Error; with each of them there
// is a Ticket all the same. Its methods are called concurrently.
type Admission interface {
	// Admit is asked before anything of an operation runs; for a subscription, which is then settled at once with null, it
	// is asked again for each event before that is delivered.
	Admit(ctx context.Context, header http.Header, operation *graphql.OperationContext) (Ticket, error)
	// Invalid is told of a document or variables that were refused.
	Invalid(ctx context.Context) (Ticket, error)
}

// Ticket is something that was admitted, and what became of it.
type Ticket interface {
	// Instead is the answer to an operation that isn't to be run, nil when it is. Events aren't asked.
	Instead() *graphql.Response
	// Settle is called exactly once: with the response, which it may add extensions to, or with nil when there is none.
	// An operation with deferred parts is settled with its first, which says so by HasNext.
	Settle(response *graphql.Response)
	// Header adds what the client is told of its budget, where there is still an answer with headers.
	Header(h http.Header)
}

// withHeader is a Sink whose answer has headers that can still be set when nothing was delivered.
type withHeader interface{ Header() http.Header }

func tell(ticket Ticket, to Sink) {
	if to, ok := to.(withHeader); ok {
		ticket.Header(to.Header())
	}
}

// Execution is how a Runner made by NewRunner works.
type Execution struct {
	// Executor checks and executes. It is required.
	Executor graphql.GraphExecutor
	// Admission decides what runs. Nil means everything.
	Admission Admission
	// Timeout is the deadline of queries and mutations. 0 means none.
	Timeout time.Duration
	// Created is told of each operation that passed all checks, for logs. May be nil.
	Created func(ctx context.Context, operation *graphql.OperationContext)
}

// NewRunner makes a Runner of an executor.
func NewRunner(e Execution) (Runner, error) {
	if e.Executor == nil {
		return nil, errors.New("subscription: no executor")
	}
	return &e, nil
}

// Run is Runner's.
func (e *Execution) Run(ctx context.Context, params *graphql.RawParams, to Sink) (errs gqlerror.List) {
	ctx = graphql.StartOperationTrace(ctx)
	defer func() {
		if thrown := recover(); thrown != nil {
			err := &fail.Error{Kind: fail.Internal, Op: "operation", Err: fmt.Errorf("panic: %v", thrown)}
			errs = e.present(ctx, err)
		}
	}()
	created, wrong := e.Executor.CreateOperationContext(ctx, params)
	ctx = graphql.WithOperationContext(ctx, created)
	if wrong != nil {
		return e.invalid(ctx, wrong, to)
	}
	if e.Created != nil {
		e.Created(ctx, created)
	}
	if created.Operation.Operation == ast.Subscription {
		return e.subscribe(ctx, params.Headers, created, to)
	}
	return e.once(ctx, params.Headers, created, to)
}

// present makes of an error what clients may read.
func (e *Execution) present(ctx context.Context, err error) gqlerror.List {
	return e.Executor.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(err)}).Errors
}

func (e *Execution) invalid(ctx context.Context, errs gqlerror.List, to Sink) gqlerror.List {
	if e.Admission != nil {
		ticket, err := e.Admission.Invalid(ctx)
		tell(ticket, to)
		defer ticket.Settle(nil)
		if err != nil {
			return e.present(ctx, err)
		}
	}
	return e.Executor.DispatchError(ctx, errs).Errors
}

// once runs a query or a mutation, which has more than one response when parts of it are deferred.
func (e *Execution) once(ctx context.Context, header http.Header, created *graphql.OperationContext, to Sink) gqlerror.List {
	// Whoever leaves, or wants no more, ends what is deferred.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if e.Timeout > 0 {
		timed, cancel := context.WithTimeout(ctx, e.Timeout)
		defer cancel()
		ctx = timed
	}
	var first *graphql.Response
	if e.Admission != nil {
		ticket, err := e.Admission.Admit(ctx, header, created)
		settled := false
		settle := func() {
			if !settled {
				settled = true
				ticket.Settle(first)
			}
		}
		defer settle() // also when something panics
		tell(ticket, to)
		if err != nil {
			return e.present(ctx, err)
		}
		to.Start(created.Operation.Operation)
		if first = ticket.Instead(); first != nil {
			settle()
			to.Deliver(first)
			return nil
		}
		return e.responses(ctx, created, to, func(response *graphql.Response) { first = response; settle() })
	}
	to.Start(created.Operation.Operation)
	return e.responses(ctx, created, to, func(*graphql.Response) {})
}

// responses delivers all responses of a query or a mutation. began is called with the first.
func (e *Execution) responses(ctx context.Context, created *graphql.OperationContext, to Sink, began func(*graphql.Response)) gqlerror.List {
	next, ctx := e.Executor.DispatchOperation(ctx, created)
	response := next(ctx)
	if response == nil {
		if ctx.Err() == nil || errors.Is(ctx.Err(), context.Canceled) {
			return nil
		}
		return e.present(ctx, ctx.Err()) // gqlgen answers nothing once the deadline has passed
	}
	began(response)
	for to.Deliver(response) && response.HasNext != nil && *response.HasNext {
		if response = next(ctx); response == nil {
			break
		}
	}
	if response == nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return e.present(ctx, ctx.Err())
	}
	return nil
}

// subscribe runs a subscription. Its memory is what an idle one costs, so that the loop is all that stays on the stack.
func (e *Execution) subscribe(ctx context.Context, header http.Header, created *graphql.OperationContext, to Sink) gqlerror.List {
	if e.Admission != nil {
		ticket, err := e.Admission.Admit(ctx, header, created)
		if err != nil {
			ticket.Settle(nil)
			return e.present(ctx, err)
		}
		ticket.Settle(&graphql.Response{Data: []byte("null")})
	}
	to.Start(ast.Subscription)
	next, ctx := e.Executor.DispatchOperation(ctx, created)
	for {
		response := next(ctx)
		if response == nil {
			return nil
		}
		if e.Admission != nil {
			ticket, err := e.Admission.Admit(ctx, header, created)
			if err != nil {
				ticket.Settle(nil)
				return e.present(ctx, err)
			}
			ticket.Settle(response)
		}
		if !to.Deliver(response) {
			return nil
		}
	}
}
