package main

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/tributary-gateway/tributary/examples/blog/graph"
	"github.com/tributary-gateway/tributary/examples/blog/resolvers"
	"github.com/tributary-gateway/tributary/internal/randomop"
)

// TestDifferential asks the blog random questions, by gqlgen's executor and by the engine: the same answers and errors.
func TestDifferential(t *testing.T) {
	service, _ := startImitation(t)
	stock := startWith(t, service, graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{}}))
	ours := startGateway(t, service)
	g := &randomop.Generator{
		Rand: rand.New(rand.NewPCG(3, 4)), Schema: newSchema().Schema(), Queries: true,
		Scalar: func(r *rand.Rand, name string) any {
			if name == "ID" {
				return strconv.Itoa(r.IntN(110)) // 100 posts, 10 users, and some of nobody
			}
			return nil
		},
	}
	operations := 300
	if testing.Short() {
		operations = 50
	}
	randomop.Agree(t, g, operations, stock+"/graphql", ours+"/graphql")
}
