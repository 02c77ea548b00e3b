package engine_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty/graph"
)

// inParts executes an operation and gives its parts: the first as it is, later ones as "path label data errors", sorted.
func inParts(t *testing.T, es graphql.ExecutableSchema, query string, variables map[string]any) (first string, later []string) {
	t.Helper()
	responses := responsesOf(t, es, query, variables)
	for i, r := range responses {
		if more := r.HasNext != nil && *r.HasNext; more != (i+1 < len(responses)) || i > 0 && r.HasNext == nil {
			t.Errorf("part %d of %d says hasNext %v", i, len(responses), r.HasNext)
		}
		text := string(r.Data)
		for _, e := range texts(r.Errors) {
			text += " ! " + e
		}
		if i == 0 {
			first = text
			continue
		}
		later = append(later, fmt.Sprintf("%s %s %s", cmp.Or(r.Path.String(), "."), cmp.Or(r.Label, "-"), text))
	}
	slices.Sort(later)
	return first, later
}

func responsesOf(t *testing.T, es graphql.ExecutableSchema, query string, variables map[string]any) (all []*graphql.Response) {
	t.Helper()
	e := newExecutor(es)
	ctx := graphql.StartOperationTrace(t.Context())
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	next, ctx := e.DispatchOperation(ctx, op)
	for r := next(ctx); r != nil; r = next(ctx) {
		all = append(all, r)
	}
	return all
}

