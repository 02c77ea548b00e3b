package ratelimit

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Config is the limits section of gateway.yaml. Without plans there are no limits.
type Config struct {
	// Plans are what clients may spend, by name. Default: none, no limits.
	Plans map[string]PlanConfig `yaml:"plans" json:"plans,omitempty"`
	// Secret makes of a client's name what Redis sees of it. All gateways that share a Redis have the same; with another
	// one all buckets are full again. Needed with Redis, 16 characters at least. Default: none.
	Secret secret.Text `yaml:"secret" json:"secret,omitempty"`
	// Lease is how long a reservation is known that nobody settles. An operation that takes longer is charged its
	// estimate and no longer counted as under way. Default: 60s.
	Lease time.Duration `yaml:"lease" json:"lease,omitempty"`
	// Instances is how many gateways share one Redis: each has that part of a plan while Redis doesn't answer. Default:
	// they count each other in Redis.
	Instances int `yaml:"instances" json:"instances,omitempty"`
	// MaxClients is how many clients with points spent are kept in memory; those beyond share one set of buckets for each
	// plan. Default: 100000.
	MaxClients int `yaml:"max_clients" json:"max_clients,omitempty"`
}

// PlanConfig is one plan.
type PlanConfig struct {
	// Mode is off (nothing is counted), measure (counted, and nobody refused) or enforce. Default: enforce.
	Mode Mode `yaml:"mode" json:"mode,omitempty"`
	// MaxOperationCost is the most points that one operation may be estimated to cost. Default: the smallest capacity.
	MaxOperationCost int `yaml:"max_operation_cost" json:"max_operation_cost,omitempty"`
	// Buckets are the plan's budgets; an operation needs its points in all of them. At most 4. Default: none, points are
	// not bounded.
	Buckets []Bucket `yaml:"buckets" json:"buckets,omitempty"`
	// MaxConcurrent is how many operations of a client may be under way at once. Default: 0, as many as it likes.
	MaxConcurrent int `yaml:"max_concurrent" json:"max_concurrent,omitempty"`
	// OnLimiterDown is what happens while Redis doesn't answer: local (this gateway counts by itself, with its share),
	// open (all pass) or closed (all are refused). Default: local.
	OnLimiterDown OnDown `yaml:"on_limiter_down" json:"on_limiter_down,omitempty"`
	// CachedCost is the price of an answer from the cache: full, none, or points. Default: 1.
	CachedCost string `yaml:"cached_cost" json:"cached_cost,omitempty"`
}

// Bucket is one budget of a plan.
type Bucket struct {
	// Name tells buckets of a plan apart; clients read it in headers. Letters, digits, - and _.
	Name string `yaml:"name" json:"name,omitempty"`
	// Capacity is how many points a full bucket holds, at most 1000000000.
	Capacity int `yaml:"capacity" json:"capacity,omitempty"`
	// Restore is how many points come back per second, down to 0.000001. From empty to full may take a hundred years.
	Restore float64 `yaml:"restore" json:"restore,omitempty"`
}

// Mode says what is done with what was counted.
type Mode string

// The modes.
const (
	Off     Mode = "off"
	Measure Mode = "measure"
	Enforce Mode = "enforce"
)

// Values lists what a mode may be.
func (Mode) Values() []string { return []string{"off", "measure", "enforce"} }

// OnDown says what happens while the store doesn't answer.
type OnDown string

// What may happen.
const (
	Local  OnDown = "local"
	Open   OnDown = "open"
	Closed OnDown = "closed"
)

// Values lists what may happen.
func (OnDown) Values() []string { return []string{"local", "open", "closed"} }

// WithDefaults replaces every zero by what it stands for.
func (c Config) WithDefaults() Config {
	if c.Lease == 0 {
		c.Lease = 60 * time.Second
	}
	if c.MaxClients == 0 {
		c.MaxClients = 100_000
	}
	plans := make(map[string]PlanConfig, len(c.Plans))
	for name, plan := range c.Plans {
		plans[name] = plan.WithDefaults()
	}
	if c.Plans != nil {
		c.Plans = plans
	}
	return c
}

// WithDefaults replaces every zero by what it stands for. MaxOperationCost follows from the buckets.
func (c PlanConfig) WithDefaults() PlanConfig {
	if c.Mode == "" {
		c.Mode = Enforce
	}
	if c.OnLimiterDown == "" {
		c.OnLimiterDown = Local
	}
	if c.CachedCost == "" {
		c.CachedCost = "1"
	}
	for _, b := range c.Buckets {
		if c.MaxOperationCost == 0 || b.Capacity < c.MaxOperationCost {
			c.MaxOperationCost = b.Capacity
		}
	}
	return c
}

