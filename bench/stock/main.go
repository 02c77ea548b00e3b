// Command stock is the gateway of the benchmarks as an ordinary project writes it with gqlgen alone: structs,
// encoding/json, a dataloader for each request, a cache of parsed documents.
//
//	LISTEN=127.0.0.1:8002 UPSTREAM=http://127.0.0.1:3000 stock
//
// It has no limits and no access log. What it is for: Tributary's engine runs over the same generated code, and this is
// what that costs without.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/bench/stock/graph"
	"github.com/tributary-gateway/tributary/bench/stock/upstream"
)

func main() {
	address, service := env("LISTEN", "127.0.0.1:8002"), env("UPSTREAM", "http://127.0.0.1:3000")
	server := &http.Server{Addr: address, Handler: newHandler(service), ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

func newHandler(service string) http.Handler {
	client := upstream.NewClient(service)
	run := executor.New(graph.NewExecutableSchema(graph.Config{Resolvers: &graph.Resolver{Service: client}}))
	run.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	mux := http.NewServeMux()
	mux.Handle("POST /graphql", upstream.Loaders(client, post{run}))
	return mux
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
