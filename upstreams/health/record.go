// Package health decides whether an instance of a service may serve.
//
// A Record is what is known of one instance: what became of its requests, and what its checks said. It is Healthy until
// failures in a row, too many failures in a while, silence, or failed checks make it Due; its owner, who sees all
// instances, decides whether it can be spared and ejects it. After a time that doubles from ejection to ejection it is
// Probing: one request at a time, or the check, shows whether it is well, and two good answers return it. A service
// that is down as a whole is not this package's: silence counts only while others answer, and the owner keeps some
// instances in service however they fail.
//
// Records decide and do nothing: every method takes the time, and nothing locks. A Checker sends the checks.
package health

import "time"

// State is what an instance may do.
type State uint8

// The states of an instance.
const (
	Healthy State = iota // serves
	Ejected              // gets nothing until its time is over
	Probing              // gets one request at a time, or checks, until it has shown that it is well
)

// Result is what became of a request.
type Result uint8

// The results of requests.
const (
	Answered Result = iota // an answer that is no failure of the instance
	Failed                 // an answer that is one (5xx, broken), or no connection
	TimedOut               // no answer within the attempt's time
	Canceled               // the caller left; says nothing about the instance
)

// Cause is why an instance is out of service: a closed set, for metrics.
type Cause string

// The causes of ejections.
const (
	Failures Cause = "failures" // in a row
	Rate     Cause = "rate"     // too many of those in the window
	Silence  Cause = "silence"  // no answer while others answer
	Checks   Cause = "checks"   // the check said so
	Probe    Cause = "probe"    // it was to return and was not well
)

const (
	// probes in a row must go well, where there is no check.
	probes = 2
	// calm is the healthy time, in base ejection times, that takes back one doubling.
	calm = 5 / 2.
)

// Record is what is known of one instance. Its methods are not for concurrent use.
type Record struct {
	rules *Config

	state  State
	since  time.Time // of the state
	until  time.Time // of an ejection
	level  int       // ejections in short order: the next lasts base·2^level
	cause  Cause     // of the last ejection
	reason string    // in words: of the last ejection, or of what is due

	open     int       // requests under way
	waiting  time.Time // since then no answer to any of them; zero when none is owed
	timeouts int       // since the last answer
	slow     time.Duration
	slowAt   time.Time

	streak    []string // reasons of the failures in a row, the last few
	failures  int      // how many those are
	window    window
	bad       int // checks in a row that failed
	badChecks []string
	good      int // probes or checks in a row that went well
	probe     bool
}

// NewRecord makes the record of an instance of which nothing is known. rules have defaults and don't change.
func NewRecord(rules *Config) *Record {
	return &Record{rules: rules, window: window{step: rules.Window / buckets}}
}

// State is what the instance may do.
func (r *Record) State() State { return r.state }

// Since is when it came into this state; zero when it was never in another.
func (r *Record) Since() time.Time { return r.since }

// Until is when its ejection ends.
func (r *Record) Until() time.Time { return r.until }

// Open is how many requests are under way.
func (r *Record) Open() int { return r.open }

// Cause is why it was last ejected.
func (r *Record) Cause() Cause { return r.cause }

// Reason says in words why it is, was last, or should be out of service. Empty when it never was.
func (r *Record) Reason() string { return r.reason }

// Waited is how long no answer came although one is owed.
func (r *Record) Waited(now time.Time) time.Duration {
	if r.open == 0 || r.waiting.IsZero() {
		return 0
	}
	return now.Sub(r.waiting)
}

// WantsProbe says that the next request which may fail should go to this instance.
func (r *Record) WantsProbe() bool { return r.state == Probing && !r.probe && r.rules.Check.Path == "" }

// Begin counts a request that goes out, as a probe or not.
func (r *Record) Begin(now time.Time, probe bool) {
	r.open++
	if r.waiting.IsZero() {
		r.waiting = now
	}
	if probe {
		r.probe = true
	}
}

