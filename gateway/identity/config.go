package identity

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tributary-gateway/tributary/gateway/address"
	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Config is the identity section of gateway.yaml. The zero value takes everybody for anonymous.
type Config struct {
	// Required refuses callers without credentials. Default: they are anonymous.
	Required bool `yaml:"required" json:"required,omitempty"`
	// AnonymousPlan is the plan of anonymous callers. Default: anonymous.
	AnonymousPlan string `yaml:"anonymous_plan" json:"anonymous_plan,omitempty"`
	// DefaultPlan is the plan of clients for which nothing else names one. Default: default.
	DefaultPlan string `yaml:"default_plan" json:"default_plan,omitempty"`
	// TrustedProxies are the networks (10.0.0.0/8) and addresses that are believed when they say whom a request is from, by
	// the header that edge.forwarded names. Default: none.
	TrustedProxies []string `yaml:"trusted_proxies" json:"trusted_proxies,omitempty"`
	// Clients gives clients plans and scopes, however they show who they are.
	Clients []ClientConfig `yaml:"clients" json:"clients,omitempty"`
	// Keys are API keys.
	Keys Keys `yaml:"keys" json:"keys"`
	// JWT are the issuers of tokens that are taken from Authorization: Bearer.
	JWT []Issuer `yaml:"jwt" json:"jwt,omitempty"`
	// MTLS are client certificates.
	MTLS Certificates `yaml:"mtls" json:"mtls"`
}

// ClientConfig is what a client gets beside what its credentials say.
type ClientConfig struct {
	// ID is the client's, as credentials name it.
	ID string `yaml:"id" json:"id"`
	// Plan is the client's, unless its key or its token names another. Default: default_plan.
	Plan string `yaml:"plan" json:"plan,omitempty"`
	// Scopes are added to those of the credentials.
	Scopes []string `yaml:"scopes" json:"scopes,omitempty"`
}

// Keys says where API keys are. Without file and redis the headers mean nothing.
type Keys struct {
	// File is the path of a keys file, which "gateway keys" writes. It's read again when it changes.
	File string `yaml:"file" json:"file,omitempty"`
	// Redis looks for keys in Redis, after the file.
	Redis bool `yaml:"redis" json:"redis,omitempty"`
	// RedisPrefix is what the keys' names in Redis begin with. Default: "tributary:".
	RedisPrefix string `yaml:"redis_prefix" json:"redis_prefix,omitempty"`
	// Headers are those that carry a key. Default: X-Api-Key, x-access-tokens.
	Headers []string `yaml:"headers" json:"headers,omitempty"`
	// CacheFor is how long what Redis said is believed, and so how late a revocation can work: at most 5 s. Default 3 s.
	CacheFor time.Duration `yaml:"cache_for" json:"cache_for,omitempty"`
	// StaleFor is how long a key stays valid that Redis has confirmed when Redis can't be asked. Default 15 min.
	StaleFor time.Duration `yaml:"stale_for" json:"stale_for,omitempty"`
}

