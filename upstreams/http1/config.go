package http1

import (
	"errors"
	"fmt"
	"time"
)

// Config are the limits of the connections of one service. Zero values are the defaults.
type Config struct {
	// DialTimeout bounds making a connection. Default: 2s.
	DialTimeout time.Duration `yaml:"dial_timeout" json:"dial_timeout,omitempty"`
	// MaxIdle is how many unused connections to one host and port are kept. Default: as many as MaxConns, for to close one that
	// the next request would open again costs more than to keep it.
	MaxIdle int `yaml:"max_idle" json:"max_idle,omitempty"`
	// MaxConns is how many connections to one host and port there may be at once; further requests wait in the order
	// in which they came. Default: 256.
	MaxConns int `yaml:"max_conns" json:"max_conns,omitempty"`
	// IdleTimeout closes a connection that nothing used for so long. Default: 90s.
	IdleTimeout time.Duration `yaml:"idle_timeout" json:"idle_timeout,omitempty"`
	// MaxHeader is the most bytes of an answer's header, those of 1xx answers before it included. Default: 64 KiB.
	MaxHeader int64 `yaml:"max_header" json:"max_header,omitempty"`
}

// WithDefaults replaces zero values.
func (c Config) WithDefaults() Config {
	c.DialTimeout = orDefault(c.DialTimeout, 2*time.Second)
	c.MaxConns = orDefault(c.MaxConns, 256)
	c.MaxIdle = orDefault(c.MaxIdle, c.MaxConns)
	c.IdleTimeout = orDefault(c.IdleTimeout, 90*time.Second)
	c.MaxHeader = orDefault(c.MaxHeader, 64<<10)
	return c
}

// Validate names every problem.
func (c Config) Validate() error {
	var problems []error
	for _, setting := range []struct {
		name     string
		negative bool
	}{
		{"dial_timeout", c.DialTimeout < 0},
		{"max_idle", c.MaxIdle < 0},
		{"max_conns", c.MaxConns < 0},
		{"idle_timeout", c.IdleTimeout < 0},
		{"max_header", c.MaxHeader < 0},
	} {
		if setting.negative {
			problems = append(problems, fmt.Errorf("%s: can't be negative", setting.name))
		}
	}
	if most := c.WithDefaults().MaxConns; most > 0 && c.MaxIdle > most {
		problems = append(problems, fmt.Errorf("max_idle: %d can't be more than max_conns (%d)", c.MaxIdle, most))
	}
	return errors.Join(problems...)
}

func orDefault[T comparable](value, other T) T {
	var zero T
	if value == zero {
		return other
	}
	return value
}
