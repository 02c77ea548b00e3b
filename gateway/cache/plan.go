package cache

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
)

// Plan is what Rules mean for one operation of a document. It doesn't change; make it once per document and operation.
type Plan struct {
	rules     *Rules
	operation *ast.OperationDefinition
	doc       *ast.QueryDocument

	hash      [sha256.Size]byte // of the schema and the operation's text
	variables []variable        // that it uses, by name
	refused   string            // why its answers are never kept; empty when they may be
	shareable bool              // whether it may be executed once for several
	parts     []part
	fixed     *Policy // when no condition changes it
	types     map[string]bool
	tags      []string // type: and list:
}

type variable struct {
	name     string
	standard any // its default
	given    bool
}

// Policy is how an answer may be kept.
type Policy struct {
	// MaxAge is how long; 0 is not at all.
	MaxAge time.Duration
	// Private says that it's for its caller only.
	Private bool
	// Why says what makes MaxAge 0, with its path.
	Why string
	// PrivateAt is the path of the first thing that makes it private.
	PrivateAt string
}

// part is what one field adds to the policy.
type part struct {
	hint
	path string
	when []condition
}

// condition is an @include or @skip by a variable.
type condition struct {
	variable string
	want     bool
}

// mostVisits bounds the work of making a plan where conditions meet fragments. Beyond, conditions count as met.
const mostVisits = 5000

// Plan makes the plan of an operation. The document must be valid.
func (r *Rules) Plan(doc *ast.QueryDocument, operation *ast.OperationDefinition) *Plan {
	p := &Plan{rules: r, operation: operation, doc: doc}
	root := r.schema.Query
	switch operation.Operation {
	case ast.Query:
		p.shareable = true
	case ast.Mutation:
		root, p.refused = r.schema.Mutation, "mutations are not kept"
	default:
		root, p.refused = r.schema.Subscription, "subscriptions are not kept"
	}
	if root == nil { // no valid document has such an operation
		p.refused, p.shareable = "the schema has no such operation", false
		return p
	}
	w := &walker{rules: r, doc: doc}
	if !w.run(operation, root) {
		w = &walker{rules: r, doc: doc, blind: true}
		w.run(operation, root)
	}
	if w.incremental {
		p.shareable, p.refused = false, "answers in parts are not kept"
	}
	p.parts, p.types = w.parts, w.types
	for name := range w.types {
		p.tags = append(p.tags, store.TypeTag(name))
	}
	for name := range w.lists {
		p.tags = append(p.tags, store.ListTag(name))
	}
	slices.Sort(p.tags)
	for _, v := range operation.VariableDefinitions {
		if !w.used[v.Variable] {
			continue
		}
		known := variable{name: v.Variable}
		if v.DefaultValue != nil {
			if value, err := v.DefaultValue.Value(nil); err == nil {
				known.standard, known.given = value, true
			}
		}
		p.variables = append(p.variables, known)
	}
	slices.SortFunc(p.variables, func(a, b variable) int { return strings.Compare(a.name, b.name) })
	sum := sha256.New()
	_, _ = sum.Write(r.hash[:])
	_, _ = sum.Write([]byte(normalise(doc, operation, w.used)))
	sum.Sum(p.hash[:0])
	if !slices.ContainsFunc(p.parts, func(q part) bool { return len(q.when) > 0 }) {
		fixed := p.policy(nil)
		p.fixed = &fixed
	}
	return p
}

// Policy is how an answer with these variables, coerced, may be kept.
func (p *Plan) Policy(variables map[string]any) Policy {
	if p.refused != "" {
		return Policy{Why: p.refused}
	}
	if p.fixed != nil {
		return *p.fixed
	}
	return p.policy(variables)
}

func (p *Plan) policy(variables map[string]any) Policy {
	var all Policy
	aged := false
	for _, q := range p.parts {
		if !p.met(q.when, variables) {
			continue
		}
		if q.scope == private && !all.Private {
			all.Private, all.PrivateAt = true, q.path
		}
		if q.hasAge && (!aged || q.maxAge < all.MaxAge) {
			all.MaxAge, aged = q.maxAge, true
			if q.maxAge == 0 {
				all.Why = q.path + " has no maxAge"
			}
		}
	}
	if !aged {
		all.Why = "nothing that is asked for has a maxAge"
	}
	return all
}

