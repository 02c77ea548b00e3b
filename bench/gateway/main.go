// Command gateway is the gateway that the benchmarks measure: the schema of the public benchmark of REST-to-GraphQL
// gateways, put together as every other gateway is.
//
//	LISTEN=127.0.0.1:8000 UPSTREAM=http://127.0.0.1:3000 gateway
//
// Its configuration is built in, so that the binary runs from any folder. The log goes to stderr.
package main

import (
	"context"
	_ "embed" // gateway.yaml
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/bench/gateway/graph"
	"github.com/tributary-gateway/tributary/bench/gateway/resolvers"
	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
)

//go:embed gateway.yaml
var settings []byte

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
	return config.Parse("gateway.yaml", settings, config.Inputs{Environ: environ})
}

func schema() graphql.ExecutableSchema {
	cfg := graph.Config{Resolvers: &resolvers.Resolver{}}
	return assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
}
