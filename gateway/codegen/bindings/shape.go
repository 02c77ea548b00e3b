package bindings

import (
	"fmt"
	"go/types"
	"strings"

	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/codegen/templates"
	"github.com/vektah/gqlparser/v2/ast"
)

// shape is the expression for how the field's Go type becomes its GraphQL type.
func (f *field) shape() string { return f.shapeOf(f.TypeReference) }

// shapeable is false for Go types that gqlgen marshals in ways the engine has no shape for.
func (f *field) shapeable(ref *config.TypeReference) bool {
	switch {
	case f.IsRootObject():
		return true
	case ref.IsSlice(), ref.IsPtrToSlice(), ref.IsPtrToIntf(), ref.IsPtrToPtr() && !isLeaf(ref):
		return f.shapeable(ref.Elem())
	case isLeaf(ref):
		return true
	case ref.Definition.Kind == ast.Object, ref.Definition.IsAbstractType():
		return true
	default:
		return false
	}
}

// isLeaf tells whether gqlgen marshals the type with a function or method.
func isLeaf(ref *config.TypeReference) bool { return ref.IsMarshaler || ref.Marshaler != nil }

// shapeOf follows the template of gqlgen's marshal functions, case by case.
func (f *field) shapeOf(ref *config.TypeReference) string {
	switch {
	case ref.IsPtrToSlice(), ref.IsPtrToIntf():
		return "engine.Pointer(" + f.shapeOf(ref.Elem()) + ")"
	case ref.IsSlice():
		return "engine.List(" + f.shapeOf(ref.Elem()) + ")"
	case ref.IsPtrToPtr() && !isLeaf(ref):
		return "engine.Pointer(" + f.shapeOf(ref.Elem()) + ")"
	case isLeaf(ref):
		return f.leaf(ref)
	case ref.Definition.IsAbstractType():
		return fmt.Sprintf("engine.Abstract(as%s)", templates.ToGo(ref.Definition.Name))
	}
	name := quote(ref.Definition.Name)
	switch {
	case ref.IsPtr():
		return fmt.Sprintf("engine.Ref[%s](%s)", goType(ref.Elem()), name)
	case ref.IsNilable():
		return fmt.Sprintf("engine.Opaque(%s, func(v %s) bool { return v == nil })", name, goType(ref))
	default:
		return fmt.Sprintf("engine.Value[%s](%s)", goType(ref), name)
	}
}

// leaf is the shape of a scalar or an enum.
func (f *field) leaf(ref *config.TypeReference) string {
	constructor, result := "engine.Leaf", "graphql.Marshaler"
	if ref.IsContext {
		constructor, result = "engine.ContextLeaf", "graphql.ContextMarshaler"
	}
	if ref.IsMarshaler {
		return f.nilable(ref, fmt.Sprintf("%s(func(v %s) %s { return v })", constructor, goType(ref), result))
	}
	function := templates.Call(ref.Marshaler)
	plain := !ref.HasEnumValues() && ref.CastType == nil
	if ref.IsPtr() && !ref.IsTargetNilable() {
		elem := *ref
		elem.GO = ref.GO.(*types.Pointer).Elem()
		return "engine.Pointer(" + f.leafValue(&elem, constructor, result, function, plain, "v") + ")"
	}
	value := "v"
	if ref.IsTargetNilable() && !ref.IsNilable() {
		value, plain = "&v", false
	}
	return f.nilable(ref, f.leafValue(ref, constructor, result, function, plain, value))
}

func (f *field) leafValue(ref *config.TypeReference, constructor, result, function string, plain bool, value string) string {
	if plain {
		return fmt.Sprintf("%s(%s)", constructor, function)
	}
	if ref.HasEnumValues() {
		value = fmt.Sprintf("%s[%s]", enumNames(f.TypeReference, f.data.Config.UseFunctionSyntaxForExecutionContext), value)
	} else if ref.CastType != nil {
		value = fmt.Sprintf("%s(%s)", templates.CurrentImports.LookupType(ref.CastType), value)
	}
	return fmt.Sprintf("%s(func(v %s) %s { return %s(%s) })", constructor, goType(ref), result, function, value)
}

// enumNames is gqlgen's map from Go values to names: that of the innermost element of a list.
func enumNames(ref *config.TypeReference, functionSyntax bool) string {
	for ref.IsSlice() || ref.IsPtrToSlice() {
		ref = ref.Elem()
	}
	return ref.EnumMarshalVar(functionSyntax)
}

// nilable wraps a leaf whose Go type has a nil that means null.
func (f *field) nilable(ref *config.TypeReference, shape string) string {
	if !ref.IsNilable() {
		return shape
	}
	return fmt.Sprintf("engine.Nilable(func(v %s) bool { return v == nil }, %s)", goType(ref), shape)
}

// isView tells whether t is defined over the struct of upstreams/view.Value.
func isView(t types.Type) bool {
	if t == nil {
		return false
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok || s.NumFields() != 2 {
		return false
	}
	return strings.HasSuffix(s.Field(0).Type().String(), "/upstreams/view.Document")
}