// longest is how long a bucket may take from empty to full.
const longest = 100 * 366 * 24 * time.Hour

var names = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Validate names every problem, each beginning with its key, and both keys where two contradict.
func (c Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, name := range slices.Sorted(maps.Keys(c.Plans)) {
		if !names.MatchString(name) {
			wrong("plans: %q is no name; use letters, digits, - and _", name)
		}
		for _, problem := range c.Plans[name].problems() {
			wrong("plans.%s.%w", name, problem)
		}
	}
	if n := len(c.Secret); n > 0 && n < 16 && c.Secret != secret.Mask { // what was printed can be read again
		wrong("secret: has %d characters; give 16 or more", n)
	}
	if c.Lease != 0 && (c.Lease < time.Second || c.Lease > 24*time.Hour) {
		wrong("lease: is %v; give 1s to 24h", c.Lease)
	}
	if c.Instances < 0 || c.Instances > 100_000 {
		wrong("instances: is %d; give 0 to 100000", c.Instances)
	}
	if c.MaxClients < 0 {
		wrong("max_clients: can't be negative")
	}
	return errors.Join(problems...)
}

// Validate is Config's for one plan.
func (c PlanConfig) Validate() error { return errors.Join(c.problems()...) }

func (c PlanConfig) problems() []error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !among(c.Mode) {
		wrong("mode: %q is none of %s", c.Mode, strings.Join(c.Mode.Values(), ", "))
	}
	if !among(c.OnLimiterDown) {
		wrong("on_limiter_down: %q is none of %s", c.OnLimiterDown, strings.Join(c.OnLimiterDown.Values(), ", "))
	}
	if _, ok := cachedPoints(c.CachedCost); !ok {
		wrong("cached_cost: %q is neither full nor none nor points", c.CachedCost)
	}
	if c.MaxOperationCost < 0 {
		wrong("max_operation_cost: can't be negative")
	}
	if c.MaxConcurrent < 0 {
		wrong("max_concurrent: can't be negative")
	}
	if len(c.Buckets) > MaxBuckets {
		wrong("buckets: %d are too many; give at most %d", len(c.Buckets), MaxBuckets)
	}
	first := map[string]int{}
	for i, b := range c.Buckets {
		for _, problem := range b.problems() {
			wrong("buckets[%d].%w", i, problem)
		}
		if j, taken := first[b.Name]; taken && b.Name != "" {
			wrong("buckets[%d].name and buckets[%d].name: both are %q", j, i, b.Name)
		} else {
			first[b.Name] = i
		}
		if b.Capacity > 0 && c.MaxOperationCost > b.Capacity {
			wrong("max_operation_cost (%d) is over buckets[%d].capacity (%d): an operation between them could never pass",
				c.MaxOperationCost, i, b.Capacity)
		}
	}
	return problems
}

func (b Bucket) problems() []error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !names.MatchString(b.Name) {
		wrong("name: %q is no name; use letters, digits, - and _", b.Name)
	}
	if b.Capacity < 1 || b.Capacity > MaxCapacity {
		wrong("capacity: is %d; give 1 to %d", b.Capacity, MaxCapacity)
	}
	switch rate := math.Round(b.Restore * micro); {
	case !(b.Restore > 0) || math.IsInf(b.Restore, 1): // NaN too
		wrong("restore: is %v; points have to come back", b.Restore)
	case rate < 1:
		wrong("restore: %v per second is nothing; give 0.000001 or more", b.Restore)
	case b.Restore > MaxCapacity:
		wrong("restore: is %v; give at most %d", b.Restore, MaxCapacity)
	case float64(b.Capacity)/b.Restore > longest.Seconds():
		wrong("capacity (%d) and restore (%v): a bucket would take over a hundred years to be full", b.Capacity, b.Restore)
	}
	return problems
}

func among[T interface {
	~string
	Values() []string
}](v T) bool {
	return v == "" || slices.Contains(v.Values(), string(v))
}

// cachedPoints reads a price of cached answers; -1 is the full one.
func cachedPoints(text string) (points int64, ok bool) {
	switch text {
	case "":
		return 1, true
	case "full":
		return -1, true
	case "none":
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0 && n <= MaxCapacity
}