func TestDefer(t *testing.T) {
	for _, test := range []struct {
		name, query string
		variables   map[string]any
		first       string
		later       []string
	}{
		{
			"the fields aren't in the first part", `{ cat(id: 2) { id ... @defer(label: "l") { kind name } } }`, nil,
			`{"cat":{"id":"2"}}`, []string{`cat l {"kind":"cat","name":"cat 2"}`},
		},
		{
			"at the root", `{ greet ... @defer { other: greet(name: "me") } }`, nil,
			`{"greet":"hi you"}`, []string{`. - {"other":"hi me"}`},
		},
		{
			"of spread fragments", `{ cat(id: 2) { id ...F @defer(label: "f") } } fragment F on Cat { kind }`, nil,
			`{"cat":{"id":"2"}}`, []string{`cat f {"kind":"cat"}`},
		},
		{
			"if: false", `{ cat(id: 2) { id ... @defer(if: false) { kind } } }`, nil,
			`{"cat":{"id":"2","kind":"cat"}}`, nil,
		},
		{
			"if: true", `{ cat(id: 2) { id ... @defer(if: true) { kind } } }`, nil,
			`{"cat":{"id":"2"}}`, []string{`cat - {"kind":"cat"}`},
		},
		{
			"if: $late, which is false", `query($late: Boolean!) { cat(id: 2) { id ... @defer(if: $late) { kind } } }`, map[string]any{"late": false},
			`{"cat":{"id":"2","kind":"cat"}}`, nil,
		},
		{
			"if: $late, which is true", `query($late: Boolean!) { cat(id: 2) { id ... @defer(if: $late) { kind } } }`, map[string]any{"late": true},
			`{"cat":{"id":"2"}}`, []string{`cat - {"kind":"cat"}`},
		},
		{
			"if: $late, which is absent", `query($late: Boolean) { cat(id: 2) { id ... @defer(if: $late) { kind } } }`, nil,
			`{"cat":{"id":"2"}}`, []string{`cat - {"kind":"cat"}`},
		},
		{
			"what is left out isn't deferred", `query($no: Boolean!) { cat(id: 2) { id ... @defer @include(if: $no) { kind } ... @skip(if: true) @defer { name } } }`, map[string]any{"no": false},
			`{"cat":{"id":"2"}}`, nil,
		},
		{
			"the same field with and without", `{ cat(id: 2) { id kind ... @defer { kind } } }`, nil,
			`{"cat":{"id":"2","kind":"cat"}}`, []string{`cat - {"kind":"cat"}`},
		},
		{
			"what would be asked for twice comes at once", `{ cat(id: 2) { id box { id } ... @defer { box { kind } } } }`, nil,
			`{"cat":{"id":"2","box":{"id":"10812674","kind":"crate"}}}`, nil,
		},
		{
			"in two parts", `{ greet ... @defer(label: "a") { cat(id: 2) { id } } ... @defer(label: "b") { cat(id: 2) { kind } } }`, nil,
			`{"greet":"hi you","cat":{"id":"2","kind":"cat"}}`, nil,
		},
		{
			"in what is no call by itself", `{ cat(id: 2) { inner { box { id } } ... @defer { inner { box { kind } } } } }`, nil,
			`{"cat":{"inner":{"box":{"id":"16119943","kind":"crate"}}}}`, nil,
		},
		{
			"inside a part", `{ cat(id: 2) { id ... @defer { kind ... @defer { box { id } } ... @defer { name ... @defer { box { kind } } } } } }`, nil,
			`{"cat":{"id":"2","kind":"cat","box":{"id":"10812674","kind":"crate"},"name":"cat 2"}}`, nil,
		},
		{
			"but not where only one of both is", `query($late: Boolean!) { cat(id: 2) { id ... @defer(if: $late) { box { kind } } } }`, map[string]any{"late": true},
			`{"cat":{"id":"2"}}`, []string{`cat - {"box":{"kind":"crate"}}`},
		},
		{
			"one in another", `{ cat(id: 2) { id ... @defer(label: "a") { kind ... @defer(label: "b") { name } inner { ... @defer(label: "c") { id } } } } }`, nil,
			`{"cat":{"id":"2"}}`, []string{`cat a {"kind":"cat","inner":{}}`, `cat b {"name":"cat 2"}`, `cat.inner c {"id":"16359885"}`},
		},
		{
			"of types that an object hasn't", `{ nodes(ids: ["2", "10"]) { id ... on Robot @defer { serial } } }`, nil,
			`{"nodes":[{"id":"2"},{"id":"10"}]}`, []string{`nodes[1] - {"serial":167772160}`},
		},
		{
			"of a mutation's own fields", `mutation { a: bump(by: 0) ... @defer { b: bump(by: 0) } name(id: 2) { id ... @defer { kind } } }`, nil,
			`{"a":0,"b":0,"name":{"id":"2"}}`, []string{`name - {"kind":"cat"}`},
		},
		{
			"beside introspection", `{ __type(name: "Mood") { name ... @defer { kind } } cat(id: 2) { id ... @defer { kind } } }`, nil,
			`{"__type":{"name":"Mood","kind":"ENUM"},"cat":{"id":"2","kind":"cat"}}`, nil,
		},
		{
			"of introspection", `{ greet ... @defer { __type(name: "Mood") { name } } }`, nil,
			`{"greet":"hi you"}`, []string{`. - {"__type":{"name":"Mood"}}`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, later := inParts(t, newEngine(), test.query, test.variables)
			if first != test.first || !slices.Equal(later, test.later) {
				t.Errorf("got\n%s\n%s\nwant\n%s\n%s", first, strings.Join(later, "\n"), test.first, strings.Join(test.later, "\n"))
			}
		})
	}
}

var fragments = regexp.MustCompile(`\.\.\.( on [A-Z]\w*|[ ]?[A-Z]\w*)?`)

