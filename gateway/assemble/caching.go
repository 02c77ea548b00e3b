package assemble

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/upstreams/call"
)

// caching lets operations be answered from what was answered before. It's a server's Cache.
type caching struct {
	gateway   *Gateway
	store     *store.Store
	rules     *cache.Rules
	responses *cache.Responses
	authorize *authorize.Rules
	calls     *call.Graph
	personal  []string            // services whose instances are chosen by who is calling
	forward   map[string][]string // the headers of clients that a service gets
	timeout   time.Duration       // of an operation
	plans     *lru.Cache[*ast.OperationDefinition, *cachePlan]
}

// cachePlan is what is known of an operation.
type cachePlan struct {
	*cache.Plan

	services []string // that directives have it ask
	forward  []string // the headers of clients that they get, in order
	personal bool     // a call for it puts who is calling into its request, or goes where that says
	// byHand is a root field that has a resolver in Go, of whose answer nobody knows what it depends on; empty when there
	// is none.
	byHand string
	inputs authorize.Inputs
}

// plansKept is how many operations' plans are kept.
const plansKept = 1000

// openCaching makes the store and what stands before operations.
func (g *Gateway) openCaching(schema *ast.Schema, calls *call.Graph, rules *authorize.Rules) (err error) {
	c := &caching{gateway: g, authorize: rules, calls: calls, store: g.answers, timeout: g.config.Server.WithDefaults().OperationTimeout}
	c.forward = make(map[string][]string, len(g.config.Services))
	if c.rules, err = cache.Compile(schema, g.config.Cache); err != nil {
		return err
	}
	if c.responses, err = cache.New(g.config.Cache, cache.Options{Store: g.answers, Logger: g.logger}); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	if c.plans, err = lru.New[*ast.OperationDefinition, *cachePlan](plansKept); err != nil {
		return err
	}
	for name, s := range g.config.Services {
		for _, header := range s.Forward {
			c.forward[name] = append(c.forward[name], http.CanonicalHeaderKey(header))
		}
		if strings.Contains(s.Balance.Hash, "{cl") {
			c.personal = append(c.personal, name)
		}
	}
	g.caching = c
	return nil
}

// namesCaller says whether a template of some directives has a placeholder for who is calling.
func namesCaller(directives ast.DirectiveList) bool {
	var within func(v *ast.Value) bool
	within = func(v *ast.Value) bool {
		return v != nil && (strings.Contains(v.Raw, "{client.") || strings.Contains(v.Raw, "{claim.") ||
			slices.ContainsFunc(v.Children, func(child *ast.ChildValue) bool { return within(child.Value) }))
	}
	return slices.ContainsFunc(directives, func(d *ast.Directive) bool {
		return slices.ContainsFunc(d.Arguments, func(a *ast.Argument) bool { return within(a.Value) })
	})
}

func (c *caching) plan(op *graphql.OperationContext) *cachePlan {
	if p, ok := c.plans.Get(op.Operation); ok {
		return p
	}
	found := asked{caching: c, doc: op.Doc, services: map[string]bool{}, seen: map[string]bool{}}
	found.selections(op.Operation.SelectionSet)
	p := &cachePlan{Plan: c.rules.Plan(op.Doc, op.Operation), services: slices.Sorted(maps.Keys(found.services)), personal: found.personal}
	for _, service := range p.services {
		p.forward = append(p.forward, c.forward[service]...)
	}
	slices.Sort(p.forward)
	p.forward = slices.Compact(p.forward)
	p.inputs = c.authorize.Of(op.Doc, op.Operation).Inputs()
	p.byHand = c.byHand(op.Doc, op.Operation.SelectionSet, map[string]bool{})
	c.plans.Add(op.Operation, p)
	return p
}

// byHand is the first root field that is no directive's.
func (c *caching) byHand(doc *ast.QueryDocument, set ast.SelectionSet, seen map[string]bool) (field string) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if !strings.HasPrefix(s.Name, "__") && s.ObjectDefinition != nil && c.calls.Fields[s.ObjectDefinition.Name+"."+s.Name] == nil {
				field = s.ObjectDefinition.Name + "." + s.Name
			}
		case *ast.InlineFragment:
			field = c.byHand(doc, s.SelectionSet, seen)
		case *ast.FragmentSpread:
			if f := doc.Fragments.ForName(s.Name); f != nil && !seen[s.Name] {
				seen[s.Name] = true
				field = c.byHand(doc, f.SelectionSet, seen)
			}
		}
		if field != "" {
			return field
		}
	}
	return ""
}

// asked collects what directives have an operation ask.
type asked struct {
	*caching

	doc      *ast.QueryDocument
	services map[string]bool
	personal bool
	seen     map[string]bool // fragments
}

func (a *asked) selections(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if s.ObjectDefinition != nil {
				a.field(s.ObjectDefinition, s.Name)
			}
			a.selections(s.SelectionSet)
		case *ast.InlineFragment:
			a.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			if f := a.doc.Fragments.ForName(s.Name); f != nil && !a.seen[s.Name] {
				a.seen[s.Name] = true
				a.selections(f.SelectionSet)
			}
		}
	}
}

// field adds what one field asks, which may be one of an interface.
func (a *asked) field(of *ast.Definition, name string) {
	types := []*ast.Definition{of}
	if of.IsAbstractType() {
		types = a.calls.Schema.GetPossibleTypes(of)
	}
	for _, t := range types {
		f := a.calls.Fields[t.Name+"."+name]
		if f == nil {
			continue
		}
		if def := t.Fields.ForName(name); def != nil {
			a.personal = a.personal || namesCaller(def.Directives)
		}
		calls := []*call.Call{f.Call}
		if f.Ref != nil {
			calls = []*call.Call{f.Ref.Entity.One, f.Ref.Entity.Many}
			if def := a.calls.Schema.Types[f.Ref.Entity.Type]; def != nil {
				a.personal = a.personal || namesCaller(def.Directives)
			}
		}
		for _, c := range calls {
			if c != nil {
				a.services[c.Service] = true
				a.personal = a.personal || slices.Contains(a.caching.personal, c.Service)
			}
		}
	}
}
