package engine_test

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty/graph"
)

// hashGuard denies one in so many fields, the same ones every time. Not those that return the query root: gqlgen's
// executor has no middleware for them.
type hashGuard struct {
	salt byte
	one  uint32 // in so many

	mu    sync.Mutex // guards what follows
	needs map[string]int
	names []string
}

func (g *hashGuard) Need(object, field string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	name := object + "." + field
	if n, ok := g.needs[name]; ok {
		return n
	}
	if g.needs == nil {
		g.needs = map[string]int{}
	}
	g.names = append(g.names, name)
	g.needs[name] = len(g.names)
	return len(g.names)
}

func (g *hashGuard) denied(name string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte{g.salt})
	_, _ = h.Write([]byte(name))
	return h.Sum32()%g.one == 0 && !strings.Contains(name, "__") && name != "Query.self" && name != "Mutation.query"
}

func (g *hashGuard) Denied(need int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.denied(g.names[need-1])
}

func (g *hashGuard) Err() error { return gqlerror.Errorf("denied") }

func (g *hashGuard) Resolver(ctx context.Context, next graphql.Resolver) (any, error) {
	if fc := graphql.GetFieldContext(ctx); fc != nil && fc.Field.Field != nil && g.denied(fc.Object+"."+fc.Field.Name) {
		return nil, g.Err()
	}
	return next(ctx)
}

func (g *hashGuard) Check(context.Context, *graphql.OperationContext) (engine.Denials, gqlerror.List) {
	return g, nil
}

// passing is a field interceptor that does nothing; with it an operation is gqlgen's to run.
type passing struct{}

func (passing) ExtensionName() string                   { return "passing" }
func (passing) Validate(graphql.ExecutableSchema) error { return nil }
func (passing) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	return next(ctx)
}

// TestGuardDifferential denies random fields under both executors.
func TestGuardDifferential(t *testing.T) {
	schema := newStock().Schema()
	g := newGenerator(rand.New(rand.NewPCG(3, 4)), schema)
	ran, failed, denials := 0, 0, 0
	for ran < 3000 && failed < 5 {
		query := g.Operation()
		guard := &hashGuard{salt: byte(ran), one: 4 + uint32(ran%5)}
		guarded := func() graphql.ExecutableSchema {
			return engine.New(newStock(), graph.Bindings(nasty.Config()), engine.WithGuard(guard))
		}
		stock, ours := newExecutor(guarded()), newExecutor(guarded())
		stock.Use(passing{})
		values := g.Values()
		want := run(t.Context(), stock, query, values)
		if want.data == "" || strings.Contains(lines(want.errors), "void") {
			continue // gqlgen reads arguments before it asks
		}
		ran++
		got := run(t.Context(), ours, query, values)
		denials += len(slices.DeleteFunc(slices.Clone(got.errors), func(e *gqlerror.Error) bool { return e.Message != "denied" }))
		if diff := difference(got.errors, want.errors); diff != "" || tokens(t, got.data) != tokens(t, want.data) {
			t.Errorf("%s\n%v\n got %s\nwant %s\n%s", query, values, got.data, want.data, diff)
			failed++
		}
	}
	if denials < 1000 {
		t.Errorf("only %d denials", denials)
	}
}
