package engine_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty/graph"
)

type guard struct {
	rules  *authorize.Rules
	caller authorize.Caller
}

func (g guard) Need(object, field string) int { return int(g.rules.Need(object, field)) }
func (g guard) Check(ctx context.Context, op *graphql.OperationContext) (engine.Denials, gqlerror.List) {
	v := g.rules.Of(op.Doc, op.Operation).Check(g.caller)
	if v == nil {
		return nil, nil
	}
	return denials{v}, v.Refusals(op.Doc, op.Operation, op.Variables)
}

type denials struct{ *authorize.Verdict }

func (d denials) Denied(need int) bool { return d.Verdict.Denied(authorize.Need(need)) }
func (denials) Err() error             { return authorize.ErrDenied }

func TestRulesDifferential(t *testing.T) {
	schema := newStock().Schema()
	random := rand.New(rand.NewPCG(5, 6))
	decorate := func() (undo func()) {
		var undos []func()
		add := func(list *ast.DirectiveList) {
			old := *list
			undos = append(undos, func() { *list = old })
			n := append(ast.DirectiveList{}, old...)
			if random.IntN(2) == 0 {
				n = append(n, &ast.Directive{Name: "authenticated"})
			} else {
				n = append(n, &ast.Directive{Name: "requiresScopes", Arguments: ast.ArgumentList{{Name: "scopes", Value: &ast.Value{Kind: ast.ListValue, Children: ast.ChildValueList{
					{Value: &ast.Value{Kind: ast.ListValue, Children: ast.ChildValueList{{Value: &ast.Value{Kind: ast.StringValue, Raw: string(rune('a' + random.IntN(4)))}}}}}}}}}})
			}
			*list = n
		}
		for _, def := range schema.Types {
			if strings.HasPrefix(def.Name, "__") || def.BuiltIn || def == schema.Query || def == schema.Mutation {
				continue
			}
			if def.Kind != ast.Union && def.Kind != ast.InputObject && random.IntN(25) == 0 {
				add(&def.Directives)
			}
		}
		for _, def := range schema.Types {
			if def.BuiltIn || def.Kind != ast.Object && def.Kind != ast.Interface {
				continue
			}
			for _, f := range def.Fields {
				if f.Type.Name() != "Query" && !strings.HasPrefix(f.Name, "__") && random.IntN(12) == 0 {
					add(&f.Directives)
				}
			}
		}
		return func() {
			for _, u := range undos {
				u()
			}
		}
	}
	g := newGenerator(random, schema)
	ran, failed, denied, refused := 0, 0, 0, 0
	for ran < 2000 && failed < 4 {
		undo := decorate()
		rules, err := authorize.New(schema)
		if err != nil {
			t.Fatal(err)
		}
		query, who := g.Operation(), guard{rules, authorize.Caller{Authenticated: random.IntN(2) == 0, Scopes: []string{"a"}}}
		guarded := func() graphql.ExecutableSchema {
			return engine.New(newStock(), graph.Bindings(nasty.Config()), engine.WithGuard(who))
		}
		stock, ours := newExecutor(guarded()), newExecutor(guarded())
		stock.Use(passing{})
		values := g.Values()
		want := run(t.Context(), stock, query, values)
		undo()
		if want.data == "" || strings.Contains(lines(want.errors), "void") {
			continue
		}
		ran++
		got := run(t.Context(), ours, query, values)
		n := strings.Count(lines(got.errors), authorize.ErrDenied.Error())
		denied += n
		if n > 0 && got.data == "null" && strings.HasPrefix(query, "mutation") {
			refused++
		}
		if diff := difference(got.errors, want.errors); diff != "" || tokens(t, got.data) != tokens(t, want.data) {
			t.Errorf("%s\n%v\n got %s\nwant %s\n%s", query, values, got.data, want.data, diff)
			failed++
		}
	}
	t.Log(ran, denied, refused)
}
