package transport

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// Connections are the limits of the connections to one service.
type Connections = http1.Config

// NewNetHTTP makes a carrier of net/http alone: one pool of connections. Settings of TLS may be nil, for Go's own from TLS
// 1.2 on. Closing idle connections at the end is the caller's.
func NewNetHTTP(c Connections, settings *tls.Config) (*http.Transport, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if settings == nil {
		settings = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c = c.WithDefaults()
	dialer := &net.Dialer{Timeout: c.DialTimeout, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        settings.Clone(),
		TLSHandshakeTimeout:    3 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           0, // bounded per host
		MaxIdleConnsPerHost:    c.MaxIdle,
		MaxConnsPerHost:        c.MaxConns,
		IdleConnTimeout:        c.IdleTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: c.MaxHeader,
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
	carrier.plain, err = http1.New(c)
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
