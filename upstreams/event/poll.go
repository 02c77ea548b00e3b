package event

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/backoff"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// poller asks again and again, and publishes what has changed.
type poller struct {
	ask   func(ctx context.Context) (view.Value, error)
	every time.Duration
	most  time.Duration // of a pause after failures
}

// run is a source. The first value is published at once. A failure is published when it's another than before, and so is
// the first value after it.
func (p *poller) run(ctx context.Context, f *feed) error {
	var raw []byte // of the last value; nil when the last was none
	var sum [sha256.Size]byte
	var failed string // what the last failure was, "" when the last was a value
	failures := 0
	for {
		value, err := p.ask(ctx)
		wait := jittered(p.every, rand.Float64()) //nolint:gosec // spreads load
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // nobody listens any more
		case err != nil:
			failures++
			wait = max(wait, backoff.After(p.every, p.most, failures, rand.Float64())) //nolint:gosec // spreads load
			if text := describe(err); text != failed {
				failed = text
				f.publish(Update{Err: err})
			} else {
				f.again()
			}
		case failed == "" && raw != nil && bytes.Equal(raw, rawOf(value)):
			f.again()
		default:
			now := sha256.Sum256(appendCanonical(nil, value))
			if failed == "" && raw != nil && now == sum {
				f.again()
			} else {
				f.publish(Update{Value: value})
			}
			raw, sum, failed, failures = rawOf(value), now, "", 0
		}
		if !backoff.Wait(ctx, wait) {
			return nil
		}
	}
}

// rawOf is a value's text, and never nil.
func rawOf(v view.Value) []byte {
	if raw := v.Raw(); raw != nil {
		return raw
	}
	return []byte{}
}

// describe is what clients see of an error: two that look the same are one.
func describe(err error) string {
	k := fail.KindOf(err)
	if failure := asFailure(err); failure != nil {
		return k.Code() + " " + failure.Message() + " " + failure.Code
	}
	return k.Code()
}

// jittered is d, a tenth more or less.
func jittered(d time.Duration, random float64) time.Duration {
	return d + time.Duration((random-0.5)*0.2*float64(d))
}
