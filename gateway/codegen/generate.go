package codegen

import (
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"

	"github.com/tributary-gateway/tributary/gateway/codegen/bindings"
	"github.com/tributary-gateway/tributary/gateway/mistake"
)

// Generate runs gqlgen with this plugin, and the one for the engine's bindings, for a gqlgen.yml. The error is
// mistake.List for mistakes in directives.
func Generate(file string, options ...api.Option) error {
	cfg, err := config.LoadConfig(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	ours := []api.Option{api.PrependPlugin(New()), api.AddPlugin(bindings.New())}
	err = api.Generate(cfg, append(ours, options...)...)
	var problems mistake.List
	if errors.As(err, &problems) {
		return problems // without gqlgen's words before the first: each line begins with its file
	}
	return err
}
