package call

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// literals checks the arguments of a directive against the directive's definition, which gqlparser doesn't do for the
// directives of a schema. It is false when one is wrong; what the arguments mean needn't be looked at then.
func (c *compiler) literals(s *site) bool {
	before := len(c.problems)
	seen := map[string]bool{}
	for _, arg := range s.directive.Arguments {
		if seen[arg.Name] {
			c.wrong(s, "%s is there twice; keep one", arg.Name)
		}
		seen[arg.Name] = true
		if s.directive.Definition == nil {
			continue
		}
		if def := s.directive.Definition.Arguments.ForName(arg.Name); def != nil {
			c.literal(s, arg.Name, def.Type, arg.Value)
		}
	}
	return len(c.problems) == before
}

func (c *compiler) literal(s *site, name string, t *ast.Type, v *ast.Value) {
	def := c.graph.Schema.Types[t.NamedType]
	switch {
	case v.Kind == ast.NullValue:
	case t.Elem != nil && v.Kind == ast.ListValue:
		for _, item := range v.Children {
			c.literal(s, name, t.Elem, item.Value)
		}
	case t.Elem != nil: // one value stands for a list of one
		c.literal(s, name, t.Elem, v)
	case def == nil:
	case def.Kind == ast.InputObject:
		c.inputObject(s, name, def, v)
	case def.Kind == ast.Enum && len(def.EnumValues) > 1 && (v.Kind != ast.EnumValue || def.EnumValues.ForName(v.Raw) == nil):
		var values []string
		for _, value := range def.EnumValues {
			values = append(values, value.Name)
		}
		c.wrong(s, "%s: %s isn't one of its values; use %s or %s", name, v, strings.Join(values[:len(values)-1], ", "), values[len(values)-1])
	case def.Name == "String" && v.Kind != ast.StringValue && v.Kind != ast.BlockValue:
		c.wrong(s, "%s: %s is no text; write it in quotes", name, v)
	case def.Name == "Int" && v.Kind != ast.IntValue:
		c.wrong(s, "%s: %s is no whole number; write it without quotes, such as 50", name, v)
	case def.Name == "Boolean" && v.Kind != ast.BooleanValue:
		c.wrong(s, "%s: %s is neither true nor false", name, v)
	case def.Kind == ast.Scalar:
		c.members(s, name, v)
	}
}

// inputObject checks an object against its input type.
func (c *compiler) inputObject(s *site, name string, def *ast.Definition, v *ast.Value) {
	var known []string
	for _, field := range def.Fields {
		known = append(known, field.Name)
	}
	if v.Kind != ast.ObjectValue {
		c.wrong(s, "%s: %s is no object; write {…} with some of: %s", name, v, strings.Join(known, ", "))
		return
	}
	c.members(s, name, v)
	for _, child := range v.Children {
		if field := def.Fields.ForName(child.Name); field != nil {
			c.literal(s, name+"."+child.Name, field.Type, child.Value)
		} else {
			c.wrong(s, "%s.%s: there is no such setting; there are: %s", name, child.Name, strings.Join(known, ", "))
		}
	}
}

// members refuses objects in which a name is there twice: only one of them could be sent.
func (c *compiler) members(s *site, name string, v *ast.Value) {
	seen := map[string]bool{}
	for _, child := range v.Children {
		if v.Kind == ast.ObjectValue && seen[child.Name] {
			c.wrong(s, "%s.%s is there twice; keep one", name, child.Name)
		}
		seen[child.Name] = true
		inner := name
		if child.Name != "" {
			inner += "." + child.Name
		}
		c.members(s, inner, child.Value)
	}
}
