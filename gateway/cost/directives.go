package cost

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// listSize is a @listSize.
type listSize struct {
	assumed     float64
	hasAssumed  bool
	fallback    float64 // slicingArgumentDefaultValue, an extension of some servers: the size without slicing argument
	hasFallback bool
	slicing     []slicing
	sized       []string // the fields below that get the size, instead of this one
	requireOne  bool
}

// slicing is an argument, or a field of an argument's input object, whose value is the list's size.
type slicing struct {
	path   []string
	inputs []*input // along the path
}

// largestWeight keeps weights far from where floats lose whole numbers.
const largestWeight = 1e9

// weight reads @cost, in units.
func (r *reader) weight(directives ast.DirectiveList, missing float64, on string) float64 {
	d := directives.ForName("cost")
	if d == nil {
		return missing
	}
	arg := d.Arguments.ForName("weight")
	if arg == nil || arg.Value == nil {
		r.problems.Add(d.Position, `@cost on %s: it has no weight; write @cost(weight: "5.0")`, on)
		return 0
	}
	text := strings.TrimSpace(arg.Value.Raw)
	switch arg.Value.Kind {
	case ast.StringValue, ast.BlockValue, ast.IntValue, ast.FloatValue:
	default:
		text = ""
	}
	w, err := strconv.ParseFloat(text, 64)
	switch {
	case err == nil && math.IsNaN(w):
		r.problems.Add(d.Position, `@cost on %s: NaN is no weight; write a number, such as "5.0" or "-2"`, on)
	case err != nil && !math.IsInf(w, 0) || strings.ContainsAny(text, "xX_"):
		r.problems.Add(d.Position, `@cost on %s: %s is no weight; write a number, such as "5.0" or "-2"`, on, arg.Value)
	case math.Abs(w) > largestWeight:
		r.problems.Add(d.Position, `@cost on %s: %s is too much; write a number between -1e9 and 1e9`, on, arg.Value)
	default:
		return math.Round(w * unit)
	}
	return 0
}

// listSize reads @listSize of a field; its mistakes are problems.
func (r *reader) listSize(on string, f *ast.FieldDefinition, d *ast.Directive) *listSize {
	s := &listSize{requireOne: r.requireOne()}
	wrong := func(format string, args ...any) {
		r.problems.Add(d.Position, "@listSize on %s: %s", on, fmt.Sprintf(format, args...))
	}
	for _, arg := range d.Arguments {
		v := arg.Value
		if v == nil || v.Kind == ast.NullValue {
			continue
		}
		var ok bool
		right := ""
		switch arg.Name {
		case "assumedSize":
			s.assumed, ok = sizeLiteral(v)
			s.hasAssumed, right = ok, "a whole number, such as 50"
		case "slicingArgumentDefaultValue":
			s.fallback, ok = sizeLiteral(v)
			s.hasFallback, right = ok, "a whole number, such as 10"
		case "requireOneSlicingArgument":
			ok, right = v.Kind == ast.BooleanValue, "true or false"
			s.requireOne = v.Raw == "true"
		case "sizedFields":
			s.sized, ok = names(v)
			right = `a list of fields, such as ["edges"]`
		case "slicingArguments":
			var paths []string
			paths, ok = names(v)
			right = `a list of arguments, such as ["first"]`
			for _, path := range paths {
				r.slicing(s, path, f, wrong)
			}
		default:
			wrong("there is no argument %s; there are assumedSize, slicingArguments, sizedFields, requireOneSlicingArgument", arg.Name)
			continue
		}
		if !ok {
			wrong("%s: write %s", arg.Name, right)
		}
	}
	if f.Type.Elem == nil && len(s.sized) == 0 {
		wrong("%s is no list; put it on a list, or name the lists below in sizedFields", f.Type)
	}
	for _, name := range s.sized {
		r.sized(name, f, wrong)
	}
	if s.hasAssumed && d.Arguments.ForName("slicingArguments") != nil && len(s.slicing) > 0 {
		r.ambiguous(s, wrong)
	}
	return s
}

