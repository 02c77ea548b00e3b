package bindings_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/plugin"
	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/codegen/bindings"
)

// The nasty schema of the engine's tests has every form of binding that gqlgen knows, and those tests run what is
// generated for it. So all that is left to see is that it's what the plugin generates.
func TestNastySchema(t *testing.T) {
	t.Chdir("../../engine/internal/nasty")
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.LoadSchema(); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Init(); err != nil {
		t.Fatal(err)
	}
	data, err := codegen.BuildData(cfg)
	if err != nil {
		t.Fatal(err)
	}
	committed := filepath.Join(data.Config.Exec.Dir(), "bindings.go")
	data.Config.Exec.Filename = filepath.Join(t.TempDir(), "generated.go")
	p := bindings.New()
	// There is no former file to remove here, which is no error.
	if err := p.(plugin.ConfigMutator).MutateConfig(data.Config); err != nil {
		t.Error(err)
	}
	if err := p.(plugin.CodeGenerator).GenerateCode(data); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(data.Config.Exec.Dir(), "bindings.go"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("go generate has not been run: %s", diff)
	}
}