// Issuer is who signs tokens. One without issuer takes the tokens that no other issuer has.
type Issuer struct {
	// Issuer is what iss must be, exactly. Default: it isn't checked.
	Issuer string `yaml:"issuer" json:"issuer,omitempty"`
	// Discovery finds the keys by OpenID Connect, at /.well-known/openid-configuration below issuer.
	Discovery bool `yaml:"discovery" json:"discovery,omitempty"`
	// JWKS is the URL of the keys.
	JWKS string `yaml:"jwks" json:"jwks,omitempty"`
	// KeyFiles are PEM files with public keys or certificates.
	KeyFiles []string `yaml:"key_files" json:"key_files,omitempty"`
	// Secret is the key of HS256, HS384 and HS512, of 32, 48 and 64 bytes at least. It is a secret.
	Secret secret.Text `yaml:"secret" json:"secret,omitempty"`
	// Algorithms are those that a token may be signed with. Default: RS256, ES256, EdDSA and PS256; HS256 with a secret
	// and no other keys.
	Algorithms []string `yaml:"algorithms" json:"algorithms,omitempty"`
	// Audience are the names of which aud must have one. Default: it isn't checked.
	Audience []string `yaml:"audience" json:"audience,omitempty"`
	// Leeway is how far the issuer's clock may be off. Default 30 s; negative means not at all.
	Leeway time.Duration `yaml:"leeway" json:"leeway,omitempty"`
	// AllowNoExpiry takes tokens without exp, which are valid for ever. Default: they are refused.
	AllowNoExpiry bool `yaml:"allow_no_expiry" json:"allow_no_expiry,omitempty"`
	// ClientClaim is the claim that names the client. Default: sub, or client_id, or azp, the first that is there.
	ClientClaim string `yaml:"client_claim" json:"client_claim,omitempty"`
	// ClientPrefix is put before the client's name, so that it can't be that of another issuer's or a key's client.
	ClientPrefix string `yaml:"client_prefix" json:"client_prefix,omitempty"`
	// PlanClaim is the claim that names the plan. Default: none does.
	PlanClaim string `yaml:"plan_claim" json:"plan_claim,omitempty"`
	// ScopesClaims are the claims with scopes, all of those that are there: lists, or strings with spaces. Default:
	// scope, scp.
	ScopesClaims []string `yaml:"scopes_claims" json:"scopes_claims,omitempty"`
	// MaxBytes is how long a token may be. Default 8 KiB.
	MaxBytes int64 `yaml:"max_bytes" json:"max_bytes,omitempty"`
	// CacheFor is how long a token that was verified isn't verified again; never beyond its end. Default 60 s; at most
	// 5 min; negative means not at all.
	CacheFor time.Duration `yaml:"cache_for" json:"cache_for,omitempty"`
	// RefreshEvery is how often the keys are fetched. Default 10 min.
	RefreshEvery time.Duration `yaml:"refresh_every" json:"refresh_every,omitempty"`
	// RefreshPause is the least time between two fetches for tokens with unknown keys. Default 30 s.
	RefreshPause time.Duration `yaml:"refresh_pause" json:"refresh_pause,omitempty"`
}

// remote says whether the keys are fetched.
func (i Issuer) remote() bool { return i.Discovery || i.JWKS != "" }

// Certificates says how a client certificate names the client. It was verified by the TLS listener before.
type Certificates struct {
	// Name is where the client's name is: uri, dns or email for subject alternative names, cn for the subject's common
	// name. Default: certificates name nobody.
	Name string `yaml:"name" json:"name,omitempty"`
	// Prefix is what the name begins with, such as spiffe://example.com/; others are passed over. It stays in the name.
	Prefix string `yaml:"prefix" json:"prefix,omitempty"`
}

var certificateNames = map[string]func(*x509.Certificate) []string{
	"dns":   func(c *x509.Certificate) []string { return c.DNSNames },
	"email": func(c *x509.Certificate) []string { return c.EmailAddresses },
	"cn":    func(c *x509.Certificate) []string { return []string{c.Subject.CommonName} },
	"uri": func(c *x509.Certificate) (names []string) {
		for _, u := range c.URIs {
			names = append(names, u.String())
		}
		return names
	},
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	text := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	span := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	text(&c.AnonymousPlan, "anonymous")
	text(&c.DefaultPlan, "default")
	text(&c.Keys.RedisPrefix, DefaultRedisPrefix)
	if len(c.Keys.Headers) == 0 {
		c.Keys.Headers = []string{"X-Api-Key", "x-access-tokens"}
	}
	span(&c.Keys.CacheFor, 3*time.Second)
	span(&c.Keys.StaleFor, 15*time.Minute)
	c.JWT = slices.Clone(c.JWT)
	for i := range c.JWT {
		issuer := &c.JWT[i]
		if len(issuer.Algorithms) == 0 {
			issuer.Algorithms = []string{"RS256", "ES256", "EdDSA", "PS256"}
			if issuer.Secret != "" && !issuer.remote() && len(issuer.KeyFiles) == 0 {
				issuer.Algorithms = []string{"HS256"}
			}
		}
		if len(issuer.ScopesClaims) == 0 {
			issuer.ScopesClaims = []string{"scope", "scp"}
		}
		if issuer.MaxBytes == 0 {
			issuer.MaxBytes = 8 << 10
		}
		span(&issuer.Leeway, 30*time.Second)
		span(&issuer.CacheFor, time.Minute)
		span(&issuer.RefreshEvery, 10*time.Minute)
		span(&issuer.RefreshPause, 30*time.Second)
	}
	return c
}