// requireOne is what the definition of the directive says about uses that don't.
func (r *reader) requireOne() bool {
	if def := r.prices.schema.Directives["listSize"]; def != nil {
		if arg := def.Arguments.ForName("requireOneSlicingArgument"); arg != nil && arg.DefaultValue != nil {
			return arg.DefaultValue.Raw != "false"
		}
	}
	return true
}

// ambiguous refuses two sizes of which one would silently win.
func (r *reader) ambiguous(s *listSize, wrong func(string, ...any)) {
	if s.requireOne {
		wrong("assumedSize is never used when a slicing argument is required; leave it out, or add requireOneSlicingArgument: false")
		return
	}
	for _, p := range s.slicing {
		if last := p.inputs[len(p.inputs)-1]; last.def != nil {
			wrong("assumedSize is never used, because %s has a default; leave one of them out", strings.Join(p.path, "."))
		}
	}
}

func (r *reader) sized(name string, f *ast.FieldDefinition, wrong func(string, ...any)) {
	def := r.prices.schema.Types[f.Type.Name()]
	var child *ast.FieldDefinition
	if def != nil {
		child = def.Fields.ForName(name)
	}
	switch {
	case child == nil:
		wrong("sizedFields: %s has no field %s; name a list of %s", f.Type.Name(), name, f.Type.Name())
	case child.Type.Elem == nil:
		wrong("sizedFields: %s.%s is %s, no list; name a list of %s", f.Type.Name(), name, child.Type, f.Type.Name())
	}
}

// slicing follows a path of names, such as first or input.first, to an Int.
func (r *reader) slicing(s *listSize, path string, f *ast.FieldDefinition, wrong func(string, ...any)) {
	steps := strings.Split(path, ".")
	p := slicing{path: steps}
	var t *ast.Type
	for i, step := range steps {
		var def *ast.Value
		var typ *ast.Type
		if i == 0 {
			if arg := f.Arguments.ForName(step); arg != nil {
				typ, def = arg.Type, arg.DefaultValue
			}
		} else if parent := r.prices.schema.Types[t.NamedType]; parent != nil && parent.Kind == ast.InputObject {
			if member := parent.Fields.ForName(step); member != nil {
				typ, def = member.Type, member.DefaultValue
			}
		}
		if typ == nil {
			wrong("slicingArguments: the field has no argument %s; name one that is an Int", strings.Join(steps[:i+1], "."))
			return
		}
		t = typ
		p.inputs = append(p.inputs, &input{name: step, def: def})
	}
	if t.NamedType != "Int" {
		wrong("slicingArguments: %s is %s; only an Int or Int! can say how long a list is", path, t)
		return
	}
	s.slicing = append(s.slicing, p)
}

func sizeLiteral(v *ast.Value) (float64, bool) {
	n, err := strconv.ParseInt(v.Raw, 10, 64)
	return max(0, float64(n)), err == nil && v.Kind == ast.IntValue
}

// names reads a list of strings; one string is a list of one.
func names(v *ast.Value) ([]string, bool) {
	switch v.Kind {
	case ast.StringValue, ast.BlockValue:
		return []string{v.Raw}, true
	case ast.ListValue:
		var all []string
		for _, child := range v.Children {
			if child.Value.Kind != ast.StringValue && child.Value.Kind != ast.BlockValue {
				return nil, false
			}
			all = append(all, child.Value.Raw)
		}
		return all, true
	default:
		return nil, false
	}
}

func writeKey(b *strings.Builder, parts ...any) {
	for _, part := range parts {
		switch part := part.(type) {
		case *inputObject:
			if part != nil {
				b.WriteString(part.name)
			}
		case *ast.Value:
			if part != nil {
				b.WriteString(part.String())
			}
		default:
			fmt.Fprint(b, part)
		}
		b.WriteByte(0)
	}
}
