package admission

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tributary-gateway/tributary/gateway/operation"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
)

// Config is the limits section of gateway.yaml. Without plans there are no limits.
type Config struct {
	// Plans are what clients may spend, by name. The plan named default is for clients that are known and have no other,
	// the one named anonymous for those that nobody knows, each address for itself. Default: none, no limits.
	Plans map[string]Plan `yaml:"plans" json:"plans,omitempty"`
	// Tell says when answers carry extensions.cost: always, on_request (the client sends GraphQL-Cost: report) or never.
	// Default: on_request.
	Tell Tell `yaml:"tell" json:"tell,omitempty"`
	ratelimit.Config
}

// Plan is what the clients on it may spend, and how big their operations may be.
type Plan struct {
	// MaxDepth is how many fields may stand in one another. Default: the limit of server.operation.limits alone.
	MaxDepth int `yaml:"max_depth" json:"max_depth,omitempty"`
	// MaxAliases is how many aliased fields an operation may have. Default: as max_depth.
	MaxAliases int `yaml:"max_aliases" json:"max_aliases,omitempty"`
	// MaxRootFields is how many fields an operation may have at its root. Default: as max_depth.
	MaxRootFields int `yaml:"max_root_fields" json:"max_root_fields,omitempty"`
	// MaxTokens is how many tokens a document may have. Default: as max_depth.
	MaxTokens int `yaml:"max_tokens" json:"max_tokens,omitempty"`
	// Introspection says whether the clients on the plan may ask for the schema, which "Did you mean" tells of as well: allow
	// or deny. Default: as server.operation.disable_introspection says.
	Introspection Introspection `yaml:"introspection" json:"introspection,omitempty"`
	ratelimit.PlanConfig
}

// Introspection says whether clients may ask for the schema.
type Introspection string

// Whether they may.
const (
	Allow Introspection = "allow"
	Deny  Introspection = "deny"
)

// Values lists what an Introspection may be.
func (Introspection) Values() []string { return []string{string(Allow), string(Deny)} }

// Tell says when answers carry extensions.cost.
type Tell string

// When they do.
const (
	Always    Tell = "always"
	OnRequest Tell = "on_request"
	Never     Tell = "never"
)

// Values lists what a Tell may be.
func (Tell) Values() []string { return []string{string(Always), string(OnRequest), string(Never)} }

// WithDefaults replaces every zero by what it stands for.
func (c Config) WithDefaults() Config {
	if c.Tell == "" {
		c.Tell = OnRequest
	}
	c.Config = c.Config.WithDefaults()
	if c.Plans != nil {
		plans := make(map[string]Plan, len(c.Plans))
		for name, p := range c.Plans {
			p.PlanConfig = p.WithDefaults()
			plans[name] = p
		}
		c.Plans = plans
	}
	return c
}

// Validate names every problem, each beginning with its key.
func (c Config) Validate() error {
	problems := []error{c.limits().Validate()}
	if c.Tell != "" && !slices.Contains(c.Tell.Values(), string(c.Tell)) {
		problems = append(problems, fmt.Errorf("tell: %q is none of always, on_request, never", c.Tell))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Plans)) {
		p := c.Plans[name]
		for _, l := range p.bounds() {
			if l.most < 0 {
				problems = append(problems, fmt.Errorf("plans.%s.%s: can't be negative", name, l.key))
			}
		}
		if p.Introspection != "" && !slices.Contains(p.Introspection.Values(), string(p.Introspection)) {
			problems = append(problems, fmt.Errorf("plans.%s.introspection: %q is none of allow, deny", name, p.Introspection))
		}
	}
	return errors.Join(problems...)
}

// Validate is Config's for one plan, without what a plan has to do with others.
func (p Plan) Validate() error { return nil } // Config says it, with the plan's name

// limits is the part that the limiter gets.
func (c Config) limits() ratelimit.Config {
	limits := c.Config
	if c.Plans != nil {
		limits.Plans = make(map[string]ratelimit.PlanConfig, len(c.Plans))
		for name, p := range c.Plans {
			limits.Plans[name] = p.PlanConfig
		}
	}
	return limits
}

// bound is one limit of a plan on documents, with what an operation has of it.
type bound struct {
	key, what string
	most      int
	of        func(operation.Measures) int
}

// bounded says whether there is any to look at.
func (p Plan) bounded() bool { return p.MaxDepth+p.MaxAliases+p.MaxRootFields+p.MaxTokens > 0 }

func (p Plan) bounds() []bound {
	return []bound{
		{"max_depth", "levels of fields", p.MaxDepth, func(m operation.Measures) int { return m.Depth }},
		{"max_aliases", "aliases", p.MaxAliases, func(m operation.Measures) int { return m.Aliases }},
		{"max_root_fields", "root fields", p.MaxRootFields, func(m operation.Measures) int { return m.RootFields }},
		{"max_tokens", "tokens", p.MaxTokens, func(m operation.Measures) int { return m.Tokens }},
	}
}
