package ratelimit

import (
	"fmt"
	"time"
)

// tab is what a lane knows of one client on one plan: what is under way, what Redis has still to be told, and who waits for
// its answer. It does no I/O. Times are the lane's, in microseconds.
//
// What became of a run of the script that wasn't answered is unknown. So the next run says which was the last that was
// answered, and the script undoes what came after that, and does nothing for a run that comes later than a later one. No
// point is taken or given back twice, however often something is sent.
type tab struct {
	plan *Plan
	key  string // the client's name in Redis
	id   string // this gateway's

	under    map[uint64]int64 // reservations under way: when their leases end
	earliest int64            // none of them ends before
	told     int              // how many of them Redis knows of

	back  int64 // millionths to give back; negative: owed
	until int64 // when that isn't worth telling any more

	run, known int64 // the last run that was sent, and the last that was answered

	jobs []*job
	due  bool // it's on the lane's list
}

// settle ends a reservation. One that isn't known, or no more, changes nothing.
func (t *tab) settle(s Settlement, now, lease int64) {
	expires, known := t.under[s.Seq]
	delete(t.under, s.Seq)
	if !known || expires <= now {
		return
	}
	const most = 2 * MaxCapacity * micro // no bucket misses more, and sums stay exact in Lua
	t.back = min(max(t.back+s.back(), -most), most)
	t.until = now + lease
}

// untold says whether there's anything that Redis has to hear, whether somebody asks or not. What costs what it was
// estimated to is nothing to tell when nobody counts what is under way.
func (t *tab) untold() bool {
	return t.back != 0 || t.run != t.known || t.plan.config.MaxConcurrent > 0 && len(t.under) != t.told
}

// forget drops what isn't worth telling any more.
func (t *tab) forget() { t.back, t.known, t.told = 0, t.run, len(t.under) }

// expire ends the reservations whose leases are over. Their estimates stay charged.
func (t *tab) expire(now int64) {
	if now < t.earliest || len(t.under) == 0 {
		return
	}
	t.earliest = forever
	for seq, expires := range t.under {
		if expires <= now {
			delete(t.under, seq)
		} else {
			t.earliest = min(t.earliest, expires)
		}
	}
}

// begin starts a run and says what the script's arguments are.
func (t *tab) begin(run, lease int64) []any {
	if t.run == t.known { // all before it were answered
		t.known = run - 1
	}
	t.run = run
	most, under := t.plan.config.MaxConcurrent, 0
	if most > 0 {
		under = len(t.under)
	}
	args := make([]any, 0, 8+len(t.jobs)+len(t.plan.args))
	args = append(args, t.id, run, t.known, under, t.back, most, lease, len(t.jobs))
	for _, j := range t.jobs {
		args = append(args, j.cost())
	}
	return append(args, t.plan.args...)
}

// answered reads what the script answered and hands it to the jobs. An error is as good as no answer.
func (t *tab) answered(reply any, now, lease int64) error {
	values, _ := reply.([]any)
	if len(values) != 1+3*len(t.plan.policies) {
		return fmt.Errorf("redis answered %T of the wrong shape", reply)
	}
	outcomes, _ := values[0].(string)
	if len(outcomes) != len(t.jobs) {
		return fmt.Errorf("redis answered about %d of %d operations", len(outcomes), len(t.jobs))
	}
	var standing Standing
	number := func(i int) int64 { n, _ := values[i].(int64); return n }
	for i := range t.plan.policies {
		standing.levels[i] = level{deficit: number(1 + 3*i), part: number(2 + 3*i), at: number(3 + 3*i)}
	}
	t.known, t.back = t.run, 0
	if len(t.under) == 0 {
		t.earliest = now + lease
	}
	for i, j := range t.jobs {
		j.outcome = Outcome(outcomes[i] - '0')
		if j.outcome == Admitted && !j.request.Look {
			for b, p := range t.plan.policies {
				standing.levels[b] = p.add(standing.levels[b], j.cost())
			}
			t.under[j.request.Seq] = now + lease
		}
		j.standing = standing
		j.done <- struct{}{}
	}
	t.told = len(t.under)
	t.jobs = t.jobs[:0]
	return nil
}

// failed tells the jobs that there's no answer. What Redis may have done all the same the next run undoes, which is worth
// trying for a lease.
func (t *tab) failed(err error, now, lease int64) {
	t.refuse(err)
	t.until = max(t.until, now+lease)
}

// unsent tells the jobs that Redis wasn't asked.
func (t *tab) unsent(err error) {
	t.refuse(err)
	if t.known == t.run-1 {
		t.known = t.run
	}
}

func (t *tab) refuse(err error) {
	for _, j := range t.jobs {
		j.refuse(err)
	}
	t.jobs = t.jobs[:0]
}

// job is one call of Reserve.
type job struct {
	request *Request // its caller waits for done
	since   time.Time
	done    chan struct{}

	// The answer.
	outcome  Outcome
	standing Standing
	err      error
}

// cost is in millionths; -1 only looks.
func (j *job) cost() int64 {
	if j.request.Look {
		return -1
	}
	return min(j.request.Points, MaxCapacity) * micro
}

func (j *job) refuse(err error) {
	j.err = err
	j.done <- struct{}{}
}
