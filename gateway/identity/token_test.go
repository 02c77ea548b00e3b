package identity_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/secret"
)

const notValid, expired = "The token is not valid.", "The token has expired."

// pemFile has a public key.
func pemFile(t testing.TB, s signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// with is claims with some changed; nil takes one out.
func with(claims map[string]any, changes map[string]any) map[string]any {
	all := maps.Clone(claims)
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// TestTokens is what is taken and what isn't, with keys of every kind from a key set.
func TestTokens(t *testing.T) {
	now := newClock()
	at := func(d time.Duration) int64 { return now.now().Add(d).Unix() }
	base := map[string]any{"iss": "https://id.example.com", "aud": []string{"other", "graph"}, "sub": "ann", "exp": at(time.Hour), "scope": "read:a read:b"}
	for _, s := range []signer{rsaSigner("r", 0), ecSigner("e"), edSigner("d"), {"r", jwt.SigningMethodPS256, rsaKeys()[0]}} {
		published := s
		if s.method == jwt.SigningMethodPS256 {
			published = rsaSigner("r", 0)
		}
		issuer := newIssuer(t, published)
		if s.method == jwt.SigningMethodPS256 { // the key isn't for one algorithm only
			issuer.mu.Lock()
			delete(issuer.keys[0], "alg")
			issuer.mu.Unlock()
		}
		a := start(t, identity.Config{JWT: []identity.Issuer{{Issuer: "https://id.example.com", JWKS: issuer.URL + "/keys", Audience: []string{"graph", "x"}}}},
			identity.Options{Now: now.now})
		for _, c := range []struct {
			name, want string
			claims     map[string]any
			header     map[string]any
		}{
			{"good", "", nil, nil},
			{"one audience", "", map[string]any{"aud": "graph"}, nil},
			{"expired within the leeway", "", map[string]any{"exp": at(-29 * time.Second)}, nil},
			{"expired", expired, map[string]any{"exp": at(-31 * time.Second)}, nil},
			{"not yet, within the leeway", "", map[string]any{"nbf": at(29 * time.Second)}, nil},
			{"not yet", notValid, map[string]any{"nbf": at(31 * time.Second)}, nil},
			{"no exp", notValid, map[string]any{"exp": nil}, nil},
			{"exp is a text", notValid, map[string]any{"exp": "tomorrow"}, nil},
			{"exp is no time", notValid, map[string]any{"exp": json.Number("1e15")}, nil},
			{"another audience", notValid, map[string]any{"aud": []string{"other"}}, nil},
			{"no audience", notValid, map[string]any{"aud": nil}, nil},
			{"another issuer", notValid, map[string]any{"iss": "https://id.example.com/"}, nil},
			{"no issuer", notValid, map[string]any{"iss": nil}, nil},
			{"no client", notValid, map[string]any{"sub": nil}, nil},
			{"a client with a line break", notValid, map[string]any{"sub": "a\nb"}, nil},
			{"critical extensions", notValid, nil, map[string]any{"crit": []string{"b64"}, "b64": true}},
			{"an empty crit", notValid, nil, map[string]any{"crit": []string{}}},
			{"an unknown key", notValid, nil, map[string]any{"kid": "other"}},
			{"a kid that is no text", notValid, nil, map[string]any{"kid": 1}},
			{"too long", notValid, map[string]any{"x": strings.Repeat("x", 8<<10)}, nil},
		} {
			t.Run(s.method.Alg()+"/"+c.name, func(t *testing.T) {
				text := s.sign(t, with(base, c.claims), c.header)
				client, err := a.Identify(bearer(text))
				if c.want != "" {
					refused(t, a, err, c.want, text, strings.Split(text, ".")[2])
					if got, want := a.Challenge(err), `Bearer realm="graphql", error="invalid_token", error_description="`+strings.TrimSuffix(c.want, ".")+`"`; got != want {
						t.Errorf("challenge %s", got)
					}
					return
				}
				if err != nil || client.ID != "ann" || client.Subject != "ann" || client.Method != identity.JWT || !client.Authenticated ||
					client.Plan != "default" || strings.Join(client.Scopes, " ") != "read:a read:b" {
					t.Errorf("%+v %v", client, err)
				}
			})
		}
	}
}

// TestForgedTokens are attacks on the verification itself.
func TestForgedTokens(t *testing.T) {
	claims := map[string]any{"sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}
	good, other, evil := rsaSigner("a", 0), rsaSigner("a", 1), ecSigner("a")
	issuer := newIssuer(t, good)
	public := pemFile(t, good)
	pemText, err := os.ReadFile(public)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKIXPublicKey(good.key.Public())
	hmac := func(key []byte) string {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims))
		token.Header["kid"] = "a"
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims(claims))
	unsigned.Header["kid"] = "a"
	none, err := unsigned.SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	text := good.sign(t, claims, nil)
	parts := strings.Split(text, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	own := ecSigner("mine")
	tokens := map[string]string{
		"none":                       none,
		"None":                       b64([]byte(`{"alg":"None","kid":"a"}`)) + "." + parts[1] + ".",
		"the public key as a secret": hmac(pemText),
		"its DER as a secret":        hmac(der),
		"an empty secret":            hmac([]byte{}),
		"another key of that name":   other.sign(t, claims, nil),
		"another kind of key":        evil.sign(t, claims, nil),
		"its own key":                own.sign(t, claims, map[string]any{"kid": "a", "jwk": own.jwk()}),
		"a key elsewhere":            own.sign(t, claims, map[string]any{"kid": "a", "jku": issuer.URL + "/keys", "x5u": issuer.URL}),
		"other claims":               parts[0] + "." + b64([]byte(`{"sub":"root","exp":99999999999}`)) + "." + parts[2],
		"no signature":               parts[0] + "." + parts[1] + ".",
		"no third part":              parts[0] + "." + parts[1],
		"four parts":                 text + ".x",
		"padding":                    text + "=",
		"RS512 in the header":        signer{"a", jwt.SigningMethodRS512, good.key}.sign(t, claims, nil),
		"no JSON":                    "a.b.c",
		"nothing":                    "..",
		"words":                      "hello",
	}
	configs := map[string]identity.Issuer{
		"key set":            {JWKS: issuer.URL + "/keys"},
		"PEM":                {KeyFiles: []string{public}},
		"PEM next to secret": {KeyFiles: []string{public}, Secret: secret.Text(strings.Repeat("s", 32)), Algorithms: []string{"RS256", "HS256", "ES256"}},
		"key set and secret": {JWKS: issuer.URL + "/keys", Secret: secret.Text(strings.Repeat("s", 32)), Algorithms: []string{"RS256", "HS256", "ES256"}},
	}
	for name, config := range configs {
		a := start(t, identity.Config{JWT: []identity.Issuer{config}}, identity.Options{})
		if _, err := a.Identify(bearer(text)); err != nil {
			t.Fatalf("%s: the good one: %v", name, err)
		}
		for attack, token := range tokens {
			t.Run(name+"/"+attack, func(t *testing.T) {
				_, err := a.Identify(bearer(token))
				refused(t, a, err, notValid)
			})
		}
	}
	for name, r := range map[string]*http.Request{
		"Basic":    request("Authorization", "Basic YTpi"),
		"no token": request("Authorization", "Bearer"),
		"no space": request("Authorization", "Bearer"+text),
	} {
		a := start(t, identity.Config{JWT: []identity.Issuer{configs["PEM"]}}, identity.Options{})
		_, err := a.Identify(r)
		t.Run(name, func(t *testing.T) { refused(t, a, err, notValid, "YTpi", parts[2]) })
	}
	a := start(t, identity.Config{JWT: []identity.Issuer{configs["PEM"]}}, identity.Options{})
	_, err = a.Identify(request("Authorization", "Bearer "+text, "Authorization", "Bearer x"))
	refused(t, a, err, "There is more than one credential of a kind.")
	if c, err := a.Identify(request("authorization", "bearer  "+text)); err != nil || c.ID != "ann" {
		t.Errorf("a scheme in small letters: %+v %v", c, err)
	}
}

// TestSecretTokens: HMAC with a shared secret, by itself.
func TestSecretTokens(t *testing.T) {
	key := strings.Repeat("0123456789abcdef", 2)
	a := start(t, identity.Config{JWT: []identity.Issuer{{Secret: secret.Text(key), AllowNoExpiry: true}}}, identity.Options{})
	sign := func(key string, method jwt.SigningMethod) string {
		text, err := jwt.NewWithClaims(method, jwt.MapClaims{"sub": "x"}).SignedString([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if c, err := a.Identify(bearer(sign(key, jwt.SigningMethodHS256))); err != nil || c.ID != "x" || !c.Expires.IsZero() {
		t.Errorf("%+v %v", c, err)
	}
	for _, text := range []string{sign(key+"x", jwt.SigningMethodHS256), sign(key, jwt.SigningMethodHS512)} {
		_, err := a.Identify(bearer(text))
		refused(t, a, err, notValid, key)
	}
}

// TestClaims is how claims become a client.
func TestClaims(t *testing.T) {
	s := edSigner("")
	path := pemFile(t, s)
	end := time.Now().Add(time.Hour).Unix()
	for _, c := range []struct {
		name             string
		issuer           identity.Issuer
		claims           map[string]any
		id, plan, scopes string
	}{
		{"sub first", identity.Issuer{}, map[string]any{"sub": "s", "client_id": "c", "azp": "a"}, "s", "default", ""},
		{"client_id then", identity.Issuer{}, map[string]any{"client_id": "c", "azp": "a"}, "c", "default", ""},
		{"azp last", identity.Issuer{}, map[string]any{"azp": "a"}, "a", "default", ""},
		{"another claim", identity.Issuer{ClientClaim: "https://x.example/app"}, map[string]any{"sub": "s", "https://x.example/app": "app"}, "app", "default", ""},
		{"a nested claim", identity.Issuer{ClientClaim: "app.id", PlanClaim: "app.plan"}, map[string]any{"app": map[string]any{"id": 12345678901234567, "plan": "gold"}}, "12345678901234567", "gold", ""},
		{"a prefix", identity.Issuer{ClientPrefix: "corp:"}, map[string]any{"sub": "s"}, "corp:s", "default", ""},
		{"a plan", identity.Issuer{PlanClaim: "plan"}, map[string]any{"sub": "s", "plan": "gold"}, "s", "gold", ""},
		{"a plan that isn't there", identity.Issuer{PlanClaim: "plan"}, map[string]any{"sub": "s"}, "s", "default", ""},
		{"scp as a list", identity.Issuer{}, map[string]any{"sub": "s", "scp": []any{"b", "a", "", 1}}, "s", "default", "a b"},
		{"scp as a text", identity.Issuer{}, map[string]any{"sub": "s", "scp": "b  a b"}, "s", "default", "a b"},
		{"scope and scp", identity.Issuer{}, map[string]any{"sub": "s", "scp": []any{"b"}, "scope": "a"}, "s", "default", "a b"},
		{"roles", identity.Issuer{ScopesClaims: []string{"realm_access.roles"}}, map[string]any{"sub": "s", "scope": "x", "realm_access": map[string]any{"roles": []any{"admin"}}}, "s", "default", "admin"},
		{"scopes that are none", identity.Issuer{}, map[string]any{"sub": "s", "scope": 5, "scp": map[string]any{}}, "s", "default", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.issuer.KeyFiles = []string{path}
			a := start(t, identity.Config{JWT: []identity.Issuer{c.issuer}}, identity.Options{})
			c.claims["exp"] = end
			client, err := a.Identify(bearer(s.sign(t, c.claims, nil)))
			if err != nil || client.ID != c.id || client.Plan != c.plan || strings.Join(client.Scopes, " ") != c.scopes {
				t.Errorf("%+v %v", client, err)
			}
			if _, err := json.Marshal(client.Claims); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestClaimsLookup(t *testing.T) {
	s := edSigner("")
	a := start(t, identity.Config{JWT: []identity.Issuer{{KeyFiles: []string{pemFile(t, s)}, AllowNoExpiry: true}}}, identity.Options{})
	c, err := a.Identify(bearer(s.sign(t, map[string]any{"sub": "s", "a.b": "dotted", "a": map[string]any{"b": "nested", "c": true, "n": 1.50, "l": []any{1}, "z": nil}}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"sub": "s", "a.b": "dotted", "a.c": "true", "a.n": "1.5", "a.l": "", "a.z": "", "a.x": "", "a.b.c": "", "sub.x": "", "": "", ".": "", "a.": ""} {
		if got, ok := c.Claims.Text(path); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v", path, got, ok)
		}
	}
	if _, ok := (identity.Claims{}).Lookup("a.b"); ok {
		t.Error("no claims have one")
	}
	if text, err := json.Marshal(identity.Claims{}); string(text) != "{}" || err != nil {
		t.Errorf("%s %v", text, err)
	}
}

// TestRotation: a token with a new key works at once; invented ids of keys don't become requests; a key that is gone is
// gone, also for tokens that were verified before.
func TestRotation(t *testing.T) {
	now := newClock()
	first, second, third := ecSigner("1"), ecSigner("2"), ecSigner("3")
	issuer := newIssuer(t, first)
	a := start(t, identity.Config{JWT: []identity.Issuer{{JWKS: issuer.URL + "/keys"}}}, identity.Options{Now: now.now})
	claims := map[string]any{"sub": "s", "exp": now.now().Add(24 * time.Hour).Unix()}
	old := first.sign(t, claims, nil)
	if _, err := a.Identify(bearer(old)); err != nil {
		t.Fatal(err)
	}
	issuer.set(second)
	now.advance(31 * time.Second)
	before := issuer.asked()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := a.Identify(bearer(second.sign(t, claims, nil))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := issuer.asked() - before; n != 1 {
		t.Errorf("%d requests for one new key", n)
	}
	_, err := a.Identify(bearer(old))
	refused(t, a, err, notValid)
	for range 50 {
		_, err := a.Identify(bearer(third.sign(t, claims, nil)))
		refused(t, a, err, notValid)
	}
	if n := issuer.asked() - before; n != 1 {
		t.Errorf("%d requests for invented keys", n-1)
	}
}

// TestIssuerDown: what was known stays in use, and what was never known can't be judged.
func TestIssuerDown(t *testing.T) {
	now := newClock()
	s := ecSigner("1")
	issuer := newIssuer(t, s)
	issuer.fails(true)
	var log records
	a := start(t, identity.Config{JWT: []identity.Issuer{{Issuer: issuer.URL, Discovery: true}}}, identity.Options{Now: now.now, Logger: log.logger()})
	claims := map[string]any{"sub": "s", "iss": issuer.URL, "exp": now.now().Add(24 * time.Hour).Unix()}
	_, err := a.Identify(bearer(s.sign(t, claims, nil)))
	if fail.KindOf(err) != fail.UpstreamUnavailable || a.Challenge(err) != "" {
		t.Fatalf("got %v", err)
	}
	_, err = a.Identify(bearer("x.y.z"))
	refused(t, a, err, notValid)
	issuer.fails(false)
	now.advance(6 * time.Second)
	if _, err := a.Identify(bearer(s.sign(t, claims, nil))); err != nil {
		t.Fatal(err)
	}
	issuer.Close()
	now.advance(time.Hour)
	claims["jti"] = "another token"
	if _, err := a.Identify(bearer(s.sign(t, claims, nil))); err != nil {
		t.Error(err)
	}
	_, err = a.Identify(bearer(ecSigner("2").sign(t, claims, nil)))
	refused(t, a, err, notValid)
	if !strings.Contains(log.String(), "can't be fetched") || !strings.Contains(log.String(), "fetched again") {
		t.Errorf("log: %s", log.String())
	}
}

// TestDiscovery: the document must be the issuer's own.
func TestDiscovery(t *testing.T) {
	s := ecSigner("1")
	for _, c := range []struct {
		says string
		ok   bool
	}{{"", true}, {"https://evil.example", false}} {
		issuer := newIssuer(t, s)
		issuer.says = c.says
		var log records
		a := start(t, identity.Config{JWT: []identity.Issuer{{Issuer: issuer.URL, Discovery: true}}}, identity.Options{Logger: log.logger()})
		_, err := a.Identify(bearer(s.sign(t, map[string]any{"sub": "s", "iss": issuer.URL, "exp": time.Now().Add(time.Hour).Unix()}, nil)))
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.says, err)
		}
		if !c.ok {
			eventually(t, "the log says why", func() bool { return strings.Contains(log.String(), "another issuer") })
		}
	}
}

// TestKeySetsThatAreNone: what a server may answer.
func TestKeySetsThatAreNone(t *testing.T) {
	s := ecSigner("1")
	oct := `{"keys":[{"kty":"oct","kid":"1","alg":"HS256","k":"` + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("k", 32))) + `"}]}`
	enc := s.jwk()
	enc["use"] = "enc"
	encrypting, _ := json.Marshal(map[string]any{"keys": []any{enc}})
	for name, answer := range map[string]string{
		"no JSON": "<html>", "a list": "[]", "no keys": `{"keys":[]}`, "a shared secret": oct, "for encryption": string(encrypting),
		"too big": `{"keys":[` + strings.Repeat(" ", 2<<20) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
			t.Cleanup(server.Close)
			a := start(t, identity.Config{JWT: []identity.Issuer{{JWKS: server.URL, Algorithms: []string{"ES256", "HS256"}, Secret: secret.Text(strings.Repeat("x", 32))}}}, identity.Options{})
			claims := map[string]any{"sub": "s", "exp": time.Now().Add(time.Hour).Unix()}
			if _, err := a.Identify(bearer(s.sign(t, claims, nil))); err == nil {
				t.Error("it was taken")
			}
			forged := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims))
			forged.Header["kid"] = "1"
			text, _ := forged.SignedString([]byte(strings.Repeat("k", 32)))
			_, err := a.Identify(bearer(text))
			refused(t, a, err, notValid)
		})
	}
	t.Run("a redirect", func(t *testing.T) {
		real := newIssuer(t, s)
		server := httptest.NewServer(http.RedirectHandler(real.URL+"/keys", http.StatusFound))
		t.Cleanup(server.Close)
		a := start(t, identity.Config{JWT: []identity.Issuer{{JWKS: server.URL}}}, identity.Options{})
		if _, err := a.Identify(bearer(s.sign(t, map[string]any{"sub": "s", "exp": time.Now().Add(time.Hour).Unix()}, nil))); err == nil || real.asked() != 0 {
			t.Errorf("it was followed: %v", err)
		}
	})
}

// TestSeveralIssuers: iss chooses, and no issuer's key is good for another's tokens.
func TestSeveralIssuers(t *testing.T) {
	one, two, rest := ecSigner("k"), ecSigner("k"), edSigner("k")
	a := start(t, identity.Config{JWT: []identity.Issuer{
		{Issuer: "one", KeyFiles: []string{pemFile(t, one)}, ClientPrefix: "1:"},
		{Issuer: "two", KeyFiles: []string{pemFile(t, two)}, ClientPrefix: "2:"},
		{KeyFiles: []string{pemFile(t, rest)}, ClientPrefix: "3:"},
	}}, identity.Options{})
	for _, c := range []struct {
		by   signer
		iss  string
		want string
	}{{one, "one", "1:s"}, {two, "two", "2:s"}, {rest, "else", "3:s"}, {one, "two", ""}, {two, "one", ""}, {one, "else", ""}, {rest, "one", ""}} {
		client, err := a.Identify(bearer(c.by.sign(t, map[string]any{"iss": c.iss, "sub": "s", "exp": time.Now().Add(time.Hour).Unix()}, nil)))
		if client.ID != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %+v %v", c.iss, client, err)
		}
	}
}

// TestCachedTokensEnd: a token that was verified isn't taken beyond its end.
func TestCachedTokensEnd(t *testing.T) {
	now := newClock()
	s := edSigner("")
	a := start(t, identity.Config{JWT: []identity.Issuer{{KeyFiles: []string{pemFile(t, s)}, Leeway: -1}}}, identity.Options{Now: now.now})
	text := s.sign(t, map[string]any{"sub": "s", "exp": now.now().Add(10 * time.Second).Unix()}, nil)
	for range 10 {
		if c, err := a.Identify(bearer(text)); err != nil || !c.Expires.After(now.now()) {
			t.Fatalf("%+v %v", c, err)
		}
		now.advance(time.Second)
	}
	_, err := a.Identify(bearer(text))
	refused(t, a, err, expired, text)
}

// TestKeyFilesThatAreNone: mistakes with PEM files are told at the start.
func TestKeyFilesThatAreNone(t *testing.T) {
	private, _ := x509.MarshalPKCS8PrivateKey(rsaKeys()[0])
	for name, text := range map[string]string{
		"empty":   "",
		"private": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		"broken":  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})),
		"small":   string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: rsaKeys()[0].Primes[0], E: 65537})})),
	} {
		path := filepath.Join(t.TempDir(), "k.pem")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if a, err := identity.New(identity.Config{JWT: []identity.Issuer{{KeyFiles: []string{path}}}}, identity.Options{}); err == nil {
			a.Close()
			t.Errorf("%s: it was taken", name)
		} else if !strings.Contains(err.Error(), "jwt[0]: "+path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkTokenVerified(b *testing.B) {
	s := rsaSigner("1", 0)
	a := start(b, identity.Config{JWT: []identity.Issuer{{KeyFiles: []string{pemFile(b, s)}}}}, identity.Options{})
	r := bearer(s.sign(b, map[string]any{"sub": "s", "iss": "https://id.example.com", "aud": "graph", "scope": "read:a read:b read:c", "exp": time.Now().Add(time.Hour).Unix(), "padding": strings.Repeat("x", 300)}, nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Identify(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTokenFirstSeen(b *testing.B) {
	for name, s := range map[string]signer{"RS256": rsaSigner("1", 0), "ES256": ecSigner("1"), "EdDSA": edSigner("1")} {
		b.Run(name, func(b *testing.B) {
			a := start(b, identity.Config{JWT: []identity.Issuer{{KeyFiles: []string{pemFile(b, s)}, CacheFor: -1}}}, identity.Options{})
			r := bearer(s.sign(b, map[string]any{"sub": "s", "exp": time.Now().Add(time.Hour).Unix()}, nil))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Identify(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkKey(b *testing.B) {
	text, k := newKey(b, "mobile", func(k *identity.Key) { k.Scopes = []string{"a", "b"} })
	a := start(b, identity.Config{Keys: identity.Keys{File: keyFile(b, "k.yaml", k)}}, identity.Options{})
	r := request("X-Api-Key", text)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Identify(r); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzToken: whatever is sent as a token is refused, and quickly.
func FuzzToken(f *testing.F) {
	s := edSigner("1")
	a := start(f, identity.Config{JWT: []identity.Issuer{{Issuer: "x", KeyFiles: []string{pemFile(f, s)}}, {Issuer: "y", KeyFiles: []string{pemFile(f, s)}}}}, identity.Options{})
	good := s.sign(f, map[string]any{"sub": "s", "iss": "x", "exp": 99999999999}, nil)
	f.Add("a.b.c")
	f.Add(good[:len(good)-3])
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.")
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
		r.Header["Authorization"] = []string{"Bearer " + text}
		if c, err := a.Identify(r); err == nil && text != good {
			t.Errorf("%q is %+v", text, c)
		}
	})
}
