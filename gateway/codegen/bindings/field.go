package bindings

import (
	"fmt"
	"go/types"
	"strings"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/codegen/templates"
)

type field struct {
	*codegen.Field

	parent *object
	data   *codegen.Data
}

// Binding is the Go expression that binds the field.
func (f *field) Binding() string {
	var b strings.Builder
	switch {
	case f.delegated():
		return f.delegate()
	case f.IsRootObject():
		fmt.Fprintf(&b, "engine.RootObject[%s](%s)", f.parent.Parent(), quote(f.TypeReference.Definition.Name))
	case f.IsBatch():
		f.batch(&b)
	case f.IsResolver:
		f.resolver(&b)
	case f.IsVariable():
		fmt.Fprintf(&b, "engine.Variable(func(obj %s) %s { return obj.%s }, %s)",
			f.parent.Parent(), f.goType(), f.GoFieldName, f.shape())
	default:
		f.method(&b)
	}
	if len(f.Args) > 0 {
		function := "(*executionContext)." + f.ArgsFunc()
		if f.data.Config.UseFunctionSyntaxForExecutionContext {
			function = f.ArgsFunc()
		}
		fmt.Fprintf(&b, ".Args(b.args(%s))", function)
	}
	if f.parent.IsView() && f.IsMethod() && len(f.Args) == 0 {
		fmt.Fprintf(&b, ".From(%s)", quote(pointer(f.FieldDefinition)))
	}
	return b.String()
}

// IsRootObject tells whether the value is a root object, such as the query behind a mutation.
func (f *field) IsRootObject() bool { return f.TypeReference.IsRoot }

// delegated tells whether gqlgen's own function is to resolve the field.
func (f *field) delegated() bool {
	return f.IsReserved() || f.GoReceiverName != "obj" || f.IsMap() || f.HasDirectives() || f.VOkFunc || f.HasHaser ||
		f.IsBatch() && f.HasFederationRequiresArg() || !f.shapeable(f.TypeReference)
}

func (f *field) delegate() string {
	obj := ""
	if !f.parent.Root {
		obj = ", obj"
	}
	return fmt.Sprintf(`engine.Delegate(func(ctx context.Context, %s, field graphql.CollectedField) graphql.Marshaler {
			ec := b.executor(ctx)
			return %s_%s_%s(ctx, %sfield%s)
		})`, f.obj(), f.data.ECDot(), f.Object.Name, f.Name, f.data.ECArg(), obj)
}

func (f *field) batch(b *strings.Builder) {
	fmt.Fprintf(b, `engine.Batch(func(ctx context.Context, objs []%s, fc *graphql.FieldContext) ([]%s, error) {
			return b.Resolvers.%s().%s(%s)
		}, %s)`, f.parent.Parent(), f.goType(), templates.UcFirst(f.Object.Name), f.GoFieldName, f.BatchCallArgs("objs", ""), f.shape())
}

func (f *field) resolver(b *strings.Builder) {
	fmt.Fprintf(b, `engine.Resolver(func(ctx context.Context, %s, fc *graphql.FieldContext) (%s, error) {
			return b.Resolvers.%s
		}, %s)`, f.obj(), f.goType(), f.ShortInvocation(), f.shape())
}

func (f *field) method(b *strings.Builder) {
	call := fmt.Sprintf("obj.%s(%s)", f.GoFieldName, f.CallArgs())
	expression := fmt.Sprintf("(%s).%s", f.parent.Parent(), f.GoFieldName)
	_, isNamed := f.Object.Type.(*types.Named)
	switch {
	case len(f.Args) > 0 || f.MethodHasContext && !f.parent.IsView():
		if f.NoErr {
			call += ", nil"
		}
		fmt.Fprintf(b, `engine.Method(func(ctx context.Context, obj %s, fc *graphql.FieldContext) (%s, error) {
			return %s
		}, %s)`, f.parent.Parent(), f.goType(), call, f.shape())
	case f.NoErr && !f.MethodHasContext && isNamed:
		fmt.Fprintf(b, "engine.Variable(%s, %s).Method()", expression, f.shape())
	case f.NoErr:
		fmt.Fprintf(b, "engine.ListProperty(func(obj %s, ctx context.Context) (%s, error) { return %s, nil }, %s)",
			f.parent.Parent(), f.goType(), call, f.shape())
	case f.MethodHasContext:
		fmt.Fprintf(b, "engine.ListProperty(%s, %s)", expression, f.shape())
	default:
		fmt.Fprintf(b, "engine.Property(%s, %s)", expression, f.shape())
	}
}

// obj declares the parameter for the object, which roots don't use.
func (f *field) obj() string {
	if f.parent.Root {
		return "_ engine.Root"
	}
	return "obj " + f.parent.Parent()
}

func (f *field) goType() string { return goType(f.TypeReference) }

func goType(ref *config.TypeReference) string {
	return strings.ReplaceAll(templates.CurrentImports.LookupType(ref.GO), "interface{}", "any")
}
