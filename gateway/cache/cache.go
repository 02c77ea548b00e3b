// Package cache keeps whole answers of the gateway and gives them to those who may have them.
//
// Rules are what a schema says by @cacheControl and @invalidates. A Plan is what that means for one operation: how long
// its answer may be kept, who may share it, by which tags it is purged. Responses looks answers up, has identical
// operations that are under way executed once, and stores what may be stored: answers of queries without errors. What
// an answer depends on is in its key, or it isn't stored. Sub-packages: store keeps bytes in this process and in Redis,
// flight has things fetched once. Without Redis, or when it's down, the process's own memory is all there is; nothing
// here makes a request fail.
package cache

import (
	"errors"
	"fmt"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Config is the cache section of gateway.yaml.
type Config struct {
	// Disabled turns the storing of answers off. What is under way is still shared, unless coalesce is off too.
	// Default: false.
	Disabled bool `yaml:"disabled" json:"disabled,omitempty"`
	// Coalesce is on or off: on has identical queries of one caller that are under way at the same moment executed once.
	// Default: on.
	Coalesce string `yaml:"coalesce" json:"coalesce,omitempty"`
	// DefaultMaxAge is how long root fields and fields that return objects may be kept when neither their type nor they
	// themselves have a @cacheControl. Default: 0, not at all.
	DefaultMaxAge time.Duration `yaml:"default_max_age" json:"default_max_age,omitempty"`
	// Stale is how long after its time an answer is still served while a new one is fetched. Default: 0, not at all.
	Stale time.Duration `yaml:"stale" json:"stale,omitempty"`
	// TTLJitter is the most that's taken off an answer's time at random, in percent, so that answers that came together
	// don't end together. Default: 10. -1 is none.
	TTLJitter int `yaml:"ttl_jitter" json:"ttl_jitter,omitempty"`
	// Lease is how long other gateways leave the fetching of an answer to one of them. Default: 10s.
	Lease time.Duration `yaml:"lease" json:"lease,omitempty"`
	// LeaseWait is how long a gateway waits for the answer that another one fetches, before it fetches one itself.
	// Default: 1s.
	LeaseWait time.Duration `yaml:"lease_wait" json:"lease_wait,omitempty"`
	// RefreshTimeout is how long a refresh may take for which nobody waits. Default: 30s.
	RefreshTimeout time.Duration `yaml:"refresh_timeout" json:"refresh_timeout,omitempty"`
	// Secret hides the names of callers in the keys of private answers; 16 characters at least, the same for all gateways
	// of one Redis. Default: none, and then private answers aren't kept in Redis, nor anywhere where there is one.
	Secret secret.Text `yaml:"secret" json:"secret,omitempty"`
	// Store is how much is kept, and where.
	Store store.Config `yaml:"store" json:"store,omitempty"`
}

// WithDefaults replaces every zero by what it stands for.
func (c Config) WithDefaults() Config {
	if c.Coalesce == "" {
		c.Coalesce = "on"
	}
	if c.TTLJitter == 0 {
		c.TTLJitter = 10
	}
	if c.Lease == 0 {
		c.Lease = 10 * time.Second
	}
	if c.LeaseWait == 0 {
		c.LeaseWait = time.Second
	}
	if c.RefreshTimeout == 0 {
		c.RefreshTimeout = 30 * time.Second
	}
	c.Store = c.Store.WithDefaults()
	return c
}

// Validate names every problem.
func (c Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, n := range []struct {
		key   string
		value time.Duration
	}{
		{"default_max_age", c.DefaultMaxAge},
		{"stale", c.Stale},
		{"lease", c.Lease},
		{"lease_wait", c.LeaseWait},
		{"refresh_timeout", c.RefreshTimeout},
	} {
		if n.value < 0 {
			wrong("%s: can't be negative", n.key)
		}
	}
	if c.Coalesce != "" && c.Coalesce != "on" && c.Coalesce != "off" {
		wrong("coalesce: %q; give on or off", c.Coalesce)
	}
	if c.TTLJitter < -1 || c.TTLJitter > 90 {
		wrong("ttl_jitter: %d; give 1 to 90, or -1 for none", c.TTLJitter)
	}
	if n := len(c.Secret); n > 0 && n < 16 && c.Secret != secret.Mask { // what was printed can be read again
		wrong("secret: has %d characters; give 16 or more", n)
	}
	if full := c.WithDefaults(); full.Lease > 0 && full.LeaseWait > full.Lease {
		wrong("lease_wait (%v) is over lease (%v): the lease would be over first", full.LeaseWait, full.Lease)
	}
	if err := c.Store.Validate(); err != nil {
		wrong("store: %w", err)
	}
	return errors.Join(problems...)
}
