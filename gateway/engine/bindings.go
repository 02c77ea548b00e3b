package engine

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Bindings are the Go side of a schema: one Object for each object type of it. They are made once, by the generated
// function of that name, and shared by all operations.
type Bindings struct {
	objects map[string]*Object
	prepare func(context.Context) context.Context
}

// NewBindings collects objects. prepare, which may be nil, puts the unmarshalers of input objects into the context of an
// operation, for resolvers that use graphql.UnmarshalInputFromContext; it's called when one does.
func NewBindings(prepare func(context.Context) context.Context, objects ...*Object) *Bindings {
	b := &Bindings{objects: make(map[string]*Object, len(objects)), prepare: prepare}
	for _, o := range objects {
		b.objects[o.name] = o
	}
	return b
}

// Fields are the fields of an object type, by their name in the schema.
type Fields map[string]Field

// Root is the Go object of the root types, which have none of their own.
type Root struct{}

// Object is an object type.
type Object struct {
	name   string
	fields Fields
	// For views only, between the typed view, as *T, and its value.
	unpack func(any) view.Value
	pack   func(view.Value) any
}

// NewObject is an object type over Go values.
func NewObject(name string, fields Fields) *Object {
	return &Object{name: name, fields: fields}
}

// NewView is an object type over views of type T. Its fields that say From are read straight from the JSON.
func NewView[T view.Of](name string, fields Fields) *Object {
	return &Object{
		name:   name,
		fields: fields,
		unpack: func(o any) view.Value { return view.Unpack(o.(*T)) },
		pack:   func(v view.Value) any { return view.Pack[T](v) },
	}
}

// Field is how one field gets its value. Make it with Variable, Property, ListProperty, Method, Resolver, Batch,
// RootObject or Delegate.
type Field struct {
	source   any // one of property, single, batch, delegated
	args     ArgsFunc
	pointer  *view.Pointer
	method   bool
	resolver bool
}

// ArgsFunc coerces the arguments of a field from their raw values, by name.
type ArgsFunc func(ctx context.Context, raw map[string]any) (map[string]any, error)

// Args says how the field's arguments are coerced. It's done once per operation.
func (f Field) Args(coerce ArgsFunc) Field {
	f.args = coerce
	return f
}

// From says where the value is in the JSON of the object, as a JSON Pointer. It's of use for views, whose accessor has to
// read the same place. It panics when path is no JSON Pointer: paths are written by the generator.
func (f Field) From(path string) Field {
	p, err := view.ParsePointer(path)
	if err != nil {
		panic(err)
	}
	f.pointer = &p
	return f
}

// Method says that a Variable is in truth a method. FieldContext tells that to resolvers.
func (f Field) Method() Field {
	f.method = true
	return f
}

// Variable is a field of a struct, or a method without context, arguments and error.
func Variable[P, R any](get func(P) R, shape Shape[R]) Field {
	return Field{source: getter[P, R]{func(_ context.Context, p P) (R, error) { return get(p), nil }, shape, false}}
}

// Property is a method without context or arguments. It's called without a goroutine of its own, so it has to be fast.
func Property[P, R any](get func(P) (R, error), shape Shape[R]) Field {
	return Field{source: getter[P, R]{func(_ context.Context, p P) (R, error) { return get(p) }, shape, false}, method: true}
}

// ListProperty is a Property that wants the context to report errors of single items.
func ListProperty[P, R any](get func(P, context.Context) (R, error), shape Shape[R]) Field {
	return Field{source: getter[P, R]{func(ctx context.Context, p P) (R, error) { return get(p, ctx) }, shape, true}, method: true}
}

// Method is a method of the object that may take its time: calls for different objects run side by side. fc has the
// arguments.
func Method[P, R any](call func(ctx context.Context, obj P, fc *graphql.FieldContext) (R, error), shape Shape[R]) Field {
	return Field{source: caller[P, R]{call, shape}, method: true}
}

// Resolver is a method of the resolvers for one object. The calls for different objects run side by side.
func Resolver[P, R any](call func(ctx context.Context, obj P, fc *graphql.FieldContext) (R, error), shape Shape[R]) Field {
	return Field{source: caller[P, R]{call, shape}, method: true, resolver: true}
}

// Batch is a method of the resolvers for many objects: it's called once with all of a level.
func Batch[P, R any](call func(ctx context.Context, objs []P, fc *graphql.FieldContext) ([]R, error), shape Shape[R]) Field {
	return Field{source: batcher[P, R]{call, shape}, method: true, resolver: true}
}

// RootObject is a field whose value is a root type, such as the query behind a mutation.
func RootObject[P any](name string) Field {
	return Variable(func(P) Root { return Root{} }, Opaque(name, func(Root) bool { return false }))
}

// Delegate leaves the field, with all that's selected below it, to a function of gqlgen's executor.
func Delegate[P any](call func(ctx context.Context, obj P, field graphql.CollectedField) graphql.Marshaler) Field {
	return Field{source: delegate[P]{call}, method: true, resolver: true}
}