// Random operations with @defer: what comes in parts is together what comes at once without.
func TestDeferDifferential(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	g := newGenerator(random, newStock().Schema())
	ran, parts := 0, 0
	for ran < 600 {
		plain, values := g.Operation(), g.Values()
		if strings.HasPrefix(plain, "subscription") || strings.Contains(plain, "bump") {
			continue
		}
		query := fragments.ReplaceAllStringFunc(plain, func(f string) string {
			if random.IntN(2) == 0 {
				return f
			}
			return f + fmt.Sprintf(" @defer(label: \"%d\")", random.IntN(3))
		})
		whole := ask(t, newEngine(), plain, values)
		if whole.data == "" || query == plain {
			continue
		}
		ran++
		responses := responsesOf(t, newEngine(), query, values)
		var errs gqlerror.List
		merged := decode(t, responses[0].Data)
		for i, r := range responses {
			errs = append(errs, r.Errors...)
			if i > 0 && string(r.Data) != "null" { // a part that is null adds nothing
				merged = mergeAt(t, merged, r.Path, decode(t, r.Data))
			}
		}
		parts += len(responses) - 1
		if len(whole.errors) > 0 { // null stays in its own part
			if len(errs) == 0 {
				t.Fatalf("%s: no errors", query)
			}
			continue
		}
		if len(errs) > 0 || !reflect.DeepEqual(merged, decode(t, []byte(whole.data))) {
			t.Fatalf("%s\n%v\n got %v %v\nwant %s", query, values, merged, errs, whole.data)
		}
	}
	if parts < 300 {
		t.Errorf("only %d parts", parts)
	}
}

func decode(t *testing.T, data []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

// mergeAt puts a part where it belongs, as clients do.
func mergeAt(t *testing.T, into any, path ast.Path, part any) any {
	t.Helper()
	if len(path) == 0 {
		return mergeDeep(into, part)
	}
	switch at := path[0].(type) {
	case ast.PathName:
		object, ok := into.(map[string]any)
		if !ok {
			t.Fatalf("no object at %s", path)
		}
		object[string(at)] = mergeAt(t, object[string(at)], path[1:], part)
	case ast.PathIndex:
		list, ok := into.([]any)
		if !ok {
			t.Fatalf("no list at %s", path)
		}
		list[at] = mergeAt(t, list[at], path[1:], part)
	}
	return into
}

func mergeDeep(into, part any) any {
	switch p := part.(type) {
	case map[string]any:
		object, ok := into.(map[string]any)
		if !ok {
			return p
		}
		for name, value := range p {
			object[name] = mergeDeep(object[name], value)
		}
		return object
	case []any:
		list, ok := into.([]any)
		if !ok || len(list) != len(p) {
			return p
		}
		for i := range p {
			list[i] = mergeDeep(list[i], p[i])
		}
		return list
	}
	return part
}

// Nothing waits for what is slow: neither the first part nor another fragment.
func TestDeferHoldsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		es := newLab(`type Query { thing: Thing } type Thing { n: Int! slow: Int fast: Int }`,
			engine.Fields{"thing": constant(aThing, &thing{n: 1})},
			engine.Fields{
				"n":    thingNumber,
				"slow": of(number, func(context.Context, *thing) (int32, error) { <-release; return 2, nil }),
				"fast": of(number, func(context.Context, *thing) (int32, error) { return 3, nil }),
			})
		e := newExecutor(es)
		ctx := graphql.StartOperationTrace(t.Context())
		op, _ := e.CreateOperationContext(ctx, &graphql.RawParams{Query: `{ thing { n ... @defer { slow } ... @defer(label: "fast") { fast } } }`})
		next, ctx := e.DispatchOperation(ctx, op)
		for _, want := range []string{`{"thing":{"n":1}}`, `{"fast":3}`} {
			if r := next(ctx); string(r.Data) != want || !*r.HasNext {
				t.Errorf("got %s, want %s", r.Data, want)
			}
		}
		close(release)
		if r := next(ctx); string(r.Data) != `{"slow":2}` || *r.HasNext {
			t.Errorf("got %s", r.Data)
		}
		if next(ctx) != nil {
			t.Error("something comes after the last")
		}
	})
}

// A client that leaves ends what was deferred for it. synctest fails the test when something stays behind.
func TestDeferEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		es := newLab(`type Query { things: [Thing] } type Thing { slow: Int }`,
			engine.Fields{"things": constant(things, someThings(5))},
			engine.Fields{"slow": of(number, func(ctx context.Context, _ *thing) (int32, error) { <-ctx.Done(); return 0, ctx.Err() })})
		e := newExecutor(es)
		ctx, leave := context.WithCancel(graphql.StartOperationTrace(t.Context()))
		op, _ := e.CreateOperationContext(ctx, &graphql.RawParams{Query: `{ things { __typename ... @defer { slow } } }`})
		next, ctx := e.DispatchOperation(ctx, op)
		if r := next(ctx); !*r.HasNext {
			t.Error("nothing was deferred")
		}
		ended := make(chan *graphql.Response)
		go func() { ended <- next(ctx) }()
		synctest.Wait()
		leave()
		if r := <-ended; r != nil {
			t.Errorf("got %s", r.Data)
		}
	})
}

