package bindings

import (
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/templates"
	"github.com/vektah/gqlparser/v2/ast"
)

// schema is what the template sees.
type schema struct {
	*codegen.Data

	Types []*object
}

// object is a type that can be the value of a field, or a root type.
type object struct {
	*codegen.Object

	data *codegen.Data
}

// newSchema leaves out what never runs in the engine: introspection and subscriptions.
func newSchema(data *codegen.Data) *schema {
	s := &schema{Data: data}
	for _, o := range data.Objects {
		if !o.IsReserved() && !o.Stream {
			s.Types = append(s.Types, &object{Object: o, data: data})
		}
	}
	return s
}

// Abstract lists the interfaces and unions, by name.
func (s *schema) Abstract() []*codegen.Interface {
	var list []*codegen.Interface
	for _, i := range s.Interfaces {
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b *codegen.Interface) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Unmarshalers lists the functions for input objects that gqlgen puts into the context of an operation.
func (s *schema) Unmarshalers() []string {
	var list []string
	for _, in := range s.Inputs {
		if in.HasUnmarshal() {
			continue
		}
		// With function syntax they take the executor, and gqlgen's map has them as they are.
		list = append(list, s.ECDot()+"unmarshalInput"+in.Name)
	}
	return list
}

// IsView tells whether the type's models are views.
func (o *object) IsView() bool { return !o.Root && isView(o.Type) }

// GoName is the type's part of a function name.
func (o *object) GoName() string { return templates.ToGo(o.Name) }

// Parent is the Go type of the type's objects.
func (o *object) Parent() string {
	if o.Root {
		return "engine.Root"
	}
	return templates.CurrentImports.LookupType(o.Reference())
}

// Bound lists the fields with their bindings.
func (o *object) Bound() []*field {
	var list []*field
	for _, f := range o.Fields {
		list = append(list, &field{Field: f, parent: o, data: o.data})
	}
	return list
}

// pointer is where a field of a view is in the JSON: what @from says, or the property of its name.
func pointer(f *ast.FieldDefinition) string {
	if from := f.Directives.ForName("from"); from != nil {
		if path := from.Arguments.ForName("path"); path != nil {
			return path.Value.Raw
		}
	}
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(f.Name)
}

// Case is what the type switch returns for a Go type of an interface.
func (s *schema) Case(i codegen.InterfaceImplementor) string {
	switch {
	case i.IsAbstractType(): // an interface that implements this one
		return "as" + templates.ToGo(i.Name) + "(v)"
	case i.TakeRef:
		return quote(i.Name) + ", &v"
	case isPointer(i.Type):
		return "engine.ObjectOf(" + quote(i.Name) + ", v)"
	default:
		return quote(i.Name) + ", v"
	}
}

func isPointer(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.Pointer)
	return ok
}

func quote(s string) string { return strconv.Quote(s) }
