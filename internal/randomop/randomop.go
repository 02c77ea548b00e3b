// Package randomop writes random operations of a schema, for tests that hold two executors against each other.
//
// It knows the grammar and the types, and nothing of what an operation does. The same random source makes the same
// operations. Most are valid; who runs them skips the others. It's for tests only.
package randomop

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Generator writes operations.
type Generator struct {
	*rand.Rand
	// Schema is what the operations are of.
	Schema *ast.Schema
	// Avoid has the fields and arguments that aren't used, by coordinate: "Query.post.id".
	Avoid map[string]bool
	// Scalar gives a value of a scalar, as decoded from JSON, or nil for one of the generator's.
	Scalar func(r *rand.Rand, name string) any
	// Queries leaves mutations out.
	Queries bool

	variables []variable
	fragments map[string]string // name to text
	open      int               // fragments being written
	left      int               // selections to make
}

type variable struct {
	name, text string
	typ        *ast.Type
}

// Operation is the next operation.
func (g *Generator) Operation() string {
	g.variables, g.fragments, g.left = nil, map[string]string{}, 6+g.IntN(40)
	root := g.Schema.Query
	keyword := "query"
	if g.IntN(8) == 0 && !g.Queries {
		root, keyword = g.Schema.Mutation, "mutation"
	}
	body := g.selections(root, 2+g.IntN(4))
	var vars []string
	for _, v := range g.variables {
		vars = append(vars, v.text)
	}
	text := keyword + " Q"
	if len(vars) > 0 {
		text += "(" + strings.Join(vars, ", ") + ")"
	}
	text += " " + body
	for _, name := range slices.Sorted(maps.Keys(g.fragments)) {
		text += "\n" + g.fragments[name]
	}
	return text
}

func (g *Generator) selections(def *ast.Definition, depth int) string {
	var b strings.Builder
	b.WriteString("{")
	for range 1 + g.IntN(4) {
		g.left--
		switch n := g.IntN(12); {
		case n < 7 || g.left < 0:
			g.field(&b, def, depth)
		case n < 9:
			on := g.related(def)
			if g.IntN(3) > 0 {
				fmt.Fprintf(&b, " ... on %s%s", on.Name, g.directive())
			} else {
				fmt.Fprintf(&b, " ...%s", g.directive())
				on = def
			}
			b.WriteString(g.selections(on, depth))
		case n == 9:
			b.WriteString(" __typename")
		default:
			g.spread(&b, def, depth)
		}
	}
	b.WriteString(" __typename }")
	return b.String()
}

func (g *Generator) field(b *strings.Builder, def *ast.Definition, depth int) {
	fields := slices.DeleteFunc(slices.Clone(def.Fields), func(f *ast.FieldDefinition) bool {
		return g.Avoid[def.Name+"."+f.Name] || depth <= 0 && !g.Schema.Types[f.Type.Name()].IsLeafType()
	})
	if len(fields) == 0 {
		b.WriteString(" __typename")
		return
	}
	f := fields[g.IntN(len(fields))]
	args := g.arguments(def, f)
	b.WriteString(" ")
	if args != "" || g.IntN(4) == 0 {
		// The same arguments make the same alias, so that fields meet and can be merged.
		h := fnv.New32a()
		h.Write([]byte(args))
		fmt.Fprintf(b, "%s_%d: ", f.Name, h.Sum32()%10000)
	}
	b.WriteString(f.Name + args + g.directive())
	if t := g.Schema.Types[f.Type.Name()]; !t.IsLeafType() {
		b.WriteString(" " + g.selections(t, depth-1))
	}
}

// related is a type that objects of def can have.
func (g *Generator) related(def *ast.Definition) *ast.Definition {
	types := append([]*ast.Definition{def}, g.Schema.GetPossibleTypes(def)...)
	types = append(types, g.Schema.GetImplements(types[g.IntN(len(types))])...)
	return types[g.IntN(len(types))]
}

func (g *Generator) spread(b *strings.Builder, def *ast.Definition, depth int) {
	on := g.related(def)
	name := fmt.Sprintf("F%s%d", on.Name, g.IntN(2))
	if _, ok := g.fragments[name]; !ok && g.open < 3 {
		g.fragments[name] = ""
		g.open++
		g.fragments[name] = fmt.Sprintf("fragment %s on %s %s", name, on.Name, g.selections(on, min(depth, 2)))
		g.open--
	}
	if g.fragments[name] == "" { // it would be a circle
		b.WriteString(" __typename")
		return
	}
	b.WriteString(" ..." + name + g.directive())
}

