// Package balance chooses the instance of a service that gets the next request.
//
// A Pool knows the instances that discovery found, what became of the requests that each got, and what package health
// makes of it. Pick takes the healthy ones, those of our zone first, and lets a policy choose: power of two choices by
// latency and load, in turn, by weight, or by key. An instance that failed is left out for a while and returns by a
// probe, one that is new begins with a tenth of its weight, one that discovery has dropped finishes what it has.
//
// There is always somebody to pick while there is any instance: package health's limit leaves some in service however
// all fail, and a service that is down as a whole is for the breaker above to notice. Choosing is pure and takes the
// time; a Pool adds the clock and one short mutex, and has no goroutines but those of active checks.
package balance

import (
	"errors"
	"net/url"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

// ErrNone means that there is no instance at all.
var ErrNone = errors.New("no instance of the service is known")

// Request is what Pick needs to know of an attempt.
type Request struct {
	// Key is what the policy hash goes by. Requests without one go by load.
	Key string
	// Avoid are the instances that earlier attempts went to. They're taken only if there is no other.
	Avoid []*Instance
	// Retryable says that this attempt may fail without harm, since another would follow. Such requests are probes; others
	// are only when none such has come for the longest ejection time.
	Retryable bool
}

// Lease is the permission to send one request to one instance. Its Done is called exactly once.
type Lease struct {
	pool     *Pool
	instance *Instance
	began    time.Time
	probe    bool
}

// Instance is where the request goes.
func (l Lease) Instance() *Instance { return l.instance }

// Probe says that the request finds out whether an instance is well again.
func (l Lease) Probe() bool { return l.probe }

// Done tells what became of the request and how long it took, to the end of the answer's body.
func (l Lease) Done(outcome Outcome, latency time.Duration) { l.DoneFor(outcome, latency, "") }

// DoneFor is Done with the reason of a failure in a word or two for operators, such as OutcomeOf gives.
func (l Lease) DoneFor(outcome Outcome, latency time.Duration, reason string) {
	if l.pool == nil || int(outcome) >= len(results) {
		return
	}
	if outcome == Timeout && reason == "" {
		reason = health.TimeoutWord
	}
	l.pool.done(time.Now(), l.instance, health.Sent{
		Began: l.began, Probe: l.probe, Result: results[outcome], Latency: max(0, latency), Reason: reason,
	})
}

// Instance is one address of a service. It keeps its identity while discovery names it, and for a while after.
type Instance struct {
	url  *url.URL
	name string
	id   uint64 // hash of the URL, the same in every process

	// All below is guarded by the pool's mutex.
	round    int // of the last Update that named it
	weight   int
	zone     string
	record   *health.Record
	latency  latency
	answered time.Time // when it last did
	joined   time.Time // when it came or came back; its weight grows from then on; zero: is grown
	gone     time.Time // when discovery dropped it; zero: is there
	suspect  bool      // should be out of service and can't be spared
	turn     float64   // of the policies in turn
	stop     func()    // ends its checks
	wake     chan struct{}
}

// URL is the instance's origin. It is shared: don't change it.
func (i *Instance) URL() *url.URL { return i.url }

// Name is host and port, for metrics and logs.
func (i *Instance) Name() string { return i.name }
