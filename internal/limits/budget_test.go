package limits_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/graph/model"
	"github.com/tributary-gateway/tributary/resolvers"
)

// telling are the shop's resolvers, of which productCount tells the client's points.
type telling struct{ *resolvers.Resolver }

func (r telling) Query() graph.QueryResolver { return budgets{r.Resolver.Query()} }

type budgets struct{ graph.QueryResolver }

func (budgets) ProductCount(ctx context.Context, _ *model.Category) (int32, error) {
	b, ok := admission.BudgetOf(ctx)
	if !ok {
		return -1, nil
	}
	return int32(b.Limit*1_000_000 + b.Remaining*1000 + b.Cost), nil
}

// TestBudgetInAResolver: a field that is written in Go can tell what is left, by the engine and by gqlgen's executor.
func TestBudgetInAResolver(t *testing.T) {
	cfg := graph.Config{Resolvers: telling{&resolvers.Resolver{}}}
	schema := assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
	s := startServices(t, nil)
	for _, query := range []string{`{ productCount __typename }`, `{ productCount __schema { queryType { name } } }`} {
		g := s.startOver(t, schema, points(500, "0.001", "", ""))
		if got := fmt.Sprintf("%.0f", g.ask(query).Data["productCount"]); got != "500499001" { // 499 of 500, for 1
			t.Errorf("%s: got %s", query, got)
		}
		if got := fmt.Sprint(s.startOver(t, schema, "").ask(query).Data["productCount"]); got != "-1" {
			t.Errorf("%s, without limits: got %s", query, got)
		}
	}
}