// The objects of a list are resolved together, and each has its part.
func TestDeferBatches(t *testing.T) {
	var calls atomic.Int32
	es := newLab(`type Query { things: [Thing!] } type Thing { n: Int! next: Thing bad: Thing! }`,
		engine.Fields{"things": constant(things, someThings(3))},
		engine.Fields{
			"n": thingNumber,
			"next": engine.Batch(func(_ context.Context, objs []*thing, _ *graphql.FieldContext) ([]*thing, error) {
				calls.Add(1)
				return objs, nil
			}, aThing),
			"bad": of(aThing, func(_ context.Context, t *thing) (*thing, error) {
				if t.n == 1 {
					return nil, errors.New("one is bad")
				}
				return t, nil
			}),
		})
	first, later := inParts(t, es, `{ things { n ... @defer { next { n } } ... @defer(label: "b") { bad { n } } } }`, nil)
	want := []string{
		`things[0] - {"next":{"n":0}}`, `things[0] b {"bad":{"n":0}}`,
		`things[1] - {"next":{"n":1}}`, `things[1] b null ! things[1].bad 1:65 one is bad`,
		`things[2] - {"next":{"n":2}}`, `things[2] b {"bad":{"n":2}}`,
	}
	if first != `{"things":[{"n":0},{"n":1},{"n":2}]}` || !slices.Equal(later, want) {
		t.Errorf("got\n%s\n%s", first, strings.Join(later, "\n"))
	}
	if calls.Load() != 1 {
		t.Errorf("%d calls", calls.Load())
	}
}

// What isn't in the answer has no later parts: null has taken the place of the objects.
func TestDeferBelowNull(t *testing.T) {
	es := newLab(`type Query { things: [Thing!] } type Thing { n: Int! bad: Int! }`,
		engine.Fields{"things": constant(things, someThings(3))},
		engine.Fields{"n": thingNumber, "bad": of(number, func(_ context.Context, t *thing) (int32, error) {
			if t.n == 2 {
				return 0, errors.New("bad")
			}
			return 0, nil
		})})
	if first, later := inParts(t, es, `{ things { bad ... @defer { n } } }`, nil); first != `{"things":null} ! things[2].bad 1:12 bad` || later != nil {
		t.Errorf("got %s %s", first, later)
	}
}

// A panic costs one part.
func TestDeferPanics(t *testing.T) {
	es := newLab(`type Query { thing: Thing } type Thing { n: Int! bad: Int }`,
		engine.Fields{"thing": constant(aThing, &thing{n: 1})},
		engine.Fields{"n": thingNumber, "bad": of(number, func(context.Context, *thing) (int32, error) { panic("bad") })})
	first, later := inParts(t, es, `{ thing { n ... @defer { bad } ... @defer { n } } }`, nil)
	if first != `{"thing":{"n":1}}` || !slices.Equal(later, []string{`thing - {"bad":null} ! thing.bad 1:26 panic: bad`, `thing - {"n":1}`}) {
		t.Errorf("got %s %s", first, later)
	}
}

// Who doesn't take parts gets one answer, and so does everybody where gqlgen's executor is at work.
func TestDeferAtOnce(t *testing.T) {
	const query, want = `{ cat(id: 2) { id ... @defer(label: "l") { kind ...F @defer } } } fragment F on Cat { name }`, `{"cat":{"id":"2","kind":"cat","name":"cat 2"}}`
	single := newEngine(engine.WithParts(func(context.Context) bool { return false }))
	if first, later := inParts(t, single, query, nil); first != want || later != nil {
		t.Errorf("got %s %s", first, later)
	}
	e := newExecutor(newEngine())
	e.Use(passing{})
	run(t.Context(), e, query, nil).check(t, want)
}

