// Package rest makes one HTTP exchange: a request from templates, and a value from the answer.
//
// It knows how a @rest is spoken: which part of the request a value goes to, what each status means, and which bytes of
// an answer count. Every way in which a service can fail becomes one fail.Error with the service's name and status; the
// service's address and its words stay in the log, except where the service's configuration says which of them
// clients may read. Retrying, balancing and everything else about instances is the transport's.
package rest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Defaults of a Service.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultMaxBody   = 8 << 20
	DefaultUserAgent = "tributary"
)

// Service is how a service is spoken to.
type Service struct {
	// Name is the service's name in gateway.yaml.
	Name string
	// Base is the address that paths are appended to: "http://users.internal:8080/v2".
	Base string
	// Transport makes the exchange. It must not follow redirects by itself.
	Transport http.RoundTripper
	// Timeout bounds a call with reading its answer. 0 means DefaultTimeout.
	Timeout time.Duration
	// MaxBody is the most bytes of an answer. 0 means DefaultMaxBody.
	MaxBody int64
	// Bodies is where answers get their memory; nil means the pool of the program.
	Bodies *body.Pool
	// UserAgent is sent with each request. Empty means DefaultUserAgent.
	UserAgent string
	// Headers are sent with each request. Their values may be secrets.
	Headers map[string]string
	// Forward names the headers of the client's request that are passed on.
	Forward []string
	// Errors says what of an error clients may read.
	Errors ErrorRules
	// BalanceBy is the key by which an instance is chosen; nil lets the balancer choose as it likes.
	BalanceBy *template.Text
}

// ErrorRules say where a service explains an error. A rule that isn't set lets nothing through.
type ErrorRules struct {
	// When leads to a value that makes an answer with a 2xx status an error, unless it is null, false, 0 or empty.
	When *view.Pointer
	// Message leads to the text that clients may read.
	Message *view.Pointer
	// Code leads to the service's own error code, which clients may read.
	Code *view.Pointer
}

// Client calls one service. It is safe for concurrent use.
type Client struct {
	service Service
	scheme  string
	host    string
	prefix  string // the path of Base, without a slash at its end, percent-encoded
	header  []fixed
	forward map[string]bool
}

// fixed is a header that is the same in all requests.
type fixed struct {
	name   string
	values []string
}

// NewClient checks a service and makes its client. The error names every problem.
func NewClient(s Service) (*Client, error) {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("service %s: "+format, append([]any{s.Name}, args...)...))
	}
	base, err := url.Parse(s.Base)
	switch {
	case err != nil:
		wrong("url is no URL")
		base = &url.URL{}
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		wrong("url must be like http://users.internal:8080")
	case base.RawQuery != "" || base.Fragment != "" || base.User != nil:
		wrong("url can't have credentials, a query or a fragment; use headers and @rest(query:)")
	}
	if s.Timeout < 0 || s.MaxBody < 0 {
		wrong("timeout and max_body can't be negative")
	}
	if s.Transport == nil {
		wrong("it has no transport")
	}
	c := &Client{service: s, forward: map[string]bool{}}
	header := http.Header{}
	c.service.Timeout = orDefault(s.Timeout, DefaultTimeout)
	c.service.MaxBody = orDefault(s.MaxBody, DefaultMaxBody)
	header.Set("Accept", "application/json")
	header.Set("User-Agent", orDefault(s.UserAgent, DefaultUserAgent))
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		switch {
		case name == "" || strings.ContainsFunc(name, notToken):
			wrong("headers: %q can't be the name of a header", name)
		case template.Reserved(name):
			wrong("headers: %s is set for each connection and can't be configured", name)
		case strings.ContainsFunc(s.Headers[name], unicode.IsControl):
			wrong("headers: the value of %s has control characters in it", name) // the value may be a secret
		}
		header.Set(name, s.Headers[name])
	}
	for _, name := range s.Forward {
		name = http.CanonicalHeaderKey(name)
		if template.Reserved(name) || name == "Content-Type" {
			wrong("forward: %s belongs to the client's connection or body and can't be passed on", name)
		}
		c.forward[name] = true
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		c.header = append(c.header, fixed{name, header[name]})
	}
	c.scheme, c.host = base.Scheme, base.Host
	c.prefix = strings.TrimRight(base.EscapedPath(), "/")
	return c, nil
}

// notToken tells what can't be in the name of a header (RFC 9110, section 5.6.2).
func notToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

func orDefault[T comparable](value, other T) T {
	var zero T
	if value == zero {
		return other
	}
	return value
}
