package codegen

import (
	"fmt"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"

	"github.com/tributary-gateway/tributary/gateway/codegen/bindings"
)

// Generate runs gqlgen with this plugin, and the one for the engine's bindings, for a gqlgen.yml.
func Generate(file string, options ...api.Option) error {
	cfg, err := config.LoadConfig(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	ours := []api.Option{api.PrependPlugin(New()), api.AddPlugin(bindings.New())}
	return api.Generate(cfg, append(ours, options...)...)
}
