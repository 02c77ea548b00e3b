// Package engine executes GraphQL operations over gqlgen schemas, breadth first.
//
// It knows how an operation runs, and nothing of what the schema is about. New wraps the executable schema that gqlgen
// generated; Bindings, generated next to it, say which Go calls stand behind the fields. An operation is compiled once
// into a plan that lives as long as its document. Running it has two phases. Resolving goes field by field, each over
// all objects of its level at once: a batch resolver is called one time with all of them, and as soon as a field has
// its results the fields below them start, whatever its siblings do. Writing then walks the results depth first and
// appends to one buffer; properties of views are copied there as bytes.
//
// Introspection fields run in gqlgen's executor, and so do fields with run-time directives; whole operations do when they
// subscribe, use directives of their own in the document, when field interceptors are installed, or when their plan would
// be too big. What they have under @defer comes with the rest then, and so it does for clients that don't take parts. The
// engine does no I/O: what a resolver can't do is an error of its field.
package engine

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Tracker is told about the tasks of one operation, so that loaders can see when no further key can come. Its methods
// are called concurrently.
type Tracker interface {
	// Start announces that n tasks are about to run.
	Start(n int)
	// Done says that a task has ended, and that the tasks which it led to were announced.
	Done()
}

// Option changes how the engine runs.
type Option func(*schema)

// WithTracker reports the tasks of every operation to the Tracker that of finds in its context.
func WithTracker(of func(ctx context.Context) Tracker) Option {
	return func(s *schema) { s.trackerOf = of }
}

// WithConcurrency limits how many calls of one single resolver run side by side, over all objects of a level; the default
// is 256. Resolvers that wait in a loader count, so a small limit makes small batches. Values below 1 mean 1.
func WithConcurrency(n int) Option {
	return func(s *schema) { s.concurrency = max(n, 1) }
}

// WithParts says who takes an answer in parts: for others @defer changes nothing. The default is everybody.
func WithParts(takes func(ctx context.Context) bool) Option {
	return func(s *schema) { s.takesParts = takes }
}

const defaultConcurrency = 256

// New is generated with another executor. Schema and Complexity stay as they are.
func New(generated graphql.ExecutableSchema, bindings *Bindings, options ...Option) graphql.ExecutableSchema {
	s := &schema{
		ExecutableSchema: generated,
		bindings:         bindings,
		plans:            newPlans(generated.Schema(), bindings),
		plain:            plainMiddleware(generated),
		trackerOf:        func(context.Context) Tracker { return nil },
		concurrency:      defaultConcurrency,
		takesParts:       func(context.Context) bool { return true },
	}
	for _, option := range options {
		option(s)
	}
	s.plans.guard = s.guard
	if events, ok := generated.(graphql.ExecutableSchemaWithEventContext); ok {
		return &eventSchema{schema: s, events: events}
	}
	return s
}

type schema struct {
	graphql.ExecutableSchema

	bindings    *Bindings
	plans       *plans
	plain       middleware
	trackerOf   func(context.Context) Tracker
	concurrency int
	guard       Guard // nil when nothing is denied
	takesParts  func(context.Context) bool
}

// eventSchema passes on what gqlgen's executor looks for when subscriptions have a context per event.
type eventSchema struct {
	*schema

	events graphql.ExecutableSchemaWithEventContext
}

// ExecWithEventContext is the generated schema's, behind the guard.
func (s *eventSchema) ExecWithEventContext(ctx context.Context) graphql.ResponseHandlerWithContext {
	op := graphql.GetOperationContext(ctx)
	if _, refused := s.check(ctx, op); refused != nil {
		refusal := Refuse(refused)
		return func(ctx context.Context) (context.Context, *graphql.Response) { return ctx, refusal(ctx) }
	}
	if op = whole(op); op == graphql.GetOperationContext(ctx) {
		return s.events.ExecWithEventContext(ctx)
	}
	next := s.events.ExecWithEventContext(graphql.WithOperationContext(ctx, op))
	return func(ctx context.Context) (context.Context, *graphql.Response) {
		return next(graphql.WithOperationContext(ctx, op))
	}
}

// Exec runs the operation in ctx when the handler it returns is called for the first time. Data of the response may be
// given back with Recycle once it's sent.
func (s *schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	plain := s.plain.is(op)
	denials, refused := s.check(ctx, op)
	if refused != nil {
		return Refuse(refused)
	}
	if op.Operation.Operation == ast.Subscription || !plain {
		return s.generated(ctx, op)
	}
	p := s.plans.of(op.Doc, op.Operation, false)
	if p != nil && p.defers && s.takesParts(ctx) {
		if inParts := s.plans.of(op.Doc, op.Operation, true); inParts != nil {
			p = inParts
		}
	}
	if p == nil {
		return s.generated(ctx, op)
	}
	begun := false
	var rest *parts
	return func(ctx context.Context) *graphql.Response {
		if begun {
			return rest.next(ctx)
		}
		begun = true
		var response *graphql.Response
		response, rest = s.execute(ctx, op, p, denials)
		return response
	}
}

// generated leaves an operation to gqlgen's executor.
func (s *schema) generated(ctx context.Context, op *graphql.OperationContext) graphql.ResponseHandler {
	all := whole(op)
	if all == op {
		return s.ExecutableSchema.Exec(ctx)
	}
	next := s.ExecutableSchema.Exec(graphql.WithOperationContext(ctx, all))
	return func(ctx context.Context) *graphql.Response { return next(graphql.WithOperationContext(ctx, all)) }
}

// execute gives the response, or its first part and what the others come from.
func (s *schema) execute(ctx context.Context, op *graphql.OperationContext, p *plan, denials Denials) (*graphql.Response, *parts) {
	values, active, err := p.evaluate(op.Variables)
	if err != nil {
		graphql.AddError(ctx, err)
		return &graphql.Response{Data: []byte("null")}, nil
	}
	r := &run{
		op:          op,
		plan:        p,
		values:      values,
		active:      active,
		args:        make([]arguments, p.args),
		tracker:     s.trackerOf(ctx),
		concurrency: s.concurrency,
		denials:     denials,
		rootField:   graphql.FieldContext{Object: p.root.name},
	}
	r.ctx, r.root = ctx, &r.rootField
	if s.bindings.prepare != nil {
		r.prepared.Context, r.prepared.prepare = ctx, s.bindings.prepare
		r.ctx = &r.prepared
	}
	if r.tracker == nil {
		r.tracker = untracked{}
	}
	data, later := write(r, r.resolve(), 0, nil)
	if data == nil {
		return nil, nil // as gqlgen's executor does
	}
	r.response.Data, r.response.Errors = data, r.unreported()
	if all := r.jobs(later); len(all) > 0 {
		more := true
		r.response.HasNext = &more
		return &r.response, newParts(r, all)
	}
	return &r.response, nil
}

type untracked struct{}

func (untracked) Start(int) {}
func (untracked) Done()     {}
