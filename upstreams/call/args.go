package call

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// Args gives the coerced arguments of a field of a validated document: literals and variables, defaults of the schema
// filled in also inside input objects, single values made lists where the type is one. What was not given and has no
// default isn't in the map; what was given as null is nil.
func Args(schema *ast.Schema, field *ast.Field, variables map[string]any) map[string]any {
	if len(field.Definition.Arguments) == 0 {
		return nil
	}
	args := field.ArgumentMap(variables)
	for _, def := range field.Definition.Arguments {
		if value, ok := args[def.Name]; ok {
			args[def.Name] = coerce(schema, def.Type, value)
		}
	}
	return args
}

func coerce(schema *ast.Schema, t *ast.Type, value any) any {
	if value == nil {
		return nil
	}
	if t.Elem != nil {
		list, ok := value.([]any)
		if !ok {
			return []any{coerce(schema, t.Elem, value)}
		}
		out := make([]any, len(list))
		for i := range list {
			out[i] = coerce(schema, t.Elem, list[i])
		}
		return out
	}
	def := schema.Types[t.NamedType]
	object, ok := value.(map[string]any)
	if !ok || def == nil || def.Kind != ast.InputObject {
		return value
	}
	out := make(map[string]any, len(def.Fields))
	for _, f := range def.Fields {
		switch v, given := object[f.Name]; {
		case given:
			out[f.Name] = coerce(schema, f.Type, v)
		case f.DefaultValue != nil:
			if v, err := f.DefaultValue.Value(nil); err == nil {
				out[f.Name] = coerce(schema, f.Type, v)
			}
		}
	}
	return out
}
