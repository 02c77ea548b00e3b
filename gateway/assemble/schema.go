package assemble

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/subscription"
	"github.com/tributary-gateway/tributary/upstreams/loader"
)

// Schema puts the engine in front of what gqlgen generated, and lets it tell the loaders what runs, so that a batch
// is sent when no further key can come. Both arguments are of the generated package:
//
//	cfg := graph.Config{Resolvers: &resolvers.Resolver{}}
//	schema := assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
//
// Fields that @authenticated and @requiresScopes keep from a caller are not resolved. Mistakes in these directives are
// New's to report.
func Schema(generated graphql.ExecutableSchema, bindings *engine.Bindings) graphql.ExecutableSchema {
	options := []engine.Option{
		engine.WithTracker(func(ctx context.Context) engine.Tracker { return loader.From(ctx) }),
		engine.WithParts(subscription.TakesParts),
	}
	if rules, err := authorize.New(generated.Schema()); rules != nil && err == nil {
		options = append(options, engine.WithGuard(guard{rules}))
	}
	return engine.New(generated, bindings, options...)
}
