// Command gateway is the gateway that the benchmarks measure: the schema of the public benchmark of REST-to-GraphQL
// gateways, put together as every other gateway is.
//
//	LISTEN=127.0.0.1:8000 UPSTREAM=http://127.0.0.1:3000 gateway
//
// Its configuration is built in, so that the binary runs from any folder. With LIMITS=memory everybody has a plan that
// nobody exhausts, with LIMITS=redis its points are in the Redis at REDIS (127.0.0.1:6379). With CACHE=memory answers are
// kept for ten minutes, with CACHE=redis in the Redis alone, which is asked each time. COALESCE=off has identical queries
// executed each for itself. The log goes to stderr.
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
	//go:embed cache.yaml
	cache []byte
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
	lines := telemetry.NewLines(os.Stderr)
	defer lines.Close()
	return assemble.Run(ctx, schema(), cfg, telemetry.NewLogger(lines, cfg.Log))
}

func configure(environ []string) (*config.Config, error) {
	set := func(variable string) bool { return slices.Contains(environ, variable) }
	text := slices.Clone(settings)
	if set("LIMITS=memory") || set("LIMITS=redis") {
		text = append(text, limits...)
	}
	if set("LIMITS=redis") || set("CACHE=redis") {
		text = append(text, redis...)
	}
	environ = slices.Clone(environ)
	if set("CACHE=memory") || set("CACHE=redis") {
		text = append(text, cache...)
		environ = append(environ, fmt.Sprintf("NO_L1=%t", set("CACHE=redis")))
	} else if set("COALESCE=off") {
		text = append(text, "\ncache: {coalesce: off}\n"...)
	}
	return config.Parse("gateway.yaml", text, config.Inputs{Environ: environ})
}

func schema() graphql.ExecutableSchema {
	cfg := graph.Config{Resolvers: &resolvers.Resolver{}}
	return assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
}
