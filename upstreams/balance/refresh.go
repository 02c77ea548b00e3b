package balance

import (
	"slices"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

// refresh looks at the clock: what is over, who is in service, and with what weight.
func (p *Pool) refresh(now time.Time) {
	p.forget(now)
	p.typical = typicalOf(p.list)
	latest, second := p.lastAnswers()
	for _, one := range p.list {
		before := one.record.State()
		one.record.Advance(now)
		other := latest
		if one.answered.Equal(latest) {
			other = second
		}
		p.settle(now, one, before, other)
	}
	p.all.reset()
	p.near.reset()
	p.probing = p.probing[:0]
	for _, one := range p.list {
		switch one.record.State() {
		case health.Healthy:
			p.all.add(one, p.share(now, one))
		case health.Probing:
			p.probing = append(p.probing, one)
		case health.Ejected:
		}
	}
	p.prefer()
	p.fresh = now.Add(tick)
}

// share is the weight that an instance has now.
func (p *Pool) share(now time.Time, one *Instance) float64 {
	if one.joined.IsZero() {
		return float64(one.weight)
	}
	return float64(one.weight) * ramp(now.Sub(one.joined), p.config.SlowStart)
}

// prefer picks those of our zone, while at least half of it, by weight, is in service; else all.
func (p *Pool) prefer() {
	weight, up := 0, 0
	for _, one := range p.list {
		if p.config.Zone == "" || one.zone != p.config.Zone {
			continue
		}
		weight += one.weight
		if one.record.State() == health.Healthy {
			up += one.weight
		}
	}
	everybody := up == 0 || 2*up < weight
	for _, one := range p.all.list {
		if everybody || one.zone == p.config.Zone {
			p.near.add(one.Instance, one.share)
		}
	}
}

// lastAnswers are when the two that answered last did.
func (p *Pool) lastAnswers() (latest, second time.Time) {
	for _, one := range p.list {
		switch at := one.answered; {
		case at.After(latest):
			latest, second = at, latest
		case at.After(second):
			second = at
		}
	}
	return latest, second
}

// typicalOf is the lower median of what is known: one slow instance, or all but one, don't change it much.
func typicalOf(list []*Instance) time.Duration {
	var values [64]time.Duration // a sample, where there are more
	n := 0
	for _, one := range list {
		if one.latency.value > 0 && one.record.State() == health.Healthy && n < len(values) {
			values[n] = one.latency.value
			n++
		}
	}
	if n == 0 {
		return unknown
	}
	slices.Sort(values[:n])
	return values[(n-1)/2]
}
