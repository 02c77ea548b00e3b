package engine

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// appenders copy the scalars that views know.
var appenders = map[string]func([]byte, view.Value) ([]byte, error){
	"ID":       view.AppendID,
	"String":   view.AppendString,
	"Int":      view.AppendInt,
	"Float":    view.AppendFloat,
	"Boolean":  view.AppendBool,
	"Long":     view.AppendLong,
	"DateTime": view.AppendDateTime,
	"JSON":     view.AppendJSON,
}

// viewable tells whether a field of a view can be copied from the JSON, and prepares that: scalars that views know,
// enums, and objects that are views themselves. Other scalars and abstract types go through the accessor.
func (c *compiler) viewable(f *planField) bool {
	f.view.pointer = *f.binding.pointer
	def := c.schema.Types[f.typ.Name()]
	switch def.Kind {
	case ast.Scalar:
		f.view.append = appenders[def.Name]
		return f.view.append != nil
	case ast.Enum:
		names := make(map[string]bool, len(def.EnumValues))
		for _, v := range def.EnumValues {
			names[v.Name] = true
		}
		valid := func(name string) bool { return names[name] }
		f.view.append = func(dst []byte, v view.Value) ([]byte, error) {
			return view.AppendEnum(dst, v, valid, def.Name)
		}
		return true
	case ast.Object:
		return f.children[0].binding.unpack != nil
	default:
		return false
	}
}

// place numbers the names of members that pointers of one step lead to.
func (o *planObject) place(p view.Pointer) int {
	text := p.String()
	if strings.Count(text, "/") != 1 || strings.ContainsAny(text, "~") {
		return none
	}
	if i := slices.Index(o.names, text[1:]); i >= 0 {
		return i
	}
	o.names = append(o.names, text[1:])
	return len(o.names) - 1
}
