package balance

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

// Policy is how an instance is chosen.
type Policy string

// The policies.
const (
	P2C        Policy = "p2c"         // the better of two by latency and load
	RoundRobin Policy = "round_robin" // in turn
	Weighted   Policy = "weighted"    // in turn, by weight
	Hash       Policy = "hash"        // by key: the same key, the same instance
)

var policies = []Policy{P2C, RoundRobin, Weighted, Hash}

// Config is the balance section of a service. A zero field means its default.
type Config struct {
	// Policy is p2c, round_robin, weighted or hash. Default p2c.
	Policy Policy `yaml:"policy" json:"policy,omitempty"`
	// Hash is the template of the key that the policy hash goes by. Requests without a key go by load.
	Hash string `yaml:"hash" json:"hash,omitempty"`
	// SlowStart is how long an instance that is new or was out of service takes from a tenth of its weight to all of it.
	// Default 10 s; negative means that it has all of it at once.
	SlowStart time.Duration `yaml:"slow_start" json:"slow_start,omitempty"`
	// Zone is ours: its instances are preferred while at least half of them, by weight, are in service. Default: none,
	// zones make no difference.
	Zone string `yaml:"zone" json:"zone,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	if c.Policy == "" {
		c.Policy = P2C
	}
	if c.SlowStart == 0 {
		c.SlowStart = 10 * time.Second
	}
	return c
}

// Validate names everything wrong with the configuration, by its keys, and both keys where two contradict.
func (c Config) Validate() error {
	var problems []error
	policy := c.WithDefaults().Policy
	known := slices.Contains(policies, policy)
	if !known {
		problems = append(problems, fmt.Errorf("policy: %q is unknown; give p2c, round_robin, weighted or hash", c.Policy))
	}
	if policy == Hash && c.Hash == "" {
		problems = append(problems, errors.New("hash: is missing, and policy is hash"))
	}
	if known && policy != Hash && c.Hash != "" {
		problems = append(problems, fmt.Errorf("hash: is for policy hash only, and policy is %s", policy))
	}
	return errors.Join(problems...)
}

// Options are what a Pool works with. All are optional.
type Options struct {
	// Health says what puts an instance out of service.
	Health health.Config
	// Carrier sends active checks. It's needed when Health.Check has a path.
	Carrier http.RoundTripper
	// Logger hears of ejections and returns. Nil means silence.
	Logger *slog.Logger
	// Metrics counts. Nil means nobody does.
	Metrics Metrics
	// Seed of the random choices. 0 means a random one.
	Seed uint64
}
