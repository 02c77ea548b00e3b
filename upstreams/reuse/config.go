package reuse

import (
	"errors"
	"fmt"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// Config is the cache section of a service: which of its answers are kept. Default has what a service has before anything
// is configured: answers that say themselves for how long they're fresh are kept that long, and no others.
type Config struct {
	// Enabled says whether answers are kept. Default: true.
	Enabled bool `yaml:"enabled" json:"enabled"`
	// Respect says that what an answer itself says counts (Cache-Control, Expires). Without it ttl counts for every answer,
	// also for those that say no-store or private; they are given only to requests with the same headers. Default: true.
	Respect bool `yaml:"respect" json:"respect"`
	// TTL is how long an answer is fresh that doesn't say. Default: none, and such answers aren't kept.
	TTL time.Duration `yaml:"ttl" json:"ttl,omitempty"`
	// StaleWhileRevalidate is how long after that an answer is still given while a new one is fetched in the background,
	// where the answer doesn't say. Default: none.
	StaleWhileRevalidate time.Duration `yaml:"stale_while_revalidate" json:"stale_while_revalidate,omitempty"`
	// StaleIfError is how long after that an answer is still given when the service can't answer, also because its breaker
	// is open, where the answer doesn't say. Default: none.
	StaleIfError time.Duration `yaml:"stale_if_error" json:"stale_if_error,omitempty"`
	// NegativeTTL is the longest that it counts that something isn't there: a 404, or a key that a batch's answer has nothing
	// for. Off with -1ns or less. Default: 10s.
	NegativeTTL time.Duration `yaml:"negative_ttl" json:"negative_ttl,omitempty"`
	// Keep is how long an answer with an ETag or Last-Modified is kept after it was fresh, so that the service can say that
	// it still holds. Default: 10m.
	Keep time.Duration `yaml:"keep" json:"keep,omitempty"`
	// MaxSize is the most bytes of one answer that is kept. Default: 1MiB.
	MaxSize int64 `yaml:"max_size" json:"max_size,omitempty"`
}

// Default is what a service has before its configuration is read.
func Default() Config { return Config{Enabled: true, Respect: true}.WithDefaults() }

// WithDefaults replaces every zero by what it stands for. Switches stay as they are.
func (c Config) WithDefaults() Config {
	if c.NegativeTTL == 0 {
		c.NegativeTTL = 10 * time.Second
	}
	if c.Keep == 0 {
		c.Keep = 10 * time.Minute
	}
	if c.MaxSize == 0 {
		c.MaxSize = 1 << 20
	}
	return c
}

// Longest is the longest time for which something is kept.
const Longest = 365 * 24 * time.Hour

// Validate names every problem.
func (c Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"ttl", c.TTL},
		{"stale_while_revalidate", c.StaleWhileRevalidate},
		{"stale_if_error", c.StaleIfError},
		{"keep", c.Keep},
	} {
		switch {
		case d.value < 0:
			wrong("%s: can't be negative", d.key)
		case d.value > Longest:
			wrong("%s: %v is over a year", d.key, d.value)
		}
	}
	if c.NegativeTTL > time.Hour {
		wrong("negative_ttl: %v is over 1h; what was missing may be there by then", c.NegativeTTL)
	}
	if c.MaxSize < 0 || c.MaxSize > 64<<20 {
		wrong("max_size: give 1 to 64MiB")
	}
	if c.Enabled && !c.Respect && c.TTL == 0 {
		wrong("respect, ttl: without respect for what answers say a ttl is needed")
	}
	return errors.Join(problems...)
}

// Rule is what the schema says of one call. The zero Rule leaves everything to the service's Config.
type Rule struct {
	// Off says that no answer of the call is kept.
	Off bool
	// TTL is how long an answer is fresh that doesn't say; 0: the service's; None: it isn't.
	TTL time.Duration
	// Respect says whether what an answer says counts.
	Respect Respect
	// Stale is for how long a stale answer is given, both while a new one is fetched and when the service can't answer; 0: the
	// service's times; None: not at all.
	Stale time.Duration
}

// None is a time in a Rule that is 0 whatever the service's Config says.
const None time.Duration = -1

// Respect is a Rule's word on what answers say.
type Respect uint8

const (
	// AsConfigured leaves it to the service's Config.
	AsConfigured Respect = iota
	// Respected: what they say counts.
	Respected
	// Ignored: it doesn't.
	Ignored
)

// Validate names every problem of a rule.
func (r Rule) Validate() error {
	var problems []error
	if r.TTL < None || r.TTL > Longest {
		problems = append(problems, errors.New("ttl: give a time up to a year"))
	}
	if r.Stale < None || r.Stale > Longest {
		problems = append(problems, errors.New("stale: give a time up to a year"))
	}
	if r.Off && r != (Rule{Off: true}) {
		problems = append(problems, errors.New("ttl, respect, stale: say nothing when the cache is off"))
	}
	return errors.Join(problems...)
}

// policy is what counts for a call.
func (c *Config) policy(r *Rule) rfc9111.Policy {
	p := rfc9111.Policy{
		TTL: c.TTL, Ignore: !c.Respect, Negative: max(0, c.NegativeTTL), Keep: c.Keep,
		StaleWhileRevalidate: c.StaleWhileRevalidate, StaleIfError: c.StaleIfError,
	}
	if r == nil {
		return p
	}
	if r.TTL != 0 {
		p.TTL = max(0, r.TTL)
	}
	if r.Respect != AsConfigured {
		p.Ignore = r.Respect == Ignored
	}
	if r.Stale != 0 {
		p.StaleWhileRevalidate, p.StaleIfError = max(0, r.Stale), max(0, r.Stale)
	}
	return p
}
