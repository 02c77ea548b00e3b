package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/internal/randomop"
)

// TestDifferential runs random operations over the nasty schema with gqlgen's executor and with the engine: the same data
// in the same order, the same errors. Where the specification (October 2021) wants something else than gqlgen does, the
// engine follows it. In these cases the answers are made alike before they are compared:
//
//   - Errors of batch resolvers, panics, arguments and null have no locations in gqlgen; section 7.1.2 wants them.
//   - Errors of arguments have the argument's name in their path in gqlgen. A path is one of the response (7.1.2).
//   - Null in a list of scalars is reported without its index by gqlgen, and once for all elements (7.1.2).
//   - A null property of a view has the name of its field in the engine's message. The words for null are gqlgen's otherwise.
//
// Some more can't be compared and have tests of their own: TestExceptions.
func TestDifferential(t *testing.T) {
	operations := 6000
	if testing.Short() {
		operations = 500
	}
	stock := newStock()
	g := newGenerator(rand.New(rand.NewPCG(1, 2)), stock.Schema())
	ran, failed := 0, 0
	for ran < operations && failed < 5 {
		query := g.Operation()
		if done, ok := compare(t, query, g); done {
			ran++
			if !ok {
				failed++
			}
		}
	}
}

// avoided are fields and arguments in which gqlgen's executor is wrong in a way that TestExceptions shows.
var avoided = map[string]bool{"Right.twin": true, "Query.ratio.bad": true, "Query.__type": true, "Query.__schema": true}

func newGenerator(r *rand.Rand, schema *ast.Schema) *randomop.Generator {
	return &randomop.Generator{Rand: r, Schema: schema, Avoid: avoided, Scalar: func(r *rand.Rand, name string) any {
		if name == "Void" {
			return []string{"ok", "ok", "ok", "ok", "bad", "panic"}[r.IntN(6)]
		}
		return nil
	}}
}

// FuzzDifferential looks for more of them.
func FuzzDifferential(f *testing.F) {
	schema := newStock().Schema()
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		g := newGenerator(rand.New(rand.NewPCG(a, b)), schema)
		compare(t, g.Operation(), g)
	})
}

// compare runs one operation with two sets of variables. It isn't done when the operation isn't valid.
func compare(t *testing.T, query string, g *randomop.Generator) (done, ok bool) {
	t.Helper()
	stock, ours := newExecutor(newStock()), newExecutor(newEngine())
	ours.SetQueryCache(graphql.MapCache[*ast.QueryDocument]{})
	ok = true
	for range 2 {
		values := g.Values()
		want := run(t.Context(), stock, query, values)
		if want.data == "" {
			return false, true
		}
		got := run(t.Context(), ours, query, values)
		if tokens(t, got.data) != tokens(t, want.data) {
			t.Errorf("%s\n%v\n got %s\nwant %s\n%s\n%s", query, values, got.data, want.data, lines(got.errors), lines(want.errors))
			return true, false
		}
		if diff := difference(got.errors, want.errors); diff != "" {
			t.Errorf("%s\n%v\n%s\n%s", query, values, got.data, diff)
			return true, false
		}
	}
	return true, ok
}

func lines(errs gqlerror.List) string { return strings.Join(texts(errs), "\n") }

// difference tells which errors only one of the two has.
func difference(got, want gqlerror.List) string {
	g, w := canonical(got), canonical(want)
	for i := range w {
		// gqlgen's that have no location match any.
		if j := slices.IndexFunc(g, func(e string) bool {
			return e == w[i] || strings.HasPrefix(e, strings.TrimSuffix(w[i], "-")) && strings.HasSuffix(w[i], " @-")
		}); j >= 0 {
			g, w[i] = slices.Delete(g, j, j+1), ""
		}
	}
	w = slices.DeleteFunc(w, func(e string) bool { return e == "" })
	if len(g)+len(w) == 0 {
		return ""
	}
	return "only ours:\n" + strings.Join(g, "\n") + "\nonly gqlgen's:\n" + strings.Join(w, "\n")
}

func canonical(errs gqlerror.List) []string {
	var list []string
	for _, e := range errs {
		message, path, location := e.Message, e.Path, "-"
		if len(e.Locations) > 0 {
			location = fmt.Sprint(e.Locations)
		}
		switch {
		case message == "must not be null", strings.HasPrefix(message, "the requested element is null"),
			strings.HasPrefix(message, "Cannot return null"):
			message = "null"
			for len(path) > 0 {
				if _, index := path[len(path)-1].(ast.PathIndex); !index {
					break
				}
				path = path[:len(path)-1]
			}
			location = "-"
		case message == "bad void", message == "panic: void":
			if i := slices.IndexFunc(path, func(p ast.PathElement) bool { return p == ast.PathName("v") || p == ast.PathName("filter") }); i >= 0 {
				path = path[:i]
			}
			location = "-"
		}
		list = append(list, fmt.Sprintf("%s %q %v @%s", path, message, e.Extensions, location))
	}
	slices.Sort(list)
	return slices.CompactFunc(list, func(a, b string) bool { return a == b && strings.Contains(a, `"null"`) })
}
