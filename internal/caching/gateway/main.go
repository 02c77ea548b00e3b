// Command gateway is the gateway of the caching tests, a process of its own as a team's is. Its argument is the file of its
// configuration; its code is generated.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
	"github.com/tributary-gateway/tributary/internal/caching/gateway/graph"
	"github.com/tributary-gateway/tributary/internal/caching/gateway/resolvers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string) error {
	cfg, err := config.Load(file, config.Inputs{Environ: os.Environ()})
	if err != nil {
		return err
	}
	made := graph.Config{Resolvers: &resolvers.Resolver{}}
	schema := assemble.Schema(graph.NewExecutableSchema(made), graph.Bindings(made))
	return assemble.Run(ctx, schema, cfg, telemetry.NewLogger(os.Stderr, cfg.Log))
}