func (g *Generator) directive() string {
	name := []string{"skip", "include"}[g.IntN(2)]
	switch g.IntN(14) {
	case 0:
		return fmt.Sprintf(" @%s(if: %t)", name, g.IntN(2) == 0)
	case 1, 2:
		return fmt.Sprintf(" @%s(if: %s)", name, g.variable(ast.NonNullNamedType("Boolean", nil), 3))
	default:
		return ""
	}
}

// variable is one of the type, new or, in one of few cases, used before.
func (g *Generator) variable(t *ast.Type, reuse int) string {
	for _, v := range g.variables {
		if v.typ.String() == t.String() && g.IntN(reuse) > 0 {
			return "$" + v.name
		}
	}
	name := fmt.Sprintf("v%d", len(g.variables))
	text := "$" + name + ": " + t.String()
	if !t.NonNull && g.IntN(3) == 0 {
		text += " = " + g.literal(t, false, 2)
	}
	g.variables = append(g.variables, variable{name, text, t})
	return "$" + name
}

func (g *Generator) arguments(def *ast.Definition, f *ast.FieldDefinition) string {
	var args []string
	for _, a := range f.Arguments {
		optional := !a.Type.NonNull || a.DefaultValue != nil
		if g.Avoid[def.Name+"."+f.Name+"."+a.Name] || optional && g.IntN(2) == 0 {
			continue
		}
		args = append(args, a.Name+": "+g.literal(a.Type, true, 3))
	}
	if len(args) == 0 {
		return ""
	}
	return "(" + strings.Join(args, ", ") + ")"
}

// literal is a value in the document, with variables where they are allowed.
func (g *Generator) literal(t *ast.Type, variables bool, depth int) string {
	if variables && g.IntN(5) == 0 {
		return g.variable(t, 2)
	}
	if !t.NonNull && g.IntN(6) == 0 {
		return "null"
	}
	if t.Elem != nil {
		var items []string
		for range g.IntN(3) {
			items = append(items, g.literal(t.Elem, variables, depth))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	def := g.Schema.Types[t.Name()]
	switch def.Kind {
	case ast.Enum:
		return def.EnumValues[g.IntN(len(def.EnumValues))].Name
	case ast.InputObject:
		var members []string
		for _, f := range def.Fields {
			required := f.Type.NonNull && f.DefaultValue == nil
			if required || depth > 0 && g.IntN(2) == 0 {
				members = append(members, f.Name+": "+g.literal(f.Type, variables, depth-1))
			}
		}
		return "{" + strings.Join(members, ", ") + "}"
	case ast.Scalar:
		return fmt.Sprint(g.scalar(t.Name(), strconv.Quote))
	default:
		panic(def.Kind)
	}
}

// value is a value for a variable, as decoded from JSON.
func (g *Generator) value(t *ast.Type, depth int) any {
	if !t.NonNull && g.IntN(6) == 0 {
		return nil
	}
	if t.Elem != nil {
		items := []any{}
		for range g.IntN(3) {
			items = append(items, g.value(t.Elem, depth))
		}
		return items
	}
	def := g.Schema.Types[t.Name()]
	switch def.Kind {
	case ast.Enum:
		return def.EnumValues[g.IntN(len(def.EnumValues))].Name
	case ast.InputObject:
		members := map[string]any{}
		for _, f := range def.Fields {
			required := f.Type.NonNull && f.DefaultValue == nil
			if required || depth > 0 && g.IntN(2) == 0 {
				members[f.Name] = g.value(f.Type, depth-1)
			}
		}
		return members
	default:
		v := g.scalar(t.Name(), func(s string) string { return s })
		switch v := v.(type) {
		case int, float64:
			return json.Number(fmt.Sprint(v))
		default:
			return v
		}
	}
}

func (g *Generator) scalar(name string, quote func(string) string) any {
	if g.Scalar != nil {
		switch v := g.Scalar(g.Rand, name).(type) {
		case nil:
		case string:
			return quote(v)
		default:
			return v
		}
	}
	switch name {
	case "Int":
		return g.IntN(40) - 2
	case "Float":
		return float64(g.IntN(100)) / 4
	case "Boolean":
		return g.IntN(2) == 0
	case "ID":
		return quote(strconv.Itoa(g.IntN(60)))
	default:
		return quote([]string{"", "x", "y z", "ü\"\n"}[g.IntN(4)])
	}
}

// Values are for the operation's variables; some that may be absent are.
func (g *Generator) Values() map[string]any {
	values := map[string]any{}
	for _, v := range g.variables {
		if v.typ.NonNull || g.IntN(3) > 0 {
			values[v.name] = g.value(v.typ, 2)
		}
	}
	return values
}
