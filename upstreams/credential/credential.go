// Package credential knows what a service wants to see of us: a name and a password, a token, a token that is fetched
// from a token server, a client certificate.
//
// New makes a RoundTripper layer that puts it into the Authorization header of each attempt; TLS makes the settings of
// the connections. A secret may stand in a file, which is read again when it changes. A token is fetched by one request
// however many calls wait for it, before the old one ends, and that request outlives the call that began it. When there
// is no token to be had, calls fail at once with UPSTREAM_UNAVAILABLE, the token server is asked again after a pause
// that grows to 30 s, and a token that is still good goes on being used. No secret gets into an error or a log.
package credential

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Options are what the layer works with besides its configuration.
type Options struct {
	// Service is the name of the service, for errors and the log.
	Service string
	// Logger is told of secrets that can't be read or fetched, once per change. Nil means silence.
	Logger *slog.Logger
	// Carrier takes the requests to the token server. Nil means connections of its own.
	Carrier http.RoundTripper
	// Idempotent says which requests may be sent a second time with a new token. Nil means GET and HEAD. Those with a
	// body need GetBody as well.
	Idempotent func(*http.Request) bool
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger.With("service", o.Service)
}

// New makes the layer. Without any credential it returns the next RoundTripper as it is.
func New(c Config, o Options) (func(next http.RoundTripper) http.RoundTripper, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	from, err := c.source(o)
	if err != nil {
		return nil, err
	}
	if from == nil {
		return func(next http.RoundTripper) http.RoundTripper { return next }, nil
	}
	if o.Idempotent == nil {
		o.Idempotent = func(r *http.Request) bool {
			return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == ""
		}
	}
	return func(next http.RoundTripper) http.RoundTripper {
		return &layer{next: next, from: from, idempotent: o.Idempotent, service: o.Service}
	}, nil
}

// grant is one value of the Authorization header. Its slice is shared by requests and never changed.
type grant struct{ values []string }

func newGrant(value string) *grant { return &grant{values: []string{value}} }

// source has the grant of the moment.
type source interface {
	// current returns it, waiting for one if it has to.
	current(ctx context.Context) (*grant, error)
	// refused is told that the service didn't take g, and says whether asking current again may give another.
	refused(g *grant) bool
}

func (c Config) source(o Options) (source, error) {
	switch {
	case c.Basic != nil:
		return newBasic(c.Basic, o)
	case c.Bearer != nil:
		return newBearer(c.Bearer, o)
	case c.OAuth2 != nil:
		return newTokens(c.OAuth2, o)
	}
	return nil, nil
}

// failure is what a call gets when there's no credential for it.
func failure(ctx context.Context, service string, err error) error {
	kind := fail.UpstreamUnavailable
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		kind = fail.Canceled
	case ctx.Err() != nil:
		kind = fail.UpstreamTimeout
	}
	return &fail.Error{Kind: kind, Op: service + ": credential", Service: service, Err: err}
}
