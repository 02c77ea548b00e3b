package codegen

import (
	"fmt"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
)

// Generate runs gqlgen with this plugin for a gqlgen.yml.
func Generate(file string, options ...api.Option) error {
	cfg, err := config.LoadConfig(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return api.Generate(cfg, append([]api.Option{api.PrependPlugin(New())}, options...)...)
}
