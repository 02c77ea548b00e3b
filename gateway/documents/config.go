package documents

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Config is the documents section of gateway.yaml. A zero field means its default.
type Config struct {
	// Automatic is about automatic persisted queries, which clients make known by sending them once.
	Automatic Automatic `yaml:"automatic" json:"automatic,omitempty"`
	// Trusted is about documents that are known beforehand.
	Trusted Trusted `yaml:"trusted" json:"trusted,omitempty"`
}

// Automatic is about automatic persisted queries.
type Automatic struct {
	// Disabled answers PERSISTED_QUERY_NOT_SUPPORTED. Default: false.
	Disabled bool `yaml:"disabled" json:"disabled,omitempty"`
	// MaxBytes bounds the texts that are kept in memory, all together. Default: 16777216.
	MaxBytes int64 `yaml:"max_bytes" json:"max_bytes,omitempty"`
	// TTL is how long Redis keeps a text that nobody asks for. Default: 24h.
	TTL time.Duration `yaml:"ttl" json:"ttl,omitempty"`
	// MaxNew is how many texts this gateway learns in a minute; further ones are sent again. Default: 6000.
	MaxNew int `yaml:"max_new" json:"max_new,omitempty"`
}

// Trusted is about trusted documents.
type Trusted struct {
	// Manifests are files that clients' builds write, as Apollo's, Relay's or graphql-codegen's tools do. They are read
	// again when they change. Default: none.
	Manifests []string `yaml:"manifests" json:"manifests,omitempty"`
	// Mode is allow (ids may be used, and texts), log (as allow, and texts that no manifest has are logged) or enforce
	// (only what a manifest has is run). Default: allow.
	Mode Mode `yaml:"mode" json:"mode,omitempty"`
	// Plans are the modes of plans that have another, by the plan's name.
	Plans map[string]Mode `yaml:"plans" json:"plans,omitempty"`
	// MaxBytes bounds one manifest. Default: 16777216.
	MaxBytes int64 `yaml:"max_bytes" json:"max_bytes,omitempty"`
}

// Mode says what is done with documents that no manifest has.
type Mode string

// The modes.
const (
	Allow   Mode = "allow"
	Log     Mode = "log"
	Enforce Mode = "enforce"
)

// Values lists what a mode may be.
func (Mode) Values() []string { return []string{string(Allow), string(Log), string(Enforce)} }

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	if c.Automatic.MaxBytes == 0 {
		c.Automatic.MaxBytes = 16 << 20
	}
	if c.Automatic.TTL == 0 {
		c.Automatic.TTL = 24 * time.Hour
	}
	if c.Automatic.MaxNew == 0 {
		c.Automatic.MaxNew = 6000
	}
	if c.Trusted.Mode == "" {
		c.Trusted.Mode = Allow
	}
	if c.Trusted.MaxBytes == 0 {
		c.Trusted.MaxBytes = 16 << 20
	}
	return c
}

// Validate names everything wrong, by its keys.
func (c Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, f := range []struct {
		key   string
		value int64
	}{{"automatic.max_bytes", c.Automatic.MaxBytes}, {"trusted.max_bytes", c.Trusted.MaxBytes}} {
		if f.value < 0 || f.value > 1<<30 {
			wrong("%s: is %d; give 1 to %d", f.key, f.value, 1<<30)
		}
	}
	if c.Automatic.TTL != 0 && (c.Automatic.TTL < time.Second || c.Automatic.TTL > 366*24*time.Hour) {
		wrong("automatic.ttl: is %v; give 1s to 8784h", c.Automatic.TTL)
	}
	if c.Automatic.MaxNew < 0 || c.Automatic.MaxNew > 1_000_000 {
		wrong("automatic.max_new: is %d; give 1 to 1000000", c.Automatic.MaxNew)
	}
	mode := func(key string, m Mode) {
		if !slices.Contains(m.Values(), string(m)) {
			wrong("%s: %.80q is none of %s", key, m, strings.Join(m.Values(), ", "))
		}
	}
	if c.Trusted.Mode != "" {
		mode("trusted.mode", c.Trusted.Mode)
	}
	enforced := c.Trusted.Mode == Enforce
	for _, plan := range slices.Sorted(maps.Keys(c.Trusted.Plans)) {
		mode("trusted.plans."+plan, c.Trusted.Plans[plan])
		enforced = enforced || c.Trusted.Plans[plan] == Enforce
	}
	if enforced && len(c.Trusted.Manifests) == 0 {
		wrong("trusted.mode: enforce without trusted.manifests would refuse everything")
	}
	for i, path := range c.Trusted.Manifests {
		if path == "" {
			wrong("trusted.manifests[%d]: is empty", i)
		} else if slices.Contains(c.Trusted.Manifests[:i], path) {
			wrong("trusted.manifests[%d]: %s is there twice", i, path)
		}
	}
	return errors.Join(problems...)
}
