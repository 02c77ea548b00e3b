package limits_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// newKey puts a key into a file, as `gateway keys create` does.
func newKey(t testing.TB, file, client, plan string, scopes ...string) (text string, key identity.Key) {
	t.Helper()
	text, key, err := identity.NewKey(client, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key.Plan, key.Scopes = plan, scopes
	if err := identity.NewKeyFile(file).Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	return text, key
}

// issuer signs tokens and has a key set on loopback.
type issuer struct {
	*httptest.Server

	t    testing.TB
	mu   sync.Mutex // guards kids
	kids []string
}

// rsaKeys are made once: they take long.
var rsaKeys = sync.OnceValue(func() map[string]*rsa.PrivateKey {
	keys := map[string]*rsa.PrivateKey{}
	for _, kid := range []string{"old", "new"} {
		keys[kid], _ = rsa.GenerateKey(rand.Reader, 2048) // it never fails
	}
	return keys
})

func newIssuer(t testing.TB, kids ...string) *issuer {
	i := &issuer{t: t, kids: kids}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		set := []map[string]any{}
		for _, kid := range i.kids {
			public := rsaKeys()[kid].Public().(*rsa.PublicKey)
			set = append(set, map[string]any{
				"kid": kid, "kty": "RSA", "use": "sig", "alg": "RS256",
				"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
				"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
			})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": set})
	}))
	t.Cleanup(i.Close)
	return i
}

// rotate changes the key set.
func (i *issuer) rotate(kids ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kids = kids
}

// section is what gateway.yaml says of it.
func (i *issuer) section() string {
	return fmt.Sprintf("[{issuer: shop-test, jwks: %q, audience: [graph], plan_claim: plan, refresh_pause: 1ms}]", i.URL)
}

func (i *issuer) claims(subject, scope string) jwt.MapClaims {
	return jwt.MapClaims{"iss": "shop-test", "aud": "graph", "sub": subject, "scope": scope, "exp": time.Now().Add(time.Hour).Unix()}
}

// token is signed with RS256 by the key kid.
func (i *issuer) token(kid, subject, scope string) string {
	return i.signed(jwt.SigningMethodRS256, kid, rsaKeys()[kid], i.claims(subject, scope))
}

func (i *issuer) signed(method jwt.SigningMethod, kid string, key any, claims jwt.MapClaims) string {
	i.t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = kid
	text, err := token.SignedString(key)
	if err != nil {
		i.t.Fatal(err)
	}
	return text
}

const threePoints = `{ user(id: 1) { id } }` // a call, a user and the root

// TestCallers: who is known by what, and what everybody else is told.
func TestCallers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	silver, _ := newKey(t, file, "kiosk", "silver")
	other, _ := newKey(t, file, "web", "")
	i := newIssuer(t, "old")
	good := i.token("old", "ada", "users:read")
	public := rsaKeys()["old"].Public()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{
		"the public key as PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"the public key as DER": der,
	}
	with := func(change func(jwt.MapClaims)) string {
		claims := i.claims("ada", "users:read")
		change(claims)
		return i.signed(jwt.SigningMethodRS256, "old", rsaKeys()["old"], claims)
	}
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	cases := []struct {
		name    string
		headers []string
		status  int
		policy  string // the capacity that RateLimit-Policy tells
	}{
		{"nobody", nil, 200, "q=40;"},
		{"a key", []string{"X-Api-Key", silver}, 200, "q=100;"},
		{"a key by the other header", []string{"x-access-tokens", silver}, 200, "q=100;"},
		{"a key without a plan", []string{"X-Api-Key", other}, 200, "q=70;"},
		{"a token", bearer(good), 200, "q=70;"},
		{"a token that names a plan", bearer(with(func(c jwt.MapClaims) { c["plan"] = "silver" })), 200, "q=100;"},
		{"a key and a token: the key's plan", append(bearer(good), "X-Api-Key", silver), 200, "q=100;"},
		{"a key with a wrong end", []string{"X-Api-Key", silver[:len(silver)-1] + "!"}, 401, ""},
		{"a key nobody has", []string{"X-Api-Key", unknownKey(t)}, 401, ""},
		{"two keys", []string{"X-Api-Key", silver, "X-Api-Key", other}, 401, ""},
		{"a right key and a wrong token", append(bearer(good+"x"), "X-Api-Key", silver), 401, ""},
		{"an unsigned token", bearer(i.signed(jwt.SigningMethodNone, "old", jwt.UnsafeAllowNoneSignatureType, i.claims("ada", ""))), 401, ""},
		{"a token that has expired", bearer(with(func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Hour).Unix() })), 401, ""},
		{"a token for somebody else", bearer(with(func(c jwt.MapClaims) { c["aud"] = "billing" })), 401, ""},
		{"a token of another issuer", bearer(with(func(c jwt.MapClaims) { c["iss"] = "elsewhere" })), 401, ""},
		{"a token without an end", bearer(with(func(c jwt.MapClaims) { delete(c, "exp") })), 401, ""},
		{"a token signed by another key", bearer(i.signed(jwt.SigningMethodRS256, "old", rsaKeys()["new"], i.claims("ada", ""))), 401, ""},
	}
	for name, secret := range secrets {
		cases = append(cases, struct {
			name    string
			headers []string
			status  int
			policy  string
		}{"HS256 with " + name, bearer(i.signed(jwt.SigningMethodHS256, "old", secret, i.claims("ada", ""))), 401, ""})
	}
	s := startServices(t, nil)
	g := s.start(t, `
identity: {keys: {file: `+file+`}, jwt: `+i.section()+`}
limits:
  plans:
    silver: {buckets: [{name: burst, capacity: 100, restore: 1}]}
    default: {buckets: [{name: burst, capacity: 70, restore: 1}]}
    anonymous: {buckets: [{name: burst, capacity: 40, restore: 1}]}
`)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s.asked.Take()
			a := g.ask(threePoints, c.headers...)
			if a.status != c.status || !strings.Contains(a.header.Get("RateLimit-Policy"), c.policy) {
				t.Errorf("%d, policy %q: %s", a.status, a.header.Get("RateLimit-Policy"), a.text)
			}
			if c.status == 401 {
				if a.code() != "UNAUTHENTICATED" || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), `Bearer realm="graphql"`) {
					t.Errorf("%s, challenge %q", a.text, a.header.Get("WWW-Authenticate"))
				}
				if asked := s.asked.Take(); asked != "" {
					t.Errorf("a service was asked: %s", asked)
				}
			}
			for n := 1; n < len(c.headers); n += 2 {
				value := strings.TrimPrefix(c.headers[n], "Bearer ")
				parts := append(strings.Split(value, "."), value)
				for _, part := range parts {
					if len(part) >= 8 && strings.Contains(g.log.String()+a.text+fmt.Sprint(a.header), part) {
						t.Errorf("%q is told or logged", part)
					}
				}
			}
		})
	}
}

