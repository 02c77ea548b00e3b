package transport

import (
	"time"

	"github.com/tributary-gateway/tributary/upstreams/balance"
)

// Metrics counts what one service's transport does. Its methods are called concurrently and must be quick.
type Metrics interface {
	// Attempted counts one request to an instance, with the time to the end of its answer.
	Attempted(o balance.Outcome, took time.Duration)
	// Count counts an event.
	Count(e Event)
}

// Event is something worth counting besides attempts.
type Event uint8

// The events.
const (
	// Coalesced is a call that got the answer of another one.
	Coalesced Event = iota
	// Retried is an attempt after another; RetryDenied one that the budget didn't allow.
	Retried
	RetryDenied
	// Hedged is a second attempt beside the first; HedgeWon one that was faster; HedgeDenied one over its budget.
	Hedged
	HedgeWon
	HedgeDenied
	// BreakerOpened, BreakerHalfOpened and BreakerClosed are changes of the breaker; BreakerRefused is a call it refused.
	BreakerOpened
	BreakerHalfOpened
	BreakerClosed
	BreakerRefused
	// LimitRefused is a call that was one too many at once, QuotaRefused one over the service's quota.
	LimitRefused
	QuotaRefused

	events // how many there are
)

var eventNames = [events]string{
	Coalesced: "coalesced", Retried: "retried", RetryDenied: "retry_denied",
	Hedged: "hedged", HedgeWon: "hedge_won", HedgeDenied: "hedge_denied",
	BreakerOpened: "breaker_opened", BreakerHalfOpened: "breaker_half_opened", BreakerClosed: "breaker_closed",
	BreakerRefused: "breaker_refused", LimitRefused: "limit_refused", QuotaRefused: "quota_refused",
}

// String is the event's name, for a label.
func (e Event) String() string {
	if e >= events {
		return "unknown"
	}
	return eventNames[e]
}

// Events are all events.
func Events() []Event {
	all := make([]Event, events)
	for i := range all {
		all[i] = Event(i)
	}
	return all
}

// unmeasured counts nothing.
type unmeasured struct{}

func (unmeasured) Attempted(balance.Outcome, time.Duration) {}
func (unmeasured) Count(Event)                              {}
