package call

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/template"
)

// placeholder checks that there is what a placeholder asks for, and that it fits where it stands.
func (c *compiler) placeholder(s *site, where string, hole template.Placeholder) {
	switch {
	case hole.Root == template.Arg && s.field == nil:
		c.wrong(s, "%s: %s: a type has no arguments; use {key} or {keys}", where, hole.Text)
	case hole.Root == template.Arg:
		if t := c.argumentType(s, where, hole); t != nil {
			c.fits(s, where, hole, t)
		}
	case hole.Root == template.This && s.field == nil:
		c.wrong(s, "%s: %s: an object that is to be fetched has no properties yet; use {key} or {keys}", where, hole.Text)
	case hole.Root == template.This && s.root:
		c.wrong(s, "%s: %s: a root field has no parent; use an argument, such as {%s}", where, hole.Text, hole.Path[0])
	}
}

// argumentType follows {input.name} through the types of the schema. It is nil when the type isn't known: because that
// is a mistake, or inside a scalar such as JSON, which may have anything in it.
func (c *compiler) argumentType(s *site, where string, hole template.Placeholder) *ast.Type {
	arg := s.field.Arguments.ForName(hole.Path[0])
	if arg == nil {
		known := "it has none"
		if names := argumentNames(s.field); len(names) > 0 {
			known = "it has: " + strings.Join(names, ", ")
		}
		c.wrong(s, "%s: %s: the field has no argument %q (%s); a property of the parent is {this.%s}", where, hole.Text, hole.Path[0], known, hole.Path[0])
		return nil
	}
	t := arg.Type
	for i, name := range hole.Path[1:] {
		before := strings.Join(hole.Path[:i+1], ".")
		_, notPlace := strconv.Atoi(name)
		def := c.graph.Schema.Types[t.NamedType]
		switch {
		case t.Elem != nil && notPlace == nil:
			t = t.Elem
			continue
		case t.Elem != nil:
			c.wrong(s, "%s: %s: %s is a list, whose items have numbers; the first is {%s.0}", where, hole.Text, before, before)
			return nil
		case def == nil || def.Kind == ast.Scalar && !builtIn[def.Name]:
			return nil
		case def.Kind != ast.InputObject:
			c.wrong(s, "%s: %s: %s is no object, it is of the type %s; write {%s}", where, hole.Text, before, t.NamedType, before)
			return nil
		}
		field := def.Fields.ForName(name)
		if field == nil {
			c.wrong(s, "%s: %s: %s has no %q; it has: %s", where, hole.Text, t.NamedType, name, strings.Join(fieldNames(def), ", "))
			return nil
		}
		t = field.Type
	}
	return t
}

// builtIn are the scalars that have nothing inside.
var builtIn = map[string]bool{"ID": true, "String": true, "Int": true, "Float": true, "Boolean": true}

// fits refuses lists and objects where a service is sent a text: a path or a header, and objects in a query.
func (c *compiler) fits(s *site, where string, hole template.Placeholder, t *ast.Type) {
	switch {
	case where == "body":
	case t.Elem != nil && (where == "path" || where == "headers"):
		c.wrong(s, "%s: %s is a list, which only query and body can hold", where, hole.Text)
	case where == "query" && t.Elem != nil && t.Elem.Elem != nil:
		c.wrong(s, "query: %s is a list of lists, which only a body can hold", hole.Text)
	case c.isInput(t.Name()):
		c.wrong(s, "%s: %s is an object, which only a body can hold; use its fields, such as {%s.%s}",
			where, hole.Text, strings.Join(hole.Path, "."), fieldNames(c.graph.Schema.Types[t.Name()])[0])
	}
}

func (c *compiler) isInput(name string) bool {
	def := c.graph.Schema.Types[name]
	return def != nil && def.Kind == ast.InputObject
}

func argumentNames(f *ast.FieldDefinition) []string {
	var names []string
	for _, a := range f.Arguments {
		names = append(names, a.Name)
	}
	return names
}

func fieldNames(def *ast.Definition) []string {
	var names []string
	for _, f := range def.Fields {
		names = append(names, f.Name)
	}
	return names
}
