package cost

import (
	"encoding/json"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// input is an argument or an input field.
type input struct {
	name   string
	weight float64
	object *inputObject // nil for leaves
	def    *ast.Value   // the schema's default
	// paidDefault is what the default costs when nothing is given.
	paidDefault float64
	state       uint8
	position    *ast.Position
}

// inputObject is an input object type.
type inputObject struct {
	name   string
	fields []*input // those that can cost something
}

// arguments are those that can cost something.
func (r *reader) arguments(defs ast.ArgumentDefinitionList, on string) []*input {
	var priced []*input
	for _, def := range defs {
		if in := r.input(def.Name, def.Type, def.DefaultValue, def.Directives, on+"("+def.Name+":)", def.Position); in != nil {
			priced = append(priced, in)
		}
	}
	return priced
}

func (r *reader) inputFields(def *ast.Definition) {
	o := r.inputs[def.Name]
	for _, f := range def.Fields {
		if in := r.input(f.Name, f.Type, f.DefaultValue, f.Directives, def.Name+"."+f.Name, f.Position); in != nil {
			o.fields = append(o.fields, in)
		}
	}
}

func (r *reader) input(name string, t *ast.Type, def *ast.Value, directives ast.DirectiveList, on string, at *ast.Position) *input {
	in := &input{name: name, object: r.inputs[t.Name()], def: def, position: at}
	missing := 0.0
	if in.object != nil {
		missing = unit
	}
	in.weight = r.weight(directives, missing, on)
	if in.weight == 0 && in.object == nil {
		return nil
	}
	return in
}

// defaults prices the defaults of the schema, each of which may materialise others.
func (r *reader) defaults() {
	for _, o := range r.inputs {
		for _, in := range o.fields {
			r.paidDefault(in)
		}
	}
	for _, o := range r.prices.objects {
		for _, f := range o.fields {
			for _, in := range f.args {
				r.paidDefault(in)
			}
		}
	}
	for _, ins := range r.prices.directives {
		for _, in := range ins {
			r.paidDefault(in)
		}
	}
}

const (
	stateOpen uint8 = 1 + iota
	stateDone
)

func (r *reader) paidDefault(in *input) float64 {
	switch {
	case in.def == nil || in.state == stateDone:
		return in.paidDefault
	case in.state == stateOpen:
		r.problems.Add(in.position, "the default of %s leads back to itself; leave out one of the defaults", in.name)
		return 0
	}
	in.state = stateOpen
	in.paidDefault = in.weight + r.literal(in.object, in.def)
	in.state = stateDone
	return in.paidDefault
}

// literal is what the members of a default cost.
func (r *reader) literal(o *inputObject, v *ast.Value) float64 {
	sum := 0.0
	switch {
	case o == nil:
	case v.Kind == ast.ListValue:
		for _, item := range v.Children {
			sum += r.literal(o, item.Value)
		}
	case v.Kind == ast.ObjectValue:
		for _, in := range o.fields {
			if member := v.Children.ForName(in.name); member != nil {
				sum += in.weight + r.literal(in.object, member)
			} else {
				sum += r.paidDefault(in)
			}
		}
	}
	return sum
}

// values are the variables of one evaluation.
type values struct {
	given    map[string]any
	defaults map[string]*ast.Value // the operation's
}

// lookup is a variable's value, or the literal of its default, or neither.
func (x *values) lookup(name string) (value any, literal *ast.Value, defined bool) {
	if value, ok := x.given[name]; ok {
		return value, nil, true
	}
	literal = x.defaults[name]
	return nil, literal, literal != nil
}

// paid is what an argument or input field costs with the value in the document; nil is none.
func (x *values) paid(in *input, v *ast.Value) float64 {
	if v != nil && v.Kind == ast.Variable {
		value, literal, defined := x.lookup(v.Raw)
		switch {
		case !defined:
			return in.paidDefault
		case literal != nil:
			v = literal
		default:
			return in.weight + x.inside(in.object, value)
		}
	}
	if v == nil {
		return in.paidDefault
	}
	return in.weight + x.literal(in.object, v)
}

// literal is what the members of a value in the document cost.
func (x *values) literal(o *inputObject, v *ast.Value) float64 {
	if o == nil {
		return 0
	}
	sum := 0.0
	switch v.Kind {
	case ast.Variable:
		value, literal, defined := x.lookup(v.Raw)
		switch {
		case !defined:
			return 0
		case literal != nil:
			return x.literal(o, literal)
		default:
			return x.inside(o, value)
		}
	case ast.ListValue:
		for _, item := range v.Children {
			sum += x.literal(o, item.Value)
		}
	case ast.ObjectValue:
		for _, in := range o.fields {
			sum += x.paid(in, v.Children.ForName(in.name))
		}
	}
	return sum
}

// inside is what the members of a variable's value cost.
func (x *values) inside(o *inputObject, value any) float64 {
	if o == nil {
		return 0
	}
	sum := 0.0
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			sum += x.inside(o, item)
		}
	case []map[string]any:
		for _, item := range value {
			sum += x.inside(o, item)
		}
	case map[string]any:
		for _, in := range o.fields {
			if member, ok := value[in.name]; ok {
				sum += in.weight + x.inside(in.object, member)
			} else {
				sum += in.paidDefault
			}
		}
	}
	return sum
}

// presence says how a slicing argument is there.
type presence uint8

const (
	absent presence = iota
	null            // it is there and says nothing
	number
)

// slice is the value of a slicing argument.
func (x *values) slice(inputs []*input, v *ast.Value) (float64, presence) {
	if v != nil && v.Kind == ast.Variable {
		value, literal, defined := x.lookup(v.Raw)
		switch {
		case defined && literal == nil:
			return x.sliceInside(inputs, value)
		default:
			v = literal
		}
	}
	if v == nil {
		if v = inputs[0].def; v == nil {
			return 0, absent
		}
	}
	switch {
	case v.Kind == ast.NullValue:
		return 0, null
	case len(inputs) > 1 && v.Kind == ast.ObjectValue:
		return x.slice(inputs[1:], v.Children.ForName(inputs[1].name))
	case len(inputs) == 1 && (v.Kind == ast.IntValue || v.Kind == ast.FloatValue):
		n, err := strconv.ParseFloat(v.Raw, 64)
		if err == nil {
			return max(0, n), number
		}
	}
	return 0, absent
}

func (x *values) sliceInside(inputs []*input, value any) (float64, presence) {
	if value == nil {
		return 0, null
	}
	if len(inputs) == 1 {
		if n, ok := numeric(value); ok {
			return max(0, n), number
		}
		return 0, absent
	}
	members, _ := value.(map[string]any)
	if member, ok := members[inputs[1].name]; ok {
		return x.sliceInside(inputs[1:], member)
	}
	return x.slice(inputs[1:], nil)
}

// numeric reads a number as encoding/json, gqlgen and Go callers write it.
func numeric(value any) (float64, bool) {
	switch n := value.(type) {
	case int64:
		return float64(n), true
	case json.Number:
		f, err := strconv.ParseFloat(string(n), 64)
		return f, err == nil
	case float64:
		return n, n == n
	case int:
		return float64(n), true
	case int32:
		return float64(n), true
	default:
		return 0, false
	}
}

// variable tells whether a value in the document depends on variables.
func variable(v *ast.Value) bool {
	if v == nil {
		return false
	}
	if v.Kind == ast.Variable {
		return true
	}
	for _, child := range v.Children {
		if variable(child.Value) {
			return true
		}
	}
	return false
}
