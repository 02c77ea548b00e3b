package transport

import (
	"errors"
	"math"
	"time"
)

// AdaptiveConfig lets the number of calls at once follow what the service can take, below max_concurrent: when answers
// take longer than they used to, fewer are sent.
type AdaptiveConfig struct {
	// Enabled says whether it does. Default: false.
	Enabled bool `yaml:"enabled" json:"enabled,omitempty"`
	// Min is the fewest calls at once that it goes down to. Default: 4, or max_concurrent when that is less.
	Min int `yaml:"min" json:"min,omitempty"`
	// Initial is where it begins. Default: 20, or max_concurrent when that is less.
	Initial int `yaml:"initial" json:"initial,omitempty"`
	// Tolerance is how many times as long as usual answers may take before it goes down. Default: 2.
	Tolerance float64 `yaml:"tolerance" json:"tolerance,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c AdaptiveConfig) WithDefaults() AdaptiveConfig {
	c.Min = orDefault(c.Min, 4)
	c.Initial = orDefault(c.Initial, max(20, c.Min))
	c.Tolerance = orDefault(c.Tolerance, 2)
	return c
}

// Validate names everything wrong with the configuration.
func (c AdaptiveConfig) Validate() error {
	d := c.WithDefaults()
	errs := []error{
		positive("min", d.Min),
		positive("initial", d.Initial),
		within("tolerance", d.Tolerance, 1, 10),
	}
	if c.Initial > 0 && c.Min > c.Initial {
		errs = append(errs, errors.New("min: is over initial"))
	}
	return errors.Join(errs...)
}

const (
	// adaptiveWindow and adaptiveSamples are what a decision is made of: at least so long, and so many answers.
	adaptiveWindow  = 500 * time.Millisecond
	adaptiveSamples = 20
	// stepWeight is how far the limit goes at once towards where it should be.
	stepWeight = 0.3
	// relearnAfter is how long what is usual stands. Then the limit is halved for a moment, so that it's measured without a
	// queue: or a time of overload would become usual.
	relearnAfter = time.Minute
)

// adaptive is the arithmetic of a limit by the gradient of latency, after Netflix' concurrency-limits: what answers take
// now against what they take at their quickest says how much of it is queueing. It isn't safe for concurrent use.
type adaptive struct {
	config AdaptiveConfig
	max    int

	limit   float64
	usual   float64   // the least mean latency of a window since learned, in seconds; 0: not known
	learned time.Time // when usual was begun anew
	skip    bool      // the window under way still has what waited before the limit was halved

	// the window
	began  time.Time
	sum    float64
	n      int
	busy   int // most calls at once
	failed bool
}

func newAdaptive(c AdaptiveConfig, most int) *adaptive {
	c = c.WithDefaults()
	return &adaptive{config: c, max: most, limit: float64(min(c.Initial, most))}
}

// observe takes the end of a call, and gives the limit.
func (a *adaptive) observe(now time.Time, took time.Duration, inFlight int, failed bool) int {
	if a.n == 0 {
		a.began = now
	}
	a.n++
	a.sum += took.Seconds()
	a.busy = max(a.busy, inFlight)
	a.failed = a.failed || failed
	if a.n >= adaptiveSamples && now.Sub(a.began) >= adaptiveWindow {
		a.step(now, a.sum/float64(a.n))
		a.n, a.sum, a.busy, a.failed = 0, 0, 0, false
	}
	return int(a.limit)
}

func (a *adaptive) step(now time.Time, mean float64) {
	switch {
	case a.skip:
		a.skip = false
		return
	case a.usual == 0:
		a.usual, a.learned = mean, now
	case now.Sub(a.learned) >= relearnAfter:
		a.usual, a.skip = 0, true
		a.move(a.limit / 2)
		return
	}
	a.usual = min(a.usual, mean)
	gradient := 1.0
	if mean > 0 {
		gradient = min(1, max(0.5, a.config.Tolerance*a.usual/mean))
	}
	if a.failed {
		gradient = min(gradient, 0.9)
	}
	target := a.limit * gradient
	if gradient == 1 {
		if float64(a.busy) < a.limit/2 {
			return // nobody knows what more would do
		}
		target += math.Sqrt(a.limit)
	}
	a.move(a.limit + stepWeight*(target-a.limit))
}

func (a *adaptive) move(limit float64) {
	a.limit = min(float64(a.max), max(float64(min(a.config.Min, a.max)), limit))
}
