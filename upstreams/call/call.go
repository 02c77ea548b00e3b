// Package call turns the directives of a schema into calls, once, at start or when code is generated.
//
// It is the only place that reads @rest, @ref, @from and @typename. What it makes of them is a Graph: the calls by
// field coordinate ("Post.author"), the entities by type, and which types are service-backed, that is, views over a
// service's JSON. A directive that can't work is a mistake with file and line, before anything runs; generating code
// and `gateway check` report the same ones.
//
// The package does no I/O. A Graph isn't changed after it is made and may be read by many.
package call

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Graph is everything the directives of a schema say.
type Graph struct {
	// Schema is what was read.
	Schema *ast.Schema
	// Fields are the declarative fields, those with @rest or @ref, by coordinate.
	Fields map[string]*Field
	// Entities are the types with @rest, by name.
	Entities map[string]*Entity
	// Views are the service-backed object types, by name.
	Views map[string]*View
	// Abstracts are the service-backed interfaces and unions, by name.
	Abstracts map[string]*Abstract
}

// Field is a field that is answered by a service. Either Call or Ref is set.
type Field struct {
	// Coordinate is the type and the field: "Query.posts".
	Coordinate string
	// Definition is the field in the schema.
	Definition *ast.FieldDefinition
	// List tells that the field's type is a list.
	List bool
	// Call is the field's own call.
	Call *Call
	// Ref fetches an entity, or a list of them, by key.
	Ref *Ref
}

// Ref says which entities a field leads to.
type Ref struct {
	// Entity is the type that is fetched.
	Entity *Entity
	// Key is the template of the key. Where it is one placeholder that holds a list, so is the result.
	Key *template.Text
}

// Given tells whether arguments are in the key: who sends the operation chooses which objects, and how many.
func (r *Ref) Given() bool {
	return slices.ContainsFunc(r.Key.Placeholders(), func(p template.Placeholder) bool { return p.Root == template.Arg })
}

// Entity says how objects of a type are fetched by key. One or both of the calls are set.
type Entity struct {
	// Type is the GraphQL type's name.
	Type string
	// One fetches a single object: its templates use {key}.
	One *Call
	// Many fetches many objects: its templates use {keys}.
	Many *Call
}

// Keying is how a call depends on keys.
type Keying uint8

const (
	// Unkeyed calls are made once per parent.
	Unkeyed Keying = iota
	// KeyedOne calls are made once per key, with {key}.
	KeyedOne
	// KeyedMany calls are made once per batch, with {keys}.
	KeyedMany
)

// Answer is how the answer of a KeyedMany call is given to its keys.
type Answer uint8

const (
	// AnswerList is a list of items, each matched to its key.
	AnswerList Answer = iota
	// AnswerMap is an object from key to value.
	AnswerMap
	// AnswerOrdered is a list with one value per key, in the order the keys were sent.
	AnswerOrdered
)

// Call is one @rest.
type Call struct {
	// Request is the HTTP exchange.
	rest.Request
	// Coordinate is the field, or the type, that the directive stands on.
	Coordinate string
	// Service is the service's name in gateway.yaml.
	Service string
	// Keying tells whether the call needs keys.
	Keying Keying
	// Key is where a parent's JSON has the key; for fields with a keyed call only.
	Key view.Pointer
	// Match is where an item of an AnswerList carries its key.
	Match view.Pointer
	// Answer is how keys find their values.
	Answer Answer
	// Max is the largest number of keys in one request.
	Max int
	// Cache is how its answers are kept, where it isn't as the service's section says.
	Cache reuse.Rule
	// NotFoundIsError tells that a key without a value is a NOT_FOUND error, not null.
	NotFoundIsError bool
}

// View is a service-backed object type.
type View struct {
	// Definition is the type in the schema.
	Definition *ast.Definition
	// Properties are the fields that are read from the object's JSON, by field name: those without a directive of
	// their own and without a Go resolver.
	Properties map[string]view.Pointer
}

// Abstract is a service-backed interface or union: it tells which type a JSON object is.
type Abstract struct {
	// Definition is the type in the schema.
	Definition *ast.Definition
	// Path leads to the value that tells.
	Path view.Pointer
	// Types maps that value to the name of an object type.
	Types map[string]string
}

// TypeOf gives the name of the object type of v, and false when v doesn't tell or tells an unknown one.
func (a *Abstract) TypeOf(v view.Value) (string, bool) {
	text, err := view.String(v.At(a.Path))
	if err != nil {
		return "", false
	}
	name, ok := a.Types[text]
	return name, ok
}

// Services lists the names of the services that are called, without order.
func (g *Graph) Services() map[string]bool {
	names := map[string]bool{}
	add := func(calls ...*Call) {
		for _, c := range calls {
			if c != nil {
				names[c.Service] = true
			}
		}
	}
	for _, f := range g.Fields {
		add(f.Call)
	}
	for _, e := range g.Entities {
		add(e.One, e.Many)
	}
	return names
}
