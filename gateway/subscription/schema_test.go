package subscription_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

// schema is an executable schema as gqlgen generates them: Exec returns a function that gives one response after the other.
type schema struct {
	ast   *ast.Schema
	ticks chan int

	mu      sync.Mutex
	parts   int // deferred goroutines that are there
	started int
}

func newSchema() *schema {
	return &schema{ticks: make(chan int), ast: gqlparser.MustLoadSchema(&ast.Source{Input: `
		directive @defer(if: Boolean = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
		type Query { hello: String slow: String boom: String late: String }
		type Mutation { set: String }
		type Subscription { ticks: Int refused: Int }`})}
}

func (s *schema) Schema() *ast.Schema { return s.ast }

func (s *schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s *schema) add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts += n
}

func (s *schema) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parts
}

func (s *schema) Exec(ctx context.Context) graphql.ResponseHandler {
	s.mu.Lock()
	s.started++
	s.mu.Unlock()
	field := graphql.GetOperationContext(ctx).Operation.SelectionSet[0].(*ast.Field).Name
	switch field {
	case "slow":
		return func(ctx context.Context) *graphql.Response { <-ctx.Done(); return nil }
	case "boom":
		panic("boom")
	case "refused":
		graphql.AddError(ctx, errors.New("no events"))
		return nil
	case "ticks":
		return func(ctx context.Context) *graphql.Response {
			select {
			case n, ok := <-s.ticks:
				if !ok {
					return nil
				}
				return &graphql.Response{Data: []byte(`{"ticks":` + string(rune('0'+n)) + `}`)}
			case <-ctx.Done():
				return nil
			}
		}
	case "late": // three parts, each in a goroutine that waits to be taken, or for the end of the operation
		parts, left := make(chan string), 3
		for range left {
			s.add(1)
			go func() {
				defer s.add(-1)
				select {
				case parts <- `{"late":1}`:
				case <-ctx.Done():
				}
			}()
		}
		first := true
		return func(ctx context.Context) *graphql.Response {
			more := left > 0
			if first {
				first = false
				return &graphql.Response{Data: []byte(`{}`), HasNext: &more}
			}
			if left == 0 {
				return nil
			}
			select {
			case data := <-parts:
				left--
				more = left > 0
				return &graphql.Response{Data: []byte(data), HasNext: &more}
			case <-ctx.Done():
				return nil
			}
		}
	default:
		return graphql.OneShot(&graphql.Response{Data: []byte(`{"` + field + `":"x"}`)})
	}
}

func newExecutor(t testing.TB, s *schema) graphql.GraphExecutor {
	t.Helper()
	present := func(ctx context.Context, err error) *gqlerror.Error { return graphql.DefaultErrorPresenter(ctx, err) }
	e, err := operation.NewExecutor(s, operation.Config{}, present, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
