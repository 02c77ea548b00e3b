package cost

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/mistake"
)

// Prices is what a schema says about cost. It never changes and is safe for concurrent use.
type Prices struct {
	config     Config
	listSize   float64 // of lists that nothing bounds
	schema     *ast.Schema
	objects    map[string]*object
	directives map[string][]*input // the priced arguments of directives in documents
}

// object is an object type.
type object struct {
	name   string
	weight float64
	fields map[string]*field
	is     map[string]bool // itself and the abstract types it belongs to
}

// named is the type that a field returns, without its lists.
type named struct {
	weight   float64 // for abstract types the largest of their objects'
	possible []*object
	varies   bool // the possible objects have different weights
}

// field is a field of an object type.
type field struct {
	coordinate string
	// shape is the same for fields that are priced alike.
	shape  int32
	weight float64
	args   []*input // those that can cost something
	list   bool
	depth  int // lists in one another
	typ    *named
	size   *listSize
	free   bool // introspection: answered without anybody being asked
}

// Compile reads the cost directives of a schema. Mistakes in them are a mistake.List, all of them at once. A schema that
// uses neither directive has the default prices.
func Compile(schema *ast.Schema, config Config) (*Prices, error) {
	if schema == nil {
		return nil, errors.New("prices need a schema")
	}
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.WithDefaults()
	r := reader{
		prices: &Prices{
			config: config, listSize: config.listSize(), schema: schema,
			objects: map[string]*object{}, directives: map[string][]*input{},
		},
		types:  map[string]*named{},
		inputs: map[string]*inputObject{},
		shapes: map[string]int32{},
	}
	r.read()
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	return r.prices, nil
}

// reader makes Prices of a schema.
type reader struct {
	prices   *Prices
	types    map[string]*named
	inputs   map[string]*inputObject
	shapes   map[string]int32
	problems mistake.List
}

func (r *reader) read() {
	var defs []*ast.Definition
	for _, name := range slices.Sorted(maps.Keys(r.prices.schema.Types)) {
		defs = append(defs, r.prices.schema.Types[name])
	}
	for _, def := range defs {
		r.declare(def)
	}
	for _, def := range defs {
		if def.IsAbstractType() {
			r.abstract(def)
		}
	}
	for _, def := range defs {
		if def.Kind == ast.InputObject {
			r.inputFields(def)
		}
	}
	for _, def := range defs {
		switch def.Kind {
		case ast.Object:
			r.fields(def)
		case ast.Interface:
			r.interfaceFields(def)
		}
	}
	for name, def := range r.prices.schema.Directives {
		if priced := r.arguments(def.Arguments, "@"+name); len(priced) > 0 {
			r.prices.directives[name] = priced
		}
	}
	r.defaults()
}

// declare makes what others point at.
func (r *reader) declare(def *ast.Definition) {
	switch def.Kind {
	case ast.Object:
		o := &object{name: def.Name, weight: r.weight(def.Directives, unit, def.Name), fields: map[string]*field{}, is: map[string]bool{def.Name: true}}
		for _, abstract := range r.prices.schema.GetImplements(def) {
			o.is[abstract.Name] = true
		}
		r.prices.objects[def.Name] = o
		r.types[def.Name] = &named{weight: o.weight, possible: []*object{o}}
	case ast.Scalar, ast.Enum:
		r.types[def.Name] = &named{weight: r.weight(def.Directives, 0, def.Name)}
	case ast.InputObject:
		r.inputs[def.Name] = &inputObject{name: def.Name}
		r.misplaced(def, "an input object has no weight of its own; put @cost on its fields or on arguments of its type")
	case ast.Interface, ast.Union:
		r.types[def.Name] = &named{}
		r.misplaced(def, "it is the largest weight of its objects; put @cost on the object types")
	}
}

func (r *reader) misplaced(def *ast.Definition, right string) {
	if d := def.Directives.ForName("cost"); d != nil {
		r.problems.Add(d.Position, "@cost on %s: %s", def.Name, right)
	}
}

