package call

import (
	"maps"
	"slices"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/mistake"
)

// Advice names what works but will be slow: calls that are made once for each object of a list, because they have no
// keys to batch.
func (g *Graph) Advice() mistake.List {
	var all mistake.List
	for _, coordinate := range slices.Sorted(maps.Keys(g.Fields)) {
		typeName, _, _ := strings.Cut(coordinate, ".")
		f := g.Fields[coordinate]
		if f.Call == nil || f.Call.Keying == KeyedMany || g.Views[typeName] == nil {
			continue
		}
		all.Add(f.Definition.Directives.ForName("rest").Position,
			"%s makes one request for each %s: in a list of 100 that is 100; if the service can answer for many, use {keys}", coordinate, typeName)
	}
	for _, name := range slices.Sorted(maps.Keys(g.Entities)) {
		if e := g.Entities[name]; e.Many == nil {
			all.Add(g.Schema.Types[name].Directives.ForName("rest").Position,
				"%s is fetched one by one: a list of 100 references is 100 requests; if the service can answer for many, add a @rest with {keys}", name)
		}
	}
	all.Sort()
	return all
}
