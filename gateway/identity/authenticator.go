package identity

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/address"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Options are what an Authenticator works with. The zero value will do without Redis.
type Options struct {
	// Logger gets the changes of keys and of what can be reached. Nil is silence.
	Logger *slog.Logger
	// Redis is where keys are looked up when the configuration says so. Its own timeouts should be short and its retries
	// few; a lookup ends after 100 ms.
	Redis redis.UniversalClient
	// HTTPClient fetches the keys of issuers. Nil is one with a timeout of 5 s that follows no redirects.
	HTTPClient *http.Client
	// Keys are more API keys, for programs that make their own, such as demos.
	Keys []Key
	// Forwarded is the header in which trusted proxies say whom a request is from. Empty is X-Forwarded-For.
	Forwarded address.Header
	// Now tells the time. Nil is time.Now.
	Now func() time.Time
}

// Authenticator says who is calling. It is safe for concurrent use.
type Authenticator struct {
	config  Config
	now     func() time.Time
	proxies address.Proxies
	clients map[string]ClientConfig
	keys    keyStore // nil without keys
	tokens  []*verifier
	// verified has tokens by hash. sets counts the changes of key sets, each of which empties it.
	verified *lru.Cache[Hash, verifiedToken]
	sets     atomic.Int64
	closers  []func()
}

type verifiedToken struct {
	client Client
	until  time.Time
}

// verifiedMost is how many tokens are remembered.
const verifiedMost = 10_000

