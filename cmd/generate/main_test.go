package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A directive that can't work ends the command with status 1 and says in which line of which file, and nothing is
// written.
func TestBadDirective(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "generate")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	write(t, filepath.Join(dir, "go.mod"), "module example.com/shop\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "schema", "shop.graphql"), `type Query {
  user(id: ID!): String
    @rest(service: "users", get: "/users/{name}")
}
`)
	for from, to := range map[string]string{
		"../../gqlgen.yml":                "gqlgen.yml",
		"../../schema/directives.graphql": "schema/directives.graphql",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, to), string(text))
	}
	command := exec.Command(program)
	command.Dir = dir
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want status 1", err)
	}
	want := `schema/shop.graphql:3: @rest on Query.user: path: {name}: the field has no argument "name" (it has: id); a property of the parent is {this.name}`
	if got := filepath.ToSlash(strings.TrimSpace(string(out))); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, name := range []string{"graph", "resolvers"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s was written: %v", name, err)
		}
	}
}

func TestNoConfiguration(t *testing.T) {
	out, err := exec.Command("go", "run", ".", filepath.Join(t.TempDir(), "gqlgen.yml")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "unable to read config") {
		t.Errorf("got %v\n%s", err, out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
