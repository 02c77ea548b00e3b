// Package codegen is the gqlgen plugin that makes a gateway out of a schema with directives.
//
// It writes the models of service-backed types as typed views over JSON (views.go in the model package), tells gqlgen
// which fields are resolvers, and fills in the one-line bodies of the declarative ones. Everything else stays gqlgen's:
// stubs for fields that are left to Go, input types, enums, the executable schema. A directive that can't work stops
// the generation with file and line; the directives themselves are read by upstreams/call, which the gateway uses too.
package codegen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/plugin"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/call"
)

// directives are those that are read at start and do nothing while a query runs.
var directives = []string{
	"rest", "ref", "from", "typename", "invalidates", "cacheControl",
	"cost", "listSize", "authenticated", "requiresScopes", "poll", "sse", "event",
}

// Plugin is the gqlgen plugin. Prepend it to gqlgen's own: its models must be there before theirs.
type Plugin struct {
	graph *call.Graph
	views *views
}

var (
	_ plugin.ConfigMutator       = (*Plugin)(nil)
	_ plugin.ResolverImplementer = (*Plugin)(nil)
)

// New makes the plugin for one run of gqlgen.
func New() *Plugin { return &Plugin{} }

// Name is the plugin's name in gqlgen.
func (*Plugin) Name() string { return "tributary" }

// MutateConfig reads the directives, writes the views, and tells gqlgen of both.
func (p *Plugin) MutateConfig(cfg *config.Config) error {
	graph, err := call.Compile(cfg.Schema, nil)
	if err != nil {
		return err
	}
	p.graph = graph
	for _, name := range directives {
		cfg.Directives[name] = config.DirectiveConfig{SkipRuntime: true}
	}
	cfg.OmitGetters = true // gqlgen would want them of the views of an interface
	bindScalars(cfg)
	if p.views, err = newViews(cfg, graph); err != nil {
		return err
	}
	for name := range graph.Views {
		entry := cfg.Models[name]
		if len(entry.Model) > 0 && !slices.Contains(entry.Model, p.views.goPath(name)) {
			return fmt.Errorf("%s: %s is a view over its service's JSON, but gqlgen.yml binds it to %s; remove the binding or the @rest",
				position(graph.Views[name].Definition.Position), name, strings.Join(entry.Model, ", "))
		}
		entry.Model = config.StringList{p.views.goPath(name)}
		cfg.Models[name] = entry
	}
	for coordinate := range graph.Fields {
		typeName, fieldName, _ := strings.Cut(coordinate, ".")
		if graph.Views[typeName] == nil {
			continue // a root type: its fields are always resolvers, and have no parents to batch
		}
		batch := true
		setField(cfg, typeName, fieldName, func(f *config.TypeMapField) { f.Resolver, f.Batch = true, &batch })
	}
	return p.views.write()
}

// setField changes the configuration of one field.
func setField(cfg *config.Config, typeName, fieldName string, change func(*config.TypeMapField)) {
	entry := cfg.Models[typeName]
	if entry.Fields == nil {
		entry.Fields = map[string]config.TypeMapField{}
	}
	field := entry.Fields[fieldName]
	change(&field)
	entry.Fields[fieldName] = field
	cfg.Models[typeName] = entry
}

// Implement gives a resolver its body: the line that names the call, or what was there before, or a stub.
func (p *Plugin) Implement(previous string, field *codegen.Field) string {
	coordinate := field.Object.Name + "." + field.Name
	declared := p.graph.Fields[coordinate]
	switch {
	case p.views.events[coordinate] != nil:
		return p.views.subscriptionBody(p.views.events[coordinate])
	case declared != nil:
		return p.views.resolverBody(declared, p.graph.Views[field.Object.Name] != nil)
	case previous != "":
		return previous
	default:
		return fmt.Sprintf("panic(fmt.Errorf(%q))", "not implemented: "+coordinate)
	}
}

func position(at *ast.Position) string {
	if at == nil || at.Src == nil {
		return "schema"
	}
	return fmt.Sprintf("%s:%d", at.Src.Name, at.Line)
}