// unknownKey is well-formed, and in no file.
func unknownKey(t testing.TB) string {
	t.Helper()
	text, _, err := identity.NewKey("nobody", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestKeysChangeWhileItRuns: created and revoked with the gateway up.
func TestKeysChangeWhileItRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	first, record := newKey(t, file, "kiosk", "")
	g := startServices(t, nil).start(t, "identity: {keys: {file: "+file+"}}")
	status := func(key string) int { return g.ask(threePoints, "X-Api-Key", key).status }
	if got := status(first); got != 200 {
		t.Fatalf("status %d", got)
	}
	second, _ := newKey(t, file, "kiosk", "")
	redistest.Until(t, "a new key", func() bool { return status(second) == 200 })
	if err := identity.NewKeyFile(file).Revoke(t.Context(), record.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	redistest.Until(t, "a revoked key", func() bool { return status(first) == 401 })
	if got := status(second); got != 200 {
		t.Errorf("the other key: status %d", got)
	}
}

// TestKeysOfTheIssuerRotate: a new key works at once, one that left the set doesn't, not even for tokens seen before.
func TestKeysOfTheIssuerRotate(t *testing.T) {
	i := newIssuer(t, "old")
	g := startServices(t, nil).start(t, "identity: {jwt: "+i.section()+"}")
	status := func(token string) int { return g.ask(threePoints, "Authorization", "Bearer "+token).status }
	old, next := i.token("old", "ada", ""), i.token("new", "ada", "")
	if got := status(old); got != 200 {
		t.Fatalf("status %d", got)
	}
	if got := status(next); got != 401 {
		t.Errorf("a key that the issuer doesn't have yet: status %d", got)
	}
	i.rotate("old", "new")
	redistest.Until(t, "a new key", func() bool { return status(next) == 200 })
	if got := status(old); got != 200 {
		t.Errorf("both are valid: status %d", got)
	}
	i.rotate("new")
	// Who asks with an unknown key makes the gateway look.
	redistest.Until(t, "the old key's end", func() bool {
		status(i.signed(jwt.SigningMethodRS256, "unheard of", rsaKeys()["old"], i.claims("ada", "")))
		return status(old) == 401
	})
	if got := status(next); got != 200 {
		t.Errorf("the new key: status %d", got)
	}
}

// TestRequired: without credentials there's no answer where they are required, not even to what can't be parsed.
func TestRequired(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	key, _ := newKey(t, file, "kiosk", "")
	g := startServices(t, nil).start(t, "identity: {required: true, keys: {file: "+file+"}}")
	for _, query := range []string{threePoints, `{`, `{ __schema { queryType { name } } }`} {
		if a := g.ask(query); a.status != 401 || a.code() != "UNAUTHENTICATED" || a.header.Get("WWW-Authenticate") != `ApiKey realm="graphql"` {
			t.Errorf("%s: %d %s %v", query, a.status, a.text, a.header)
		}
	}
	if a := g.ask(threePoints, "X-Api-Key", key); a.status != 200 || a.Errors != nil {
		t.Errorf("with a key: %d %s", a.status, a.text)
	}
}
