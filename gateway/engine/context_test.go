package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/scalar"
)

// What gqlgen's helpers tell a resolver.
func TestFieldContext(t *testing.T) {
	var mu sync.Mutex
	var told []string
	tell := func(ctx context.Context, t *thing, call *graphql.FieldContext) (string, error) {
		fc := graphql.GetFieldContext(ctx)
		var names []string
		for _, f := range graphql.CollectFieldsCtx(ctx, nil) {
			names = append(names, f.Alias)
		}
		parent := ""
		if fc.Parent.Index != nil {
			parent = fmt.Sprint((*fc.Parent.Result.(**thing)).n)
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprint(graphql.GetPath(ctx), " ", fc.Object, ".", fc.Field.Name, " as ", fc.Field.Alias, " ", fc.Args, call.Args,
			fc.IsMethod, fc.IsResolver, " element ", parent, " root ", graphql.GetRootFieldContext(ctx).Field.Alias, " ", names,
			" op ", graphql.GetOperationContext(ctx).OperationName, " same ", fc == graphql.GetFieldContext(ctx)))
		graphql.AddErrorf(ctx, "noticed")
		return "told", nil
	}
	args := func(_ context.Context, raw map[string]any) (map[string]any, error) {
		i, err := scalar.UnmarshalInt(raw["x"])
		return map[string]any{"x": i}, err
	}
	es := newLab(`type Query { grid: [[Thing!]!]! } type Thing { n: Int! tell(x: Int = 3): String next: Thing }`,
		engine.Fields{"grid": constant(engine.List(things), [][]*thing{someThings(1), {{n: 8}}})},
		engine.Fields{
			"n":    thingNumber,
			"tell": engine.Resolver(tell, text).Args(args),
			"next": engine.Variable(func(t *thing) *thing { return t }, aThing),
		}, engine.WithConcurrency(1))
	a := ask(t, es, `{ g: grid { t: tell next { tell(x: 4) } } }`, nil)
	a.check(t, `{"g":[[{"t":"told","next":{"tell":"told"}}],[{"t":"told","next":{"tell":"told"}}]]}`, texts(a.errors)...)
	for _, want := range []string{
		`g[0][0].t Thing.tell as t map[x:3] map[x:3] true true element 0 root g [] op  same true`,
		`g[1][0].t Thing.tell as t map[x:3] map[x:3] true true element 8 root g [] op  same true`,
		`g[1][0].next.tell Thing.tell as tell map[x:4] map[x:4] true true element  root g [] op  same true`,
	} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("nobody was told %s\n%s", want, strings.Join(told, "\n"))
		}
	}
	if got := fmt.Sprint(a.errors); strings.Count(got, "noticed") != 4 || !strings.Contains(got, "g[0][0].next.tell noticed") {
		t.Error(got)
	}
}

// Selections and FieldContext.Child are for resolvers that look ahead.
func TestLookAhead(t *testing.T) {
	look := func(ctx context.Context) (*thing, error) {
		var seen []string
		fc := graphql.GetFieldContext(ctx)
		for _, f := range graphql.CollectFieldsCtx(ctx, []string{"Thing"}) {
			child, err := fc.Child(ctx, f)
			seen = append(seen, fmt.Sprint(f.Alias, " ", child != nil && child.Object == "Thing", " ", err))
		}
		if got := strings.Join(seen, ", "); got != `n true <nil>, again true <nil>` {
			return nil, fmt.Errorf("saw %s", got)
		}
		return &thing{}, nil
	}
	es := newLab(`type Query { a: Thing } type Thing { n: Int! }`,
		engine.Fields{"a": root(aThing, look)}, engine.Fields{"n": thingNumber})
	ask(t, es, `query($no: Boolean = false) { a { n } a { again: n } a @include(if: $no) { third: n } }`, nil).check(t, `{"a":{"n":0,"again":0}}`)
}

func TestMarkNonNull(t *testing.T) {
	es := newLab(`type Query { a: Thing } type Thing { b: Thing }`,
		engine.Fields{"a": constant(aThing, &thing{})},
		engine.Fields{"b": of(aThing, func(ctx context.Context, _ *thing) (*thing, error) {
			graphql.MarkNonNull(ctx)
			return nil, nil
		})})
	ask(t, es, `{ a { b { __typename } } }`, nil).check(t, `{"a":null}`, "a.b 1:7 Cannot return null for non-nullable field Thing.b.")
}

