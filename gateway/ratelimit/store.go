package ratelimit

import "context"

// Store keeps the buckets of all clients. Implementations owe:
//
//   - Reserve decides and takes in one step that nothing comes between, for all buckets of the plan or for none. It may be
//     called concurrently. It applies its own timeout, ends in that time and doesn't heed the end of ctx.
//   - A client that isn't there has full buckets and nothing under way. A bucket is forgotten when it's full, not before.
//   - A reservation is known by its Seq until its lease ends. Settling it twice, or after that, or when Reserve didn't
//     admit it, does nothing.
//   - When Reserve answers with an error nothing stays taken, as far as the store can find out: what it learns later to
//     have been taken it gives back by itself.
//   - Time never runs back.
//   - Settle returns at once. What it couldn't write yet is written by Close, until its ctx ends.
type Store interface {
	Reserve(ctx context.Context, r *Request) (Outcome, Standing, error)
	Settle(s Settlement)
	Close(ctx context.Context) error
}

// Request is what a Store decides about. It's read until Reserve returns.
type Request struct {
	Client string
	Plan   *Plan
	// Seq is the number of the reservation, no two alike in one process.
	Seq uint64
	// Points are taken when all buckets have them; they are at most the smallest capacity.
	Points int64
	// Look takes nothing and counts nothing: it asks only how the buckets stand.
	Look bool
}

// Settlement says what became of a reservation.
type Settlement struct {
	Client string
	Plan   *Plan
	Seq    uint64
	// Reserved are the points that were taken, Actual those that were used.
	Reserved, Actual int64
}

// back is what a settlement gives back, in millionths; negative is what it takes on top.
func (s Settlement) back() int64 {
	return micro * (s.Reserved - min(max(s.Actual, 0), s.Reserved+MaxCapacity))
}

// Outcome is what was decided.
type Outcome int

// The outcomes, in the order of their names.
const (
	// Admitted: the points were taken.
	Admitted Outcome = iota
	// Short: a bucket has too few points now.
	Short
	// Busy: too many operations of the client are under way.
	Busy
	// Never: the points are more than an operation may cost, or than a bucket holds when it's full.
	Never
	// Uncounted: the store doesn't answer and the plan lets it pass.
	Uncounted
	// Unavailable: the store doesn't answer and the plan refuses.
	Unavailable

	outcomes // how many there are
)

var outcomeNames = [outcomes]string{"admitted", "short", "busy", "never", "uncounted", "unavailable"}

// String is the outcome's name, one of a closed set.
func (o Outcome) String() string { return outcomeNames[o] }

// Outcomes lists all of them.
func Outcomes() []Outcome {
	all := make([]Outcome, outcomes)
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// MaxBuckets is how many buckets a plan can have: a second, a minute, a day, a month.
const MaxBuckets = 4

// Standing is how the buckets of a client stand after a decision, in the order of the plan. A level's at is how far it
// is ahead of now.
type Standing struct{ levels [MaxBuckets]level }
