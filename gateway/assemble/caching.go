package assemble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/server"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// mayExplain is the scope of callers who read in extensions.cache where an answer comes from.
const mayExplain = "cache:explain"

// caching lets operations be answered from what was answered before. It's a server's Cache.
type caching struct {
	gateway   *Gateway
	store     *store.Store
	rules     *cache.Rules
	responses *cache.Responses
	authorize *authorize.Rules
	calls     *call.Graph
	forward   []string // the headers of clients that some service gets, in order
	personal  bool     // some call puts who is calling into its request
	plans     *lru.Cache[*ast.OperationDefinition, *cachePlan]
}

// cachePlan is what is known of an operation.
type cachePlan struct {
	*cache.Plan

	services []string // that directives have it ask
	// byHand: a root field has a resolver in Go, and nobody knows what its answer depends on.
	byHand bool
}

// plansKept is how many operations' plans are kept.
const plansKept = 1000

// openCaching makes the store and what stands before operations.
func (g *Gateway) openCaching(schema *ast.Schema, calls *call.Graph, rules *authorize.Rules) (err error) {
	c := &caching{gateway: g, authorize: rules, calls: calls, store: g.answers}
	if c.rules, err = cache.Compile(schema, g.config.Cache); err != nil {
		return err
	}
	if c.responses, err = cache.New(g.config.Cache, cache.Options{Store: g.answers, Logger: g.logger}); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	if c.plans, err = lru.New[*ast.OperationDefinition, *cachePlan](plansKept); err != nil {
		return err
	}
	for _, s := range g.config.Services {
		for _, name := range s.Forward {
			c.forward = append(c.forward, http.CanonicalHeaderKey(name))
		}
		c.personal = c.personal || strings.Contains(s.Balance.Hash, "{cl")
	}
	slices.Sort(c.forward)
	c.forward = slices.Compact(c.forward)
	c.personal = c.personal || names(schema, "{client.") || names(schema, "{claim.")
	g.caching = c
	return nil
}

// names says whether a template of the schema's directives has a placeholder that begins so.
func names(schema *ast.Schema, placeholder string) bool {
	var within func(v *ast.Value) bool
	within = func(v *ast.Value) bool {
		return v != nil && (strings.Contains(v.Raw, placeholder) ||
			slices.ContainsFunc(v.Children, func(child *ast.ChildValue) bool { return within(child.Value) }))
	}
	any := func(directives ast.DirectiveList) bool {
		return slices.ContainsFunc(directives, func(d *ast.Directive) bool {
			return slices.ContainsFunc(d.Arguments, func(a *ast.Argument) bool { return within(a.Value) })
		})
	}
	for _, def := range schema.Types {
		if any(def.Directives) || slices.ContainsFunc(def.Fields, func(f *ast.FieldDefinition) bool { return any(f.Directives) }) {
			return true
		}
	}
	return false
}

func (c *caching) plan(op *graphql.OperationContext) *cachePlan {
	if p, ok := c.plans.Get(op.Operation); ok {
		return p
	}
	services := map[string]bool{}
	c.services(op.Doc, op.Operation.SelectionSet, services, map[string]bool{})
	p := &cachePlan{Plan: c.rules.Plan(op.Doc, op.Operation), services: slices.Sorted(maps.Keys(services))}
	p.byHand = c.byHand(op.Doc, op.Operation.SelectionSet, map[string]bool{})
	c.plans.Add(op.Operation, p)
	return p
}

// byHand says whether a root field is no directive's.
func (c *caching) byHand(doc *ast.QueryDocument, set ast.SelectionSet, seen map[string]bool) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return !strings.HasPrefix(s.Name, "__") && s.ObjectDefinition != nil && c.calls.Fields[s.ObjectDefinition.Name+"."+s.Name] == nil
		case *ast.InlineFragment:
			return c.byHand(doc, s.SelectionSet, seen)
		case *ast.FragmentSpread:
			if f := doc.Fragments.ForName(s.Name); f != nil && !seen[s.Name] {
				seen[s.Name] = true
				return c.byHand(doc, f.SelectionSet, seen)
			}
		}
		return false
	})
}

// services collects those that directives have a selection ask.
func (c *caching) services(doc *ast.QueryDocument, set ast.SelectionSet, found, seen map[string]bool) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if s.ObjectDefinition != nil {
				c.asked(s.ObjectDefinition, s.Name, found)
			}
			c.services(doc, s.SelectionSet, found, seen)
		case *ast.InlineFragment:
			c.services(doc, s.SelectionSet, found, seen)
		case *ast.FragmentSpread:
			if f := doc.Fragments.ForName(s.Name); f != nil && !seen[s.Name] {
				seen[s.Name] = true
				c.services(doc, f.SelectionSet, found, seen)
			}
		}
	}
}