// New makes it. A keys file that can't be read is an error; issuers and Redis may be down. Close it in the end.
func New(c Config, o Options) (*Authenticator, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	c = c.WithDefaults()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{
			Timeout:       fetchTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	a := &Authenticator{config: c, now: o.Now, clients: map[string]ClientConfig{}}
	for _, client := range c.Clients {
		a.clients[client.ID] = client
	}
	err := a.open(c, o)
	if err != nil {
		a.Close()
		return nil, fmt.Errorf("identity: %w", err)
	}
	return a, nil
}

func (a *Authenticator) open(c Config, o Options) (err error) {
	if a.proxies, err = address.New(c.TrustedProxies, o.Forwarded); err != nil {
		return err
	}
	if a.verified, err = lru.New[Hash, verifiedToken](verifiedMost); err != nil {
		return err
	}
	for _, k := range o.Keys {
		if err := k.check(); err != nil {
			return fmt.Errorf("key %s: %w", k.ID, err)
		}
	}
	if err := a.openKeys(c.Keys, o); err != nil {
		return err
	}
	for i, issuer := range c.JWT {
		v, err := newVerifier(issuer, o, a.forget)
		if err != nil {
			return fmt.Errorf("jwt[%d]: %w", i, err)
		}
		a.tokens = append(a.tokens, v)
		a.closers = append(a.closers, v.close)
	}
	return nil
}

func (a *Authenticator) openKeys(c Keys, o Options) error {
	var all stores
	if len(o.Keys) > 0 {
		all = append(all, indexOf(o.Keys))
	}
	if c.File != "" {
		w, err := watchKeys(c.File, o.Logger)
		if err != nil {
			return err
		}
		a.closers = append(a.closers, w.close)
		all = append(all, w)
	}
	if c.Redis {
		if o.Redis == nil {
			return errors.New("keys: redis: there is no connection to Redis")
		}
		cached, err := newCachedKeys(NewRedisKeys(o.Redis, c.RedisPrefix), c, o.Now, o.Logger)
		if err != nil {
			return err
		}
		all = append(all, cached)
	}
	if len(all) > 0 {
		a.keys = all
	}
	return nil
}

// stores are asked one after the other.
type stores []keyStore

func (s stores) find(ctx context.Context, h Hash) (Key, bool, error) {
	for _, store := range s {
		if k, found, err := store.find(ctx, h); found || err != nil {
			return k, found, err
		}
	}
	return Key{}, false, nil
}

// forget empties the memory of tokens: a key that is gone must not go on working.
func (a *Authenticator) forget() {
	a.sets.Add(1)
	a.verified.Purge()
}

// Close ends what runs in the background.
func (a *Authenticator) Close() {
	for _, c := range a.closers {
		c()
	}
}

// Identify says who sent a request. The error is a *fail.Error: Unauthenticated for credentials that are wrong or
// missing, UpstreamUnavailable when they can't be checked now.
func (a *Authenticator) Identify(r *http.Request) (Client, error) {
	return a.identify(r.Context(), a.fromHeaders(r.Header), r)
}

// IdentifyInit is Identify for a WebSocket: what its first message has in its payload wins over the headers of the
// request that opened it, which browsers can't set. ctx may have a deadline of its own.
func (a *Authenticator) IdentifyInit(ctx context.Context, payload map[string]any, r *http.Request) (Client, error) {
	shown, sent := a.fromPayload(payload), a.fromHeaders(r.Header)
	if len(trimmed(shown.keys)) == 0 {
		shown.keys = sent.keys
	}
	if len(trimmed(shown.bearer)) == 0 {
		shown.bearer = sent.bearer
	}
	return a.identify(ctx, shown, r)
}

// identify checks everything that was shown; one wrong credential spoils the others. The key names the client, or else
// the certificate, or else the token. The token says on whose behalf it calls. Scopes are those of all together.
func (a *Authenticator) identify(ctx context.Context, shown credentials, r *http.Request) (Client, error) {
	var found []Client // in the order of who names the client
	key, err := shown.key()
	if err != nil {
		return Client{}, err
	}
	token, err := shown.token()
	if err != nil {
		return Client{}, err
	}
	if key != "" {
		c, err := a.byKey(ctx, key)
		if err != nil {
			return Client{}, err
		}
		found = append(found, c)
	}
	if c, ok, err := a.byCertificate(r.TLS); err != nil {
		return Client{}, err
	} else if ok {
		found = append(found, c)
	}
	if token != "" {
		c, err := a.byToken(ctx, token)
		if err != nil {
			return Client{}, err
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return a.anonymous(r)
	}
	c := found[0]
	for _, other := range found[1:] {
		c.Scopes = c.Scopes.with(other.Scopes)
		c.Subject, c.Claims = cmp.Or(c.Subject, other.Subject), other.Claims // a token is the last
		if !other.Expires.IsZero() && (c.Expires.IsZero() || other.Expires.Before(c.Expires)) {
			c.Expires = other.Expires
		}
	}
	known := a.clients[c.ID]
	c.Plan = cmp.Or(c.Plan, known.Plan, a.config.DefaultPlan)
	if len(known.Scopes) > 0 {
		c.Scopes = c.Scopes.with(NewScopes(known.Scopes...))
	}
	return c, nil
}

func (a *Authenticator) anonymous(r *http.Request) (Client, error) {
	if a.config.Required {
		return Client{}, &fail.Error{Kind: fail.Unauthenticated, Op: "identify", Public: textMissing, Err: &refusal{reason: "no credentials"}}
	}
	return Client{ID: account(a.proxies.Of(r)), Plan: a.config.AnonymousPlan}, nil
}

// account is what of an address is one caller.
func account(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "unknown"
	case a.Is6():
		return address.Account(a).String()
	default:
		return a.String()
	}
}

func (a *Authenticator) byKey(ctx context.Context, text string) (Client, error) {
	if !wellFormed(text) {
		return Client{}, refuse(textKey, "the key is malformed or its checksum is wrong")
	}
	k, found, err := a.keys.find(ctx, HashOf(text))
	if err != nil {
		return Client{}, unable(err)
	}
	if !found {
		return Client{}, refuse(textKey, "the key %s is unknown", publicID(text))
	}
	if state := k.State(a.now()); state != KeyActive {
		return Client{}, refuse(textKey, "the key %s is %s", k.ID, state)
	}
	return Client{ID: k.Client, Plan: k.Plan, Method: APIKey, Scopes: NewScopes(k.Scopes...), Authenticated: true, Expires: k.Expires, Key: k.ID}, nil
}

func (a *Authenticator) byToken(ctx context.Context, text string) (Client, error) {
	now := a.now()
	hash := HashOf(text)
	if known, ok := a.verified.Get(hash); ok && now.Before(known.until) {
		return known.client, nil
	}
	v := a.verifierOf(text)
	if v == nil {
		return Client{}, refuseToken(textToken, "the token is of no issuer that is known")
	}
	sets := a.sets.Load()
	c, until, err := v.verify(ctx, text, now)
	if err != nil {
		return Client{}, err
	}
	if now.Before(until) {
		a.verified.Add(hash, verifiedToken{c, until})
		if a.sets.Load() != sets {
			a.verified.Remove(hash)
		}
	}
	return c, nil
}

// verifierOf chooses by iss who verifies a token. With one issuer there's no choice.
func (a *Authenticator) verifierOf(text string) *verifier {
	if len(a.tokens) == 1 {
		return a.tokens[0]
	}
	var other *verifier
	iss := ""
	if len(text) <= 64<<10 {
		iss = issuerOf(text)
	}
	for _, v := range a.tokens {
		switch v.issuer.Issuer {
		case "":
			other = v
		case iss:
			return v
		}
	}
	return other
}

// byCertificate takes the name from a verified client certificate. It must have exactly one that can be meant.
func (a *Authenticator) byCertificate(state *tls.ConnectionState) (c Client, ok bool, err error) {
	if a.config.MTLS.Name == "" || state == nil || len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return c, false, nil
	}
	leaf := state.VerifiedChains[0][0]
	name := ""
	for _, n := range certificateNames[a.config.MTLS.Name](leaf) {
		if n == "" || !isName(n) || !strings.HasPrefix(n, a.config.MTLS.Prefix) {
			continue
		}
		if name != "" {
			return c, false, refuse(textCertificate, "the certificate has more than one name of the kind %s", a.config.MTLS.Name)
		}
		name = n
	}
	if name == "" {
		return c, false, refuse(textCertificate, "the certificate has no name of the kind %s", a.config.MTLS.Name)
	}
	return Client{ID: name, Method: MTLS, Authenticated: true, Expires: leaf.NotAfter}, true, nil
}
