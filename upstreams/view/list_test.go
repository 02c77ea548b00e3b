package view_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

func TestOpt(t *testing.T) {
	if p, err := view.Opt(mustParse(t, "3"), view.Int); err != nil || p == nil || *p != 3 {
		t.Errorf("got %v, %v", p, err)
	}
	for _, v := range []view.Value{{}, mustParse(t, "null")} {
		if p, err := view.Opt(v, view.Int); err != nil || p != nil {
			t.Errorf("%v: got %v, %v", v.Kind(), p, err)
		}
	}
	if p, err := view.Opt(mustParse(t, `"x"`), view.Int); err == nil || p != nil {
		t.Errorf("got %v, %v", p, err)
	}
}

// respond is a context that collects the errors of a response.
func respond(t *testing.T) context.Context {
	return graphql.WithResponseContext(t.Context(), graphql.DefaultErrorPresenter, graphql.DefaultRecover)
}

func messages(ctx context.Context) []string {
	var all []string
	for _, err := range graphql.GetErrors(ctx) {
		all = append(all, err.Path.String()+" "+err.Message)
	}
	return all
}

func TestListKeepsTheRest(t *testing.T) {
	ctx := respond(t)
	got, err := view.List(ctx, mustParse(t, `[1, "x", 3.0, null]`), view.Int)
	if err != nil || !slices.Equal(got, []int32{1, 0, 3, 0}) {
		t.Errorf("got %v, %v", got, err)
	}
	want := []string{
		`[1] Int cannot represent non-integer value: a string`,
		"[3] Cannot return null for non-nullable field.",
	}
	if all := messages(ctx); !slices.Equal(all, want) {
		t.Errorf("got %q", all)
	}
	var refused *view.CoerceError
	if all := graphql.GetErrors(ctx); !errors.As(all[0], &refused) {
		t.Errorf("the cause is lost: %#v", all[0])
	}
}

func TestNestedKnowsBothPlaces(t *testing.T) {
	ctx := respond(t)
	got, err := view.Nested(ctx, mustParse(t, `[[1, "x"], [], 5]`), func(ctx context.Context, v view.Value) ([]int32, error) {
		return view.List(ctx, v, view.Int)
	})
	if err != nil || len(got) != 3 || !slices.Equal(got[0], []int32{1, 0}) || got[1] == nil || got[2] != nil {
		t.Errorf("got %v, %v", got, err)
	}
	want := []string{`[0][1] Int cannot represent non-integer value: a string`, "[2] Expected Iterable, but got: a number."}
	if all := messages(ctx); !slices.Equal(all, want) {
		t.Errorf("got %q", all)
	}
}

func TestListOfNothing(t *testing.T) {
	ctx := t.Context() // no response: no error may be added
	for _, v := range []view.Value{{}, mustParse(t, "null")} {
		if got, err := view.List(ctx, v, view.Int); !errors.Is(err, view.ErrNull) || got != nil {
			t.Errorf("List: got %v, %v", got, err)
		}
		if got, err := view.OptList(ctx, v, view.Int); err != nil || got != nil {
			t.Errorf("OptList: got %v, %v", got, err)
		}
		if got, err := view.Nested[int](ctx, v, nil); !errors.Is(err, view.ErrNull) || got != nil {
			t.Errorf("Nested: got %v, %v", got, err)
		}
	}
	if got, err := view.OptList(ctx, mustParse(t, "[]"), view.Int); err != nil || got == nil || len(got) != 0 {
		t.Errorf("empty: got %v, %v", got, err)
	}
	for _, src := range []string{"5", `"abc"`, "{}"} {
		if got, err := view.OptList(ctx, mustParse(t, src), view.Int); err == nil || got != nil {
			t.Errorf("%s: got %v, %v", src, got, err)
		}
	}
}
