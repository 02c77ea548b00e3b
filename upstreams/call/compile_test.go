package call_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/mistake"
	"github.com/tributary-gateway/tributary/upstreams/call"
)

var update = flag.Bool("update", false, "write testdata/bad/*.txt")

// services are those of the bad schemas.
var services = []string{"posts", "users"}

// sources are the definitions that every schema has, and the files.
func sources(t testing.TB, files ...string) []*ast.Source {
	t.Helper()
	var all []*ast.Source
	for _, name := range []string{"directives", "gqlgen", "scalars"} {
		all = append(all, source(t, "../../schema/"+name+".graphql"))
	}
	for _, file := range files {
		all = append(all, source(t, file))
	}
	return all
}

func source(t testing.TB, file string) *ast.Source {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return &ast.Source{Name: filepath.Base(file), Input: string(text)}
}

// load is the schema of some text, whose file is called test.graphql.
func load(t testing.TB, text string) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(append(sources(t), &ast.Source{Name: "test.graphql", Input: text})...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// compile is the graph of some text.
func compile(t testing.TB, text string) *call.Graph {
	t.Helper()
	graph, err := call.Compile(load(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return graph
}

func TestBadSchemas(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.graphql")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".graphql")
		t.Run(filepath.Base(name), func(t *testing.T) {
			schema, err := gqlparser.LoadSchema(sources(t, file)...)
			if err != nil {
				t.Fatal(err)
			}
			graph, err := call.Compile(schema, services)
			var problems mistake.List
			if graph != nil || !errors.As(err, &problems) {
				t.Fatalf("got %v, %v", graph, err)
			}
			got := problems.Error() + "\n"
			if *update {
				if err := os.WriteFile(name+".txt", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
