package identity_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/secret"
)

func TestAnonymousByAddress(t *testing.T) {
	a := start(t, identity.Config{TrustedProxies: []string{"10.0.0.0/8", "192.0.2.7", "fd00::/8"}}, identity.Options{})
	for _, c := range []struct{ peer, forwarded, want string }{
		{"203.0.113.9:4711", "", "203.0.113.9"},
		{"203.0.113.9:4711", "198.51.100.1", "203.0.113.9"}, // anyone can write that
		{"10.1.2.3:80", "198.51.100.1", "198.51.100.1"},
		{"10.1.2.3:80", "", "10.1.2.3"},
		{"10.1.2.3:80", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"},
		{"10.1.2.3:80", "1.1.1.1|198.51.100.1,10.9.9.9", "198.51.100.1"}, // two lines
		{"10.1.2.3:80", "10.0.0.1, 10.0.0.2", "10.0.0.1"},
		{"10.1.2.3:80", "198.51.100.1, unknown", "10.1.2.3"},
		{"10.1.2.3:80", "unknown, 10.0.0.1", "10.0.0.1"},
		{"10.1.2.3:80", "198.51.100.1:5555", "198.51.100.1"},
		{"10.1.2.3:80", ",,", "10.1.2.3"},
		{"192.0.2.7:80", "198.51.100.1", "198.51.100.1"},
		{"192.0.2.8:80", "198.51.100.1", "192.0.2.8"},
		{"[2001:db8:1:2:3:4:5:6]:80", "", "2001:db8:1:2::/64"},
		{"[2001:db8:1:2:ffff::1]:80", "", "2001:db8:1:2::/64"},
		{"[2001:db8:1:3::1]:80", "", "2001:db8:1:3::/64"},
		{"[::ffff:203.0.113.9]:80", "", "203.0.113.9"},
		{"[::ffff:10.0.0.1]:80", "198.51.100.1", "198.51.100.1"},
		{"[fd00::1]:80", "[2001:db8::1]:99", "2001:db8::/64"},
		{"[fe80::1%eth0]:80", "", "fe80::/64"},
		{"10.1.2.3:80", strings.Repeat("10.0.0.1,", 100) + "10.0.0.2", "10.0.0.1"},
		{"@", "", "unknown"},
		{"", "198.51.100.1", "unknown"},
	} {
		r := request()
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header["X-Forwarded-For"] = strings.Split(c.forwarded, "|")
		}
		got, err := a.Identify(r)
		if err != nil || got.ID != c.want || got.Plan != "anonymous" || got.Authenticated || got.Method != identity.Anonymous || got.Account() != "address:"+c.want {
			t.Errorf("%s, %q: %+v %v", c.peer, c.forwarded, got, err)
		}
	}
}

func FuzzForwarded(f *testing.F) {
	a := start(f, identity.Config{TrustedProxies: []string{"10.0.0.0/8"}}, identity.Options{})
	f.Add("1.1.1.1, 10.0.0.1")
	f.Add("[::1]:80,,x")
	f.Fuzz(func(t *testing.T, text string) {
		r := request()
		r.RemoteAddr = "10.0.0.1:1"
		r.Header["X-Forwarded-For"] = []string{text}
		if c, err := a.Identify(r); err != nil || c.ID == "" || len(c.ID) > 50 {
			t.Errorf("%+v %v", c, err)
		}
	})
}

