package call

import (
	"net/http"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// cache reads what the call says of keeping its answers.
func (c *compiler) cache(s *site, call *Call) {
	v := literal(s.directive, "cache")
	if v == nil {
		return
	}
	rule := &call.Cache
	for _, child := range v.Children {
		raw := child.Value.Raw
		if child.Value.Kind == ast.NullValue {
			continue
		}
		switch child.Name {
		case "enabled":
			rule.Off = raw == "false"
		case "ttl":
			rule.TTL = c.keepFor(s, "cache.ttl", raw)
		case "stale":
			rule.Stale = c.keepFor(s, "cache.stale", raw)
		case "respect":
			rule.Respect = map[string]reuse.Respect{"true": reuse.Respected, "false": reuse.Ignored}[raw]
		}
	}
	switch schema := c.graph.Schema; {
	case s.field != nil && s.parent == schema.Mutation:
		c.wrong(s, "cache: nothing of what a mutation answers is kept; drop it")
	case s.field != nil && s.parent == schema.Subscription:
		c.wrong(s, "cache: a poll asks for what is new; drop it")
	case call.Method != http.MethodGet && call.Keying != KeyedMany:
		c.wrong(s, "cache: answers to %s are kept key by key, and there are no {keys}; use get, or drop it", call.Method)
	case rule.Off && *rule != (reuse.Rule{Off: true}):
		c.wrong(s, "cache: ttl, respect and stale say nothing with enabled: false; drop them")
	case rule.Respect == reuse.Ignored && rule.TTL <= 0:
		c.wrong(s, `cache: with respect: false a ttl says how long every answer is fresh; add one, such as ttl: "30s"`)
	}
}

// keepFor reads a time for which something is kept.
func (c *compiler) keepFor(s *site, name, text string) time.Duration {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || d < 0 || d > 0 && d < time.Millisecond:
		c.wrong(s, `%s: %q is no time; write "30s" or "5m", or "0s" for none`, name, text)
	case d > reuse.Longest:
		c.wrong(s, "%s: %s is over a year", name, text)
	case d == 0:
		return reuse.None
	}
	return d
}

// alike refuses two calls of a type that keep its objects in different ways: they are the same objects.
func (c *compiler) alike(e *Entity, directives ast.DirectiveList) {
	if e.One == nil || e.Many == nil {
		return
	}
	switch one, many := e.One.Cache, e.Many.Cache; {
	case one == many:
	case one == (reuse.Rule{}):
		e.One.Cache = many
	case many == (reuse.Rule{}):
		e.Many.Cache = one
	default:
		c.problems.Add(directives[1].Position, "@rest on %s: cache: the other @rest says something else, and it is the same objects that are kept; say it once", e.Type)
	}
}
