// Package transport carries requests to the instances of a service.
//
// It stacks RoundTripper layers, each in a file of its own. Today the stack is short: net/http with limits on
// everything that a service could make endless (connecting, handshakes, headers). What a service says, and how long a
// whole call may take, is package rest's.
package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Config are the limits of the connections to one service. Zero values are the defaults in parentheses.
type Config struct {
	// DialTimeout bounds making a connection (2s).
	DialTimeout time.Duration
	// MaxIdle is how many connections to one host are kept open for the next requests (as many as MaxConns:
	// to close one that the next request would open again costs more than to keep it)
	MaxIdle int
	// MaxConns is how many connections to one host there may be at once (256).
	MaxConns int
	// IdleTimeout closes a connection that nothing used for so long (90s).
	IdleTimeout time.Duration
	// MaxHeader is the most bytes of an answer's header (64 KiB).
	MaxHeader int64
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
			problems = append(problems, fmt.Errorf("%s can't be negative", setting.name))
		}
	}
	if c.MaxConns > 0 && c.MaxIdle > c.MaxConns {
		problems = append(problems, fmt.Errorf("max_idle (%d) can't be more than max_conns (%d)", c.MaxIdle, c.MaxConns))
	}
	return errors.Join(problems...)
}

// New makes the transport of one service: one pool of connections. Closing idle ones at the end is the caller's.
func New(c Config) (*http.Transport, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: orDefault(c.DialTimeout, 2*time.Second), KeepAlive: 15 * time.Second}
	maxConns := orDefault(c.MaxConns, 256)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    3 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           0, // bounded per host
		MaxIdleConnsPerHost:    orDefault(c.MaxIdle, maxConns),
		MaxConnsPerHost:        maxConns,
		IdleConnTimeout:        orDefault(c.IdleTimeout, 90*time.Second),
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: orDefault(c.MaxHeader, 64<<10),
	}, nil
}

func orDefault[T comparable](value, other T) T {
	var zero T
	if value == zero {
		return other
	}
	return value
}
