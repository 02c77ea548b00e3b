package balance

import (
	"fmt"
	"slices"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

// State is what an instance does, for people and metrics.
type State string

// The states.
const (
	Healthy   State = "healthy"    // serves
	SlowStart State = "slow_start" // serves with a part of its weight
	Ejected   State = "ejected"    // out of service
	Probing   State = "probing"    // out of service, and tried
	Draining  State = "draining"   // dropped by discovery, with requests under way
)

// InstanceState is one instance as the admin listener shows it.
type InstanceState struct {
	URL    string `json:"url"`
	Zone   string `json:"zone,omitempty"`
	Weight int    `json:"weight"`
	State  State  `json:"state"`
	// Reason is why it is in this state, or why it should not be in service and is.
	Reason string `json:"reason,omitempty"`
	// Since is when the state began; zero, and absent, if that was with the pool.
	Since time.Time `json:"since,omitzero"`
	// Until is when an ejection ends.
	Until time.Time `json:"until,omitzero"`
	// InFlight are the requests under way.
	InFlight int `json:"in_flight"`
	// Latency is what an answer is expected to take, in milliseconds; 0 when nothing is known.
	Latency float64 `json:"latency_ms"`
}

// State returns all instances in the order of discovery, and after them those that drain.
func (p *Pool) State() []InstanceState {
	now := time.Now()
	p.mu.Lock()
	p.refresh(now)
	states := make([]InstanceState, 0, len(p.list)+len(p.gone))
	for _, one := range slices.Concat(p.list, p.gone) {
		if one.gone.IsZero() || one.record.Open() > 0 {
			states = append(states, p.describe(one, now))
		}
	}
	events := p.take()
	p.mu.Unlock()
	p.tell(events)
	return states
}

func (p *Pool) describe(one *Instance, now time.Time) InstanceState {
	s := InstanceState{
		URL: one.url.String(), Zone: one.zone, Weight: one.weight, State: p.state(one, now),
		Since: one.record.Since(), InFlight: one.record.Open(),
	}
	if one.latency.value > 0 {
		s.Latency = float64(one.latency.now(now, p.typical)) / float64(time.Millisecond)
	}
	switch s.State {
	case Ejected:
		s.Reason, s.Until = one.record.Reason(), one.record.Until()
	case Probing:
		s.Reason = "was out for: " + one.record.Reason()
	case Draining:
		s.Reason, s.Since = "no longer named by discovery", one.gone
	case SlowStart:
		s.Since = one.joined
		s.Reason = "new"
		if reason := one.record.Reason(); reason != "" {
			s.Reason = "was out for: " + reason
		}
	case Healthy:
		s.Reason = p.blame(one, now)
		if s.Since.Before(one.joined) {
			s.Since = one.joined
		}
	}
	return s
}

// blame says why an instance in service should not be.
func (p *Pool) blame(one *Instance, now time.Time) string {
	_, reason, due := one.record.Due(now, health.Others{Typical: p.typical})
	if !due {
		return ""
	}
	return fmt.Sprintf("%s; in service because no more than %d of %d may be out", reason, p.rules.Ejection.MostOut(len(p.list)), len(p.list))
}

// state is called with the mutex held.
func (p *Pool) state(one *Instance, now time.Time) State {
	switch {
	case !one.gone.IsZero():
		return Draining
	case one.record.State() == health.Ejected:
		return Ejected
	case one.record.State() == health.Probing:
		return Probing
	case !one.joined.IsZero() && now.Sub(one.joined) < p.config.SlowStart:
		return SlowStart
	}
	return Healthy
}
