package transport

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/quota"
)

// Config is how calls to one service are carried. Default has what a service has before anything is configured.
type Config struct {
	// AttemptTimeout bounds each attempt of a call, to the last byte of the answer. Default: the call's own timeout, so that
	// a call which times out isn't tried again.
	AttemptTimeout time.Duration `yaml:"attempt_timeout" json:"attempt_timeout,omitempty"`
	// DeadlineHeader is the header that tells the service how long the gateway will wait, in milliseconds; none for no
	// header. Default: X-Request-Timeout-Ms.
	DeadlineHeader string `yaml:"deadline_header" json:"deadline_header,omitempty"`
	// Retry says when a call is tried again.
	Retry RetryConfig `yaml:"retry" json:"retry,omitzero"`
	// Hedge says when a slow call is sent a second time.
	Hedge HedgeConfig `yaml:"hedge" json:"hedge,omitzero"`
	// Breaker says when the service is taken for down.
	Breaker BreakerConfig `yaml:"breaker" json:"breaker,omitzero"`
	// MaxConcurrent is how many calls of the service may be under way at once. Default: 1024.
	MaxConcurrent int `yaml:"max_concurrent" json:"max_concurrent,omitempty"`
	// MaxWait is how long a call over that waits for its turn. Default: 100ms.
	MaxWait time.Duration `yaml:"max_wait" json:"max_wait,omitempty"`
	// Adaptive lets the number of calls at once follow what the service can take.
	Adaptive AdaptiveConfig `yaml:"adaptive" json:"adaptive,omitzero"`
	// Quota is how much may be asked of the service.
	Quota quota.Config `yaml:"quota" json:"quota,omitzero"`
	// Coalesce sends GETs that are the same, with all that the service sees of their callers, once while one is in flight.
	// Default: true.
	Coalesce bool `yaml:"coalesce" json:"coalesce"`
	// Connections are the limits of the service's connections.
	Connections Connections `yaml:"connections" json:"connections,omitzero"`
}

// Default is what a service has before its configuration is read.
func Default() Config {
	return Config{Coalesce: true, Breaker: BreakerConfig{Enabled: true}}.WithDefaults()
}

// noHeader is the name that means that there is none.
const noHeader = "none"

// WithDefaults returns the configuration with every zero replaced by what it stands for. Switches stay as they are.
func (c Config) WithDefaults() Config {
	c.DeadlineHeader = orDefault(c.DeadlineHeader, "X-Request-Timeout-Ms")
	c.Retry = c.Retry.WithDefaults()
	c.Hedge = c.Hedge.WithDefaults()
	c.Breaker = c.Breaker.WithDefaults()
	c.MaxConcurrent = orDefault(c.MaxConcurrent, 1024)
	c.MaxWait = orDefault(c.MaxWait, 100*time.Millisecond)
	c.Adaptive = c.Adaptive.WithDefaults()
	c.Quota = c.Quota.WithDefaults()
	return c
}

// Validate names everything wrong with the configuration, by its keys.
func (c Config) Validate() error {
	d := c.WithDefaults()
	errs := []error{
		positive("max_concurrent", d.MaxConcurrent),
		between("max_wait", d.MaxWait, time.Millisecond, time.Minute),
		prefixed("retry", c.Retry.Validate()),
		prefixed("hedge", c.Hedge.Validate()),
		prefixed("breaker", c.Breaker.Validate()),
		prefixed("adaptive", c.Adaptive.Validate()),
		prefixed("quota", c.Quota.Validate()),
		prefixed("connections", c.Connections.Validate()),
	}
	if c.AttemptTimeout != 0 {
		errs = append(errs, between("attempt_timeout", c.AttemptTimeout, time.Millisecond, 24*time.Hour))
	}
	if d.DeadlineHeader == "" || strings.ContainsFunc(d.DeadlineHeader, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) {
		errs = append(errs, fmt.Errorf("deadline_header: %.40q is not the name of a header", d.DeadlineHeader))
	}
	return errors.Join(errs...)
}

// header is the deadline's header in canonical form, empty for none.
func (c Config) header() string {
	if strings.EqualFold(c.DeadlineHeader, noHeader) {
		return ""
	}
	return http.CanonicalHeaderKey(c.DeadlineHeader)
}
