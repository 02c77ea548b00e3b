package cache_test

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	validate "github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tributary-gateway/tributary/gateway/cache"
)

const definitions = `
enum CacheControlScope { PUBLIC PRIVATE }
directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
directive @invalidates(types: [String!], tags: [String!]) repeatable on FIELD_DEFINITION
`

// rules compiles a schema.
func rules(t testing.TB, schema string, c cache.Config) (*cache.Rules, *ast.Schema) {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "s", Input: definitions + schema})
	if err != nil {
		t.Fatal(err)
	}
	r, compiled := cache.Compile(s, c)
	if compiled != nil {
		t.Fatal(compiled)
	}
	return r, s
}

// planOf makes the plan of a document's first operation.
func planOf(t testing.TB, r *cache.Rules, s *ast.Schema, query string) *cache.Plan {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(s, query, validate.NewDefaultRules())
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	return r.Plan(doc, doc.Operations[0])
}
