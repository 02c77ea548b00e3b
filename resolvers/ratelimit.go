package resolvers

import (
	"context"
	"math"
	"time"

	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/scalar"
	"github.com/tributary-gateway/tributary/graph/model"
)

// rateLimit is the budget of the client that asks, nil where there is no limit.
func rateLimit(ctx context.Context) *model.RateLimit {
	b, ok := admission.BudgetOf(ctx)
	if !ok {
		return nil
	}
	whole := func(points int64) int32 { return int32(min(points, math.MaxInt32)) }
	return &model.RateLimit{
		Limit: whole(b.Limit), Cost: whole(b.Cost), Remaining: whole(b.Remaining),
		ResetAt: scalar.DateTime(b.ResetAt.UTC().Format(time.RFC3339)),
	}
}
