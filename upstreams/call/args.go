package call

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/multipart"
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
		list, ok := items(value)
		if !ok {
			return []any{coerce(schema, t.Elem, value)}
		}
		out := make([]any, len(list))
		for i := range list {
			out[i] = coerce(schema, t.Elem, list[i])
		}
		return out
	}
	switch t.NamedType {
	case "ID":
		return idText(value)
	case upload:
		if !multipart.HasFile(value) {
			return multipart.NotFile{}
		}
		return value
	}
	if text, ok := value.(string); ok && t.NamedType == "Long" {
		// JavaScript writes 64 bits as text, because its numbers don't have them; the service gets the number.
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i
		}
		return value
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

// items are those of a list. gqlparser makes a slice of the value's own type, such as []string, of a variable that is one
// value for a list.
func items(value any) ([]any, bool) {
	if list, ok := value.([]any); ok {
		return list, true
	}
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Slice {
		return nil, false
	}
	list := make([]any, v.Len())
	for i := range list {
		list[i] = v.Index(i).Interface()
	}
	return list, true
}

// idText makes an ID of a whole number what it is of a string: 5 and "5" are one ID, whether literal or variable.
func idText(value any) any {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case json.Number:
		return v.String()
	default:
		return value
	}
}