// Sent is what End needs to know of a request: when it began, whether as a probe, and how it went.
type Sent struct {
	Began   time.Time
	Probe   bool
	Result  Result
	Latency time.Duration
	Reason  string // of a failure, in a word or two: "503", "connection refused"
}

// End counts a request that is over. A failed probe ejects again by itself: that takes no one out who was in.
func (r *Record) End(now time.Time, sent Sent) {
	r.open = max(0, r.open-1)
	if sent.Probe {
		r.probe = false
	}
	late := sent.Began.Before(r.since) // it began before this state did, and failures of then aren't held against it
	if late && sent.Result == TimedOut {
		sent.Result = Canceled
	}
	r.answer(now, sent)
	switch {
	case sent.Result == Canceled:
	case r.state == Probing && sent.Probe && !late:
		r.proved(now, sent.Result == Answered, sent.Reason, probes)
	case r.state == Ejected && sent.Result == Answered && r.cause == Silence:
		r.until = now // it does answer
	case r.state == Healthy && sent.Result == Answered:
		r.failures, r.streak = 0, r.streak[:0]
		r.window.add(now, false)
	case r.state == Healthy && !late:
		r.failures++
		r.streak = remember(r.streak, sent.Reason)
		r.window.add(now, true)
	}
}

// answer keeps the account of answers that are owed.
func (r *Record) answer(now time.Time, sent Sent) {
	switch {
	case sent.Result == TimedOut:
		r.timeouts++
	case sent.Result == Canceled && (r.open > 0 || r.timeouts > 0):
	case sent.Result == Canceled || r.open == 0:
		r.waiting, r.timeouts = time.Time{}, 0
	default:
		r.waiting, r.timeouts = now, 0
	}
	if sent.Result == Answered {
		r.took(now, sent.Latency)
	}
}

// Checked counts a check's answer; a nil error means well.
func (r *Record) Checked(now time.Time, err error) {
	switch {
	case r.state == Probing:
		r.proved(now, err == nil, Words(err), r.rules.Check.HealthyAfter)
	case r.state == Healthy && err == nil:
		r.bad, r.badChecks = 0, r.badChecks[:0]
	case r.state == Healthy:
		r.bad++
		r.badChecks = remember(r.badChecks, Words(err))
	}
}

// proved counts a probe.
func (r *Record) proved(now time.Time, well bool, reason string, enough int) {
	if !well {
		r.Eject(now, Probe, "probe failed: "+word(reason))
		return
	}
	if r.good++; r.good >= enough {
		r.Return(now)
	}
}

// Eject takes the instance out of service, for longer than the last time if that was not long ago.
func (r *Record) Eject(now time.Time, cause Cause, reason string) {
	if r.state == Healthy && !r.since.IsZero() {
		r.level = max(0, r.level-int(float64(now.Sub(r.since))/(calm*float64(r.rules.Ejection.Base))))
	}
	r.until = now.Add(r.rules.Ejection.length(r.level))
	if r.rules.Ejection.length(r.level) < r.rules.Ejection.Max {
		r.level++
	}
	r.cause, r.reason = cause, reason
	r.become(now, Ejected)
}

// Advance ends an ejection whose time is over. It reports whether it did.
func (r *Record) Advance(now time.Time) bool {
	if r.state != Ejected || now.Before(r.until) {
		return false
	}
	r.become(now, Probing)
	return true
}

// Return puts the instance back into service, whatever its state.
func (r *Record) Return(now time.Time) { r.become(now, Healthy) }

// become begins a state with no failures and successes yet. What is under way goes on.
func (r *Record) become(now time.Time, state State) {
	r.state, r.since = state, now
	r.failures, r.streak, r.bad, r.badChecks, r.good, r.timeouts = 0, r.streak[:0], 0, r.badChecks[:0], 0, 0
	r.probe = false
	r.window.reset()
	r.waiting = time.Time{}
	if r.open > 0 {
		r.waiting = now
	}
}
