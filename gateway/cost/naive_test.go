package cost_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// naive prices by the letter of the rules: it collects fields for each runtime type with the variables' values, again at
// every place, and adds up. It's slow and has nothing in common with the package.
type naive struct {
	schema    *ast.Schema
	doc       *ast.QueryDocument
	operation *ast.OperationDefinition
	variables map[string]any
	listSize  float64
}

type pair struct{ field, typ float64 }

func (n *naive) weight(ds ast.DirectiveList, missing float64) float64 {
	if d := ds.ForName("cost"); d != nil {
		w, err := strconv.ParseFloat(d.Arguments.ForName("weight").Value.Raw, 64)
		if err != nil {
			panic(err)
		}
		return w
	}
	return missing
}

func (n *naive) possible(name string) []*ast.Definition {
	def := n.schema.Types[name]
	if def.IsAbstractType() {
		return n.schema.GetPossibleTypes(def)
	}
	return []*ast.Definition{def}
}

func (n *naive) typeWeight(name string) float64 {
	def := n.schema.Types[name]
	if def.IsLeafType() {
		return n.weight(def.Directives, 0)
	}
	most := math.Inf(-1)
	for _, p := range n.possible(name) {
		most = max(most, n.weight(p.Directives, 1))
	}
	return most
}

// value of a literal with variables in it, and whether there is one.
func (n *naive) value(v *ast.Value) (any, bool) {
	switch v.Kind {
	case ast.Variable:
		if value, ok := n.variables[v.Raw]; ok {
			return value, true
		}
		if def := n.operation.VariableDefinitions.ForName(v.Raw); def != nil && def.DefaultValue != nil {
			return n.value(def.DefaultValue)
		}
		return nil, false
	case ast.ListValue:
		list := []any{}
		for _, c := range v.Children {
			item, _ := n.value(c.Value)
			list = append(list, item)
		}
		return list, true
	case ast.ObjectValue:
		object := map[string]any{}
		for _, c := range v.Children {
			if member, ok := n.value(c.Value); ok {
				object[c.Name] = member
			}
		}
		return object, true
	case ast.NullValue:
		return nil, true
	case ast.IntValue, ast.FloatValue:
		return json.Number(v.Raw), true
	case ast.BooleanValue:
		return v.Raw == "true", true
	default:
		return v.Raw, true
	}
}

func (n *naive) given(args ast.ArgumentList, name string, def *ast.Value) (any, bool) {
	if arg := args.ForName(name); arg != nil {
		if value, ok := n.value(arg.Value); ok {
			return value, true
		}
	}
	if def != nil {
		return n.value(def)
	}
	return nil, false
}

func (n *naive) inputs(t *ast.Type, value any) float64 {
	def := n.schema.Types[t.Name()]
	if list, ok := value.([]any); ok {
		sum := 0.0
		for _, item := range list {
			sum += n.inputs(t, item)
		}
		return sum
	}
	object, ok := value.(map[string]any)
	if !ok || def.Kind != ast.InputObject {
		return 0
	}
	sum := 0.0
	for _, f := range def.Fields {
		member, there := object[f.Name]
		if !there && f.DefaultValue != nil {
			member, there = n.value(f.DefaultValue)
		}
		if there {
			sum += n.weight(f.Directives, n.inputWeight(f.Type)) + n.inputs(f.Type, member)
		}
	}
	return sum
}

func (n *naive) inputWeight(t *ast.Type) float64 {
	if n.schema.Types[t.Name()].Kind == ast.InputObject {
		return 1
	}
	return 0
}

func (n *naive) arguments(defs ast.ArgumentDefinitionList, args ast.ArgumentList) float64 {
	sum := 0.0
	for _, def := range defs {
		if value, ok := n.given(args, def.Name, def.DefaultValue); ok {
			sum += n.weight(def.Directives, n.inputWeight(def.Type)) + n.inputs(def.Type, value)
		}
	}
	return sum
}

