package transport

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/quota"
)

// RetryConfig says when a call that may be sent again is, on another instance.
type RetryConfig struct {
	// Attempts is how often a call is sent at most, the first time included; 1 means never again. Default: 3.
	Attempts int `yaml:"attempts" json:"attempts,omitempty"`
	// Causes lists what is tried again: connection (there was none, or it ended before an answer), timeout (of an attempt),
	// cut (an answer that ended too early or made no sense), and statuses from 500. Default: connection, timeout, cut,
	// 502, 503, 504.
	Causes []string `yaml:"causes" json:"causes,omitempty"`
	// Backoff is the wait before the next attempt: any time up to base, up to twice that the next time, never over max.
	Backoff BackoffConfig `yaml:"backoff" json:"backoff,omitzero"`
	// Budget bounds retries over all calls.
	Budget BudgetConfig `yaml:"budget" json:"budget,omitzero"`
}

// BackoffConfig is how long to wait between attempts.
type BackoffConfig struct {
	// Base is the most that the first wait takes. Default: 25ms.
	Base time.Duration `yaml:"base" json:"base,omitempty"`
	// Max is the most that any takes. Default: 1s.
	Max time.Duration `yaml:"max" json:"max,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c RetryConfig) WithDefaults() RetryConfig {
	c.Attempts = orDefault(c.Attempts, 3)
	if c.Causes == nil {
		c.Causes = []string{"connection", "timeout", "cut", "502", "503", "504"}
	}
	c.Backoff.Base = orDefault(c.Backoff.Base, 25*time.Millisecond)
	c.Backoff.Max = orDefault(c.Backoff.Max, max(time.Second, c.Backoff.Base))
	c.Budget = c.Budget.WithDefaults()
	return c
}

// Validate names everything wrong with the configuration.
func (c RetryConfig) Validate() error {
	d := c.WithDefaults()
	errs := []error{
		positive("attempts", d.Attempts),
		between("backoff.base", d.Backoff.Base, time.Millisecond, time.Minute),
		between("backoff.max", d.Backoff.Max, time.Millisecond, time.Minute),
		prefixed("budget", d.Budget.Validate()),
	}
	if d.Attempts > 10 {
		errs = append(errs, fmt.Errorf("attempts: is %d; give 10 or fewer", d.Attempts))
	}
	if d.Backoff.Base > d.Backoff.Max {
		errs = append(errs, fmt.Errorf("backoff.base: is %v, over backoff.max (%v)", d.Backoff.Base, d.Backoff.Max))
	}
	for i, on := range d.Causes {
		status, err := strconv.Atoi(on)
		switch {
		case slices.Contains(reasonNames[:], on) && on != "":
		case err == nil && status >= 500 && status <= 599:
		default:
			errs = append(errs, fmt.Errorf("causes[%d]: is %.20q; give connection, timeout, cut or a status from 500 to 599", i, on))
		}
	}
	return errors.Join(errs...)
}

// reason is why an attempt gave no answer.
type reason uint8

const (
	noReason reason = iota
	noConnection
	outOfTime
	cutShort

	reasons
)

var reasonNames = [reasons]string{noConnection: "connection", outOfTime: "timeout", cutShort: "cut"}

// retryPolicy is what RetryConfig comes to. It's pure.
type retryPolicy struct {
	attempts int
	reasons  [reasons]bool
	statuses [100]bool // from 500
	base     time.Duration
	max      time.Duration
}

func (c RetryConfig) policy() retryPolicy {
	c = c.WithDefaults()
	p := retryPolicy{attempts: c.Attempts, base: c.Backoff.Base, max: c.Backoff.Max}
	for _, on := range c.Causes {
		if i := slices.Index(reasonNames[:], on); i > 0 {
			p.reasons[i] = true
		} else if status, err := strconv.Atoi(on); err == nil && status >= 500 && status <= 599 {
			p.statuses[status-500] = true
		}
	}
	return p
}

// wants tells whether what an attempt brought is to be tried again at all.
func (p *retryPolicy) wants(res *http.Response, err error) bool {
	if err == nil {
		return res.StatusCode >= 500 && res.StatusCode <= 599 && p.statuses[res.StatusCode-500]
	}
	var b *broken
	return errors.As(err, &b) && p.reasons[b.reason]
}

// backoff is how long to wait after so many attempts; random is in [0, 1).
func (p *retryPolicy) backoff(attempts int, random float64) time.Duration {
	most := float64(p.base) * math.Pow(2, float64(attempts-1))
	return time.Duration(random * min(most, float64(p.max)))
}

// after is the wait before the next attempt: the backoff, or what the service asks for when that is longer. It's false
// when there is no time left to wait that long.
func (p *retryPolicy) after(attempts int, random float64, asked time.Duration, now, end time.Time) (time.Duration, bool) {
	wait := max(asked, p.backoff(attempts, random))
	return wait, end.IsZero() || now.Add(wait).Before(end)
}

// retry is the layer that tries calls again that may be sent again.
type retry struct {
	next    http.RoundTripper
	policy  retryPolicy
	budget  *budget
	quota   *quota.Quota // nil for none
	metrics Metrics
}

// RoundTrip answers as http.RoundTripper does.
func (l *retry) RoundTrip(r *http.Request) (*http.Response, error) {
	s := scopeOf(r)
	if !s.call.idempotent || l.policy.attempts == 1 {
		return l.next.RoundTrip(r)
	}
	l.budget.call(time.Now())
	for n := 1; ; n++ {
		res, err := l.next.RoundTrip(r)
		again := l.policy.wants(res, err)
		if s.call.probed.Swap(false) {
			again = true // whatever the cause: it was sent there because it can be sent again
		}
		if n == l.policy.attempts || !again || s.Err() != nil {
			return res, err
		}
		now := time.Now()
		var asked time.Duration
		if res != nil {
			asked, _ = quota.RetryAfter(res.Header, now)
		}
		wait, ok := l.policy.after(n, rand.Float64(), asked, now, s.deadline)
		if !ok {
			return res, err
		}
		if !l.budget.spend(now) || l.quota != nil && !l.quota.TryTake(s) {
			l.metrics.Count(RetryDenied)
			return res, err
		}
		if !s.wait(wait) {
			discard(res)
			return nil, s.call.stack.ended(s)
		}
		discard(res)
		l.metrics.Count(Retried)
	}
}

// discard gives an answer's memory back that nobody has seen.
func discard(res *http.Response) {
	if res == nil {
		return
	}
	if b, ok := res.Body.(*body.Body); ok {
		b.Release()
	}
}
