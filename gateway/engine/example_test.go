package engine_test

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty/graph"
)

// A gqlgen project runs in the engine when its schema is wrapped. The rest of gqlgen stays as it is: executor.New, or
// handler.New for a server.
func ExampleNew() {
	cfg := nasty.Config()
	es := engine.New(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))

	e := executor.New(es)
	ctx := graphql.StartOperationTrace(context.Background())
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: `{ greet(name: "reader") cat(id: 2) { name } }`})
	if errs != nil {
		fmt.Println(errs)
		return
	}
	next, ctx := e.DispatchOperation(ctx, op)
	response := next(ctx)
	fmt.Println(string(response.Data))
	engine.Recycle(response.Data)
	// Output: {"greet":"hi reader","cat":{"name":"cat 2"}}
}
