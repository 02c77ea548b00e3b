package demo_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tributary-gateway/tributary/internal/demo"
)

// loadSchema reads the shop's graph as the generator does: every file of schema/, with the prelude.
func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	files, err := filepath.Glob("../../schema/*.graphql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no schema files: %v", err)
	}
	var sources []*ast.Source
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: filepath.Base(file), Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSchemaLoads(t *testing.T) { loadSchema(t) }

func TestDocumentsAreValid(t *testing.T) {
	schema := loadSchema(t)
	for name, document := range map[string]string{
		"the demo's":   demo.Query,
		"the README's": `{ products(first: 50) { seller { name } reviews { author { name } } } }`,
	} {
		if _, err := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the descriptions say is what people read in GraphiQL.
func TestEverythingIsDescribed(t *testing.T) {
	for name, def := range loadSchema(t).Types {
		if def.BuiltIn || strings.HasPrefix(def.Name, "Rest") { // ours are described in docs/directives.md
			continue
		}
		if def.Description == "" {
			t.Errorf("type %s has no description", name)
		}
		for _, field := range def.Fields {
			if field.Description == "" && field.Name[0] != '_' {
				t.Errorf("%s.%s has no description", name, field.Name)
			}
		}
	}
}

func TestDirectivesNameTheServices(t *testing.T) {
	used := map[string]bool{}
	look := func(directives ast.DirectiveList) {
		for _, rest := range directives.ForNames("rest") {
			used[rest.Arguments.ForName("service").Value.Raw] = true
		}
	}
	for _, def := range loadSchema(t).Types {
		look(def.Directives)
		for _, field := range def.Fields {
			look(field.Directives)
		}
	}
	for _, name := range demo.Names {
		if !used[name] {
			t.Errorf("no directive uses %s", name)
		}
		delete(used, name)
	}
	if len(used) > 0 {
		t.Errorf("no such services: %v", used)
	}
}

// An enum value that the graph doesn't know would be an error in every answer that has it.
func TestRowsSpeakTheGraphsEnums(t *testing.T) {
	schema := loadSchema(t)
	_, users := ask(t, service("users"), "GET /users?limit=1000", "")
	_, products := ask(t, service("catalog"), "GET /products?limit=1000", "")
	_, orders := ask(t, service("orders"), "GET /orders?limit=1000", "")
	for enum, values := range map[string][]any{
		"Role":        column(users, "role"),
		"Category":    column(at(products, "data"), "category"),
		"OrderStatus": column(at(orders, "orders"), "status"),
	} {
		found := tally(values)
		for _, value := range schema.Types[enum].EnumValues {
			if found[value.Name] == 0 {
				t.Errorf("no row has %s %s", enum, value.Name)
			}
			delete(found, value.Name)
		}
		if len(found) > 0 {
			t.Errorf("%s doesn't know %v", enum, found)
		}
	}
}
