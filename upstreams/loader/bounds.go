package loader

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// mostReports is how many errors of items one operation reports. The others are counted: each costs some microseconds and
// much more memory than the item, and a service that gets one thing wrong gets it wrong for all of a long list.
const mostReports = 100

// MostKeys is how many objects the arguments of one operation can ask for by key, when nobody says otherwise.
const MostKeys = 1000

// WithMostKeys bounds how many objects the arguments of one operation can ask for by key, all of its fields together. A
// client writes 1,000 keys in a few kilobytes, and they are ten requests to a service.
func WithMostKeys(n int) Option { return func(u *Upstreams) { u.mostKeys = n } }

// bounds is what an operation has used of them.
type bounds struct {
	reports atomic.Int64
	keys    atomic.Int64
}

// report adds an item's error to the response, or counts it.
func (o *Operation) report(ctx context.Context, locate func() error) {
	if o == nil || o.used.reports.Add(1) <= mostReports {
		graphql.AddError(ctx, locate())
	}
}

// unreported is an error that stands for others.
type unreported int

// Error says how many there are.
func (n unreported) Error() string { return fmt.Sprintf("and %d more errors", int(n)) }

// More is how many there are.
func (n unreported) More() int { return int(n) }

// unreported are the entries that stand for the errors that were only counted since the last time.
func (o *Operation) unreported() gqlerror.List {
	if o == nil {
		return nil
	}
	n := o.used.reports.Load()
	if n <= mostReports || !o.used.reports.CompareAndSwap(n, mostReports) {
		return nil
	}
	more := unreported(n - mostReports)
	return gqlerror.List{{Message: more.Error(), Err: more}}
}

// spend counts keys that come from arguments. The error is that there are too many.
func (o *Operation) spend(keys int) error {
	if most := o.upstreams.mostKeys; o.used.keys.Add(int64(keys)) > int64(most) {
		return fail.Newf(fail.BadInput, "An operation can ask for %d objects by their keys, and this one asks for more.", most)
	}
	return nil
}
