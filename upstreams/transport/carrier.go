package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// Connections are the limits of the connections to one service. Zero values are the defaults in parentheses.
type Connections struct {
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
func (c Connections) Validate() error {
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

// NewNetHTTP makes a carrier of net/http alone: one pool of connections. Settings of TLS may be nil, for Go's own from TLS
// 1.2 on. Closing idle connections at the end is the caller's.
func NewNetHTTP(c Connections, settings *tls.Config) (*http.Transport, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if settings == nil {
		settings = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	dialer := &net.Dialer{Timeout: orDefault(c.DialTimeout, 2*time.Second), KeepAlive: 15 * time.Second}
	maxConns := orDefault(c.MaxConns, 256)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        settings.Clone(),
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

// Carrier are the connections of one service: our own for plain HTTP/1.1, and net/http's for everything else.
type Carrier struct {
	plain *http1.Client // nil: net/http's take it
	other *http.Transport
}

// NewCarrier makes the connections of one service. With a proxy for http in the environment, all are net/http's. Settings
// of TLS may be nil, as in NewNetHTTP. Closing idle connections at the end is the caller's.
func NewCarrier(c Connections, settings *tls.Config) (*Carrier, error) {
	other, err := NewNetHTTP(c, settings)
	if err != nil {
		return nil, err
	}
	carrier := &Carrier{other: other}
	if os.Getenv("HTTP_PROXY") != "" || os.Getenv("http_proxy") != "" {
		return carrier, nil
	}
	carrier.plain, err = http1.New(http1.Config{
		DialTimeout: c.DialTimeout, MaxIdle: c.MaxIdle, MaxConns: c.MaxConns, IdleTimeout: c.IdleTimeout, MaxHeader: c.MaxHeader,
	})
	if err != nil {
		return nil, err
	}
	return carrier, nil
}

// RoundTrip answers as http.RoundTripper does.
func (c *Carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.plain != nil && r.URL.Scheme == "http" {
		return c.plain.RoundTrip(r)
	}
	return c.other.RoundTrip(r)
}

// CloseIdleConnections closes those of both.
func (c *Carrier) CloseIdleConnections() {
	if c.plain != nil {
		c.plain.CloseIdleConnections()
	}
	c.other.CloseIdleConnections()
}
