package call

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/mistake"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Compile reads the directives of a schema. The error is a mistake.List, with every mistake in it.
//
// services are the names that gateway.yaml knows; nil when that isn't known, as when code is generated.
func Compile(schema *ast.Schema, services []string) (*Graph, error) {
	c := &compiler{
		services: services,
		graph: &Graph{
			Schema:    schema,
			Fields:    map[string]*Field{},
			Entities:  map[string]*Entity{},
			Views:     map[string]*View{},
			Abstracts: map[string]*Abstract{},
		},
	}
	c.entities()
	c.findViews()
	c.fields()
	c.properties()
	c.abstracts()
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	return c.graph, nil
}

// Property tells whether a field of a service-backed type is read from the object's JSON: it has no call of its own
// and isn't left to Go.
func Property(f *ast.FieldDefinition) bool {
	return !Declarative(f) && !goResolver(f) && !strings.HasPrefix(f.Name, "__")
}

// Declarative tells whether a service answers the field: it has @rest or @ref.
func Declarative(f *ast.FieldDefinition) bool {
	return f.Directives.ForName("rest") != nil || f.Directives.ForName("ref") != nil
}

// Eventful tells whether a field of the subscription type has a source of events: @poll, @sse or @event.
func Eventful(f *ast.FieldDefinition) bool {
	for _, name := range []string{"poll", "sse", "event"} {
		if f.Directives.ForName(name) != nil {
			return true
		}
	}
	return false
}

// goResolver tells whether gqlgen's @goField leaves the field to Go.
func goResolver(f *ast.FieldDefinition) bool {
	d := f.Directives.ForName("goField")
	if d == nil {
		return false
	}
	for _, name := range []string{"forceResolver", "batch"} {
		if arg := d.Arguments.ForName(name); arg != nil && arg.Value.Raw == "true" {
			return true
		}
	}
	return false
}

type compiler struct {
	graph    *Graph
	services []string
	problems mistake.List
}

