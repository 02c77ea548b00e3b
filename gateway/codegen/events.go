package codegen

import (
	"fmt"

	"github.com/99designs/gqlgen/codegen/templates"

	"github.com/tributary-gateway/tributary/upstreams/call"
)

// eventsOf are the fields of the subscription type that have a source of events, by coordinate.
func eventsOf(graph *call.Graph) map[string]*call.Field {
	fields := map[string]*call.Field{}
	root := graph.Schema.Subscription
	if root == nil {
		return fields
	}
	for _, f := range root.Fields {
		if !call.Eventful(f) {
			continue
		}
		coordinate := root.Name + "." + f.Name
		if fields[coordinate] = graph.Fields[coordinate]; fields[coordinate] == nil {
			fields[coordinate] = &call.Field{Coordinate: coordinate, Definition: f, List: f.Type.Elem != nil}
		}
	}
	return fields
}

// subscriptionBody is the line of a resolver that passes on what its source has.
func (v *views) subscriptionBody(f *call.Field) string {
	event := templates.CurrentImports.Lookup(eventPackage)
	loader := templates.CurrentImports.Lookup(loaderPackage)
	return fmt.Sprintf("return %s.Subscribe(ctx, %q, %s.Reading(%s))", event, f.Coordinate, loader, v.reader(f, f.Definition.Type, loader))
}