func TestPanics(t *testing.T) {
	boom := func(context.Context, *thing) (*thing, error) { panic("boom") }
	es := newLab(`type Query { things: [Thing!]! } type Thing { one: Thing many: Thing must: Thing! read: Int marshal: Int below: Thing n: Int! }`,
		engine.Fields{"things": constant(things, someThings(2))},
		engine.Fields{
			"n":       thingNumber,
			"one":     of(aThing, boom),
			"must":    of(aThing, boom),
			"many":    engine.Batch(func(context.Context, []*thing, *graphql.FieldContext) ([]*thing, error) { panic("many") }, aThing),
			"read":    engine.Property(func(*thing) (int32, error) { panic("read") }, number),
			"below":   engine.Property(func(*thing) (*thing, error) { panic("below") }, aThing),
			"marshal": engine.Property(func(*thing) (int32, error) { return 1, nil }, engine.Leaf(func(int32) graphql.Marshaler { panic("marshal") })),
		})
	ask(t, es, `{ things { n one { n } many { n } read marshal below { one { n } } } }`, nil).check(t,
		`{"things":[{"n":0,"one":null,"many":null,"read":null,"marshal":null,"below":null},{"n":1,"one":null,"many":null,"read":null,"marshal":null,"below":null}]}`,
		"things[0].one 1:14 panic: boom", "things[0].many 1:24 panic: many", "things[0].read 1:35 panic: read",
		"things[0].marshal 1:40 panic: marshal", "things[0].below 1:48 panic: below",
		"things[1].one 1:14 panic: boom", "things[1].many 1:24 panic: many", "things[1].read 1:35 panic: read",
		"things[1].marshal 1:40 panic: marshal", "things[1].below 1:48 panic: below")
	ask(t, es, `{ things { must { n } } }`, nil).check(t, `null`, "things[0].must 1:12 panic: boom", "things[1].must 1:12 panic: boom")
}

func TestBatchOfTheWrongLength(t *testing.T) {
	short := func(_ context.Context, objs []*thing, _ *graphql.FieldContext) ([]*thing, error) {
		return objs[1:], nil
	}
	fewErrors := func(_ context.Context, objs []*thing, _ *graphql.FieldContext) ([]*thing, error) {
		return objs, graphql.BatchErrorList{nil}
	}
	es := newLab(`type Query { things: [Thing!]! } type Thing { a: Thing b: Thing n: Int! }`,
		engine.Fields{"things": constant(things, someThings(2))},
		engine.Fields{"n": thingNumber, "a": engine.Batch(short, aThing), "b": engine.Batch(fewErrors, aThing)})
	ask(t, es, `{ things { x: a { n } b { n } } }`, nil).check(t, `{"things":[{"x":null,"b":null},{"x":null,"b":null}]}`,
		"things[0].x 1:12 batch resolver Thing.a returned 1 results for 2 parents",
		"things[0].b 1:23 batch resolver Thing.b returned 1 errors for 2 parents",
		"things[1].x 1:12 batch resolver Thing.a returned 1 results for 2 parents",
		"things[1].b 1:23 batch resolver Thing.b returned 1 errors for 2 parents")
}

// A batch resolver's context is that of its first parent; BatchPath finds the others, whose errors stand for null.
func TestBatchPath(t *testing.T) {
	es := newLab(`type Query { grid: [[Thing!]!]! } type Thing { n: Int! next: [Thing!] }`,
		engine.Fields{"grid": constant(engine.List(things), [][]*thing{{}, someThings(1), someThings(2)})},
		engine.Fields{
			"n": thingNumber,
			"next": engine.Batch(func(ctx context.Context, objs []*thing, _ *graphql.FieldContext) ([][]*thing, error) {
				lists := make([][]*thing, len(objs))
				for i := range objs {
					path := append(engine.BatchPath(ctx, i), ast.PathIndex(0))
					graphql.AddError(ctx, gqlerror.ErrorPathf(path, "item"))
					lists[i] = []*thing{nil}
				}
				return lists, nil
			}, things),
		})
	ask(t, es, `{ grid { next { n } } }`, nil).check(t, `{"grid":[[],[{"next":null}],[{"next":null},{"next":null}]]}`,
		"grid[1][0].next[0] - item", "grid[2][0].next[0] - item", "grid[2][1].next[0] - item")
}
