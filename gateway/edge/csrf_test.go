package edge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/edge"
)

const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

func TestGuard(t *testing.T) {
	origins := must(edge.ParseOrigins([]string{"https://app.example.com"}))
	wrap := must(edge.Guard(edge.CSRF{}, origins))
	h := wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	type header map[string]string
	for _, c := range []struct {
		name   string
		method string
		header header
		status int
	}{
		// Programs.
		{"curl, POST", "POST", header{"Content-Type": "application/json", "User-Agent": "curl/8"}, 200},
		{"curl, GET", "GET", header{"User-Agent": "curl/8"}, 200},
		{"the audits' GET", "GET", header{"Accept": "application/graphql-response+json", "User-Agent": "node", "Sec-Fetch-Mode": "cors"}, 200},
		{"Apollo Client's GET", "GET", header{"Content-Type": "application/json", "User-Agent": "x"}, 200},
		{"a POST with a charset", "POST", header{"Content-Type": "application/json; charset=utf-8"}, 200},
		{"an editor in Electron", "POST", header{"Content-Type": "application/json", "Origin": "altair://-", "User-Agent": chrome}, 200},

		// Pages of our own, and of those that CORS allows.
		{"GraphiQL", "POST", header{"Content-Type": "application/json", "Origin": "http://gateway.test", "Sec-Fetch-Site": "same-origin", "User-Agent": chrome}, 200},
		{"GraphiQL behind a proxy", "POST", header{"Content-Type": "application/json", "Origin": "https://public.test", "User-Agent": chrome}, 200},
		{"own GET", "GET", header{"Sec-Fetch-Site": "same-origin", "User-Agent": chrome}, 200},
		{"typed by the user", "GET", header{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "User-Agent": chrome}, 200},
		{"allowed origin, POST", "POST", header{"Content-Type": "application/json", "Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site", "User-Agent": chrome}, 200},
		{"allowed origin, GET", "GET", header{"Origin": "https://app.example.com", "Sec-Fetch-Site": "same-site", "User-Agent": chrome}, 200},
		{"allowed origin, files", "POST", header{"Content-Type": "multipart/form-data; boundary=x", "Apollo-Require-Preflight": "1", "Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"}, 200},

		// Side effects: forms and fetch without asking.
		{"form, urlencoded", "POST", header{"Content-Type": "application/x-www-form-urlencoded"}, 415},
		{"form, text", "POST", header{"Content-Type": "text/plain"}, 415},
		{"form, text that looks like JSON", "POST", header{"Content-Type": "text/plain; application/json"}, 415},
		{"two types in one", "POST", header{"Content-Type": "text/plain, application/json"}, 415},
		{"two types in one, other order", "POST", header{"Content-Type": "application/json, text/plain"}, 415},
		{"no type", "POST", header{}, 415},
		{"empty type", "POST", header{"Content-Type": ""}, 415},
		{"a type without slash", "POST", header{"Content-Type": "json"}, 415},
		{"capital letters", "POST", header{"Content-Type": "TEXT/PLAIN"}, 415},
		{"form, multipart", "POST", header{"Content-Type": "multipart/form-data; boundary=x"}, 400},
		{"multipart from allowed origin, not asked", "POST", header{"Content-Type": "multipart/form-data; boundary=x", "Origin": "https://app.example.com"}, 400},
		{"multipart, empty header", "POST", header{"Content-Type": "multipart/form-data; boundary=x", "Apollo-Require-Preflight": ""}, 400},
		{"multipart, header", "POST", header{"Content-Type": "multipart/form-data; boundary=x", "GraphQL-Require-Preflight": "true"}, 200},
		{"multipart, Apollo's header", "POST", header{"Content-Type": "multipart/form-data; boundary=x", "X-Apollo-Operation-Name": "Add"}, 200},

		// A browser that forgot to ask.
		{"JSON from elsewhere", "POST", header{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}, 400},
		{"JSON from a frame without origin", "POST", header{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site", "Origin": "null"}, 400},
		{"JSON from a neighbour", "POST", header{"Content-Type": "application/json", "Sec-Fetch-Site": "same-site", "Origin": "https://other.example.com"}, 400},
		{"GET with an odd type", "GET", header{"Content-Type": "text/whatever", "User-Agent": chrome}, 415},
		{"GET with message/external-body", "GET", header{"Content-Type": "message/external-body", "Sec-Fetch-Site": "cross-site"}, 415},
		{"GET with JSON from elsewhere", "GET", header{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}, 400},

		// Reading by time (XS-Search): pictures, scripts, links.
		{"img", "GET", header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "User-Agent": chrome}, 400},
		{"link", "GET", header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "User-Agent": chrome}, 400},
		{"a neighbour's img", "GET", header{"Sec-Fetch-Site": "same-site", "User-Agent": chrome}, 400},
		{"fetch with cors", "GET", header{"Origin": "https://evil.test", "User-Agent": chrome}, 400},
		{"img over http, or of an old browser", "GET", header{"Accept": "application/json", "User-Agent": chrome}, 400},
		{"the same by HEAD", "HEAD", header{"User-Agent": chrome}, 400},
		{"the same with leave", "GET", header{"User-Agent": chrome, "Apollo-Require-Preflight": "1"}, 200},
		{"unknown site", "GET", header{"Sec-Fetch-Site": "Same-Origin"}, 400},

		// Neither.
		{"preflight", "OPTIONS", header{"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}, 200},
		{"PUT", "PUT", header{"Sec-Fetch-Site": "cross-site"}, 200},
		{"WebSocket", "GET", header{"Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}, 200},
		{"half a WebSocket", "GET", header{"Upgrade": "websocket", "Origin": "https://evil.test"}, 400},
	} {
		r := httptest.NewRequest(c.method, "http://gateway.test/graphql", nil)
		for name, value := range c.header {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.name, w.Code, c.status)
		}
		if w.Code != 200 && (!strings.HasPrefix(w.Body.String(), `{"errors":[{"message":"`) || !strings.Contains(w.Body.String(), `"code":"BAD_REQUEST"`)) {
			t.Errorf("%s: %s", c.name, w.Body)
		}
	}
}

func TestGuardWithSeveralValues(t *testing.T) {
	h := must(edge.Guard(edge.CSRF{}, edge.Origins{}))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, c := range []http.Header{
		{"Content-Type": {"application/json", "text/plain"}},
		{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin", "cross-site"}},
		{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-site"}, "Origin": {"http://example.com", "https://evil.test"}},
	} {
		r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
		r.Header = c
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code == 200 {
			t.Errorf("%v passed", c)
		}
	}
}

func TestGuardByConfiguration(t *testing.T) {
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	own := must(edge.Guard(edge.CSRF{Headers: []string{"x-my-app"}}, edge.Origins{}))(ok)
	off := must(edge.Guard(edge.CSRF{Disabled: true}, edge.Origins{}))(ok)
	for _, c := range []struct {
		h      http.Handler
		header string
		status int
	}{{own, "X-My-App", 200}, {own, "Apollo-Require-Preflight", 400}, {off, "X", 200}} {
		r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		r.Header.Set(c.header, "1")
		w := httptest.NewRecorder()
		if c.h.ServeHTTP(w, r); w.Code != c.status {
			t.Errorf("%s: %d", c.header, w.Code)
		}
	}
	for _, name := range []string{"Content-Type", "accept", "Sec-Fetch-Site", "X Y", "", "user-agent"} {
		if (edge.CSRF{Headers: []string{name}}).Validate() == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

// Nothing that a page can send without asking gets through, whatever it writes where it may.
func FuzzGuard(f *testing.F) {
	f.Add("text/plain", "*/*", "en", true)
	f.Add("multipart/form-data; boundary=application/json", "application/json", "x", false)
	h := must(edge.Guard(edge.CSRF{}, edge.Origins{}))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	f.Fuzz(func(t *testing.T, contentType, accept, language string, post bool) {
		lower := strings.ToLower(contentType)
		simple := false
		for _, kind := range []string{"text/plain", "multipart/form-data", "application/x-www-form-urlencoded"} {
			essence, _, _ := strings.Cut(lower, ";")
			simple = simple || strings.Trim(essence, " \t\r\n") == kind
		}
		if contentType != "" && !simple {
			return // a browser would ask
		}
		r := httptest.NewRequest(http.MethodGet, "/graphql", nil)
		if post {
			r.Method = "POST"
		}
		r.Header = http.Header{"Accept": {accept}, "Accept-Language": {language}, "User-Agent": {chrome}, "Origin": {"https://evil.test"}, "Sec-Fetch-Site": {"cross-site"}}
		if contentType != "" {
			r.Header["Content-Type"] = []string{contentType}
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code == 200 {
			t.Errorf("%q passed", contentType)
		}
	})
}

// What every request passes.
func BenchmarkEveryRequest(b *testing.B) {
	e := must(edge.New(edge.Config{CORS: edge.CORS{Origins: []string{"https://app.example.com", "https://*.example.org"}}}, edge.Options{MaxBodyBytes: 1 << 20}))
	h := e.Secure(e.CrossOrigin(e.Inflate(e.Compress(e.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		w.Header()["Content-Length"] = []string{"2"}
		_, _ = w.Write([]byte("{}"))
	}))))))
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "Origin": {"https://a.example.org"}, "Sec-Fetch-Site": {"cross-site"}, "Accept-Encoding": {"gzip, deflate, br, zstd"},
	}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(&sink{header: http.Header{}}, r)
	}
}
