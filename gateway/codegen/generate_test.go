package codegen_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/codegen"
)

var update = flag.Bool("update", false, "write testdata/shop/*.golden")

// The models of service-backed types, the bodies of declarative fields and the stubs of the others are as in
// testdata/shop. That they compile is checked by gqlgen. What is written by hand stays when the code is made again.
func TestGenerate(t *testing.T) {
	work(t, "shop")
	if err := codegen.Generate("gqlgen.yml"); err != nil {
		t.Fatal(err)
	}
	golden(t, "graph/model/views.go")
	golden(t, "resolvers/shop.resolvers.go")

	resolvers := read(t, "resolvers/shop.resolvers.go")
	resolvers = replace(t, resolvers, `panic(fmt.Errorf("not implemented: Query.today"))`, "day := \"Monday\"\n\treturn &day, nil // always")
	resolvers = replace(t, resolvers, `panic(fmt.Errorf("not implemented: Product.label"))`, `return nil, fmt.Errorf("no label")`)
	resolvers = replace(t, resolvers, `loader.Field(ctx, "Query.product", loader.Object[model.Product])`, `nil, nil`)
	write(t, "resolvers/shop.resolvers.go", resolvers)
	write(t, "shop.graphql", replace(t, read(t, "shop.graphql"), "  today: String\n", "  today: String\n  tomorrow: String\n"))

	if err := codegen.Generate("gqlgen.yml"); err != nil {
		t.Fatal(err)
	}
	again := read(t, "resolvers/shop.resolvers.go")
	for what, text := range map[string]string{
		"a body written by hand": "day := \"Monday\"\n\treturn &day, nil // always",
		"another":                `return nil, fmt.Errorf("no label")`,
		"a declarative field, which is always its call": `return loader.Field(ctx, "Query.product", loader.Object[model.Product])`,
		"the stub of a new field":                       `panic(fmt.Errorf("not implemented: Query.tomorrow"))`,
	} {
		if !strings.Contains(again, text) {
			t.Errorf("%s is missing:\n%s", what, text)
		}
	}
	golden(t, "graph/model/views.go")
	if strings.Contains(again, "!!! WARNING !!!") {
		t.Error("something was moved into a comment")
	}
}

// A root field may lead to an enum where no type is service-backed: its reader was missing then. When nothing is left to
// read, views.go is gone.
func TestWithoutTypes(t *testing.T) {
	work(t, "shop")
	write(t, "shop.graphql", "enum Size { SMALL LARGE }\ntype Query { size: Size! @rest(service: \"s\", get: \"/size\") }\n")
	if err := codegen.Generate("gqlgen.yml"); err != nil {
		t.Fatal(err)
	}
	if views := read(t, "graph/model/views.go"); !strings.Contains(views, "func ReadSize(v view.Value) (Size, error)") {
		t.Errorf("got:\n%s", views)
	}
	write(t, "shop.graphql", "type Query { now: String }\n")
	if err := os.RemoveAll("resolvers"); err != nil {
		t.Fatal(err)
	}
	if err := codegen.Generate("gqlgen.yml"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("graph/model/views.go"); !os.IsNotExist(err) {
		t.Errorf("views.go is still there: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	const rest = `@rest(service: "s", get: "/s/{key}")`
	for name, test := range map[string]struct {
		schema, config string
		want           string
	}{
		"a scalar that nobody can read": {
			"scalar Colour\ntype Query { car: Car " + `@rest(service: "s", get: "/car")` + " }\ntype Car {\n  id: ID\n  colour: [Colour!]\n}\n", "",
			"shop.graphql:5: Car.colour comes from a service, but the scalar Colour can't be read from JSON; use one of Boolean, DateTime, Float, ID, Int, JSON, Long, String, or leave the field to Go with @goField(forceResolver: true)",
		},
		"of a root field": {
			"scalar Colour\ntype Query {\n  colour: Colour! " + `@rest(service: "s", get: "/car")` + "\n}\n", "",
			"shop.graphql:3: Query.colour comes from a service, but the scalar Colour can't be read from JSON; use one of Boolean, DateTime, Float, ID, Int, JSON, Long, String, or drop the directive and write a Go resolver",
		},
		"two fields with one name in Go": {
			"type Query { now: String }\ntype Car " + rest + " {\n  user_id: ID\n  userId: ID\n}\n", "",
			"shop.graphql:4: Car.userId and Car.user_id are both UserID in Go; rename one of them, with @from(path: \"/userId\") if the JSON stays as it is",
		},
		"a view that gqlgen.yml binds": {
			"type Query { now: String }\ntype Car " + rest + " { id: ID }\n", "models:\n  Car: {model: example.com/cars.Car}\n",
			"shop.graphql:2: Car is a view over its service's JSON, but gqlgen.yml binds it to example.com/cars.Car; remove the binding or the @rest",
		},
		"a mistake in a directive": {
			"type Query {\n  now: String @rest(service: \"s\", get: \"now\")\n}\n", "",
			`shop.graphql:2: @rest on Query.now: get: path "now" must begin with one "/"; the service's address stands in gateway.yaml`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			work(t, "shop")
			write(t, "shop.graphql", test.schema)
			write(t, "gqlgen.yml", read(t, "gqlgen.yml")+test.config)
			err := codegen.Generate("gqlgen.yml")
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.TrimPrefix(err.Error(), "tributary: "); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
	if err := codegen.Generate("nowhere.yml"); err == nil || !strings.HasPrefix(err.Error(), "nowhere.yml: ") {
		t.Errorf("no configuration: got %v", err)
	}
}

// work makes a copy of a folder in testdata, where it is a part of this module, and goes there.
func work(t *testing.T, name string) {
	t.Helper()
	root, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(root, "run")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for _, file := range []string{"gqlgen.yml", "shop.graphql"} {
		write(t, filepath.Join(dir, file), read(t, filepath.Join(root, name, file)))
	}
	t.Chdir(dir)
}

// golden compares a file with the one in testdata/shop.
func golden(t *testing.T, name string) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(read(t, name), "testdata/"+filepath.Base(dir)+"/", "testdata/shop/")
	file := filepath.Join("..", "shop", filepath.Base(name)+".golden")
	if *update {
		write(t, file, got)
	}
	if diff := cmp.Diff(read(t, file), got); diff != "" {
		t.Errorf("%s (run the test with -update to write it):\n%s", name, diff)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, text, old, now string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q is there %d times", old, strings.Count(text, old))
	}
	return strings.Replace(text, old, now, 1)
}
