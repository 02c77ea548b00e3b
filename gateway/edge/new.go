package edge

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/tributary-gateway/tributary/gateway/address"
)

// Options are what an edge needs beside its Config.
type Options struct {
	// TrustedProxies are the networks that are believed when they say whom a request is from.
	TrustedProxies []string
	// MaxBodyBytes is the longest request body once it is inflated. It is required.
	MaxBodyBytes int64
	// Logger is told of certificates that are read again or can't be, and of refused connections. Nil means silence.
	Logger *slog.Logger
}

// Edge has every piece, ready to be put together. Middleware that is turned off passes everything.
type Edge struct {
	// Secure is for all answers.
	Secure Middleware
	// CrossOrigin is for all answers, outside Guard: preflights end here.
	CrossOrigin Middleware
	// Guard is for GraphQL only: pages may be opened by links from anywhere.
	Guard Middleware
	// Inflate stands inside what bounds the bytes that come.
	Inflate Middleware
	// Compress stands inside what counts the bytes that go.
	Compress Middleware
	// Proxies says whom a request is from.
	Proxies address.Proxies
	// TLS is nil when connections aren't encrypted.
	TLS *tls.Config

	config   Config
	logger   *slog.Logger
	listener atomic.Pointer[Listener] // the last one; nil before there is one
}

// New makes all pieces. The error names everything wrong.
func New(c Config, o Options) (*Edge, error) {
	if o.MaxBodyBytes <= 0 {
		return nil, errors.New("edge: the length of bodies isn't bounded")
	}
	c = c.WithDefaults()
	e := &Edge{config: c, logger: o.Logger}
	var problems []error
	with := func(err error) { problems = append(problems, err) }
	var err error
	e.Secure, err = Secure(c.Headers)
	with(err)
	e.CrossOrigin, err = CrossOrigin(c.CORS)
	with(err)
	origins, err := ParseOrigins(c.CORS.Origins)
	if err == nil {
		e.Guard, err = Guard(c.CSRF, origins)
		with(err)
	}
	e.Inflate, err = Inflate(c.Inflation, o.MaxBodyBytes)
	with(err)
	e.Compress, err = Compress(c.Compression)
	with(err)
	e.Proxies, err = address.New(o.TrustedProxies, c.Forwarded)
	with(err)
	if c.TLS.Enabled() {
		e.TLS, err = NewTLS(c.TLS, c.HTTP2, o.Logger)
		with(err)
	} else {
		with(c.TLS.Validate())
	}
	with(c.Connections.Validate())
	with(c.HTTP2.Validate())
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return e, nil
}

// Listen bounds the connections of a listener.
func (e *Edge) Listen(l net.Listener) (*Listener, error) {
	limited, err := Limit(l, e.config.Connections, e.Proxies, e.logger)
	if err == nil {
		e.listener.Store(limited)
	}
	return limited, err
}

// Connections is how many there are of the listener.
func (e *Edge) Connections() int {
	l := e.listener.Load()
	if l == nil {
		return 0
	}
	return l.Open()
}

// Apply sets a server's protocols and its TLS. It is then served by ServeTLS(l, "", "") if TLS isn't nil, else by Serve.
func (e *Edge) Apply(server *http.Server) {
	e.config.HTTP2.Apply(server)
	server.TLSConfig = e.TLS
}
