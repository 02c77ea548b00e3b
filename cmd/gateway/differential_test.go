package main

import (
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/internal/demo"
	"github.com/tributary-gateway/tributary/internal/randomop"
	"github.com/tributary-gateway/tributary/resolvers"
)

// TestDifferential asks the demo's graph random questions, by gqlgen's executor and by the engine, each with loaders
// and server of its own. gateway/engine has the same for a graph made to be nasty.
func TestDifferential(t *testing.T) {
	operations := 1000
	if testing.Short() {
		operations = 100
	}
	services, err := demo.Start(t.Context(), demo.ReviewDelay(0))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := services.Close(); err != nil {
			t.Error(err)
		}
	}()
	cfg := config.Default()
	demoConfig(cfg, services)
	stock := serveSchema(t, cfg, graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{}}))
	ours := serveSchema(t, cfg, newSchema())

	g := &randomop.Generator{
		Rand: rand.New(rand.NewPCG(7, 9)), Schema: newSchema().Schema(), Queries: true,
		Scalar: func(r *rand.Rand, name string) any {
			if name == "ID" { // of users, products and orders, and some of nobody
				return strconv.Itoa([]int{r.IntN(70), 100 + r.IntN(200), 1000 + r.IntN(305)}[r.IntN(3)])
			}
			return nil
		},
	}
	if failed := randomop.Agree(t, g, operations, stock, ours); failed < operations/20 {
		t.Errorf("only %d operations had errors", failed)
	}
}

func serveSchema(t *testing.T, cfg *config.Config, schema graphql.ExecutableSchema) (endpoint string) {
	t.Helper()
	s, err := assemble.New(schema, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server.URL + "/graphql"
}
