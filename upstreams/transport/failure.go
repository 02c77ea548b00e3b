package transport

import (
	"context"
	"errors"
	"net"
	"net/textproto"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// broken is an attempt without an answer, with what the layers want to know of it.
type broken struct {
	what   fail.Error
	reason reason
	silent bool // says nothing about the service or its instance
}

func (b *broken) Error() string { return b.what.Error() }

// Unwrap gives the failure that callers get to see.
func (b *broken) Unwrap() error { return &b.what }

// public is the *fail.Error of an error of the layers.
func public(err error) error {
	var f *fail.Error
	if errors.As(err, &f) {
		return f
	}
	return err
}

// unread is the error of an answer whose body can't be read.
type unread struct {
	status int
	err    error
}

func (u *unread) Error() string { return "reading the body: " + u.err.Error() }
func (u *unread) Unwrap() error { return u.err }

// explain finds out what an attempt's error means: the one place where errors of connections become failures. ended and
// up are why the attempt's scope and the one above ended, if they did; hurried says that it had little time.
func explain(service string, ended, up, err error, hurried bool) *broken {
	b := &broken{what: fail.Error{Op: service, Service: service, Err: err}}
	var known *fail.Error
	var body *unread
	var network net.Error
	if errors.As(err, &body) {
		b.what.Status = body.status
	}
	switch {
	case errors.As(err, &known): // a credential's; the instance hasn't heard of it
		b.what, b.silent = *known, true
	case errors.Is(up, context.Canceled):
		b.what.Kind, b.silent = fail.Canceled, true
	case isTooBig(err):
		b.what.Kind = fail.UpstreamInvalidResponse
	case ended != nil, errors.Is(err, context.DeadlineExceeded):
		b.what.Kind, b.reason, b.silent = fail.UpstreamTimeout, outOfTime, hurried
	case body != nil, nonsense(err):
		b.what.Kind, b.reason = fail.UpstreamInvalidResponse, cutShort
	case errors.As(err, &network) && network.Timeout() && !dialing(err):
		b.what.Kind, b.reason = fail.UpstreamTimeout, outOfTime
	default:
		b.what.Kind, b.reason = fail.UpstreamUnavailable, noConnection
	}
	return b
}

func isTooBig(err error) bool { return errors.Is(err, body.ErrTooBig) }

func dialing(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// nonsense tells whether a service's answer is no HTTP, or more of it than there may be.
func nonsense(err error) bool {
	var ours *http1.InvalidError
	var theirs textproto.ProtocolError
	if errors.As(err, &ours) || errors.As(err, &theirs) {
		return true
	}
	text := err.Error() // net/http has no types for these
	for _, part := range []string{"malformed HTTP", "response headers exceeded", "too many 1xx", "bad Content-Length", "unsupported transfer encoding"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// ended is the failure of a call that ended while it waited in the gateway.
func (t *Transport) ended(s *scope) error { return t.failed(s.Err()) }

// failed is the failure of a call whose context ended by err.
func (t *Transport) failed(err error) error {
	kind := fail.UpstreamTimeout
	if errors.Is(err, context.Canceled) {
		kind = fail.Canceled
	}
	return &broken{what: fail.Error{Kind: kind, Op: t.service, Service: t.service, Err: err}, silent: true}
}
