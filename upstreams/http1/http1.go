// Package http1 is a client for HTTP/1.1 without TLS that works in the goroutine of its caller.
//
// It is a http.RoundTripper for http:// addresses that are reached without a proxy; everything else is net/http's. A
// connection belongs to one exchange at a time: the caller writes the request, reads the head of the answer and then, as
// it reads the body, the rest. At the body's end the connection goes back to its host's pool, unless anything about the
// exchange was odd: then it is closed. There is no goroutine per connection and none per exchange, except for a request
// with a body that is big or of unknown length, which is written while the answer is awaited.
//
// Framing is strict (RFC 9112): what could be read in two ways is an InvalidError. When the service is down, requests fail
// with the dialer's *net.OpError or with the connection's error; only a request that can't have done anything is sent a
// second time, and only after a kept connection turned out to be closed.
package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// ErrClosed is what requests get after Close.
var ErrClosed = errors.New("http1: client is closed")

// errNoAnswer is what a connection that ends without a byte of an answer gives.
var errNoAnswer = fmt.Errorf("http1: connection closed before the answer: %w", io.ErrUnexpectedEOF)

// InvalidError is the error of an answer that is no HTTP/1.1, or more of it than there may be. It has no text of the
// answer's.
type InvalidError struct {
	// What is wrong.
	What string
}

func (e *InvalidError) Error() string { return "http1: invalid answer: " + e.What }

func invalid(what string) error { return &InvalidError{What: what} }

// Client carries requests. It is safe for concurrent use.
type Client struct {
	config Config
	dialer *net.Dialer

	mu     sync.Mutex // guards what follows and the fields of every host; nothing blocks while it is held
	hosts  map[string]*host
	closed bool
	timer  *time.Timer // closes idle connections
	armed  bool
}

// New makes a client. Its connections are closed by Close.
func New(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	return &Client{
		config: c,
		dialer: &net.Dialer{Timeout: c.DialTimeout, KeepAlive: 15 * time.Second},
		hosts:  map[string]*host{},
	}, nil
}

// RoundTrip sends a request and gives the answer as soon as its head is there. The request's body is closed, perhaps after
// RoundTrip returned. When the request's context ends, errors are the context's, also those of reading the body.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	out, err := encode(req)
	if err != nil {
		return nil, err
	}
	defer out.release()
	if err := ended(req.Context(), nil); err != nil {
		return nil, err
	}
	cn, err := c.take(req.Context(), out.address)
	for {
		if err != nil {
			return nil, err
		}
		res, got, failure := cn.exchange(c, req, out)
		if failure == nil {
			return res, nil
		}
		if !cn.reused || !got.again(out) || req.Context().Err() != nil {
			c.drop(cn.host)
			return nil, failure
		}
		cn, err = c.dial(req.Context(), cn.host)
	}
}

// progress is how far an exchange came that failed.
type progress uint8

const (
	// untouched: no byte of the request was written.
	untouched progress = iota
	// written: the request, or some of it, was written. No byte of an answer came.
	written
	// answered: some of an answer came.
	answered
)

// again tells whether a request may be sent once more on another connection, given that the one it failed on had been
// idle, so that the service probably closed it before the request came.
func (p progress) again(out *outgoing) bool {
	switch p {
	case untouched:
		return true
	case written:
		return out.repeatable
	default:
		return false
	}
}

// ended gives the context's error when the context has ended, and err otherwise.
func ended(ctx context.Context, err error) error {
	reason := ctx.Err()
	if reason == nil {
		return err
	}
	cause := context.Cause(ctx)
	if errors.Is(cause, reason) {
		return cause
	}
	return fmt.Errorf("%w: %w", reason, cause)
}