func (n *naive) active(ds ast.DirectiveList) bool {
	for _, d := range ds {
		if d.Name == "skip" || d.Name == "include" {
			value, _ := n.value(d.Arguments.ForName("if").Value)
			if value.(bool) != (d.Name == "include") {
				return false
			}
		}
	}
	return true
}

type merged struct {
	name   string
	fields []*ast.Field
}

func (n *naive) collect(o *ast.Definition, sets ...ast.SelectionSet) []merged {
	var all []merged
	visited := map[string]bool{}
	var visit func(ast.SelectionSet)
	fits := func(on string) bool {
		if on == "" || on == o.Name {
			return true
		}
		for _, i := range n.schema.GetImplements(o) {
			if i.Name == on {
				return true
			}
		}
		return false
	}
	visit = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				if !n.active(s.Directives) {
					continue
				}
				at := -1
				for i := range all {
					if all[i].name == s.Alias {
						at = i
					}
				}
				if at < 0 {
					at = len(all)
					all = append(all, merged{name: s.Alias})
				}
				all[at].fields = append(all[at].fields, s)
			case *ast.InlineFragment:
				if n.active(s.Directives) && fits(s.TypeCondition) {
					visit(s.SelectionSet)
				}
			case *ast.FragmentSpread:
				if f := n.doc.Fragments.ForName(s.Name); n.active(s.Directives) && !visited[s.Name] && fits(f.TypeCondition) {
					visited[s.Name] = true
					visit(f.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		visit(set)
	}
	return all
}

func (n *naive) call(def *ast.FieldDefinition, m merged) float64 {
	missing := 0.0
	if n.schema.Types[def.Type.Name()].IsCompositeType() {
		missing = 1
	}
	most := math.Inf(-1)
	for _, f := range m.fields {
		sum := 0.0
		for _, d := range f.Directives {
			if dd := n.schema.Directives[d.Name]; dd != nil {
				sum += n.arguments(dd.Arguments, d.Arguments)
			}
		}
		most = max(most, sum)
	}
	return max(0, n.weight(def.Directives, missing)+n.arguments(def.Arguments, m.fields[0].Arguments)+most)
}

// size is what @listSize of a field says; the second is false when it says nothing.
func (n *naive) size(def *ast.FieldDefinition, m merged) (float64, bool, []string) {
	d := def.Directives.ForName("listSize")
	if d == nil {
		return 0, false, nil
	}
	var sized []string
	if arg := d.Arguments.ForName("sizedFields"); arg != nil {
		for _, c := range arg.Value.Children {
			sized = append(sized, c.Value.Raw)
		}
	}
	most, known := 0.0, false
	if arg := d.Arguments.ForName("slicingArguments"); arg != nil {
		for _, c := range arg.Value.Children {
			a := def.Arguments.ForName(c.Value.Raw)
			value, _ := n.given(m.fields[0].Arguments, a.Name, a.DefaultValue)
			if number, ok := value.(json.Number); ok {
				f, _ := number.Float64()
				most, known = max(most, f), true
			}
		}
	}
	if arg := d.Arguments.ForName("assumedSize"); arg != nil && !known {
		most, _ = strconv.ParseFloat(arg.Value.Raw, 64)
		known = true
	}
	return most, known, sized
}

func (n *naive) count(def *ast.FieldDefinition, m merged, handed map[string]float64) (float64, map[string]float64) {
	size, known, sized := n.size(def, m)
	down := map[string]float64{}
	for _, name := range sized {
		if known {
			down[name] = size
		}
	}
	if def.Type.Elem == nil {
		return 1, down
	}
	if inherited, ok := handed[def.Name]; ok {
		return inherited, down
	}
	if known && len(sized) == 0 {
		return size, down
	}
	return n.listSize, down
}

func sets(m merged) []ast.SelectionSet {
	var all []ast.SelectionSet
	for _, f := range m.fields {
		all = append(all, f.SelectionSet)
	}
	return all
}

func (n *naive) estimate() pair {
	root := n.schema.Query
	p := n.selection(root, nil, n.operation.SelectionSet)
	p.typ = max(0, p.typ+n.weight(root.Directives, 1))
	return p
}

func (n *naive) selection(o *ast.Definition, handed map[string]float64, all ...ast.SelectionSet) pair {
	var sum pair
	for _, m := range n.collect(o, all...) {
		def := o.Fields.ForName(m.fields[0].Name)
		if strings.HasPrefix(m.fields[0].Name, "__") {
			continue
		}
		size, down := n.count(def, m, handed)
		var below pair
		for _, p := range n.possible(def.Type.Name()) {
			if p.Kind != ast.Object {
				continue
			}
			one := n.selection(p, down, sets(m)...)
			below.field, below.typ = max(below.field, one.field), max(below.typ, one.typ)
		}
		sum.field += n.call(def, m) + product(size, below.field)
		sum.typ += max(0, product(size, n.typeWeight(def.Type.Name())+below.typ))
	}
	return sum
}

func product(n, x float64) float64 {
	if n == 0 || x == 0 {
		return 0
	}
	return n * x
}

// answer makes a random answer and prices it.
func (n *naive) answer(r *rand.Rand, typenames bool) (string, pair) {
	var b strings.Builder
	p := n.object(r, &b, n.schema.Query, nil, typenames, n.operation.SelectionSet)
	p.typ = max(0, p.typ+n.weight(n.schema.Query.Directives, 1))
	return b.String(), p
}

func (n *naive) object(r *rand.Rand, b *strings.Builder, o *ast.Definition, handed map[string]float64, typenames bool, all ...ast.SelectionSet) pair {
	var sum pair
	b.WriteString("{")
	comma := ""
	if typenames {
		fmt.Fprintf(b, `"__typename": %q`, o.Name)
		comma = ", "
	}
	for _, m := range n.collect(o, all...) {
		if m.fields[0].Name == "__typename" {
			if m.name != "__typename" || !typenames {
				fmt.Fprintf(b, "%s%q:%q", comma, m.name, o.Name)
				comma = ", "
			}
			continue
		}
		if strings.HasPrefix(m.fields[0].Name, "__") {
			continue
		}
		def := o.Fields.ForName(m.fields[0].Name)
		size, down := n.count(def, m, handed)
		fmt.Fprintf(b, "%s%q :", comma, m.name)
		comma = ","
		left := int(min(size, 3))
		var below pair
		n.completed(r, b, def.Type, &left, func() {
			possible := n.possible(def.Type.Name())
			p := possible[r.IntN(len(possible))]
			below.typ += n.weightOf(p)
			if p.IsLeafType() {
				b.WriteString([]string{`"a \"]}{"`, `-1.5e3`, `true`, `{"x":["]}"]}`}[r.IntN(4)])
				return
			}
			one := n.object(r, b, p, down, typenames, sets(m)...)
			below.field, below.typ = below.field+one.field, below.typ+one.typ
		})
		sum.field += n.call(def, m) + below.field
		sum.typ += max(0, below.typ)
	}
	b.WriteString("}")
	return sum
}

func (n *naive) weightOf(p *ast.Definition) float64 {
	if p.IsLeafType() {
		return n.weight(p.Directives, 0)
	}
	return n.weight(p.Directives, 1)
}

// completed writes a value with at most left items in all its lists.
func (n *naive) completed(r *rand.Rand, b *strings.Builder, t *ast.Type, left *int, item func()) {
	if r.IntN(6) == 0 {
		b.WriteString("null")
		return
	}
	if t.Elem == nil {
		item()
		return
	}
	b.WriteString("[ ")
	for i := range r.IntN(4) {
		if i > 0 {
			b.WriteString(" , ")
		}
		if t.Elem.Elem == nil {
			if *left--; *left < 0 {
				b.WriteString("null")
				continue
			}
		}
		n.completed(r, b, t.Elem, left, item)
	}
	b.WriteString("]")
}
