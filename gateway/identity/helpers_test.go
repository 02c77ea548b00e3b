package identity_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/internal/journal"
)

// start makes an Authenticator that the test's end closes.
func start(t testing.TB, c identity.Config, o identity.Options) *identity.Authenticator {
	t.Helper()
	a, err := identity.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// request has headers given as name, value, …
func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func bearer(token string) *http.Request { return request("Authorization", "Bearer "+token) }

// refused checks that an error is a refusal with a challenge, and that neither has a secret.
func refused(t testing.TB, a *identity.Authenticator, err error, public string, secrets ...string) {
	t.Helper()
	var failure *fail.Error
	if !errors.As(err, &failure) || failure.Kind != fail.Unauthenticated || failure.Message() != public {
		t.Fatalf("got %v, want %q", err, public)
	}
	challenge := a.Challenge(err)
	if challenge == "" {
		t.Error("no challenge")
	}
	for _, s := range secrets {
		if strings.Contains(err.Error()+challenge, s) {
			t.Errorf("the error tells %q: %v", s, err)
		}
	}
}

// clock is a time that tests set.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time           { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) advance(by time.Duration) { c.at.Add(int64(by)) }

// records is a log that can be read while it's written.
type records struct{ journal.Journal }

func (r *records) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

// eventually waits until something that others do has happened.
func eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !happened() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("never: %s", what)
		}
	}
}

// signer signs tokens. Keys are made once: RSA keys take long.
type signer struct {
	kid    string
	method jwt.SigningMethod
	key    crypto.Signer
}

var rsaKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		keys[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return keys
})

func rsaSigner(kid string, n int) signer { return signer{kid, jwt.SigningMethodRS256, rsaKeys()[n]} }

func ecSigner(kid string) signer {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return signer{kid, jwt.SigningMethodES256, key}
}

func edSigner(kid string) signer {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	return signer{kid, jwt.SigningMethodEdDSA, key}
}

// sign makes a token with headers beside alg and kid.
func (s signer) sign(t testing.TB, claims, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(s.method, jwt.MapClaims(claims))
	if s.kid != "" {
		token.Header["kid"] = s.kid
	}
	maps.Copy(token.Header, header)
	text, err := token.SignedString(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// jwk is the public key in JSON.
func (s signer) jwk() map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	k := map[string]any{"kid": s.kid, "use": "sig", "alg": s.method.Alg()}
	switch p := s.key.Public().(type) {
	case *rsa.PublicKey:
		k["kty"], k["n"], k["e"] = "RSA", b64(p.N.Bytes()), b64(big.NewInt(int64(p.E)).Bytes())
	case *ecdsa.PublicKey:
		point, _ := p.Bytes()
		k["kty"], k["crv"], k["x"], k["y"] = "EC", "P-256", b64(point[1:33]), b64(point[33:])
	case ed25519.PublicKey:
		k["kty"], k["crv"], k["x"] = "OKP", "Ed25519", b64(p)
	}
	return k
}

// issuer is a server with a key set, and a document that tells where it is.
type issuer struct {
	*httptest.Server

	mu       sync.Mutex
	keys     []map[string]any
	says     string // what the document calls the issuer; its URL by default
	down     bool
	requests int
}

func newIssuer(t testing.TB, signers ...signer) *issuer {
	i := &issuer{}
	i.set(signers...)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.down {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			says := i.says
			if says == "" {
				says = i.URL
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": says, "jwks_uri": i.URL + "/keys"})
		case "/keys":
			i.requests++
			_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.keys})
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) set(signers ...signer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []map[string]any{}
	for _, s := range signers {
		i.keys = append(i.keys, s.jwk())
	}
}

func (i *issuer) fails(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

func (i *issuer) asked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests
}

// startRedis starts a server for the test.
func startRedis(t testing.TB) (redis.UniversalClient, *os.Process) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server on the PATH")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	cmd := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port, DialerRetries: 1, MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	eventually(t, "Redis answers", func() bool { return client.Ping(context.Background()).Err() == nil })
	return client, cmd.Process
}
