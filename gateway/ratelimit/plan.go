package ratelimit

import (
	"math"
	"strconv"
	"sync/atomic"
	"time"
)

// Plan is a plan of the configuration, ready to be used.
type Plan struct {
	name     string
	config   PlanConfig
	policies []policy
	most     int64 // points that an operation can cost at most
	cached   int64 // price of a cached answer, -1 is full
	windows  []time.Duration
	args     []any  // the policies as the script reads them
	header   string // RateLimit-Policy
	shared   atomic.Pointer[share]
}

type share struct {
	instances int
	plan      *Plan
}

// newPlan takes a configuration that was validated.
func newPlan(name string, c PlanConfig) *Plan {
	p := &Plan{name: name, config: c.WithDefaults(), most: math.MaxInt64}
	for _, b := range p.config.Buckets {
		p.policies = append(p.policies, policy{
			name: b.Name, capacity: int64(b.Capacity) * micro, restore: int64(math.Round(b.Restore * micro)),
		})
		p.most = min(p.most, int64(b.Capacity))
	}
	if p.config.MaxOperationCost > 0 {
		p.most = min(p.most, int64(p.config.MaxOperationCost))
	}
	p.cached, _ = cachedPoints(p.config.CachedCost)
	p.derive()
	return p
}

// derive computes what the script and clients get.
func (p *Plan) derive() {
	for _, b := range p.policies {
		p.windows = append(p.windows, duration(b.timeFor(b.capacity, level{}, 0)))
		p.args = append(p.args, b.name, strconv.FormatInt(b.capacity, 10), strconv.FormatInt(b.restore, 10))
	}
	p.header = PolicyHeader(p.levels(&Standing{}, 0))
}

// Name is the plan's name in the configuration.
func (p *Plan) Name() string { return p.name }

// Config is what the configuration says of the plan, with defaults.
func (p *Plan) Config() PlanConfig { return p.config }

// CachedCost is the price of an answer from the cache that would cost full.
func (p *Plan) CachedCost(full int64) int64 {
	if p.cached < 0 {
		return full
	}
	return min(p.cached, full)
}

// share is the part of the plan that one of several instances has by itself.
func (p *Plan) share(instances int) *Plan {
	if instances <= 1 {
		return p
	}
	if s := p.shared.Load(); s != nil && s.instances == instances {
		return s.plan
	}
	n := int64(instances)
	part := &Plan{name: p.name, config: p.config, most: p.most, cached: p.cached}
	part.config.MaxConcurrent = (p.config.MaxConcurrent + instances - 1) / instances
	for _, b := range p.policies {
		b.capacity = max(b.capacity/n, micro)
		b.restore = max(b.restore/n, 1)
		part.policies = append(part.policies, b)
		part.most = min(part.most, b.capacity/micro)
	}
	part.derive()
	p.shared.Store(&share{instances: instances, plan: part})
	return part
}

// levels tells how buckets stand when so much is given back.
func (p *Plan) levels(s *Standing, back int64) []Level {
	all := make([]Level, len(p.policies))
	for i, b := range p.policies {
		l := b.add(s.levels[i], -back)
		all[i] = Level{
			Bucket: b.name, Capacity: b.capacity / micro, Available: b.points(l), Restore: float64(b.restore) / micro,
			Window: p.windows[i], Full: duration(b.untilFull(l, 0)),
		}
	}
	return all
}

func duration(microseconds int64) time.Duration {
	return time.Duration(min(microseconds, math.MaxInt64/1000)) * time.Microsecond
}
