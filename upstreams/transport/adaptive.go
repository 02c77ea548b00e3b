package transport

import (
	"errors"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
)

// AdaptiveConfig lets the number of calls at once follow what the service can take, below max_concurrent: when answers
// take longer than they used to, fewer are sent.
type AdaptiveConfig struct {
	// Enabled says whether it does. Default: false.
	Enabled bool `yaml:"enabled" json:"enabled,omitempty"`
	// Min is the fewest calls at once that it goes down to. Default: 4, or max_concurrent when that is less.
	Min int `yaml:"min" json:"min,omitempty"`
	// Initial is where it begins, and what it allows at least while answers are quick. Default: 20, or max_concurrent when
	// that is less.
	Initial int `yaml:"initial" json:"initial,omitempty"`
	// BaselineWindow is the time that tells how long answers usually take; a slowness that lasts about as long becomes
	// usual. Default: 10m.
	BaselineWindow time.Duration `yaml:"baseline_window" json:"baseline_window,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c AdaptiveConfig) WithDefaults() AdaptiveConfig {
	c.Min = orDefault(c.Min, 4)
	c.Initial = orDefault(c.Initial, max(20, c.Min))
	c.BaselineWindow = orDefault(c.BaselineWindow, 10*time.Minute)
	return c
}

// Validate names everything wrong with the configuration.
func (c AdaptiveConfig) Validate() error {
	d := c.WithDefaults()
	errs := []error{
		positive("min", d.Min),
		positive("initial", d.Initial),
		between("baseline_window", d.BaselineWindow, 10*time.Second, 24*time.Hour),
	}
	if c.Initial > 0 && c.Min > c.Initial {
		errs = append(errs, errors.New("min: is over initial"))
	}
	return errors.Join(errs...)
}

const (
	// recentWindow and recentAnswers are what a decision is made of: at least so long, and so many answers.
	recentWindow  = 250 * time.Millisecond
	recentAnswers = 20
	// longestWindow is when a decision is made even if answers take so long that one window has few of them.
	longestWindow = 30 * time.Second
)

// newAdaptive is failsafe-go's limit, of the kind of TCP Vegas: what nine of ten answers take now against what they
// usually take says how many of the calls wait inside the service. It gives permits and has no line.
//
// Its second signal, the correlation of load, throughput and latency, is off: with a service that is busy all the time it
// makes the limit swing down to min (TestAdaptiveFullLoad).
func newAdaptive(c AdaptiveConfig, most int) adaptivelimiter.AdaptiveLimiter[any] {
	c = c.WithDefaults()
	initial := min(c.Initial, most)
	return adaptivelimiter.NewBuilder[any]().
		WithLimits(uint(min(c.Min, initial)), uint(most), uint(initial)). //nolint:gosec // Validate: all are positive
		WithRecentWindow(recentWindow, longestWindow, recentAnswers).
		WithBaselineWindow(uint(c.BaselineWindow / recentWindow)). //nolint:gosec // Validate: it's positive
		WithCorrelationWindow(1).
		// Twice what is in use: nobody knows what more would do. But few calls now don't say that there won't be many.
		WithMaxLimitFunc(func(inFlight int) float64 { return max(float64(initial), 2*float64(inFlight)) }).
		Build()
}