// types gives the schema's own types in the order of their names.
func (c *compiler) types() []*ast.Definition {
	var all []*ast.Definition
	for _, def := range c.graph.Schema.Types {
		if !def.BuiltIn && !strings.HasPrefix(def.Name, "__") {
			all = append(all, def)
		}
	}
	slices.SortFunc(all, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (c *compiler) isRoot(def *ast.Definition) bool {
	s := c.graph.Schema
	return def == s.Query || def == s.Mutation || def == s.Subscription
}

// entities reads the @rest of types.
func (c *compiler) entities() {
	for _, def := range c.types() {
		if given := def.Directives.ForNames("typename"); len(given) > 1 {
			c.problems.Add(given[1].Position, "@typename on %s: it is there twice; keep one", def.Name)
		}
		directives := def.Directives.ForNames("rest")
		if len(directives) == 0 {
			continue
		}
		if c.isRoot(def) {
			c.problems.Add(directives[0].Position, "@rest on %s: a root type isn't fetched by key; put it on its fields", def.Name)
			continue
		}
		entity := &Entity{Type: def.Name}
		for _, d := range directives {
			call := c.call(&site{on: def.Name, parent: def, directive: d, result: ast.NonNullNamedType(def.Name, d.Position)})
			switch {
			case call == nil:
			case call.Keying == Unkeyed:
				c.problems.Add(d.Position, "@rest on %s: nothing in it says which %s; use {key} for one, such as get: \"/%ss/{key}\", or {keys} for many, such as query: {id: \"{keys}\"}", def.Name, def.Name, strings.ToLower(def.Name))
			case call.Keying == KeyedOne && entity.One == nil:
				entity.One = call
			case call.Keying == KeyedMany && entity.Many == nil:
				entity.Many = call
			default:
				c.problems.Add(d.Position, "@rest on %s: a type has one call with {key} and one with {keys} at most", def.Name)
			}
		}
		c.alike(entity, directives)
		if entity.One != nil || entity.Many != nil {
			c.graph.Entities[def.Name] = entity
		}
	}
}

// findViews finds the service-backed types: those with @rest, what declarative fields lead to, and what their
// properties hold.
func (c *compiler) findViews() {
	var visit func(name string)
	visit = func(name string) {
		def := c.graph.Schema.Types[name]
		if def == nil || c.isRoot(def) {
			return
		}
		switch def.Kind {
		case ast.Object:
			if c.graph.Views[name] != nil {
				return
			}
			c.graph.Views[name] = &View{Definition: def, Properties: map[string]view.Pointer{}}
			for _, f := range def.Fields {
				if Property(f) {
					visit(f.Type.Name())
				}
			}
		case ast.Interface, ast.Union:
			if c.graph.Abstracts[name] != nil {
				return
			}
			c.graph.Abstracts[name] = &Abstract{Definition: def}
			for _, possible := range c.graph.Schema.GetPossibleTypes(def) {
				visit(possible.Name)
			}
		}
	}
	for _, def := range c.types() {
		if def.Kind == ast.Object && def.Directives.ForName("rest") != nil {
			visit(def.Name)
		}
		if def.Kind != ast.Object {
			continue
		}
		for _, f := range def.Fields {
			if Declarative(f) || def == c.graph.Schema.Subscription && Eventful(f) {
				visit(f.Type.Name())
			}
		}
	}
}

// fields reads the @rest and @ref of fields.
func (c *compiler) fields() {
	for _, def := range c.types() {
		if def.Kind != ast.Object {
			c.onlyOnObjects(def)
			continue
		}
		for _, f := range def.Fields {
			if Declarative(f) {
				c.field(def, f)
			}
		}
	}
}

// onlyOnObjects refuses calls on fields that have no object behind them.
func (c *compiler) onlyOnObjects(def *ast.Definition) {
	for _, f := range def.Fields {
		for _, d := range f.Directives {
			switch d.Name {
			case "rest", "ref", "from":
				c.problems.Add(d.Position, "@%s on %s.%s: %s is an interface; put the directive on the field of each type that implements it", d.Name, def.Name, f.Name, def.Name)
			}
		}
	}
}

func (c *compiler) field(def *ast.Definition, f *ast.FieldDefinition) {
	coordinate := def.Name + "." + f.Name
	rests, refs := f.Directives.ForNames("rest"), f.Directives.ForNames("ref")
	field := &Field{Coordinate: coordinate, Definition: f, List: f.Type.Elem != nil}
	at := append(rests, refs...)[0]
	switch {
	case len(rests)+len(refs) > 1:
		c.problems.Add(at.Position, "%s: a field has one @rest or one @ref, here are %d", coordinate, len(rests)+len(refs))
		return
	case f.Directives.ForName("from") != nil:
		c.problems.Add(at.Position, "%s: @from reads the parent's JSON and @%s asks a service; keep one", coordinate, at.Name)
		return
	case goResolver(f):
		c.problems.Add(at.Position, "%s: @goField leaves the field to Go and @%s to a service; keep one", coordinate, at.Name)
		return
	case !c.isRoot(def) && c.graph.Views[def.Name] == nil:
		c.problems.Add(at.Position, "%s: @%s needs a parent that comes from a service, and %s doesn't; give %s @rest, or drop the directive and write a Go resolver", coordinate, at.Name, def.Name, def.Name)
		return
	case def == c.graph.Schema.Subscription && at.Name == "ref":
		c.problems.Add(at.Position, "%s: a subscription can't be answered by @ref; use @rest with @poll, @sse or @event, or write a Go resolver", coordinate)
		return
	case def == c.graph.Schema.Subscription && f.Directives.ForName("poll") == nil:
		c.problems.Add(at.Position, "%s: one answer is no subscription; add @poll(every: \"2s\") to ask again and again, use @sse or @event, or write a Go resolver", coordinate)
		return
	}
	s := &site{on: coordinate, parent: def, field: f, directive: at, result: f.Type, root: c.isRoot(def)}
	if at.Name == "ref" {
		field.Ref = c.ref(s)
	} else {
		field.Call = c.call(s)
	}
	c.graph.Fields[coordinate] = field
}

// ref reads @ref.
func (c *compiler) ref(s *site) *Ref {
	if !c.literals(s) {
		return nil
	}
	target := s.result.Name()
	entity := c.graph.Entities[target]
	if entity == nil {
		switch def := c.graph.Schema.Types[target]; {
		case def.Kind != ast.Object:
			c.wrong(s, "a key leads to an object of a type with @rest, and %s is no object type", target)
		case def.Directives.ForName("rest") == nil:
			c.wrong(s, "%s has no @rest that says how to fetch it; write type %s @rest(service: …, get: \"/…/{key}\")", target, target)
		}
		return nil
	}
	if s.result.Elem != nil && s.result.Elem.Elem != nil {
		c.wrong(s, "the type is a list of lists; a key leads to an object, or a list of keys to a list of objects")
		return nil
	}
	key, err := template.Parse(argument(s.directive, "key"))
	if err != nil {
		c.wrong(s, "key: %s", err)
		return nil
	}
	holes := key.Placeholders()
	if len(holes) == 0 {
		c.wrong(s, "key %q is the same for every object; use a placeholder, such as %s", key, c.example(s, target))
		return nil
	}
	for _, hole := range holes {
		switch hole.Root {
		case template.Key, template.Keys:
			c.wrong(s, "%s is what @ref is to give; use {this.…} or an argument", hole.Text)
		case template.Header:
			c.wrong(s, "%s: headers are for the service that forwards them; a key is an argument, a property of the parent or a claim", hole.Text)
		case template.Arg:
			if t := c.argumentType(s, "key", hole); t != nil {
				c.keyType(s, hole, t, len(holes) == 1 && hole.Text == key.String())
			}
		default:
			c.placeholder(s, "key", hole)
		}
	}
	return &Ref{Entity: entity, Key: key}
}

// example is a placeholder that would do for a @ref.
func (c *compiler) example(s *site, target string) string {
	switch {
	case !s.root:
		return "{this." + strings.ToLower(target[:1]) + target[1:] + "Id}"
	case len(s.field.Arguments) > 0:
		return "{" + s.field.Arguments[0].Name + "}"
	default:
		return "an argument {id}"
	}
}

// keyType checks the type of an argument that is a key: one key for an object, a list of keys for a list. alone tells
// that nothing else is in the template.
func (c *compiler) keyType(s *site, hole template.Placeholder, t *ast.Type, alone bool) {
	list := s.result.Elem != nil
	switch {
	case c.isInput(t.Name()):
		c.wrong(s, "key: %s is an object, and a key is a text or a number; use one of its fields", hole.Text)
	case t.Elem != nil && (!alone || t.Elem.Elem != nil):
		c.wrong(s, "key: %s is a list, which can't be a part of a key", hole.Text)
	case t.Elem != nil && !list:
		c.wrong(s, "key: %s is a list of keys, and the field is one object; make its type [%s]", hole.Text, s.result.Name())
	case t.Elem == nil && list && builtIn[t.NamedType]:
		c.wrong(s, "key: %s is one key, and the field is a list; make the argument a list, or the field one %s", hole.Text, s.result.Name())
	}
}

// properties reads the pointers of fields that are read from their object's JSON.
func (c *compiler) properties() {
	for _, def := range c.types() {
		if def.Kind != ast.Object {
			continue
		}
		backed := c.graph.Views[def.Name]
		for _, f := range def.Fields {
			from := f.Directives.ForName("from")
			switch {
			case from != nil && backed == nil:
				c.problems.Add(from.Position, "@from on %s.%s: there is no JSON to read from, as %s doesn't come from a service; drop it", def.Name, f.Name, def.Name)
			case from != nil && goResolver(f):
				c.problems.Add(from.Position, "%s.%s: @goField leaves the field to Go and @from to the parent's JSON; keep one", def.Name, f.Name)
			case backed == nil || !Property(f) || c.isRoot(c.graph.Schema.Types[f.Type.Name()]):
			case len(f.Arguments) > 0:
				c.problems.Add(f.Position, "%s.%s has arguments that nothing uses: give it @rest, or leave it to Go with @goField(forceResolver: true)", def.Name, f.Name)
			case from == nil:
				backed.Properties[f.Name] = member(f.Name)
			default:
				s := &site{on: def.Name + "." + f.Name, directive: from}
				if c.literals(s) {
					backed.Properties[f.Name] = c.pointer(s, "path", argument(from, "path"))
				}
			}
		}
	}
}

// abstracts reads @typename.
func (c *compiler) abstracts() {
	for _, def := range c.types() {
		d := def.Directives.ForName("typename")
		abstract := c.graph.Abstracts[def.Name]
		switch {
		case abstract == nil && d == nil:
		case abstract == nil:
			c.problems.Add(d.Position, "@typename on %s: no service answers with it, so there is nothing to tell apart; drop it", def.Name)
		case d == nil:
			c.problems.Add(def.Position, "%s comes from a service, but nothing says which type an object is; add @typename(path: \"/kind\")", def.Name)
		default:
			c.abstract(abstract, d)
		}
	}
}

func (c *compiler) abstract(a *Abstract, d *ast.Directive) {
	s := &site{on: a.Definition.Name, directive: d}
	if !c.literals(s) {
		return
	}
	path := argument(d, "path")
	if a.Path = c.pointer(s, "path", path); path == "" {
		c.wrong(s, `path is empty and leads to the object itself; name the property that tells its type, such as "/kind"`)
	}
	var possible []string
	for _, def := range c.graph.Schema.GetPossibleTypes(a.Definition) {
		possible = append(possible, def.Name)
	}
	slices.Sort(possible)
	a.Types = map[string]string{}
	values := literal(d, "values")
	if values == nil {
		for _, typ := range possible {
			a.Types[typ] = typ
		}
		return
	}
	if values.Kind != ast.ObjectValue || len(values.Children) == 0 {
		c.wrong(s, "values must be an object from value to type, such as {book: \"Book\"}")
		return
	}
	for _, child := range values.Children {
		typ := child.Value.Raw
		if !slices.Contains(possible, typ) {
			c.problems.Add(child.Position, "@typename on %s: values.%s: %q isn't one of its types, which are %s", s.on, child.Name, typ, strings.Join(possible, ", "))
			continue
		}
		a.Types[child.Name] = typ
	}
}

// argument is the text of a directive's argument, "" when it isn't given.
func argument(d *ast.Directive, name string) string {
	if arg := d.Arguments.ForName(name); arg != nil && arg.Value.Kind != ast.NullValue {
		return arg.Value.Raw
	}
	return ""
}

// member is the pointer to a property by its name.
func member(name string) view.Pointer {
	p, err := view.ParsePointer("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	if err != nil {
		panic(err) // an escaped name is always a pointer
	}
	return p
}
