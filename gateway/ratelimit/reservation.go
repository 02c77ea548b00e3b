package ratelimit

import (
	"sync/atomic"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Reservation is what became of a call of Reserve. It may be used concurrently.
type Reservation struct {
	// WouldRefuse is the error that a plan with the mode enforce would have answered with; nil in every other mode.
	WouldRefuse error

	plan    *Plan // the client's
	counted *Plan // the plan or this instance's share of it: what request and standing are about
	store   Store
	request Request

	standing Standing
	known    bool          // standing is
	refused  bool          // nothing was taken, or nobody knows
	wait     time.Duration // when not what follows from standing
	err      error         // of the store
	settled  atomic.Bool
}

// Settle says how many points were used. It returns at once: the store is told in the background, whatever becomes of
// the request. Only the first call counts.
func (r *Reservation) Settle(actual int64) {
	if r.refused || !r.known || r.settled.Swap(true) {
		return
	}
	r.store.Settle(Settlement{
		Client: r.request.Client, Plan: r.counted, Seq: r.request.Seq, Reserved: r.request.Points, Actual: actual,
	})
}

// Points is what was reserved.
func (r *Reservation) Points() int64 { return r.request.Points }

// Plan is the client's plan, nil for no limit.
func (r *Reservation) Plan() *Plan { return r.plan }

// Level is how one bucket of a client stands.
type Level struct {
	// Bucket is the bucket's name.
	Bucket string
	// Capacity and Available are in points, Available rounded down and never negative.
	Capacity, Available int64
	// Restore is how many points come back per second.
	Restore float64
	// Window is how long the bucket takes from empty to full.
	Window time.Duration
	// Full is how long it takes until it's full.
	Full time.Duration
}

// Levels tells how the buckets stood after the decision, in the order of the plan; nil when nobody knows: there is no
// plan or it's off, it has no buckets, or the store didn't answer.
func (r *Reservation) Levels() []Level { return r.levels(0) }

// LevelsAfter is Levels with what settling actual will change: arithmetic, the store isn't asked.
func (r *Reservation) LevelsAfter(actual int64) []Level {
	if r.refused {
		return r.levels(0)
	}
	return r.levels(Settlement{Reserved: r.request.Points, Actual: actual}.back())
}

func (r *Reservation) levels(back int64) []Level {
	if !r.known || len(r.counted.policies) == 0 {
		return nil
	}
	return r.counted.levels(&r.standing, back)
}

// PolicyHeader is PolicyHeader of Levels.
func (r *Reservation) PolicyHeader() string {
	if !r.known {
		return ""
	}
	return r.counted.header
}

// Wait is how long a refused client waits until the same operation could pass; ok is false when waiting doesn't help,
// or nothing was refused.
func (r *Reservation) Wait() (wait time.Duration, ok bool) {
	wait, _, ok = r.waitFor()
	return wait, ok
}

func (r *Reservation) waitFor() (wait time.Duration, bucket string, ok bool) {
	if !r.refused || r.request.Points > r.plan.most {
		return 0, "", false
	}
	if r.known && r.wait == 0 {
		longest := int64(-1)
		for i, p := range r.counted.policies {
			if w := p.wait(r.standing.levels[i], r.request.Points*micro, 0); w > longest {
				longest, bucket = w, p.name
			}
		}
		if longest > 0 {
			return duration(longest), bucket, true
		}
	}
	if len(r.counted.policies) > 0 {
		bucket = r.counted.policies[0].name
	}
	// Too many under way, or no store: nobody knows, so soon.
	return max(r.wait, time.Second), bucket, true
}

// refusal is the error for an outcome.
func (r *Reservation) refusal(o Outcome) error {
	wait, bucket, _ := r.waitFor()
	milliseconds := int64((wait + time.Millisecond - 1) / time.Millisecond)
	err := &fail.Error{Op: "reserve points of plan " + r.plan.name, Err: r.err}
	switch o {
	case Never:
		err.Kind = fail.TooExpensive
		err.Extensions = map[string]any{"cost": map[string]any{"estimated": r.request.Points, "max": r.plan.most}}
	case Short:
		err.Kind = fail.RateLimited
		err.Extensions = map[string]any{"cost": r.request.Points, "retryAfterMs": milliseconds, "policy": bucket}
	case Busy:
		err.Kind = fail.ConcurrencyLimited
		err.Extensions = map[string]any{"maxConcurrent": r.counted.config.MaxConcurrent, "retryAfterMs": milliseconds}
	default:
		err.Kind = fail.RateLimiterUnavailable
		err.Extensions = map[string]any{"retryAfterMs": milliseconds}
	}
	return err
}
