package loader

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/upstreams/call"
)

// tagger finds the tags of what a call brings: of its type, of the types that an interface or union may be, and of those
// that stand in it as properties. Which objects are there isn't looked at, so that a purge of any of a type reaches it.
type tagger struct {
	graph *call.Graph
	own   string // a type whose objects' own ids are tags already
	seen  map[string]bool
	tags  []string
}

// tagsOf are those of answers with a value of type t. own is the type of which each answer is one object that has its id
// as a tag, or empty.
func tagsOf(graph *call.Graph, t *ast.Type, own string) []string {
	g := tagger{graph: graph, own: own, seen: map[string]bool{}}
	g.add(t)
	return g.tags
}

func (g *tagger) add(t *ast.Type) {
	def := g.graph.Schema.Types[t.Name()]
	if def == nil || !def.IsCompositeType() {
		return
	}
	if t.Elem != nil && !g.seen["list:"+def.Name] {
		g.seen["list:"+def.Name] = true
		g.tags = append(g.tags, store.ListTag(def.Name))
	}
	if g.seen[def.Name] {
		if def.Name == g.own { // others of the type stand in its objects
			g.own = ""
			g.tags = append(g.tags, store.ManyTag(def.Name))
		}
		return
	}
	g.seen[def.Name] = true
	g.tags = append(g.tags, store.TypeTag(def.Name))
	if def.Kind != ast.Object {
		for _, possible := range g.graph.Schema.GetPossibleTypes(def) {
			g.add(possibly(t, possible))
		}
		return
	}
	if def.Fields.ForName("id") != nil && def.Name != g.own {
		g.tags = append(g.tags, store.ManyTag(def.Name))
	}
	for _, f := range def.Fields {
		if g.graph.Fields[def.Name+"."+f.Name] == nil {
			g.add(f.Type)
		}
	}
}

// possibly is a type of what an interface or union may be, a list where that is one.
func possibly(t *ast.Type, def *ast.Definition) *ast.Type {
	if t.Elem != nil {
		return ast.ListType(ast.NamedType(def.Name, nil), nil)
	}
	return ast.NamedType(def.Name, nil)
}