// Validate names everything wrong with the configuration, by its keys.
func (c Config) Validate() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if _, err := address.New(c.TrustedProxies, ""); err != nil {
		problems = append(problems, err)
	}
	ids := map[string]bool{}
	for i, client := range c.Clients {
		switch {
		case client.ID == "":
			add("clients[%d]: id is missing", i)
		case ids[client.ID]:
			add("clients[%d]: %q is there twice", i, client.ID)
		}
		ids[client.ID] = true
		for _, s := range client.Scopes {
			if s == "" || strings.ContainsAny(s, " \t\r\n") {
				add("clients[%d]: scopes: %q; scopes are words without white space", i, s)
			}
		}
	}
	for _, h := range c.Keys.Headers {
		if !isHeader(h) {
			add("keys: headers: %q is no name of a header", h)
		} else if http.CanonicalHeaderKey(h) == "Authorization" {
			add("keys: headers: Authorization is for tokens")
		}
	}
	if c.Keys.CacheFor < 0 || c.Keys.CacheFor > 5*time.Second {
		add("keys: cache_for is %v; give 5s at most, or revoked keys work on", c.Keys.CacheFor)
	}
	if c.Keys.StaleFor < 0 {
		add("keys: stale_for is negative")
	}
	issuers := map[string]bool{}
	for i, issuer := range c.JWT {
		if err := issuer.validate(); err != nil {
			add("jwt[%d]: %w", i, err)
		}
		if issuers[issuer.Issuer] {
			add("jwt[%d]: issuer: %q is there twice", i, issuer.Issuer)
		}
		issuers[issuer.Issuer] = true
	}
	if c.MTLS.Name != "" && certificateNames[c.MTLS.Name] == nil {
		add("mtls: name is %q; give uri, dns, email or cn", c.MTLS.Name)
	}
	if c.MTLS.Name == "" && c.MTLS.Prefix != "" {
		add("mtls: prefix without name")
	}
	return errors.Join(problems...)
}

func (i Issuer) validate() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if i.Discovery && i.JWKS != "" {
		add("discovery and jwks: give one of them")
	}
	if i.Discovery && i.Issuer == "" {
		add("discovery: issuer is missing")
	} else if i.Discovery {
		if err := checkURL(i.Issuer); err != nil {
			add("issuer: %w", err)
		}
	}
	if i.JWKS != "" {
		if err := checkURL(i.JWKS); err != nil {
			add("jwks: %w", err)
		}
	}
	if !i.remote() && len(i.KeyFiles) == 0 && i.Secret == "" {
		add("there are no keys: give discovery, jwks, key_files or secret")
	}
	full := Config{JWT: []Issuer{i}}.WithDefaults().JWT[0]
	symmetric, asymmetric := false, false
	for _, name := range full.Algorithms {
		a, ok := algorithms[name]
		if !ok {
			add("algorithms: %q; give some of %s", name, strings.Join(algorithmNames(), ", "))
			continue
		}
		if a.family != familyHMAC {
			asymmetric = true
			continue
		}
		symmetric = true
		if i.Secret == "" {
			add("algorithms: %s needs secret", name)
		} else if len(i.Secret.Reveal()) < a.bits/8 && i.Secret != secret.Mask { // what was printed can be read again
			add("secret is under the %d bytes that %s needs", a.bits/8, name)
		}
	}
	if i.Secret != "" && !symmetric {
		add("secret is for HS256, HS384 and HS512, and algorithms has none of them")
	}
	if (i.remote() || len(i.KeyFiles) > 0) && !asymmetric {
		add("algorithms: none of them is for public keys")
	}
	for _, d := range []struct {
		key   string
		value time.Duration
	}{{"refresh_every", i.RefreshEvery}, {"refresh_pause", i.RefreshPause}} {
		if d.value < 0 {
			add("%s is negative", d.key)
		}
	}
	if i.Leeway > 10*time.Minute {
		add("leeway is %v; give 10m at most", i.Leeway)
	}
	if i.CacheFor > 5*time.Minute {
		add("cache_for is %v; give 5m at most", i.CacheFor)
	}
	if i.MaxBytes < 0 {
		add("max_bytes is negative")
	}
	return errors.Join(problems...)
}

// checkURL wants https, and takes http on this machine.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("it is no URL like https://id.example.com/keys")
	}
	local := u.Hostname() == "localhost"
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		local = a.IsLoopback()
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return errors.New("keys are fetched by https; http is for this machine only")
	}
	return nil
}

func isHeader(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
