// Command blog is a gateway of its own: another schema, another service, the same parts.
//
// It knows its graph and where its configuration is; gateway/assemble does the rest. The first SIGINT or SIGTERM ends
// gracefully, the second at once.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/examples/blog/graph"
	"github.com/tributary-gateway/tributary/examples/blog/resolvers"
	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a signal kills, as by default
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := config.Load("gateway.yaml", config.Inputs{Environ: os.Environ()})
	if err != nil {
		return err
	}
	lines := telemetry.NewLines(os.Stderr)
	defer lines.Close()
	return assemble.Run(ctx, newSchema(), cfg, telemetry.NewLogger(lines, cfg.Log))
}

func newSchema() graphql.ExecutableSchema {
	cfg := graph.Config{Resolvers: &resolvers.Resolver{}}
	return assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
}
