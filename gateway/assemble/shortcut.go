package assemble

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/server"
)

// shortcut finds the kept answers of one operation with its variables, and has at hand what was found last: for whom that
// was, its key, its headers. It's a server.Finder.
type shortcut struct {
	caching   *caching
	plan      *cachePlan
	variables map[string]any
	personal  bool // who asks is in the key
	located   atomic.Pointer[located]
	told      atomic.Pointer[told]
	price     atomic.Pointer[price]
}

// located is where the answers are for callers who agree in all that's in the key.
type located struct {
	subject, inputs string
	vary            []string // as sent, of the plan's headers
	key             string
}

// price is what an answer costs in full; those with the same validator cost the same.
type price struct {
	server.Price
	validator string
}

// Shortcut is server.Shortcut's.
func (c *caching) Shortcut(op *graphql.OperationContext) server.Finder {
	plan := c.plan(op)
	if plan.never(op.Variables) != "" {
		return nil
	}
	policy := plan.Policy(op.Variables)
	if policy.MaxAge <= 0 {
		return nil
	}
	return &shortcut{caching: c, plan: plan, variables: op.Variables, personal: policy.Private || plan.personal}
}

// Find is server.Finder's. Who has wishes, or reads where answers come from, goes the long way.
func (s *shortcut) Find(ctx context.Context, header http.Header) (json.RawMessage, server.Kept, *server.Price) {
	if len(header["Cache-Control"]) > 0 || len(header["Pragma"]) > 0 {
		return nil, nil, nil
	}
	client := identity.From(ctx)
	if client.Scopes.Has(mayExplain) {
		return nil, nil, nil
	}
	at := s.locate(header, client)
	if at == nil {
		return nil, nil, nil
	}
	e, now := s.caching.responses.Find(ctx, at.key)
	if e == nil {
		return nil, nil, nil
	}
	cost := s.price.Load()
	if cost == nil || cost.validator != string(e.Meta) {
		cost = &price{validator: string(e.Meta)}
		s.price.Store(cost)
	}
	return e.Body, s.tell(e, now), &cost.Price
}

// locate makes the key for a caller, or has it still. It's nil where there's none.
func (s *shortcut) locate(header http.Header, client identity.Client) *located {
	who, inputs := "", ""
	if s.personal {
		who = subject(client)
	}
	if s.plan.inputs.Authenticated || len(s.plan.inputs.Scopes) > 0 {
		inputs = s.plan.inputs.Of(authorize.Caller{Authenticated: client.Authenticated, Scopes: client.Scopes})
	}
	at := s.located.Load()
	if at != nil && at.subject == who && at.inputs == inputs && s.sends(header, at.vary) {
		return at
	}
	q := s.caching.request(header, s.plan, s.variables, client)
	key, ok := s.caching.responses.Key(q)
	if !ok {
		return nil
	}
	at = &located{subject: who, inputs: inputs, key: key}
	for _, h := range q.Vary {
		at.vary = append(at.vary, h.Value)
	}
	s.located.Store(at)
	return at
}

// sends says whether a client sends these values of the plan's headers. Of several values it says no.
func (s *shortcut) sends(header http.Header, vary []string) bool {
	for i, name := range s.plan.forward {
		switch values := header[name]; {
		case len(values) > 1, len(values) == 1 && values[0] != vary[i], len(values) == 0 && vary[i] != "":
			return false
		}
	}
	return true
}

// told is what HTTP says of an answer in the course of a second. It's a server.Kept.
type told struct {
	validator string
	age, ttl  time.Duration // in seconds

	// Each has no room for another value, so that who adds one gets a copy.
	cacheControl, cacheStatus, ageText, etag []string
	vary                                     []string
}

// tell makes what is told, or has it still.
func (s *shortcut) tell(e *store.Entry, now time.Time) *told {
	age, ttl := e.Age(now)/time.Second, e.Expires.Sub(now)/time.Second
	if t := s.told.Load(); t != nil && t.validator == string(e.Meta) && t.age == age && t.ttl == ttl {
		return t
	}
	a := cache.AnswerOf(e, now)
	a.Private = s.plan.Policy(s.variables).Private
	t := &told{
		validator: a.ETag, age: age, ttl: ttl,
		cacheControl: []string{a.CacheControl()}, cacheStatus: []string{a.CacheStatus()},
		ageText: []string{strconv.FormatInt(int64(age), 10)}, etag: []string{a.ETag}, vary: slices.Clip(s.plan.forward),
	}
	s.told.Store(t)
	return t
}

// Hit is server.Kept's, as the others.
func (*told) Hit() bool { return true }

func (t *told) SetHeaders(h http.Header, exact bool) {
	h["Cache-Control"], h["Cache-Status"], h["Age"] = t.cacheControl, t.cacheStatus, t.ageText
	if exact {
		h["Etag"] = t.etag
	}
	if len(t.vary) > 0 {
		h["Vary"] = append(h["Vary"], t.vary...)
	}
}

func (t *told) NotModified(ifNoneMatch string) bool {
	return (&cache.Answer{ETag: t.validator}).NotModified(ifNoneMatch)
}