// asked adds the services of one field, which may be one of an interface.
func (c *caching) asked(of *ast.Definition, name string, found map[string]bool) {
	types := []*ast.Definition{of}
	if of.IsAbstractType() {
		types = c.calls.Schema.GetPossibleTypes(of)
	}
	for _, t := range types {
		f := c.calls.Fields[t.Name+"."+name]
		if f == nil {
			continue
		}
		calls := []*call.Call{f.Call}
		if f.Ref != nil {
			calls = []*call.Call{f.Ref.Entity.One, f.Ref.Entity.Many}
		}
		for _, asked := range calls {
			if asked != nil {
				found[asked.Service] = true
			}
		}
	}
}

// Answer is server.Cache's.
func (c *caching) Answer(
	ctx context.Context, r *http.Request, op *graphql.OperationContext, run func(context.Context) *graphql.Response,
) (*graphql.Response, server.Kept) {
	plan := c.plan(op)
	switch {
	case op.Operation.Operation == ast.Mutation:
		response := run(ctx)
		c.purge(ctx, plan, op, response)
		return response, nil
	case op.Operation.Operation != ast.Query, len(plan.services) == 0, plan.byHand:
		return run(ctx), nil
	}
	client := identity.From(ctx)
	q := &cache.Request{Plan: plan.Plan, Variables: op.Variables, Subject: subject(client)}
	q.NoStore, _ = cache.Wishes(r.Header)
	for _, name := range c.forward {
		q.Vary = append(q.Vary, cache.Header{Name: name, Value: strings.Join(r.Header[name], ", ")})
	}
	caller := authorize.Caller{Authenticated: client.Authenticated, Scopes: client.Scopes}
	q.Inputs = []string{c.authorize.Of(op.Doc, op.Operation).Inputs().Of(caller)}
	if c.personal {
		q.Inputs = append(q.Inputs, q.Subject)
	}
	answer, err := c.responses.Do(ctx, q, func(ctx context.Context) cache.Response { return c.execute(ctx, plan, run) })
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, nil // nobody waits
	case ctx.Err() != nil:
		return failed(fail.New(fail.UpstreamTimeout, "The operation took too long.")), nil
	default:
		c.gateway.logger.ErrorContext(ctx, "an operation broke", "request_id", server.RequestID(ctx), "cause", err)
		return failed(fail.New(fail.Internal, "")), nil
	}
	response := &graphql.Response{Data: answer.Data}
	if executed, ok := answer.Payload.(*graphql.Response); ok {
		response.Errors, response.Extensions = slices.Clone(executed.Errors), maps.Clone(executed.Extensions)
		if executed.Data == nil {
			response.Data = nil
		}
	}
	if client.Scopes.Has(mayExplain) {
		if response.Extensions == nil {
			response.Extensions = map[string]any{}
		}
		response.Extensions["cache"] = answer.Explain()
	}
	return response, kept{&answer}
}

// execute runs an operation for the cache, perhaps for several who wait. The data is copied: the engine uses its memory
// again.
func (c *caching) execute(ctx context.Context, plan *cachePlan, run func(context.Context) *graphql.Response) cache.Response {
	ctx, cancel := context.WithTimeout(ctx, c.gateway.config.Server.WithDefaults().OperationTimeout)
	defer cancel()
	ctx, recorder := reuse.WithRecorder(ctx)
	response := run(ctx)
	if response == nil {
		response = failed(fail.New(fail.Canceled, ""))
	}
	used := recorder.Summary()
	made := cache.Response{
		Data: bytes.Clone(response.Data), Failed: len(response.Errors) > 0 || response.Data == nil, Payload: response,
		Bounded: used.Known, Fresh: used.Left, Services: plan.services, Private: used.Private,
	}
	engine.Recycle(response.Data)
	if response.Data != nil {
		response.Data = made.Data
	}
	return made
}

// failed is the response of an operation without data.
func failed(f *fail.Error) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{{Message: f.Message(), Extensions: map[string]any{"code": f.Kind.Code()}}}}
}

// subject tells callers apart for certain. It's empty for those that nobody knows.
func subject(c identity.Client) string {
	if !c.Authenticated {
		return ""
	}
	issuer, _ := c.Claims.Text("iss")
	return strings.Join([]string{c.Account(), issuer, c.Subject}, "\x00")
}

// purging is how long a mutation's answer waits for its purge at most.
const purging = 2 * time.Second

// purge drops what a mutation has changed, before its client reads that it's done. A client that hung up has changed it
// all the same.
func (c *caching) purge(ctx context.Context, plan *cachePlan, op *graphql.OperationContext, response *graphql.Response) {
	var data []byte
	var alone func(string) bool
	if response != nil {
		data = response.Data
		alone = func(name string) bool {
			return slices.ContainsFunc(response.Errors, func(e *gqlerror.Error) bool {
				return len(e.Path) == 1 && e.Path[0] == ast.PathName(name)
			})
		}
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), purging)
	defer done()
	if _, err := c.responses.Purge(ctx, plan.Purges(op.Variables, data, alone)); err != nil {
		c.gateway.logger.WarnContext(ctx, "a purge isn't known everywhere yet", "request_id", server.RequestID(ctx), "cause", err)
	}
}

// kept is a cache.Answer as the server sees it.
type kept struct{ *cache.Answer }

// Hit says that nothing was executed.
func (k kept) Hit() bool { return k.Origin == cache.Hit || k.Origin == cache.Stale }