func (p *Plan) met(when []condition, variables map[string]any) bool {
	for _, c := range when {
		value, given := variables[c.variable]
		if !given {
			for _, v := range p.variables {
				if v.name == c.variable {
					value = v.standard
				}
			}
		}
		if is, known := value.(bool); known && is != c.want {
			return false
		}
	}
	return true
}

// Concerns says whether a purge of a tag may drop answers of this plan.
func (p *Plan) Concerns(tag string) bool {
	kind, name, named := strings.Cut(tag, ":")
	if !named {
		return tag != "many" // it comes with every purge, and whatever concerns us comes by name
	}
	switch kind {
	case "type", "list", "many":
		return p.types[name]
	case "service":
		return true
	}
	return p.types[kind]
}

// Shareable says whether the operation may be executed once for several who ask for it at the same moment: whether it's a
// query with one answer.
func (p *Plan) Shareable() bool { return p.shareable }

// Tags are those of the plan's types, whatever an answer holds.
func (p *Plan) Tags() []string { return slices.Clone(p.tags) }

// walker goes through an operation.
type walker struct {
	rules *Rules
	doc   *ast.QueryDocument
	blind bool // conditions count as met

	parts       []part
	types       map[string]bool
	lists       map[string]bool
	used        map[string]bool // variables
	incremental bool

	known  map[string]bool // parts
	seen   map[string]bool // fragments at places where they say nothing new
	visits int
}

// place is where a selection stands.
type place struct {
	types    []string // that an object there can have
	root     bool
	path     string
	declared string // the type that the field says; of several types, an abstract one
	open     bool   // the field itself says PUBLIC
	when     []condition
}

func (w *walker) run(operation *ast.OperationDefinition, root *ast.Definition) bool {
	w.types, w.lists, w.used = map[string]bool{}, map[string]bool{}, map[string]bool{}
	w.known, w.seen = map[string]bool{}, map[string]bool{}
	w.useDirectives(operation.Directives)
	return w.selections(operation.SelectionSet, place{types: []string{root.Name}, root: true, path: root.Name, declared: root.Name})
}

