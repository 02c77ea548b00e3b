package admission

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/server"
)

// Budget is how a client's points stand while an operation of it runs.
type Budget struct {
	// Limit and Remaining are points of the bucket that holds the least.
	Limit, Remaining int64
	// Cost is what the operation was estimated to cost.
	Cost int64
	// ResetAt is when the bucket will be full.
	ResetAt time.Time
}

// BudgetOf is the budget of the client whose operation ctx is of; ok is false for clients without limits.
func BudgetOf(ctx context.Context) (b Budget, ok bool) {
	if !graphql.HasOperationContext(ctx) {
		return b, false
	}
	t, ok := server.TicketOf(graphql.GetOperationContext(ctx)).(*ticket)
	if !ok {
		return b, false
	}
	tight, ok := ratelimit.Tightest(t.reservation.Levels())
	if !ok {
		return b, false
	}
	return Budget{Limit: tight.Capacity, Remaining: tight.Available, Cost: t.estimate.Points, ResetAt: time.Now().Add(tight.Full)}, true
}