// Fragments that double at each level are 64 parts at most: more come at once.
func TestDeferIsBounded(t *testing.T) {
	for depth, want := range map[int]int{3: 1 + 2 + 4 + 8, 30: 1} {
		query := `{ cat(id: 2) { ...F1 @defer ...F1 @defer(label: "b") } }`
		for i := 1; i < depth; i++ {
			query += fmt.Sprintf(` fragment F%d on Cat { a%d: id ...F%d @defer ...F%d @defer(label: "b") }`, i, i, i+1, i+1)
		}
		query += fmt.Sprintf(` fragment F%d on Cat { kind }`, depth)
		if got := len(responsesOf(t, newEngine(), query, nil)); got != want {
			t.Errorf("%d parts for depth %d, want %d", got, depth, want)
		}
	}
}

// What a caller may not have isn't there later either.
func TestDeferGuarded(t *testing.T) {
	guard := &hashGuard{one: 1}
	es := engine.New(newStock(), graph.Bindings(nasty.Config()), engine.WithGuard(&named{guard, "Cat.kind"}))
	first, later := inParts(t, es, `{ cat(id: 2) { id ... @defer { name kind } } }`, nil)
	if first != `{"cat":{"id":"2"}}` || !slices.Equal(later, []string{`cat - null ! cat.kind 1:37 denied`}) {
		t.Errorf("got %s %s", first, later)
	}
}

// named denies one field.
type named struct {
	*hashGuard

	field string
}

func (g *named) Need(object, field string) int {
	if object+"."+field == g.field {
		return 1
	}
	return 0
}

func (g *named) Denied(int) bool { return true }

func (g *named) Resolver(ctx context.Context, next graphql.Resolver) (any, error) {
	if fc := graphql.GetFieldContext(ctx); fc != nil && fc.Field.Field != nil && fc.Object+"."+fc.Field.Name == g.field {
		return nil, g.Err()
	}
	return next(ctx)
}

func (g *named) Check(context.Context, *graphql.OperationContext) (engine.Denials, gqlerror.List) {
	return g, nil
}

// events is a schema whose subscriptions have a context per event. Its events are of the field that a middleware may deny.
type events struct{ graphql.ExecutableSchema }

func (e events) ExecWithEventContext(ctx context.Context) graphql.ResponseHandlerWithContext {
	op, sent := graphql.GetOperationContext(ctx), false
	return func(ctx context.Context) (context.Context, *graphql.Response) {
		if sent {
			return ctx, nil
		}
		sent = true
		field := &graphql.FieldContext{Object: "Subscription", Field: graphql.CollectedField{Field: &ast.Field{Name: "count", Alias: "count"}}}
		_, err := op.ResolverMiddleware(graphql.WithFieldContext(ctx, field), func(context.Context) (any, error) { return 1, nil })
		if err != nil {
			graphql.AddError(ctx, err)
			return ctx, &graphql.Response{Data: []byte("null")}
		}
		return ctx, &graphql.Response{Data: []byte(`{"count":1}`)}
	}
}

// refusing refuses operations as a whole.
type refusing struct{ *hashGuard }

func (refusing) Check(context.Context, *graphql.OperationContext) (engine.Denials, gqlerror.List) {
	return nil, gqlerror.List{gqlerror.Errorf("refused")}
}

// Subscriptions of schemas with a context per event went past the guard.
func TestGuardOfEvents(t *testing.T) {
	const query = `subscription { count }`
	with := func(g engine.Guard) graphql.ExecutableSchema {
		return engine.New(events{newStock()}, graph.Bindings(nasty.Config()), engine.WithGuard(g))
	}
	ask(t, with(&named{&hashGuard{one: 1}, "Cat.kind"}), query, nil).check(t, `{"count":1}`)
	ask(t, with(&named{&hashGuard{one: 1}, "Subscription.count"}), query, nil).check(t, `null`, " - denied")
	ask(t, with(refusing{}), query, nil).check(t, `null`, " - refused")
}
