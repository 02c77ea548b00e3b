package assemble

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/server"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// Scopes of callers who may have something of the cache.
const (
	// mayExplain is of those who read in extensions.cache where an answer comes from.
	mayExplain = "cache:explain"
	// mayRefresh is of those whose Cache-Control: no-cache gets them an answer that's made anew.
	mayRefresh = "cache:refresh"
)

// Answer is server.Cache's.
func (c *caching) Answer(
	ctx context.Context, r *http.Request, op *graphql.OperationContext, run func(context.Context) *graphql.Response,
) (*graphql.Response, server.Kept) {
	plan, client := c.plan(op), identity.From(ctx)
	if why := plan.never(op.Variables); why != "" {
		response := run(ctx)
		if op.Operation.Operation == ast.Mutation {
			c.purge(ctx, plan, op, response)
		}
		if response != nil {
			explain(response, client, &cache.Answer{Origin: cache.Bypassed, Why: why})
		}
		return response, nil
	}
	q := c.request(r.Header, plan, op.Variables, client)
	q.Refresh = func(ctx context.Context) cache.Response { return c.execute(ctx, plan, run) }
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
	explain(response, client, &answer)
	return response, kept{&answer}
}

// never says why answers to an operation are neither kept nor shared; empty when they may be.
func (p *cachePlan) never(variables map[string]any) string {
	policy := p.Policy(variables)
	switch {
	case !p.Shareable():
		return policy.Why
	case p.byHand != "":
		return p.byHand + " is written by hand"
	case len(p.services) == 0:
		return cmp.Or(policy.Why, "no service is asked")
	}
	return ""
}

// request is an operation as the cache knows it.
func (c *caching) request(h http.Header, plan *cachePlan, variables map[string]any, client identity.Client) *cache.Request {
	q := &cache.Request{Plan: plan.Plan, Variables: variables, Subject: subject(client)}
	noCache := false
	q.NoStore, noCache = cache.Wishes(h)
	q.NoCache = noCache && client.Scopes.Has(mayRefresh)
	for _, name := range plan.forward {
		q.Vary = append(q.Vary, cache.Header{Name: name, Value: strings.Join(h[name], ", ")})
	}
	q.Inputs = []string{plan.inputs.Of(authorize.Caller{Authenticated: client.Authenticated, Scopes: client.Scopes})}
	if plan.personal {
		q.Inputs = append(q.Inputs, q.Subject)
	}
	return q
}

// explain adds extensions.cache for a caller who may read it.
func explain(response *graphql.Response, client identity.Client, answer *cache.Answer) {
	if !client.Scopes.Has(mayExplain) {
		return
	}
	extensions := maps.Clone(response.Extensions)
	if extensions == nil {
		extensions = map[string]any{}
	}
	extensions["cache"] = answer.Explain()
	response.Extensions = extensions
}

// execute runs an operation for the cache, perhaps for several who wait. The data is copied: the engine uses its memory
// again.
func (c *caching) execute(ctx context.Context, plan *cachePlan, run func(context.Context) *graphql.Response) cache.Response {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ctx, recorder := reuse.WithRecorder(ctx)
	response := run(ctx)
	if response == nil {
		response = failed(fail.New(fail.Canceled, ""))
	}
	used := recorder.Summary()
	made := cache.Response{
		Data: bytes.Clone(response.Data), Failed: len(response.Errors) > 0 || response.Data == nil, Payload: response,
		Bounded: used.Known, Fresh: used.Left, Services: plan.services, Private: used.Private, Began: used.Began, Reason: reason(recorder),
	}
	engine.Recycle(response.Data)
	if response.Data != nil {
		response.Data = made.Data
	}
	return made
}

// reason says of the first call whose answer can't be kept for others why.
func reason(recorder *reuse.Recorder) string {
	for _, u := range recorder.Uses() {
		if u.Reason != "" && (u.Private || u.Known && u.Left <= 0) {
			return strings.TrimPrefix(u.Call+": "+u.Reason, ": ")
		}
	}
	return ""
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
