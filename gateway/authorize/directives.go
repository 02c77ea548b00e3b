package authorize

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// The directives.
const (
	authenticatedName = "authenticated"
	scopesName        = "requiresScopes"
)

// read finds the directives wherever a schema can have them, and notes those that can't work.
func (c *compiler) read() {
	for _, def := range c.schema.Types {
		if def.BuiltIn {
			continue
		}
		c.directives(def.Directives, def.Name, "", def.Kind != ast.Union && def.Kind != ast.InputObject)
		output := def.Kind == ast.Object || def.Kind == ast.Interface
		for _, f := range def.Fields {
			if c.schema.Query != nil && f.Type != nil && f.Type.Name() == c.schema.Query.Name {
				c.queryField(def, f)
				continue
			}
			c.directives(f.Directives, def.Name, f.Name, output)
			for _, a := range f.Arguments {
				c.directives(a.Directives, def.Name+"."+f.Name, a.Name, false)
			}
		}
		for _, v := range def.EnumValues {
			c.directives(v.Directives, def.Name, v.Name, false)
		}
	}
}

// queryField refuses the directives on a field that leads back to the query root. All that is there has needs of its own,
// and gqlgen's executor, which runs some operations, answers such a field without asking anybody.
func (c *compiler) queryField(def *ast.Definition, f *ast.FieldDefinition) {
	for _, d := range f.Directives {
		if d.Name == authenticatedName || d.Name == scopesName {
			c.problems.Add(d.Position, "@%s on %s.%s has no effect, for it returns %s; it goes on the fields of %[4]s", d.Name, def.Name, f.Name, f.Type.Name())
		}
	}
}

// directives notes what the directives of a type (field is empty) or a field ask for.
func (c *compiler) directives(list ast.DirectiveList, def, field string, allowed bool) {
	for _, d := range list {
		if d.Name != authenticatedName && d.Name != scopesName {
			continue
		}
		place := def
		if field != "" {
			place += "." + field
		}
		if !allowed {
			c.problems.Add(d.Position, "@%s on %s has no effect: it goes on object types, interfaces, scalars, enums and their fields", d.Name, place)
			continue
		}
		var asked clause
		if d.Name == authenticatedName {
			asked = clause{{authenticated}}
			for _, a := range d.Arguments {
				c.problems.Add(d.Position, "@authenticated on %s takes no argument %q", place, a.Name)
			}
		} else if asked = c.scopes(d, place); asked == nil {
			continue
		}
		at := coordinate{def, field}
		c.own[at] = append(c.own[at], c.clause(asked))
	}
}

// scopes reads @requiresScopes. gqlparser doesn't check the arguments of a schema's own directives.
func (c *compiler) scopes(d *ast.Directive, place string) clause {
	const shape = `scopes is a list of lists: [["a", "b"], ["c"]] is a and b together, or c`
	bad := func(format string, args ...any) clause {
		c.problems.Add(d.Position, "@requiresScopes on "+place+": "+format, args...)
		return nil
	}
	for _, a := range d.Arguments {
		if a.Name != "scopes" {
			return bad("there is no argument %q", a.Name)
		}
	}
	arg := d.Arguments.ForName("scopes")
	if arg == nil || arg.Value == nil {
		return bad("scopes is missing; %s", shape)
	}
	if arg.Value.Kind != ast.ListValue {
		return bad("%s", shape)
	}
	if len(arg.Value.Children) == 0 {
		return bad("an empty list would let nobody pass; %s", shape)
	}
	var asked clause
	for _, inner := range arg.Value.Children {
		if inner.Value.Kind != ast.ListValue {
			return bad("%s is no list, and would be \"or\" where \"and\" may be meant; %s", inner.Value.String(), shape)
		}
		if len(inner.Value.Children) == 0 {
			return bad("an empty list inside would let everybody pass; %s", shape)
		}
		var all []int
		for _, item := range inner.Value.Children {
			if item.Value.Kind != ast.StringValue && item.Value.Kind != ast.BlockValue {
				return bad("%s is no string; %s", item.Value.String(), shape)
			}
			scope := item.Value.Raw
			if scope == "" || strings.ContainsAny(scope, " \t\r\n") {
				return bad("%s can't be a scope: scopes are words without white space", strconv.Quote(scope))
			}
			all = append(all, c.input(scope))
		}
		asked = append(asked, all)
	}
	return asked
}
