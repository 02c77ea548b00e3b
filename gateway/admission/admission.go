// Package admission lets operations in: it knows what each costs, whose points pay for it, and what the client is told.
//
// An operation that passed all checks is priced from its document and variables, and its estimate is reserved from the
// client's points; the answer's cost is settled when it's there, whatever becomes of the client meanwhile. An operation
// that can't be afforded is refused before anything of it runs. With GraphQL-Cost: validate it's priced and not run. A
// document that doesn't parse or validate costs a point. The client is who package identity says, its plan is the one
// that is named there. What happens while points can't be counted is the plan's to say, and package ratelimit's to do.
package admission

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/operation"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/server"
)

// Header is what clients ask about costs with: report or validate. HTTP knows no upper and lower case; this is how
// package net/http spells GraphQL-Cost.
const Header = "Graphql-Cost"

// unchecked is the price, in points, of what isn't run.
const unchecked = 1

// Options are what an Admission works with.
type Options struct {
	// Schema is what operations are of. Required.
	Schema *ast.Schema
	// Cost says how operations are priced.
	Cost cost.Config
	// Store keeps the points. Nil means memory.
	Store ratelimit.Store
	// Logger gets services that return more than they were asked for. Nil means silence.
	Logger *slog.Logger
	// Metrics counts decisions. Nil means that nobody does.
	Metrics ratelimit.Metrics
}

// Admission is a server's.
type Admission struct {
	config   Config
	limiter  *ratelimit.Limiter
	formulas *cost.Formulas
	logger   *slog.Logger
}

var _ server.Admission = (*Admission)(nil)

// New makes it. The error is mistake.List, with every mistake in the schema's directives, or what is wrong with the
// configuration.
func New(c Config, o Options) (*Admission, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	prices, err := cost.Compile(o.Schema, o.Cost)
	if err != nil {
		return nil, err
	}
	limiter, err := ratelimit.New(c.limits(), ratelimit.Options{Store: o.Store, Logger: o.Logger, Metrics: o.Metrics})
	if err != nil {
		return nil, err
	}
	return &Admission{config: c, limiter: limiter, formulas: cost.NewFormulas(prices), logger: o.Logger}, nil
}

// Close writes what is still to be settled, until ctx ends.
func (a *Admission) Close(ctx context.Context) error { return a.limiter.Close(ctx) }

// payer is whose points pay, and which of a plan's other limits count.
func (a *Admission) payer(ctx context.Context) (ratelimit.Client, Plan) {
	client := identity.From(ctx)
	name := a.planOf(client)
	return ratelimit.Client{ID: client.Account(), Plan: a.limiter.Plan(name)}, a.config.Plans[name]
}

// planOf is the name of the plan that a client is on.
func (a *Admission) planOf(client identity.Client) string {
	if _, ok := a.config.Plans[client.Plan]; ok || len(a.config.Plans) == 0 {
		return client.Plan
	}
	if !client.Authenticated {
		return "anonymous"
	}
	return "default"
}

// Plan is the name of the plan that the client in the context is on. Where no plans are configured it's the one that the
// client brings.
func (a *Admission) Plan(ctx context.Context) string { return a.planOf(identity.From(ctx)) }

// Informed is the context of a client with what its plan says about introspection.
func (a *Admission) Informed(ctx context.Context) context.Context {
	switch a.config.Plans[a.Plan(ctx)].Introspection {
	case Allow:
		return operation.WithIntrospection(ctx, true)
	case Deny:
		return operation.WithIntrospection(ctx, false)
	default:
		return ctx
	}
}

// Invalid takes a point for looking at what was refused.
func (a *Admission) Invalid(ctx context.Context) (server.Ticket, error) {
	client, _ := a.payer(ctx)
	t := &ticket{admission: a, ctx: ctx, fixed: true}
	var err error
	t.reservation, err = a.limiter.Reserve(ctx, client, unchecked)
	t.short = err != nil
	return t, err
}

// Admit prices an operation and takes its estimate.
func (a *Admission) Admit(ctx context.Context, header http.Header, op *graphql.OperationContext) (server.Ticket, error) {
	client, plan := a.payer(ctx)
	t := &ticket{admission: a, ctx: ctx, variables: op.Variables, mode: modeOf(header)}
	t.told = a.config.Tell == Always || a.config.Tell == OnRequest && t.mode != ordinary
	err := t.price(op, plan)
	t.priced = err == nil
	points := t.estimate.Points
	if !t.priced || t.mode == validating {
		points, t.fixed = unchecked, true
	}
	var short error
	if t.reservation, short = a.limiter.Reserve(ctx, client, points); short != nil {
		err, t.short = short, true
	}
	if err != nil {
		t.fixed = true // there is no answer to price
		return t, t.explained(err)
	}
	return t, nil
}

// price finds out what the operation costs. The error says why it has no price or is too big.
func (t *ticket) price(op *graphql.OperationContext, plan Plan) (err error) {
	if plan.Mode == ratelimit.Enforce && plan.bounded() {
		measured := operation.Measure(op.Doc, op.Operation)
		for _, b := range plan.bounds() {
			if b.most > 0 && b.of(measured) > b.most {
				return fail.Newf(fail.TooLarge, "The operation has more than %d %s, which is the most of its client's plan.", b.most, b.what)
			}
		}
	}
	if t.formula, err = t.admission.formulas.Of(op.Doc, op.Operation); err != nil {
		return err
	}
	t.estimate, err = t.formula.Estimate(op.Variables)
	return err
}

// explained is an error with what the client should know besides: where it is in the document, and which field of an
// operation without bound lacks one.
func (t *ticket) explained(err error) error {
	var refusal *cost.Refusal
	if errors.As(err, &refusal) {
		told := gqlerror.Wrap(err)
		told.Locations = refusal.Locations
		return told
	}
	var failure *fail.Error
	if !t.priced || !t.estimate.Infinite() || !errors.As(err, &failure) || failure.Kind != fail.TooExpensive {
		return err
	}
	told := *failure
	told.Public = "The operation's cost has no bound."
	if path := t.formula.Unbounded(t.variables); len(path) > 0 {
		told.Public = "The operation's cost has no bound: " + strings.Join(path, ".") + " is a list without a size."
	}
	if sizes, ok := told.Extensions["cost"].(map[string]any); ok {
		sizes["estimated"] = nil // JSON has no infinity
	}
	return &told
}

// mode is what the client wants to know.
type mode uint8

const (
	ordinary   mode = iota
	reporting       // the table by path
	validating      // the price, without the answer
)

func modeOf(header http.Header) mode {
	switch asked := strings.TrimSpace(header.Get(Header)); {
	case strings.EqualFold(asked, "report"):
		return reporting
	case strings.EqualFold(asked, "validate"):
		return validating
	}
	return ordinary
}

// number is an amount that JSON can have: null for one without bound.
func number(amount float64) any {
	if math.IsInf(amount, 0) {
		return nil
	}
	return amount
}