func (r *reader) abstract(def *ast.Definition) {
	t := r.types[def.Name]
	t.weight = unit
	for i, possible := range r.prices.schema.GetPossibleTypes(def) {
		o := r.prices.objects[possible.Name]
		if o == nil {
			continue
		}
		if i == 0 {
			t.weight = o.weight
		}
		t.varies = t.varies || o.weight != t.weight
		t.weight = max(t.weight, o.weight)
		t.possible = append(t.possible, o)
	}
}

func (r *reader) fields(def *ast.Definition) {
	o := r.prices.objects[def.Name]
	for _, f := range def.Fields {
		o.fields[f.Name] = r.field(def, f)
	}
}

func (r *reader) field(def *ast.Definition, f *ast.FieldDefinition) *field {
	coordinate := def.Name + "." + f.Name
	t := r.types[f.Type.Name()]
	if t == nil {
		t = &named{}
	}
	out := &field{
		coordinate: coordinate,
		weight:     r.weight(f.Directives, r.composite(f.Type), coordinate),
		args:       r.arguments(f.Arguments, coordinate),
		list:       f.Type.Elem != nil,
		depth:      depth(f.Type),
		typ:        t,
		free:       strings.HasPrefix(f.Name, "__"),
	}
	if d := f.Directives.ForName("listSize"); d != nil {
		out.size = r.listSize(coordinate, f, d)
	} else if d, from := r.inherited(def, f.Name); d != nil {
		known := len(r.problems)
		out.size = r.listSize(from, f, d)
		r.problems = r.problems[:known] // they are told for the interface
	}
	out.shape = r.shape(out, f.Type.Name())
	return out
}

// inherited is the @listSize of the interface's field that this one implements.
func (r *reader) inherited(def *ast.Definition, name string) (*ast.Directive, string) {
	for _, i := range def.Interfaces {
		if d := r.prices.schema.Types[i]; d != nil {
			if f := d.Fields.ForName(name); f != nil && f.Directives.ForName("listSize") != nil {
				return f.Directives.ForName("listSize"), i + "." + name
			}
		}
	}
	return nil, ""
}

func (r *reader) interfaceFields(def *ast.Definition) {
	for _, f := range def.Fields {
		coordinate := def.Name + "." + f.Name
		if d := f.Directives.ForName("cost"); d != nil {
			r.problems.Add(d.Position, "@cost on %s: a field of an interface costs what it costs on the object; put @cost on the field of each object type that implements %s", coordinate, def.Name)
		}
		if d := f.Directives.ForName("listSize"); d != nil {
			r.listSize(coordinate, f, d)
		}
	}
}

// composite is the default weight of a field.
func (r *reader) composite(t *ast.Type) float64 {
	if def := r.prices.schema.Types[t.Name()]; def != nil && def.IsCompositeType() {
		return unit
	}
	return 0
}

func depth(t *ast.Type) int {
	n := 0
	for ; t.Elem != nil; t = t.Elem {
		n++
	}
	return n
}

// shape numbers ways to be priced.
func (r *reader) shape(f *field, typeName string) int32 {
	var key strings.Builder
	writeKey(&key, f.weight, f.depth, f.free, typeName)
	for _, in := range f.args {
		writeKey(&key, in.name, in.weight, in.object, in.def)
	}
	if s := f.size; s != nil {
		writeKey(&key, s.assumed, s.hasAssumed, s.fallback, s.hasFallback, s.requireOne, s.sized)
		for _, p := range s.slicing {
			writeKey(&key, strings.Join(p.path, "."))
			for _, in := range p.inputs {
				writeKey(&key, in.def)
			}
		}
	}
	n, ok := r.shapes[key.String()]
	if !ok {
		n = int32(len(r.shapes))
		r.shapes[key.String()] = n
	}
	return n
}
