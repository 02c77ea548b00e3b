package edge_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

const get = "/graphql?query=%7Bgreeting%7D"

func TestCrossOrigin(t *testing.T) {
	r := start(t, `
edge:
  cors: {origins: ["https://app.example.com", "https://*.example.org"], credentials: true}
`)
	preflight := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type, x-api-key"}
	for _, c := range []struct {
		origin string
		status int
	}{
		{"https://app.example.com", 204},
		{"https://a.b.example.org", 204},
		{"https://example.com", 403},
		{"https://app.example.com.evil.example", 403},
		{"http://app.example.com", 403},
		{"null", 403},
	} {
		got := r.send(t, http.MethodOptions, "/graphql", "", append(preflight, "Origin", c.origin)...)
		got.check(t, c.origin, c.status, "")
		if allowed := got.Header.Get("Access-Control-Allow-Origin"); (allowed == c.origin) != (c.status == 204) || allowed == "*" {
			t.Errorf("%s: allowed is %q", c.origin, allowed)
		}
		if !strings.Contains(got.Header.Get("Vary"), "Origin") {
			t.Errorf("%s: Vary %q", c.origin, got.Header.Values("Vary"))
		}
		if c.status == 204 && (!strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), "X-Api-Key") || got.Header.Get("Access-Control-Allow-Credentials") != "true") {
			t.Errorf("%s: %v", c.origin, got.Header)
		}
		got = r.post(t, "{ greeting }", "Origin", c.origin)
		if allowed := got.Header.Get("Access-Control-Allow-Origin"); (allowed == c.origin) != (c.status == 204) {
			t.Errorf("%s: an answer for %q", c.origin, allowed)
		}
		for _, name := range []string{"Origin", "Accept"} {
			if !strings.Contains(strings.Join(got.Header.Values("Vary"), ","), name) {
				t.Errorf("Vary %q has no %s", got.Header.Values("Vary"), name)
			}
		}
	}
	got := r.send(t, http.MethodOptions, "/graphql", "")
	if got.StatusCode != http.StatusNoContent || !strings.Contains(got.Header.Get("Allow"), "POST") {
		t.Errorf("OPTIONS of no page: %d %v", got.StatusCode, got.Header)
	}
	if !strings.Contains(r.log.String(), "method=OPTIONS") {
		t.Error("preflights aren't logged")
	}
}

func TestForgedRequests(t *testing.T) {
	body := asJSON(map[string]any{"query": "mutation { count }"})
	batch := "[" + body + "]"
	r := start(t, "batching: {enabled: true}\nuploads: {enabled: true}\n")
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
	}{
		{"a program's POST", "POST", "/graphql", body, nil, 200},
		{"text/plain", "POST", "/graphql", body, []string{"Content-Type", "text/plain"}, 415},
		{"a form", "POST", "/graphql", "query=mutation{count}", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"a form with a file", "POST", "/graphql", "--x--", []string{"Content-Type", "multipart/form-data; boundary=x"}, 400},
		{"no type", "POST", "/graphql", body, []string{"Content-Type", ""}, 415},
		{"JSON that another origin's page sends", "POST", "/graphql", body, []string{"Sec-Fetch-Site", "cross-site"}, 400},
		{"a batch from there", "POST", "/graphql", batch, []string{"Sec-Fetch-Site", "cross-site"}, 400},
		{"an event stream from there", "POST", "/graphql", body, []string{"Sec-Fetch-Site", "cross-site", "Accept", "text/event-stream"}, 400},
		{"JSON of our own page", "POST", "/graphql", body, []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"a program's GET", "GET", get, "", nil, 200},
		{"a picture", "GET", get, "", []string{"Sec-Fetch-Site", "cross-site"}, 400},
		{"a picture of a subdomain", "GET", get, "", []string{"Sec-Fetch-Site", "same-site"}, 400},
		{"an event source", "GET", get, "", []string{"Sec-Fetch-Site", "cross-site", "Accept", "text/event-stream"}, 400},
		{"a stream's token", "GET", "/graphql?token=x", "", []string{"Origin", "https://evil.example", "Accept", "text/event-stream"}, 400},
		{"an old browser's", "GET", get, "", []string{"User-Agent", "Mozilla/5.0"}, 400},
		{"with a header", "GET", get, "", []string{"Sec-Fetch-Site", "cross-site", "Apollo-Require-Preflight", "1"}, 200},
		{"an odd type", "GET", get, "", []string{"Content-Type", "text/plain"}, 415},
	} {
		before := r.world.counted.Load()
		got := r.send(t, c.method, c.path, c.body, c.header...)
		got.check(t, c.name, c.status, "")
		if c.status != 200 && (r.world.counted.Load() != before || got.Header.Get("X-Request-Id") == "" || got.Header.Get("Content-Security-Policy") == "") {
			t.Errorf("%s: ran, or has no headers: %v", c.name, got.Header)
		}
	}
	r = start(t, "edge:\n  csrf: {headers: [X-Ours]}\n")
	r.send(t, http.MethodGet, get, "", "Sec-Fetch-Site", "cross-site", "Apollo-Require-Preflight", "1").check(t, "not ours", 400, "X-Ours")
	r.send(t, http.MethodGet, get, "", "Sec-Fetch-Site", "cross-site", "X-Ours", "1").check(t, "ours", 200, "hello")
}

