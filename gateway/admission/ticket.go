package admission

import (
	"context"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/server"
)

// ticket is one operation that was admitted, or refused.
type ticket struct {
	admission   *Admission
	ctx         context.Context //nolint:containedctx // of the request that the ticket belongs to, for its log lines
	variables   map[string]any
	mode        mode
	told        bool          // the client reads the cost
	priced      bool          // there is an estimate
	short       bool          // the limiter refused it
	fixed       bool          // what was reserved is the price, whatever the answer
	hit         bool          // nothing was executed for the answer
	kept        *server.Price // what a kept answer costs in full, if somebody knows
	formula     *cost.Formula
	estimate    cost.Cost
	reservation *ratelimit.Reservation
	actual      int64 // points, once settled
	settled     bool
}

// Instead is the answer to GraphQL-Cost: validate.
func (t *ticket) Instead() *graphql.Response {
	if t.mode != validating {
		return nil
	}
	return &graphql.Response{Data: []byte("null")}
}

// Settle pays for the answer and tells its cost in it. The estimate is the price when there is none, because nobody knows
// what was done for it, and when the client hung up or its time was over: what is null then has been asked for all the same.
func (t *ticket) Settle(response *graphql.Response) {
	spent := t.estimate
	t.actual = t.reservation.Points()
	counts := t.told || t.reservation.Plan() != nil
	// The first part of an answer in parts isn't all of it: that costs what was estimated.
	if counts && !t.fixed && response != nil && response.Data != nil && response.HasNext == nil && t.ctx.Err() == nil {
		known := false
		if t.actual, known = t.kept.Load(); !known || t.told {
			spent = t.measure(response)
			t.actual = spent.Points
			t.kept.Store(t.actual)
		}
		if plan := t.reservation.Plan(); t.hit && plan != nil {
			t.actual = plan.CachedCost(t.actual)
		}
	}
	t.settled = true
	t.reservation.Settle(t.actual)
	if t.told && t.priced && response != nil {
		t.tell(response, spent)
	}
}

// Hit says that the answer was kept: its price is the plan's cached_cost. price remembers what it costs in full.
func (t *ticket) Hit(price *server.Price) { t.hit, t.kept = true, price }

// measure is the cost of an answer. One that can't be read costs what was estimated.
func (t *ticket) measure(response *graphql.Response) cost.Cost {
	spent, overruns, err := t.formula.Actual(t.variables, response.Data)
	if err != nil {
		t.admission.logger.ErrorContext(t.ctx, "an answer can't be priced", "cause", err)
		return t.estimate
	}
	for _, o := range overruns {
		t.admission.logger.WarnContext(t.ctx, "a list is longer than was asked for",
			"path", strings.Join(o.Path, "."), "asked", o.Estimated, "got", o.Actual)
	}
	return spent
}

// tell adds extensions.cost.
func (t *ticket) tell(response *graphql.Response, spent cost.Cost) {
	told := map[string]any{
		"requestedQueryCost": t.requested(),
		"fieldCost":          number(t.estimate.Field),
		"typeCost":           number(t.estimate.Type),
	}
	if !t.fixed {
		told["actualQueryCost"] = t.actual
		told["fieldCost"], told["typeCost"] = number(spent.Field), number(spent.Type)
	}
	if throttle := ratelimit.ThrottleOf(t.levels()); throttle != nil {
		told["throttleStatus"] = throttle
	}
	if t.mode != ordinary {
		told["byPath"] = t.table()
	}
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	response.Extensions["cost"] = told
}

func (t *ticket) requested() any {
	if t.estimate.Infinite() {
		return nil
	}
	return t.estimate.Points
}

// row is one line of extensions.cost.byPath.
type row struct {
	Path      string `json:"path"`
	Field     string `json:"field"`
	Size      any    `json:"size"`
	FieldCost any    `json:"fieldCost"`
	TypeCost  any    `json:"typeCost"`
}

func (t *ticket) table() []row {
	rows, err := t.formula.Table(t.variables)
	if err != nil {
		return nil
	}
	all := make([]row, len(rows))
	for i, r := range rows {
		all[i] = row{r.Path, r.Coordinate, number(r.Size), number(r.Field), number(r.Type)}
	}
	return all
}

// levels are the client's buckets, after settling as well as can be told without asking.
func (t *ticket) levels() []ratelimit.Level {
	if t.settled {
		return t.reservation.LevelsAfter(t.actual)
	}
	return t.reservation.Levels()
}

// The headers as package net/http spells them.
const (
	policyHeader = "Ratelimit-Policy"
	limitHeader  = "Ratelimit"
	retryHeader  = "Retry-After"
)

// Header adds RateLimit and RateLimit-Policy, and Retry-After for those who are to come again.
func (t *ticket) Header(h http.Header) {
	if policy := t.reservation.PolicyHeader(); policy != "" {
		values := []string{policy, ratelimit.LimitHeader(t.levels())}
		h[policyHeader], h[limitHeader] = values[:1:1], values[1:]
	}
	if !t.short {
		return
	}
	if wait, ok := t.reservation.Wait(); ok {
		h[retryHeader] = []string{ratelimit.RetryAfter(wait)}
	}
}
