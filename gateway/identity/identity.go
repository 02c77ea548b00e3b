// Package identity knows who is calling.
//
// An Authenticator looks at a request and says which Client it is from: by API key, by JWT, by client certificate, or
// anonymous, by address. The Client names a plan, which says what it may spend, and scopes, which say what it may see.
// Credentials that are wrong are refused; none at all are anonymous, unless the configuration requires some. Keys come
// from a file or from Redis and change without a restart; tokens are checked against keys of their issuer. What can't be
// asked is bridged by what was known: the last good keys file, the last key set, answers of Redis of the last minutes.
// What was never known can't be checked, which is another error than a refusal. Nothing of a credential but the
// public id of an API key gets into errors or logs.
package identity

import (
	"context"
	"slices"
	"time"
)

// Method is how a client was recognised.
type Method int

// The methods.
const (
	// Anonymous: by its address.
	Anonymous Method = iota
	// APIKey: by a key of ours.
	APIKey
	// JWT: by a token that its issuer signed.
	JWT
	// MTLS: by the certificate of its connection.
	MTLS

	methods // how many there are
)

var methodNames = [methods]string{Anonymous: "anonymous", APIKey: "api_key", JWT: "jwt", MTLS: "mtls"}

// String is the method's name in logs and metrics.
func (m Method) String() string {
	if m < 0 || m >= methods {
		return "unknown"
	}
	return methodNames[m]
}

// Client is who is calling. Its scopes and claims are shared by all requests with the same credentials: don't change
// them.
type Client struct {
	// ID names the client: the client of the key, a claim of the token, a name of the certificate, or an address.
	ID string
	// Plan is the name of the plan that the client is on.
	Plan string
	// Method says by what ID was found. With a key and a token it's the key.
	Method Method
	// Subject is the token's sub: on whose behalf the client calls. Empty without a token.
	Subject string
	// Scopes are what the credentials allow.
	Scopes Scopes
	// Claims are the token's.
	Claims Claims
	// Authenticated: valid credentials were shown.
	Authenticated bool
	// Expires is when the credentials end, for connections that last. The zero time is never.
	Expires time.Time
	// Key is the id of the API key, which is no secret. Empty without one.
	Key string
}

// Account is who pays: a name for limits and caches that no anonymous caller can share with a client. It's not for logs
// or stores as it is: it names the client.
func (c Client) Account() string {
	if !c.Authenticated {
		return "address:" + c.ID
	}
	return "client:" + c.ID
}

// Scopes is a sorted set.
type Scopes []string

// NewScopes makes the set of some words.
func NewScopes(words ...string) Scopes {
	s := slices.Clone(words)
	slices.Sort(s)
	return slices.Compact(s)
}

// Has says whether scope is in the set.
func (s Scopes) Has(scope string) bool {
	_, found := slices.BinarySearch(s, scope)
	return found
}

// with is the union of two sets.
func (s Scopes) with(other Scopes) Scopes {
	switch {
	case len(other) == 0:
		return s
	case len(s) == 0:
		return other
	default:
		return NewScopes(slices.Concat(s, other)...)
	}
}

type contextKey struct{}

// With puts the client into a context.
func With(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, contextKey{}, &c)
}

// From is the client in ctx, or an anonymous one without a name.
func From(ctx context.Context) Client {
	if c, ok := ctx.Value(contextKey{}).(*Client); ok {
		return *c
	}
	return Client{}
}
