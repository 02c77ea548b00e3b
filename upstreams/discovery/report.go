package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/backoff"
)

// reporter hands lists on and keeps count of trouble, for one Watch.
type reporter struct {
	update   func([]Instance)
	logger   *slog.Logger
	first    time.Duration
	known    bool // update was called
	last     []Instance
	failures int  // in a row
	failing  bool // and it was logged
	refused  string
}

func newReporter(o Options, kind string, update func([]Instance)) *reporter {
	return &reporter{update: update, logger: o.logger(kind), first: o.Pause}
}

// list reports what the place says. Entries that can't be instances are left out; a list of nothing else is an error.
func (r *reporter) list(ctx context.Context, list []Instance) error {
	if len(list) > maxInstances {
		return fmt.Errorf("%d instances, over %d", len(list), maxInstances)
	}
	good, refused := tidy(list)
	if len(good) == 0 && len(refused) > 0 {
		return refused[0]
	}
	r.well(ctx)
	if text := fmt.Sprint(errors.Join(refused...)); text != r.refused {
		r.refused = text
		if len(refused) > 0 {
			r.logger.WarnContext(ctx, "instances left out", "count", len(refused), "reason", refused[0])
		}
	}
	if r.known && slices.Equal(good, r.last) {
		return nil
	}
	r.logger.InfoContext(ctx, "instances", "count", len(good), "before", len(r.last))
	r.known, r.last = true, good
	r.update(slices.Clone(good))
	return nil
}

// well ends trouble.
func (r *reporter) well(ctx context.Context) {
	if r.failing {
		r.logger.InfoContext(ctx, "discovery works again", "failures", r.failures)
	}
	r.failures, r.failing = 0, false
}

// trouble counts a failure and returns how long to wait before the next attempt.
func (r *reporter) trouble(ctx context.Context, err error) time.Duration {
	r.failures++
	if !r.failing && ctx.Err() == nil {
		r.failing = true
		r.logger.WarnContext(ctx, "discovery fails, the last instances stay", "instances", len(r.last), "reason", err)
	}
	return backoff.After(r.first, lastPause, r.failures, rand.Float64()) //nolint:gosec // spreads requests, keeps nothing secret
}

// lastPause is the longest wait between two attempts.
const lastPause = 30 * time.Second
