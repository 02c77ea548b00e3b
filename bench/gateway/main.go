// Command gateway is the gateway that the benchmarks measure: the schema of the public benchmark of REST-to-GraphQL
// gateways, put together as every other gateway is.
//
//	LISTEN=127.0.0.1:8000 UPSTREAM=http://127.0.0.1:3000 gateway
//
// Its configuration is built in, so that the binary runs from any folder. With LIMITS=memory everybody has a plan that
// nobody exhausts, with LIMITS=redis its points are in the Redis at REDIS (127.0.0.1:6379). The log goes to stderr.
package main

import (
	"context"
	_ "embed" // the configuration
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/bench/gateway/graph"
	"github.com/tributary-gateway/tributary/bench/gateway/resolvers"
	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
)

var (
	//go:embed gateway.yaml
	settings []byte
	//go:embed limits.yaml
	limits []byte
	//go:embed redis.yaml
	redis []byte
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := configure(os.Environ())
	if err != nil {
		return err
	}
	return assemble.Run(ctx, schema(), cfg, telemetry.NewLogger(os.Stderr, cfg.Log))
}

func configure(environ []string) (*config.Config, error) {
	text := slices.Clone(settings)
	switch {
	case slices.Contains(environ, "LIMITS=memory"):
		text = append(text, limits...)
	case slices.Contains(environ, "LIMITS=redis"):
		text = append(append(text, limits...), redis...)
	}
	return config.Parse("gateway.yaml", text, config.Inputs{Environ: environ})
}

func schema() graphql.ExecutableSchema {
	cfg := graph.Config{Resolvers: &resolvers.Resolver{}}
	return assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
}
