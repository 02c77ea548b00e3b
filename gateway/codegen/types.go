package codegen

import (
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/codegen/templates"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/call"
)

// property gives the Go type, the body and the parameters of a property's accessor.
func (v *views) property(t *ast.Type, value string) (goType, body, params string) {
	if t.Elem != nil {
		goType = "[]" + v.goType(t.Elem)
		return goType, "return " + v.readList(t, value), "ctx context.Context"
	}
	goType = v.goType(t)
	coerce, kind := v.coercion(t)
	switch {
	case kind == pointerKind && !t.NonNull:
		return goType, fmt.Sprintf("return view.Opt(%s, %s)", value, coerce), ""
	case kind == sliceKind && !t.NonNull:
		return goType, fmt.Sprintf("return view.OrZero(%s, %s)", value, coerce), ""
	default:
		return goType, fmt.Sprintf("return %s(%s)", coerce, value), ""
	}
}

// readList is the expression that reads a list of values.
func (v *views) readList(t *ast.Type, value string) string {
	function := "List"
	if !t.NonNull {
		function = "OptList"
	}
	if t.Elem.Elem == nil {
		return fmt.Sprintf("view.%s(ctx, %s, %s)", function, value, v.element(t.Elem))
	}
	inner := fmt.Sprintf("func(ctx context.Context, v view.Value) (%s, error) { return %s }", v.goType(t.Elem), v.readList(t.Elem, "v"))
	nested := fmt.Sprintf("view.Nested(ctx, %s, %s)", value, inner)
	if t.NonNull {
		return nested
	}
	return fmt.Sprintf("view.OrZero(%s, func(v view.Value) (%s, error) { return %s })", value, v.goType(t), strings.Replace(nested, value, "v", 1))
}

// element is the coercion of a list's item.
func (v *views) element(t *ast.Type) string {
	coerce, kind := v.coercion(t)
	goType := v.goType(t)
	switch {
	case t.NonNull || kind == nullableKind:
		return coerce
	case kind == sliceKind:
		return fmt.Sprintf("func(v view.Value) (%s, error) { return view.OrZero(v, %s) }", goType, coerce)
	default:
		return fmt.Sprintf("func(v view.Value) (%s, error) { return view.Opt(v, %s) }", goType, coerce)
	}
}

// kind is how a Go type says null.
type kind int

const (
	pointerKind  kind = iota // by a pointer
	sliceKind                // by its own nil, which its coercion doesn't give
	nullableKind             // by its own nil, which its coercion gives
)

// coercion is the function from a JSON value to a named type that can't be null.
func (v *views) coercion(t *ast.Type) (string, kind) {
	def := v.graph.Schema.Types[t.NamedType]
	model := templates.ToGoModelName(t.NamedType)
	switch def.Kind {
	case ast.Enum:
		return "Read" + model, pointerKind
	case ast.Object:
		return fmt.Sprintf("view.Object[%s]", model), nullableKind
	case ast.Interface, ast.Union:
		return "Read" + model, nullableKind
	}
	s := scalars[t.NamedType] // write has refused others
	if s.nilable {
		return s.read, sliceKind
	}
	return s.read, pointerKind
}

func (v *views) unknownScalar(at *ast.Position, coordinate, name, otherwise string) {
	v.fail(at, "%s comes from a service, but the scalar %s can't be read from JSON; use one of %s, or %s", coordinate, name, scalarNames(), otherwise)
}

// goType is the Go type of a GraphQL type, as the model package has it.
func (v *views) goType(t *ast.Type) string {
	if t.Elem != nil {
		return "[]" + v.goType(t.Elem)
	}
	def := v.graph.Schema.Types[t.NamedType]
	name := templates.ToGoModelName(t.NamedType)
	switch def.Kind {
	case ast.Object:
		return "*" + name
	case ast.Interface, ast.Union:
		return name
	case ast.Enum:
	default:
		s := scalars[t.NamedType]
		name = s.goType
		if s.nilable {
			return name
		}
	}
	if !t.NonNull {
		return "*" + name
	}
	return name
}

// resolverBody is the line of a declarative resolver.
func (v *views) resolverBody(f *call.Field, batched bool) string {
	loader := templates.CurrentImports.Lookup(loaderPackage)
	read := v.reader(f, f.Definition.Type, loader)
	if batched {
		return fmt.Sprintf("return %s.Batch(ctx, %q, objs, %s)", loader, f.Coordinate, read)
	}
	return fmt.Sprintf("return %s.Field(ctx, %q, %s)", loader, f.Coordinate, read)
}

// reader is the expression of the loader.Reader for a type.
func (v *views) reader(f *call.Field, t *ast.Type, loader string) string {
	def := v.graph.Schema.Types[t.Name()]
	if t.Elem != nil {
		if t.Elem.Elem == nil && def.Kind == ast.Object {
			return fmt.Sprintf("%s.Objects[%s]", loader, v.model(def.Name))
		}
		list := "ListOf"
		if leaf := def.Kind == ast.Scalar && !scalars[def.Name].nilable || def.Kind == ast.Enum; t.Elem.NonNull && t.Elem.Elem == nil && leaf {
			list = "StrictListOf"
		}
		return fmt.Sprintf("%s.%s(%s)", loader, list, v.reader(f, t.Elem, loader))
	}
	switch def.Kind {
	case ast.Object:
		return fmt.Sprintf("%s.Object[%s]", loader, v.model(def.Name))
	case ast.Interface, ast.Union:
		return fmt.Sprintf("%s.Scalar(%s)", loader, v.read(def.Name))
	case ast.Enum:
		return v.nullable(t, loader, v.read(def.Name))
	}
	if def.Name == "Boolean" && f.Call != nil && f.Call.Keying == call.Unkeyed && f.Definition.Type == t {
		if t.NonNull {
			return loader + ".Succeeded"
		}
		return loader + ".NullableSucceeded"
	}
	s := scalars[def.Name] // write has refused others
	coerce := templates.CurrentImports.Lookup(viewPackage) + strings.TrimPrefix(s.read, "view")
	if s.nilable && !t.NonNull {
		return fmt.Sprintf("%s.OrZero(%s)", loader, coerce)
	}
	return v.nullable(t, loader, coerce)
}

func (v *views) nullable(t *ast.Type, loader, coerce string) string {
	if t.NonNull {
		return fmt.Sprintf("%s.Scalar(%s)", loader, coerce)
	}
	return fmt.Sprintf("%s.Nullable(%s)", loader, coerce)
}

func (v *views) model(name string) string {
	return templates.CurrentImports.Lookup(v.imports) + "." + templates.ToGoModelName(name)
}

func (v *views) read(name string) string {
	return templates.CurrentImports.Lookup(v.imports) + ".Read" + templates.ToGoModelName(name)
}
