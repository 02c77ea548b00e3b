package subscription

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config is about connections that last. A zero field means its default.
type Config struct {
	// Origins are the origins of pages, other than the gateway's own, that may open a WebSocket: "https://app.example.com",
	// "https://*.example.com" for every host below, or "*" for any. Default: none.
	Origins []string `yaml:"origins" json:"origins,omitempty"`
	// InitTimeout is how long a WebSocket may take to say who it is. Default: 5s.
	InitTimeout time.Duration `yaml:"init_timeout" json:"init_timeout,omitempty"`
	// PingInterval is the time between two pings of a WebSocket, and between two comments in an event stream. Default: 25s.
	PingInterval time.Duration `yaml:"ping_interval" json:"ping_interval,omitempty"`
	// PingTimeout is how long a WebSocket may take to answer a ping. Default: 10s.
	PingTimeout time.Duration `yaml:"ping_timeout" json:"ping_timeout,omitempty"`
	// WriteTimeout is how long one message may take to be sent. Default: 10s.
	WriteTimeout time.Duration `yaml:"write_timeout" json:"write_timeout,omitempty"`
	// ReserveTimeout is how long a reserved event stream waits for being opened. Default: 30s.
	ReserveTimeout time.Duration `yaml:"reserve_timeout" json:"reserve_timeout,omitempty"`
	// MaxMessageBytes bounds a message of a client's. Default: 131072.
	MaxMessageBytes int64 `yaml:"max_message_bytes" json:"max_message_bytes,omitempty"`
	// MaxQueue is how many messages may wait for a client that reads slowly before its connection is closed. Default: 256.
	MaxQueue int `yaml:"max_queue" json:"max_queue,omitempty"`
	// MaxQueueBytes bounds the bytes of these messages; one message may be longer. Default: 1048576.
	MaxQueueBytes int64 `yaml:"max_queue_bytes" json:"max_queue_bytes,omitempty"`
	// MaxOperations is how many operations of one connection may be under way. Default: 100.
	MaxOperations int `yaml:"max_operations" json:"max_operations,omitempty"`
	// MaxConnections is how many connections there may be in all. Default: 20000.
	MaxConnections int `yaml:"max_connections" json:"max_connections,omitempty"`
	// MaxClientConnections is how many of them may be one client's. Default: 100.
	MaxClientConnections int `yaml:"max_client_connections" json:"max_client_connections,omitempty"`
	// MaxClientOperations is how many operations of one client may be under way on these connections. Default: 1000.
	MaxClientOperations int `yaml:"max_client_operations" json:"max_client_operations,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	orDefault(&c.InitTimeout, 5*time.Second)
	orDefault(&c.PingInterval, 25*time.Second)
	orDefault(&c.PingTimeout, 10*time.Second)
	orDefault(&c.WriteTimeout, 10*time.Second)
	orDefault(&c.ReserveTimeout, 30*time.Second)
	orDefault(&c.MaxMessageBytes, 128<<10)
	orDefault(&c.MaxQueue, 256)
	orDefault(&c.MaxQueueBytes, 1<<20)
	orDefault(&c.MaxOperations, 100)
	orDefault(&c.MaxConnections, 20_000)
	orDefault(&c.MaxClientConnections, 100)
	orDefault(&c.MaxClientOperations, 1000)
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate names everything wrong with the configuration, by its keys.
func (c Config) Validate() error {
	var problems []error
	for _, f := range []struct {
		key   string
		value time.Duration
	}{
		{"init_timeout", c.InitTimeout},
		{"ping_interval", c.PingInterval},
		{"ping_timeout", c.PingTimeout},
		{"write_timeout", c.WriteTimeout},
		{"reserve_timeout", c.ReserveTimeout},
	} {
		if f.value != 0 && (f.value < time.Millisecond || f.value > 24*time.Hour) {
			problems = append(problems, fmt.Errorf("%s: is %v; it can be 1ms to 24h", f.key, f.value))
		}
	}
	for _, f := range []struct {
		key   string
		value int64
	}{
		{"max_message_bytes", c.MaxMessageBytes},
		{"max_queue", int64(c.MaxQueue)},
		{"max_queue_bytes", c.MaxQueueBytes},
		{"max_operations", int64(c.MaxOperations)},
		{"max_connections", int64(c.MaxConnections)},
		{"max_client_connections", int64(c.MaxClientConnections)},
		{"max_client_operations", int64(c.MaxClientOperations)},
	} {
		if f.value < 0 || f.value > 1<<30 {
			problems = append(problems, fmt.Errorf("%s: is %d; it can be 1 to %d", f.key, f.value, 1<<30))
		}
	}
	for i, text := range c.Origins {
		if _, err := parseOrigin(text); err != nil {
			problems = append(problems, fmt.Errorf("origins[%d]: %w", i, err))
		}
	}
	return errors.Join(problems...)
}

// origin is one that may open WebSockets.
type origin struct {
	any    bool
	scheme string
	host   string // with its port, in lower case
	below  bool   // host begins with a dot, and is the end of those meant
}

func parseOrigin(text string) (origin, error) {
	if text == "*" {
		return origin{any: true}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return origin{}, fmt.Errorf(`%.80q is no origin; write "https://app.example.com", "https://*.example.com" or "*"`, text)
	}
	o := origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Host)}
	if rest, ok := strings.CutPrefix(o.host, "*."); ok {
		o.below, o.host = true, "."+rest
	}
	if strings.Contains(o.host, "*") {
		return origin{}, fmt.Errorf(`%.80q has a * that isn't the whole first part of the host`, text)
	}
	return o, nil
}

// originAllowed tells whether a page may open a WebSocket: one of the gateway's own host, or of the list. Programs that
// are no browsers send no Origin.
func originAllowed(given []string, host string, list []string) bool {
	if len(given) == 0 {
		return true
	}
	if len(given) > 1 {
		return false
	}
	u, err := url.Parse(given[0])
	if err != nil {
		return false
	}
	from := strings.ToLower(u.Host)
	if from != "" && from == strings.ToLower(host) {
		return true
	}
	for _, text := range list {
		o, err := parseOrigin(text)
		switch {
		case err != nil:
		case o.any:
			return true
		case from == "" || o.scheme != u.Scheme:
		case o.below && strings.HasSuffix(from, o.host), !o.below && from == o.host:
			return true
		}
	}
	return false
}
