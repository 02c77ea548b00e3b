package authorize

import (
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/mistake"
)

// compiler makes the Rules of a schema.
type compiler struct {
	schema   *ast.Schema
	problems mistake.List
	rules    *Rules
	// own has what is written at a type or field, in numbers of clauses.
	own map[coordinate][]int
	// What was numbered before:
	inputs  map[string]int
	clauses map[string]int
	needs   map[string]Need
}

func newCompiler(schema *ast.Schema) *compiler {
	return &compiler{
		schema: schema,
		rules: &Rules{
			schema: schema,
			scopes: make([]string, 1), // the first input is no scope
			needs:  make([]need, 1),   // the first Need asks nothing
			fields: map[coordinate]Need{},
			types:  map[string]Need{},
		},
		own:     map[coordinate][]int{},
		inputs:  map[string]int{},
		clauses: map[string]int{},
		needs:   map[string]Need{"[] []": 0},
	}
}

// input numbers a scope.
func (c *compiler) input(scope string) int {
	i, ok := c.inputs[scope]
	if !ok {
		i = len(c.rules.scopes)
		c.inputs[scope] = i
		c.rules.scopes = append(c.rules.scopes, scope)
	}
	return i
}

// clause numbers what a directive asks.
func (c *compiler) clause(asked clause) int {
	key := fmt.Sprint(asked)
	i, ok := c.clauses[key]
	if !ok {
		i = len(c.rules.clauses)
		c.clauses[key] = i
		c.rules.clauses = append(c.rules.clauses, asked)
	}
	return i
}

// number numbers a need.
func (c *compiler) number(n need) Need {
	slices.Sort(n.clauses)
	n.clauses = slices.Compact(n.clauses)
	slices.SortFunc(n.groups, slices.Compare)
	n.groups = slices.CompactFunc(n.groups, slices.Equal)
	key := fmt.Sprint(n.clauses, n.groups)
	i, ok := c.needs[key]
	if !ok {
		i = Need(len(c.rules.needs))
		c.needs[key] = i
		c.rules.needs = append(c.rules.needs, n)
	}
	return i
}

// compile gives each field of each object type its need.
func (c *compiler) compile() *Rules {
	var objects []*ast.Definition
	for _, def := range c.schema.Types {
		if def.Kind == ast.Object && !def.BuiltIn {
			objects = append(objects, def)
		}
	}
	for _, def := range objects {
		if n := c.number(need{clauses: slices.Clone(c.own[coordinate{object: def.Name}])}); n != 0 {
			c.rules.types[def.Name] = n
		}
	}
	for _, def := range objects {
		interfaces := c.interfaces(def)
		for _, f := range def.Fields {
			var n need
			c.add(&n, def, f)
			for _, i := range interfaces {
				if declared := i.Fields.ForName(f.Name); declared != nil {
					c.add(&n, i, declared)
				}
			}
			if number := c.number(n); number != 0 {
				c.rules.fields[coordinate{def.Name, f.Name}] = number
			}
		}
	}
	return c.rules
}

// interfaces are those that def implements. An interface that they implement has to be named by def as well.
func (c *compiler) interfaces(def *ast.Definition) []*ast.Definition {
	var found []*ast.Definition
	for _, name := range def.Interfaces {
		if i := c.schema.Types[name]; i != nil {
			found = append(found, i)
		}
	}
	return found
}

// add adds what a field asks as it's declared by def: def itself, the field, and the type it returns.
func (c *compiler) add(n *need, def *ast.Definition, f *ast.FieldDefinition) {
	n.clauses = append(n.clauses, c.own[coordinate{object: def.Name}]...)
	n.clauses = append(n.clauses, c.own[coordinate{def.Name, f.Name}]...)
	returned := c.schema.Types[f.Type.Name()]
	if returned == nil {
		return
	}
	n.clauses = append(n.clauses, c.own[coordinate{object: returned.Name}]...)
	if !returned.IsAbstractType() {
		return
	}
	// When everything that can come is kept from the caller there is no point in asking for it.
	var group []Need
	for _, t := range c.schema.GetPossibleTypes(returned) {
		if t.IsAbstractType() {
			continue
		}
		own := c.rules.types[t.Name]
		if own == 0 {
			return
		}
		group = append(group, own)
	}
	slices.Sort(group)
	if len(group) > 0 {
		n.groups = append(n.groups, slices.Compact(group))
	}
}
