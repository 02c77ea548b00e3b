package server

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

// Config is the server's settings. A zero field means its default.
type Config struct {
	// ReadHeaderTimeout is how long a client may take for the headers of a request. Default 5 s.
	ReadHeaderTimeout time.Duration `yaml:"read_header_timeout"`
	// ReadTimeout is how long it may take for the whole request. Default 15 s.
	ReadTimeout time.Duration `yaml:"read_timeout"`
	// WriteTimeout is the time from the end of the headers to the end of the answer. It must leave room for reading
	// the body and for the operation. Default: read_timeout and operation_timeout and 15 s to write.
	WriteTimeout time.Duration `yaml:"write_timeout"`
	// IdleTimeout is how long a connection is kept between requests. Default 90 s.
	IdleTimeout time.Duration `yaml:"idle_timeout"`
	// OperationTimeout is the deadline of one GraphQL operation. Default 30 s.
	OperationTimeout time.Duration `yaml:"operation_timeout"`
	// DrainGrace is how long the server goes on answering after it was told to stop, not ready and closing connections,
	// so that load balancers notice and no request on the wire is lost. Default 1 s; negative means none.
	DrainGrace time.Duration `yaml:"drain_grace"`
	// DrainTimeout is how long requests under way have after that, until they are cut off. Default: operation_timeout
	// and 5 s.
	DrainTimeout time.Duration `yaml:"drain_timeout"`
	// MaxHeaderBytes bounds the headers of a request, its URL included. Default 32 KiB.
	MaxHeaderBytes int64 `yaml:"max_header_bytes"`
	// MaxBodyBytes bounds the body of a request. Default 128 KiB.
	MaxBodyBytes int64 `yaml:"max_body_bytes"`
	// AccessLog is the level of the access log. The zero value is info; requests of /healthz and /readyz are one step
	// (debug, at info) below.
	AccessLog slog.Level `yaml:"access_log"`
	// ErrorStatus says which statuses answers without data have: by_error, the default, or always200 for clients that can't
	// read a body with another status.
	ErrorStatus ErrorStatus `yaml:"error_status"`
	// Operation is about documents: limits, cache, introspection.
	Operation operation.Config `yaml:"operation"`
}

// ErrorStatus says which statuses answers without data have.
type ErrorStatus string

const (
	// ByError lets the first error decide, as the media type has it.
	ByError ErrorStatus = "by_error"
	// Always200 answers every well-formed request with 200.
	Always200 ErrorStatus = "always200"
)

// Values lists what an ErrorStatus can be.
func (ErrorStatus) Values() []string { return []string{string(ByError), string(Always200)} }

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.ReadHeaderTimeout, 5 * time.Second},
		{&c.ReadTimeout, 15 * time.Second},
		{&c.IdleTimeout, 90 * time.Second},
		{&c.OperationTimeout, 30 * time.Second},
		{&c.DrainGrace, time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = c.ReadTimeout + c.OperationTimeout + 15*time.Second
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = c.OperationTimeout + 5*time.Second
	}
	if c.MaxHeaderBytes == 0 {
		c.MaxHeaderBytes = 32 << 10
	}
	if c.MaxBodyBytes == 0 {
		c.MaxBodyBytes = 128 << 10
	}
	if c.ErrorStatus == "" {
		c.ErrorStatus = ByError
	}
	c.Operation = c.Operation.WithDefaults()
	return c
}

// Validate names everything wrong with the configuration, by its keys, and both keys where two contradict.
func (c Config) Validate() error {
	var problems []error
	for _, f := range []struct {
		key   string
		value int64
	}{
		{"read_header_timeout", int64(c.ReadHeaderTimeout)},
		{"read_timeout", int64(c.ReadTimeout)},
		{"write_timeout", int64(c.WriteTimeout)},
		{"idle_timeout", int64(c.IdleTimeout)},
		{"operation_timeout", int64(c.OperationTimeout)},
		{"drain_timeout", int64(c.DrainTimeout)},
		{"max_header_bytes", c.MaxHeaderBytes},
		{"max_body_bytes", c.MaxBodyBytes},
	} {
		if f.value < 0 {
			problems = append(problems, fmt.Errorf("%s is negative", f.key))
		}
	}
	if most := int64(1 << 30); c.MaxHeaderBytes > most {
		problems = append(problems, fmt.Errorf("max_header_bytes is %d, over %d", c.MaxHeaderBytes, most))
	}
	if c.ErrorStatus != "" && !slices.Contains(c.ErrorStatus.Values(), string(c.ErrorStatus)) {
		problems = append(problems, fmt.Errorf("error_status is %q; it can be by_error or always200", c.ErrorStatus))
	}
	full := c.WithDefaults()
	if len(problems) == 0 {
		if full.ReadHeaderTimeout > full.ReadTimeout {
			problems = append(problems, fmt.Errorf("read_header_timeout (%v) is over read_timeout (%v), which includes it",
				full.ReadHeaderTimeout, full.ReadTimeout))
		}
		if full.WriteTimeout <= full.OperationTimeout {
			problems = append(problems, fmt.Errorf("write_timeout (%v) is not over operation_timeout (%v): an answer at the deadline could not be written",
				full.WriteTimeout, full.OperationTimeout))
		}
	}
	if err := c.Operation.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("operation: %w", err))
	}
	return errors.Join(problems...)
}
