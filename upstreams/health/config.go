package health

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config is the health section of a service. A zero field means its default.
type Config struct {
	// ConsecutiveFailures in a row put an instance out of service. Default 3; negative means that no number does.
	ConsecutiveFailures int `yaml:"consecutive_failures" json:"consecutive_failures,omitempty"`
	// FailureRate puts an instance out of service when so many percent of its requests within window failed, and there
	// were at least ten. Default 50; negative means that no share does.
	FailureRate int `yaml:"failure_rate" json:"failure_rate,omitempty"`
	// Window is what failure_rate looks back on. Default 10 s.
	Window time.Duration `yaml:"window" json:"window,omitempty"`
	// Silence puts an instance out of service that owes an answer and has given none for so long while others answer;
	// it's more where answers take long anyway. Default 1 s; negative means that no silence does.
	Silence time.Duration `yaml:"silence" json:"silence,omitempty"`
	// Ejection is how long and how many.
	Ejection Ejection `yaml:"ejection" json:"ejection,omitzero"`
	// Check asks instances whether they are well. Without a path none is asked.
	Check Check `yaml:"check" json:"check,omitzero"`
}

// Ejection is how long instances are out of service and how many may be. A zero field means its default.
type Ejection struct {
	// Base is how long the first ejection lasts; each that follows soon lasts twice as long. Default 2 s.
	Base time.Duration `yaml:"base" json:"base,omitempty"`
	// Max is the longest ejection. An instance that recovers is back about so much later at worst. Default 10 s.
	Max time.Duration `yaml:"max" json:"max,omitempty"`
	// Percent of the instances may be out at once, whatever the reason; of several one always may be, and the last
	// never. Default 50; negative means that none ever is.
	Percent int `yaml:"percent" json:"percent,omitempty"`
}

// Check is a question that each instance is asked again and again. A zero field means its default.
type Check struct {
	// Path is asked for by GET, such as /healthz. Default: none, no check.
	Path string `yaml:"path" json:"path,omitempty"`
	// Interval is the time from one answer to the next question. Default 5 s.
	Interval time.Duration `yaml:"interval" json:"interval,omitempty"`
	// Timeout is how long an answer may take. Default 1 s.
	Timeout time.Duration `yaml:"timeout" json:"timeout,omitempty"`
	// Status are the statuses that mean well. Default 200.
	Status []int `yaml:"status" json:"status,omitempty"`
	// HealthyAfter good answers in a row return an instance whose ejection is over. Default 2.
	HealthyAfter int `yaml:"healthy_after" json:"healthy_after,omitempty"`
	// UnhealthyAfter bad answers in a row put an instance out of service. Default 3.
	UnhealthyAfter int `yaml:"unhealthy_after" json:"unhealthy_after,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Window, 10 * time.Second},
		{&c.Silence, time.Second},
		{&c.Ejection.Base, 2 * time.Second},
		{&c.Check.Interval, 5 * time.Second},
		{&c.Check.Timeout, time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Ejection.Max == 0 {
		c.Ejection.Max = max(10*time.Second, c.Ejection.Base)
	}
	for _, d := range []struct {
		field *int
		value int
	}{
		{&c.ConsecutiveFailures, 3},
		{&c.FailureRate, 50},
		{&c.Ejection.Percent, 50},
		{&c.Check.HealthyAfter, 2},
		{&c.Check.UnhealthyAfter, 3},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if len(c.Check.Status) == 0 {
		c.Check.Status = []int{200}
	}
	return c
}

// Validate names everything wrong with the configuration, by its keys, and both keys where two contradict.
func (c Config) Validate() error {
	var problems []error
	problem := func(format string, values ...any) { problems = append(problems, fmt.Errorf(format, values...)) }
	for _, f := range []struct {
		key   string
		value int64
	}{
		{"window", int64(c.Window)},
		{"ejection.base", int64(c.Ejection.Base)},
		{"ejection.max", int64(c.Ejection.Max)},
		{"check.interval", int64(c.Check.Interval)},
		{"check.timeout", int64(c.Check.Timeout)},
		{"check.healthy_after", int64(c.Check.HealthyAfter)},
		{"check.unhealthy_after", int64(c.Check.UnhealthyAfter)},
	} {
		if f.value < 0 {
			problem("%s: is negative", f.key)
		}
	}
	if c.FailureRate > 100 {
		problem("failure_rate: is %d percent, over 100", c.FailureRate)
	}
	if c.Ejection.Percent > 100 {
		problem("ejection.percent: is %d, over 100", c.Ejection.Percent)
	}
	if c.Window > 0 && c.Window < time.Second {
		problem("window: is %v; give 1s or more", c.Window)
	}
	if c.Ejection.Max > 0 && c.Ejection.Base > c.Ejection.Max {
		problem("ejection.base: is %v, over ejection.max (%v)", c.Ejection.Base, c.Ejection.Max)
	}
	if c.Check.Interval > 0 && c.Check.Interval < 10*time.Millisecond {
		problem("check.interval: is %v; give 10ms or more", c.Check.Interval)
	}
	if c.Check.Path != "" {
		if !strings.HasPrefix(c.Check.Path, "/") {
			problem("check.path: %q does not begin with /", c.Check.Path)
		} else if u, err := url.ParseRequestURI(c.Check.Path); err != nil || u.Host != "" {
			problem("check.path: %q is no path", c.Check.Path)
		}
	}
	for _, status := range c.Check.Status {
		if status < 200 || status > 599 {
			problem("check.status: %d is no status of an answer", status)
		}
	}
	return errors.Join(problems...)
}

// MostOut is how many of n instances may be out of service at once.
func (e Ejection) MostOut(n int) int {
	if e.Percent < 0 || n < 2 {
		return 0
	}
	return min(max(1, n*e.Percent/100), n-1)
}

// length is how long the ejection lasts that comes after so many others.
func (e Ejection) length(before int) time.Duration {
	length := e.Base
	for range before {
		if length >= e.Max/2 {
			return e.Max
		}
		length *= 2
	}
	return min(length, e.Max)
}
