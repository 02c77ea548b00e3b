package main

import (
	"context"
	"log/slog"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/resolvers"
)

// run serves what cfg says until ctx ends.
func run(ctx context.Context, cfg *config.Config, logger *slog.Logger) error {
	return assemble.Run(ctx, newSchema(), cfg, logger)
}

// newSchema is the executable schema of this gateway's graph.
func newSchema() graphql.ExecutableSchema {
	cfg := graph.Config{Resolvers: &resolvers.Resolver{}}
	return assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
}
