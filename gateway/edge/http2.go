package edge

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// HTTP2 is about requests that share a connection. A zero field means its default.
type HTTP2 struct {
	// Disabled speaks HTTP/1.1 only. Default: false; without TLS it's HTTP/1.1 anyway.
	Disabled bool `yaml:"disabled" json:"disabled,omitempty"`
	// MaxStreams is how many requests of one connection may be under way. Default: 100.
	MaxStreams int `yaml:"max_streams" json:"max_streams,omitempty"`
	// PingAfter is how long a connection may be silent until the client is asked whether it is there; it has 15 s to answer.
	// Default: 30s.
	PingAfter time.Duration `yaml:"ping_after" json:"ping_after,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c HTTP2) WithDefaults() HTTP2 {
	if c.MaxStreams == 0 {
		c.MaxStreams = 100
	}
	if c.PingAfter == 0 {
		c.PingAfter = 30 * time.Second
	}
	return c
}

// Validate names everything wrong, by its keys.
func (c HTTP2) Validate() error {
	var problems []error
	if c.MaxStreams < 0 || c.MaxStreams > 10_000 {
		problems = append(problems, fmt.Errorf("max_streams: is %d; give 1 to 10000", c.MaxStreams))
	}
	if c.PingAfter < 0 || c.PingAfter > 24*time.Hour {
		problems = append(problems, fmt.Errorf("ping_after: is %v; give 1s to 24h", c.PingAfter))
	}
	return errors.Join(problems...)
}

// Apply sets a server's protocols. Streams that clients open and reset at once are bounded by net/http: their handlers
// count until they end.
func (c HTTP2) Apply(server *http.Server) {
	c = c.WithDefaults()
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(!c.Disabled)
	server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          c.MaxStreams,
		MaxReadFrameSize:              16 << 10,
		MaxReceiveBufferPerConnection: 1 << 20,
		MaxReceiveBufferPerStream:     256 << 10,
		SendPingTimeout:               c.PingAfter,
		PingTimeout:                   15 * time.Second,
	}
}