// All answers keep browsers careful; the page of GraphiQL has a policy of its own.
func TestSecurityHeaders(t *testing.T) {
	r := start(t, "edge: {headers: {hsts: 8760h}}\n")
	for _, path := range []string{"/graphql", "/healthz", "/readyz", "/nothing", get, "/", "/graphiql/nothing"} {
		got := r.send(t, http.MethodGet, path, "")
		policy := got.Header.Get("Content-Security-Policy")
		page := path == "/" || strings.HasPrefix(path, "/graphiql/")
		if strings.Contains(policy, "script-src 'self'") != page || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if page != (got.Header.Get("Permissions-Policy") != "") {
			t.Errorf("%s: %v", path, got.Header)
		}
		if got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, got.Header)
		}
		if got.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: HSTS over http", path)
		}
	}
	link := r.send(t, http.MethodGet, "/", "", "Sec-Fetch-Site", "cross-site", "User-Agent", "Mozilla/5.0")
	link.check(t, "a link to the page", 200, "<")
}

// Who is counted and logged by address is whom trusted proxies say.
func TestTrustedProxies(t *testing.T) {
	const limits = "limits: {plans: {anonymous: {buckets: [{name: minute, capacity: 1, restore: 0.001}]}}}\n"
	for _, c := range []struct {
		name, yaml, believed, ignored string
	}{
		{"x-forwarded-for", "identity: {trusted_proxies: [127.0.0.1]}\n", "X-Forwarded-For", "Forwarded"},
		{"forwarded", "identity: {trusted_proxies: [127.0.0.1]}\nedge: {forwarded: forwarded}\n", "Forwarded", "X-Forwarded-For"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, limits+c.yaml)
			from := func(address string) []string {
				value := map[string]string{"Forwarded": "for=" + address, "X-Forwarded-For": address}
				return []string{c.believed, value[c.believed], c.ignored, value[c.ignored] + "9"}
			}
			var codes []int
			for _, address := range []string{"203.0.113.1", "203.0.113.1", "203.0.113.2", "203.0.113.1"} {
				codes = append(codes, r.post(t, "mutation { count }", from(address)...).StatusCode)
			}
			if want := []int{200, 429, 200, 429}; !slices.Equal(codes, want) {
				t.Errorf("got %v, want %v", codes, want)
			}
			if log := r.log.String(); !strings.Contains(log, "client=203.0.113.2") || strings.Contains(log, "client=203.0.113.29") {
				t.Error(log)
			}
		})
	}
	r := start(t, limits)
	for i, want := range []int{200, 429} {
		got := r.post(t, "mutation { count }", "X-Forwarded-For", []string{"203.0.113.1", "203.0.113.2"}[i])
		got.check(t, "from who is no proxy", want, "")
	}
}

// What a handler of a team's own listener gets is the same.
func TestHandlerIsGuardedToo(t *testing.T) {
	r := start(t, "")
	w := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(`{"query":"{greeting}"}`))
	req.Header.Set("Content-Type", "text/plain")
	r.gateway.Handler().ServeHTTP(w, req)
	if w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
