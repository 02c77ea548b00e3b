package codegen

import (
	"maps"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/codegen/config"
)

const (
	scalarPackage = "github.com/tributary-gateway/tributary/gateway/scalar"
	viewPackage   = "github.com/tributary-gateway/tributary/upstreams/view"
	loaderPackage = "github.com/tributary-gateway/tributary/upstreams/loader"
	eventPackage  = "github.com/tributary-gateway/tributary/upstreams/event"
)

// scalar is what the generator knows of a scalar: its Go type and the coercion of package view.
type scalar struct {
	goType string
	read   string
	// nilable tells that the Go type has a nil of its own, so null needs no pointer.
	nilable bool
}

// scalars are those that a service-backed type can have.
var scalars = map[string]scalar{
	"ID":       {goType: "string", read: "view.ID"},
	"String":   {goType: "string", read: "view.String"},
	"Int":      {goType: "int32", read: "view.Int"},
	"Float":    {goType: "float64", read: "view.Float"},
	"Boolean":  {goType: "bool", read: "view.Bool"},
	"Long":     {goType: "int64", read: "view.Long"},
	"DateTime": {goType: "scalar.DateTime", read: "view.DateTime"},
	"JSON":     {goType: "scalar.JSON", read: "view.JSON", nilable: true},
}

// scalarNames lists the scalars for messages.
func scalarNames() string {
	names := make([]string, 0, len(scalars))
	for name := range scalars {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// bindScalars binds the schema's scalars to package scalar, whose coercion is the specification's, where gqlgen.yml
// doesn't bind them to something else than gqlgen's own.
func bindScalars(cfg *config.Config) {
	for _, name := range append(slices.Collect(maps.Keys(scalars)), "Upload") {
		if cfg.Schema.Types[name] == nil || !gqlgenDefault(cfg.Models[name].Model) {
			continue
		}
		entry := cfg.Models[name]
		entry.Model = config.StringList{scalarPackage + "." + name}
		cfg.Models[name] = entry
	}
}

func gqlgenDefault(models config.StringList) bool {
	for _, m := range models {
		if !strings.HasPrefix(m, "github.com/99designs/gqlgen/graphql.") {
			return false
		}
	}
	return true
}
