package loader_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// counted is an error that stands for others.
type counted interface {
	error
	More() int
}

// A long list with the same mistake in all items is reported up to a hundred times, and counted.
func TestErrorsOfItemsAreBounded(t *testing.T) {
	for _, c := range []struct {
		bad, reported, more int
	}{{1, 1, 0}, {100, 100, 0}, {101, 100, 1}, {5000, 100, 4900}} {
		ctx, s := start(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`[1` + strings.Repeat(`,"x"`, c.bad) + `]`))
		})
		ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: ast.Query}})
		client, err := rest.NewClient(rest.Service{Name: "s", Base: "http://s.internal", Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		u, err := loader.New(graph(t, schema), map[string]*rest.Client{"s": client})
		if err != nil {
			t.Fatal(err)
		}
		ctx = loader.With(ctx, u)
		response := loader.Extension{Upstreams: u}.InterceptResponse(ctx, func(ctx context.Context) *graphql.Response {
			list, err := loader.Call(ctx, "Query.scores", nil, loader.ListOf(loader.Scalar(view.Int)))
			if err != nil || len(list) != c.bad+1 {
				t.Errorf("%d items, %v", len(list), err)
			}
			return &graphql.Response{Errors: graphql.GetErrors(ctx)}
		})
		more := 0
		response.Errors = slices.DeleteFunc(response.Errors, func(e *gqlerror.Error) bool {
			var others counted
			if errors.As(e.Err, &others) {
				more += others.More()
			}
			return others != nil
		})
		if len(response.Errors) != c.reported || more != c.more {
			t.Errorf("%d bad items: %d errors, and %d more", c.bad, len(response.Errors), more)
		}
	}
}

// What one operation asks for by keys that its client wrote is bounded, over all of its fields; keys of services aren't.
func TestKeysOfArgumentsAreBounded(t *testing.T) {
	ctx, s := start(t, byID)
	ids := func(from, n int) []*book {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprint(from+i))
		}
		return parents(t, `[{"also":[%s]}]`, strings.Join(all, ","))
	}
	if _, err := loader.Batch(ctx, "Book.also", ids(1, 1500), loader.ListOf(loader.Object[author])); err != nil {
		t.Errorf("keys of a service: %v", err)
	}
	before := len(s.sent())
	refused := 0
	for i := range loader.MostKeys + 5 {
		if _, err := loader.Call(ctx, "Query.book", map[string]any{"id": fmt.Sprint(i)}, loader.Object[book]); fail.KindOf(err) == fail.BadInput {
			refused++
		}
	}
	if refused != 5 || len(s.sent())-before != loader.MostKeys {
		t.Errorf("%d were refused, %d requests", refused, len(s.sent())-before)
	}
}