func TestCertificates(t *testing.T) {
	parse := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	leaf := &x509.Certificate{
		Subject: pkix.Name{CommonName: "billing"}, DNSNames: []string{"a.example.com", "b.example.com"}, NotAfter: time.Now().Add(time.Hour),
		URIs: []*url.URL{parse("https://x.example"), parse("spiffe://example.com/billing")}, EmailAddresses: []string{"ops@example.com"},
	}
	for _, c := range []struct {
		config identity.Certificates
		leaf   *x509.Certificate
		want   string // "" is refused, "-" anonymous
	}{
		{identity.Certificates{Name: "cn"}, leaf, "billing"},
		{identity.Certificates{Name: "uri", Prefix: "spiffe://example.com/"}, leaf, "spiffe://example.com/billing"},
		{identity.Certificates{Name: "uri"}, leaf, ""}, // which of the two
		{identity.Certificates{Name: "dns", Prefix: "b."}, leaf, "b.example.com"},
		{identity.Certificates{Name: "dns"}, leaf, ""},
		{identity.Certificates{Name: "email"}, leaf, "ops@example.com"},
		{identity.Certificates{Name: "cn"}, &x509.Certificate{}, ""},
		{identity.Certificates{Name: "cn", Prefix: "corp-"}, leaf, ""},
		{identity.Certificates{}, leaf, "-"},
		{identity.Certificates{Name: "cn"}, nil, "-"},
	} {
		a := start(t, identity.Config{MTLS: c.config, Clients: []identity.ClientConfig{{ID: "billing", Plan: "internal", Scopes: []string{"all"}}}}, identity.Options{})
		r := request()
		if c.leaf != nil {
			r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{c.leaf}}, PeerCertificates: []*x509.Certificate{c.leaf}}
		}
		client, err := a.Identify(r)
		switch c.want {
		case "":
			refused(t, a, err, "The client certificate names no client.")
		case "-":
			if err != nil || client.Authenticated {
				t.Errorf("%+v: %+v %v", c.config, client, err)
			}
		default:
			if err != nil || client.ID != c.want || client.Method != identity.MTLS || !client.Authenticated || client.Expires != leaf.NotAfter {
				t.Errorf("%+v: %+v %v", c.config, client, err)
			}
			if c.want == "billing" && (client.Plan != "internal" || !client.Scopes.Has("all")) {
				t.Errorf("%+v", client)
			}
		}
	}
	a := start(t, identity.Config{MTLS: identity.Certificates{Name: "cn"}}, identity.Options{})
	r := request()
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}} // shown, not verified
	if c, err := a.Identify(r); err != nil || c.Authenticated {
		t.Errorf("%+v %v", c, err)
	}
}

// TestSeveralCredentials: all must be right; the key names the client, the token on whose behalf it calls.
func TestSeveralCredentials(t *testing.T) {
	text, k := newKey(t, "mobile", func(k *identity.Key) { k.Plan, k.Scopes = "gold", []string{"app"} })
	s := edSigner("")
	a := start(t, identity.Config{
		Keys: identity.Keys{File: keyFile(t, "k.yaml", k)},
		JWT:  []identity.Issuer{{KeyFiles: []string{pemFile(t, s)}, PlanClaim: "plan"}},
		MTLS: identity.Certificates{Name: "cn"},
	}, identity.Options{})
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	token := s.sign(t, map[string]any{"sub": "ann", "plan": "user", "scope": "mine", "exp": end.Unix()}, nil)
	certified := func(r *http.Request) *http.Request {
		leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "mesh"}, NotAfter: time.Now().Add(24 * time.Hour)}
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
		return r
	}
	for _, c := range []struct {
		name, want string
		r          *http.Request
	}{
		{"key and token", "mobile gold api_key ann app,mine", request("X-Api-Key", text, "Authorization", "Bearer "+token)},
		{"key and certificate", "mobile gold api_key  app", certified(request("X-Api-Key", text))},
		{"certificate and token", "mesh default mtls ann mine", certified(bearer(token))},
		{"all three", "mobile gold api_key ann app,mine", certified(request("X-Api-Key", text, "Authorization", "Bearer "+token))},
		{"the token alone", "ann user jwt ann mine", bearer(token)},
	} {
		client, err := a.Identify(c.r)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := strings.Join([]string{client.ID, client.Plan, client.Method.String(), client.Subject, strings.Join(client.Scopes, ",")}, " ")
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if _, claims := client.Claims.Text("sub"); claims != (client.Subject != "") || client.Account() != "client:"+client.ID {
			t.Errorf("%s: %+v", c.name, client)
		}
		if client.Subject != "" && client.Expires.After(end.Add(time.Minute)) {
			t.Errorf("%s: it ends %v", c.name, client.Expires)
		}
	}
	_, err := a.Identify(request("X-Api-Key", text, "Authorization", "Bearer "+token+"x"))
	refused(t, a, err, notValid, text, token)
	_, err = a.Identify(request("X-Api-Key", text[1:]+"x", "Authorization", "Bearer "+token))
	refused(t, a, err, "The API key is not valid.", text, token)
	if got := a.Challenge(err); got != `Bearer realm="graphql", ApiKey realm="graphql"` {
		t.Errorf("challenge %s", got)
	}
}