// selections says whether it came to the end.
func (w *walker) selections(set ast.SelectionSet, at place) bool {
	for _, selection := range set {
		if w.visits++; w.visits > mostVisits && !w.blind {
			return false
		}
		ok := true
		switch s := selection.(type) {
		case *ast.Field:
			ok = w.field(s, at)
		case *ast.InlineFragment:
			inside := at
			var asked bool
			if inside.when, asked = w.conditions(s.Directives, at.when); !asked {
				continue
			}
			if s.TypeCondition != "" {
				inside.types = common(at.types, w.rules.possible[s.TypeCondition])
			}
			if len(inside.types) > 0 {
				ok = w.selections(s.SelectionSet, inside)
			} else {
				w.use(s.SelectionSet, map[string]bool{})
			}
		case *ast.FragmentSpread:
			inside := at
			var asked bool
			f := w.doc.Fragments.ForName(s.Name)
			if inside.when, asked = w.conditions(s.Directives, at.when); !asked || f == nil {
				continue
			}
			w.useDirectives(f.Directives)
			inside.types = common(at.types, w.rules.possible[f.TypeCondition])
			key := fmt.Sprintf("%s %v %v %v %v %s", s.Name, inside.types, inside.when, at.root, at.open, at.declared)
			if w.seen[key] {
				continue
			}
			w.seen[key] = true
			if len(inside.types) > 0 {
				ok = w.selections(f.SelectionSet, inside)
			} else {
				w.use(f.SelectionSet, map[string]bool{})
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

func (w *walker) field(f *ast.Field, at place) bool {
	when, asked := w.conditions(f.Directives, at.when)
	if !asked {
		return true
	}
	w.useArguments(f.Arguments)
	if len(at.types) > 1 || at.types[0] != at.declared {
		for _, name := range at.types { // what an interface or union says nothing of
			if w.rules.types[name].scope == private && !at.open {
				w.add(name, hint{scope: private}, at.path, when)
			}
		}
	}
	if strings.HasPrefix(f.Name, "__") {
		w.use(f.SelectionSet, map[string]bool{})
		return true
	}
	path := at.path + "." + f.Alias
	inner := place{path: path, when: when}
	composite := 0
	for _, parent := range at.types {
		def := w.rules.schema.Types[parent].Fields.ForName(f.Name)
		if def == nil {
			continue
		}
		h := w.rules.hintOf(parent, def, at.root)
		own := w.rules.fields[parent+"."+f.Name].scope
		if h.scope == unsaid && f.ObjectDefinition != nil && w.rules.fields[f.ObjectDefinition.Name+"."+f.Name].scope == private {
			h.scope = private // said of the interface's field, through which it's asked for
		}
		w.add(parent+"."+f.Name, h, path, when)
		named := def.Type.Name()
		if w.rules.possible[named] == nil {
			continue
		}
		w.types[named] = true
		for _, name := range w.rules.possible[named] {
			w.types[name] = true
		}
		if listed(def.Type) {
			w.lists[named] = true
			for _, name := range w.rules.possible[named] {
				w.lists[name] = true
			}
		}
		inner.types = append(inner.types, w.rules.possible[named]...)
		inner.declared, inner.open = named, own == public && (composite == 0 || inner.open)
		composite++
	}
	if composite == 0 {
		return true
	}
	if composite > 1 { // the types of several interfaces' fields
		slices.Sort(inner.types)
		inner.types = slices.Compact(inner.types)
	}
	return w.selections(f.SelectionSet, inner)
}

// add notes what a field says, once for each set of conditions.
func (w *walker) add(at string, h hint, path string, when []condition) {
	if !h.hasAge && h.scope != private {
		return
	}
	key := fmt.Sprint(at, h, when)
	if w.known[key] {
		return
	}
	w.known[key] = true
	w.parts = append(w.parts, part{h, path, when})
}

// conditions adds those of a selection. asked is false when it's left out for certain.
func (w *walker) conditions(directives ast.DirectiveList, above []condition) (all []condition, asked bool) {
	w.useDirectives(directives)
	all = above
	for _, d := range directives {
		switch d.Name {
		case "defer", "stream":
			w.incremental = true
			continue
		case "skip", "include":
		default:
			continue
		}
		want := d.Name == "include"
		a := d.Arguments.ForName("if")
		if a == nil || a.Value == nil {
			continue
		}
		if a.Value.Kind != ast.Variable {
			if (a.Value.Raw == "true") != want {
				return all, false
			}
			continue
		}
		c := condition{a.Value.Raw, want}
		if w.blind || slices.Contains(all, c) {
			continue
		}
		if slices.Contains(all, condition{c.variable, !want}) {
			return all, false
		}
		all = append(all[:len(all):len(all)], c)
		slices.SortFunc(all, func(a, b condition) int { return strings.Compare(a.variable, b.variable) })
	}
	return all, true
}

// use notes the variables of a selection that is otherwise of no interest.
func (w *walker) use(set ast.SelectionSet, seen map[string]bool) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			w.useDirectives(s.Directives)
			w.useArguments(s.Arguments)
			w.use(s.SelectionSet, seen)
		case *ast.InlineFragment:
			w.useDirectives(s.Directives)
			w.use(s.SelectionSet, seen)
		case *ast.FragmentSpread:
			w.useDirectives(s.Directives)
			if f := w.doc.Fragments.ForName(s.Name); f != nil && !seen[s.Name] {
				seen[s.Name] = true
				w.use(f.SelectionSet, seen)
			}
		}
	}
}

func (w *walker) useDirectives(directives ast.DirectiveList) {
	for _, d := range directives {
		w.useArguments(d.Arguments)
	}
}

func (w *walker) useArguments(arguments ast.ArgumentList) {
	for _, a := range arguments {
		w.useValue(a.Value)
	}
}

func (w *walker) useValue(v *ast.Value) {
	if v == nil {
		return
	}
	if v.Kind == ast.Variable {
		w.used[v.Raw] = true
	}
	for _, child := range v.Children {
		w.useValue(child.Value)
	}
}

func listed(t *ast.Type) bool { return t.Elem != nil }

// common are the names in both sorted lists.
func common(a, b []string) []string {
	var both []string
	for _, name := range a {
		if _, found := slices.BinarySearch(b, name); found {
			both = append(both, name)
		}
	}
	return both
}
