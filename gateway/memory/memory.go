// Package memory tells Go's garbage collector what it may use.
//
// A gateway makes much garbage that lives for one request. Collecting it seldom costs memory that is there anyway, and
// saves the CPU that scanning costs; the limit keeps that from growing beyond the machine or the container. The
// environment variables GOGC and GOMEMLIMIT, which Go reads itself, win over the configuration. Where no limit can be
// read, as outside Linux, there is none.
package memory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Config is the memory section of gateway.yaml.
type Config struct {
	// GCPercent is how much the heap may grow, in percent of what is in use, before garbage is collected. Default: 400.
	GCPercent int `yaml:"gc_percent" json:"gc_percent"`
	// Limit is the memory near which garbage is collected as often as it takes. Default: nine tenths of what the
	// container, or the machine, has.
	Limit int64 `yaml:"limit" json:"limit"`
}

const (
	defaultGCPercent = 400
	// share is what of the container's memory is ours; the rest is for what Go doesn't count, such as its own stacks.
	share = 0.9
	// least is the smallest limit that leaves Go room to work.
	least = 16 << 20
)

// WithDefaults replaces a zero GCPercent. A zero Limit stays: it's found out when it is applied.
func (c Config) WithDefaults() Config {
	if c.GCPercent == 0 {
		c.GCPercent = defaultGCPercent
	}
	return c
}

// Validate names every problem.
func (c Config) Validate() error {
	var problems []error
	if c.GCPercent != 0 && (c.GCPercent < 50 || c.GCPercent > 10_000) {
		problems = append(problems, fmt.Errorf("gc_percent is %d; give 50 to 10000", c.GCPercent))
	}
	if c.Limit < 0 || c.Limit > 0 && c.Limit < least {
		problems = append(problems, errors.New("limit is under 16MiB, where Go can't work"))
	}
	return errors.Join(problems...)
}

// Apply sets the collector of this process and tells logger what is in force. Call it once, at start. Until ctx ends, memory
// that a burst has left is given back to the system when things are calm.
func Apply(ctx context.Context, c Config, logger *slog.Logger) {
	c = c.WithDefaults()
	go trim(ctx)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(c.GCPercent)
	}
	provider := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)
	ratio := share
	if c.Limit > 0 {
		provider, ratio = memlimit.Limit(uint64(c.Limit)), 1
	}
	limit, err := memlimit.Set(memlimit.WithProvider(provider), memlimit.WithRatio(ratio))
	if err != nil {
		logger.WarnContext(ctx, "no memory limit", "reason", err)
		return
	}
	logger.InfoContext(ctx, "memory", "limit", limit, "gc_percent", c.GCPercent)
}