// TestConnectionInit: what the first message of a WebSocket says wins over the headers of the request.
func TestConnectionInit(t *testing.T) {
	one, k1 := newKey(t, "one", nil)
	two, k2 := newKey(t, "two", nil)
	s := edSigner("")
	token := s.sign(t, map[string]any{"sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}, nil)
	a := start(t, identity.Config{Keys: identity.Keys{File: keyFile(t, "k.yaml", k1, k2)}, JWT: []identity.Issuer{{KeyFiles: []string{pemFile(t, s)}}}}, identity.Options{})
	for _, c := range []struct {
		name    string
		payload map[string]any
		r       *http.Request
		want    string
	}{
		{"nothing", nil, request(), "192.0.2.1"},
		{"the header", nil, request("X-Api-Key", one), "one"},
		{"the payload", map[string]any{"X-Api-Key": two}, request(), "two"},
		{"both", map[string]any{"x-API-key": two}, request("X-Api-Key", one), "two"},
		{"nested", map[string]any{"headers": map[string]any{"x-api-key": two}}, request(), "two"},
		{"a token", map[string]any{"authorization": "Bearer " + token}, request(), "ann"},
		{"a token over a bad header", map[string]any{"Authorization": "Bearer " + token}, bearer("bad"), "ann"},
		{"a key beside a token", map[string]any{"Authorization": "Bearer " + token}, request("X-Api-Key", one), "one"},
		{"other things", map[string]any{"X-Api-Key": 5, "headers": "x", "a b": "c", "": "d"}, request(), "192.0.2.1"},
		{"a bad key", map[string]any{"X-Api-Key": "bad"}, request("X-Api-Key", one), ""},
		{"two keys", map[string]any{"X-Api-Key": one, "x-api-key": two}, request(), ""},
	} {
		client, err := a.IdentifyInit(t.Context(), c.payload, c.r)
		if client.ID != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %+v %v", c.name, client, err)
		}
	}
}

func TestContext(t *testing.T) {
	if c := identity.From(context.Background()); c.ID != "" || c.Authenticated {
		t.Errorf("%+v", c)
	}
	want := identity.Client{ID: "x", Scopes: identity.NewScopes("b", "a", "b")}
	if got := identity.From(identity.With(t.Context(), want)); got.ID != "x" || !got.Scopes.Has("a") || got.Scopes.Has("c") || len(got.Scopes) != 2 {
		t.Errorf("%+v", got)
	}
	names := map[string]bool{}
	for m := identity.Anonymous; m <= identity.MTLS; m++ {
		names[m.String()] = true
	}
	if len(names) != 4 || names[""] || identity.Method(99).String() != "unknown" || identity.Method(-1).String() != "unknown" {
		t.Errorf("%v", names)
	}
}

func TestConfigProblems(t *testing.T) {
	key := []string{"k.pem"}
	for want, c := range map[string]identity.Config{
		`trusted_proxies[0]: "10.0.0.0/99" is no network`:     {TrustedProxies: []string{"10.0.0.0/99"}},
		`clients[0]: id is missing`:                           {Clients: []identity.ClientConfig{{}}},
		`clients[1]: "a" is there twice`:                      {Clients: []identity.ClientConfig{{ID: "a"}, {ID: "a"}}},
		`clients[0]: scopes: "a b"`:                           {Clients: []identity.ClientConfig{{ID: "a", Scopes: []string{"a b"}}}},
		`keys: headers: "X Key" is no name`:                   {Keys: identity.Keys{Headers: []string{"X Key"}}},
		`keys: headers: Authorization is for tokens`:          {Keys: identity.Keys{Headers: []string{"authorization"}}},
		`keys: cache_for is 6s; give 5s at most`:              {Keys: identity.Keys{CacheFor: 6 * time.Second}},
		`keys: stale_for is negative`:                         {Keys: identity.Keys{StaleFor: -1}},
		`jwt[0]: there are no keys`:                           {JWT: []identity.Issuer{{}}},
		`jwt[0]: discovery: issuer is missing`:                {JWT: []identity.Issuer{{Discovery: true}}},
		`jwt[0]: discovery and jwks`:                          {JWT: []identity.Issuer{{Discovery: true, Issuer: "https://x", JWKS: "https://x"}}},
		`jwt[0]: jwks: keys are fetched by https`:             {JWT: []identity.Issuer{{JWKS: "http://id.example.com/keys"}}},
		`jwt[0]: issuer: it is no URL`:                        {JWT: []identity.Issuer{{Discovery: true, Issuer: "x"}}},
		`jwt[0]: algorithms: "none"; give some of ES256`:      {JWT: []identity.Issuer{{KeyFiles: key, Algorithms: []string{"RS256", "none"}}}},
		`jwt[0]: algorithms: HS256 needs secret`:              {JWT: []identity.Issuer{{KeyFiles: key, Algorithms: []string{"HS256", "RS256"}}}},
		`jwt[0]: secret is under the 32 bytes`:                {JWT: []identity.Issuer{{Secret: "short"}}},
		`jwt[0]: secret is under the 64 bytes`:                {JWT: []identity.Issuer{{Secret: secret.Text(strings.Repeat("x", 32)), Algorithms: []string{"HS512"}}}},
		`jwt[0]: secret is for HS256`:                         {JWT: []identity.Issuer{{Secret: secret.Text(strings.Repeat("x", 32)), KeyFiles: key}}},
		`jwt[0]: algorithms: none of them is for public keys`: {JWT: []identity.Issuer{{Secret: secret.Text(strings.Repeat("x", 32)), KeyFiles: key, Algorithms: []string{"HS256"}}}},
		`jwt[0]: leeway is 1h0m0s`:                            {JWT: []identity.Issuer{{KeyFiles: key, Leeway: time.Hour}}},
		`jwt[0]: cache_for is 1h0m0s`:                         {JWT: []identity.Issuer{{KeyFiles: key, CacheFor: time.Hour}}},
		`jwt[0]: max_bytes is negative`:                       {JWT: []identity.Issuer{{KeyFiles: key, MaxBytes: -1}}},
		`jwt[0]: refresh_every is negative`:                   {JWT: []identity.Issuer{{KeyFiles: key, RefreshEvery: -1}}},
		`jwt[1]: issuer: "x" is there twice`:                  {JWT: []identity.Issuer{{Issuer: "x", KeyFiles: key}, {Issuer: "x", KeyFiles: key}}},
		`mtls: name is "san"`:                                 {MTLS: identity.Certificates{Name: "san"}},
		`mtls: prefix without name`:                           {MTLS: identity.Certificates{Prefix: "x"}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "short") {
			t.Errorf("got %v, want %s", err, want)
		}
		if a, err := identity.New(c, identity.Options{}); err == nil {
			a.Close()
			t.Errorf("it was taken: %s", want)
		}
	}
	if err := (identity.Config{}).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
	both := identity.Config{TrustedProxies: []string{"x"}, MTLS: identity.Certificates{Name: "y"}}
	if err := both.Validate(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("not all at once: %v", err)
	}
	if _, err := identity.New(identity.Config{Keys: identity.Keys{Redis: true}}, identity.Options{}); err == nil {
		t.Error("Redis without a connection")
	}
}
