package edge_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/edge"
)

func TestOrigins(t *testing.T) {
	o := must(edge.ParseOrigins([]string{"https://app.example.com", "https://*.example.org", "http://localhost:3000", "HTTPS://Caps.Example.net:443", "https://*.example.de:8443"}))
	for origin, want := range map[string]bool{
		"https://app.example.com":           true,
		"http://app.example.com":            false,
		"https://app.example.com:8443":      false,
		"https://app.example.com.evil.test": false,
		"https://evilapp.example.com":       false,
		"https://a.example.org":             true,
		"https://a.b.example.org":           true,
		"https://example.org":               false,
		"https://evilexample.org":           false,
		"https://.example.org":              false,
		"https://a..example.org":            false,
		"https://evil.test/.example.org":    false,
		"https://evil.test#.example.org":    false,
		"https://evil.test:1.example.org":   false,
		"https://user@x.example.org":        false,
		"http://a.example.org":              false,
		"https://a.example.org:8443":        false,
		"https://a.example.de:8443":         true,
		"https://a.example.de":              false,
		"http://localhost:3000":             true,
		"http://localhost":                  false,
		"https://caps.example.net":          true,
		"null":                              false,
		"":                                  false,
		"*":                                 false,
		"https://" + strings.Repeat("a.", 300) + "example.org": false,
	} {
		if o.Allows(origin) != want {
			t.Errorf("%s: %v", origin, !want)
		}
	}
	if anyone := must(edge.ParseOrigins([]string{"*"})); !anyone.Allows("https://x.test") || anyone.Allows("null") {
		t.Error("* is not any origin but null")
	}
	for _, text := range []string{"", "null", "example.com", "https://", "https://x.test/", "https://x.test/a", "https://u@x.test", "https://x.test?a", "https://x.test#", "https://*", "https://*.com", "https://a.*.com", "https://*a.example.com", "http://*.example.com", "https://*.10.0.0.1", "https:x"} {
		if _, err := edge.ParseOrigins([]string{text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	ok := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Vary", "Accept")
		_, _ = io.WriteString(w, "answer")
	}
	listed := edge.CORS{Origins: []string{"https://app.example.com"}, Credentials: true}
	anyone := edge.CORS{Origins: []string{"*"}}
	for _, c := range []struct {
		name      string
		config    edge.CORS
		method    string
		origin    string
		preflight bool
		status    int
		allow     string
		vary      string
	}{
		{"allowed", listed, "POST", "https://app.example.com", false, 200, "https://app.example.com", "Origin,Accept"},
		{"not allowed", listed, "POST", "https://evil.test", false, 200, "", "Origin,Accept"},
		{"null", listed, "POST", "null", false, 200, "", "Origin,Accept"},
		{"no page", listed, "POST", "", false, 200, "", "Origin,Accept"},
		{"anyone", anyone, "GET", "https://x.test", false, 200, "*", "Accept"},
		{"anyone's sandboxed frame", anyone, "GET", "null", false, 200, "", "Accept"},
		{"off", edge.CORS{}, "POST", "https://app.example.com", false, 200, "", "Accept"},
		{"preflight", listed, "OPTIONS", "https://app.example.com", true, 204, "https://app.example.com", "Origin,Access-Control-Request-Method, Access-Control-Request-Headers"},
		{"preflight, not allowed", listed, "OPTIONS", "https://evil.test", true, 403, "", "Origin,Access-Control-Request-Method, Access-Control-Request-Headers"},
		{"preflight, null", listed, "OPTIONS", "null", true, 403, "", "Origin,Access-Control-Request-Method, Access-Control-Request-Headers"},
		{"no preflight", listed, "OPTIONS", "https://app.example.com", false, 200, "https://app.example.com", "Origin,Accept"},
	} {
		reached := false
		url := serve(t, func(w http.ResponseWriter, r *http.Request) { reached = true; ok(w, r) }, must(edge.CrossOrigin(c.config)))
		header := map[string]string{}
		if c.origin != "" {
			header["Origin"] = c.origin
		}
		if c.preflight {
			header["Access-Control-Request-Method"] = "POST"
			header["Access-Control-Request-Headers"] = "content-type"
		}
		res, _ := ask(t, c.method, url, header, nil)
		if res.StatusCode != c.status || res.Header.Get("Access-Control-Allow-Origin") != c.allow || strings.Join(res.Header.Values("Vary"), ",") != c.vary {
			t.Errorf("%s: %d %v", c.name, res.StatusCode, res.Header)
		}
		if reached == c.preflight {
			t.Errorf("%s: reached the handler: %v", c.name, reached)
		}
		credentials := res.Header.Get("Access-Control-Allow-Credentials")
		if want := c.config.Credentials && c.allow != ""; (credentials == "true") != want {
			t.Errorf("%s: credentials %q", c.name, credentials)
		}
		if c.status == 204 && (res.Header.Get("Access-Control-Max-Age") != "7200" || !strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), "Content-Type") || !strings.Contains(res.Header.Get("Access-Control-Allow-Methods"), "POST")) {
			t.Errorf("%s: %v", c.name, res.Header)
		}
		exposed := res.Header.Get("Access-Control-Expose-Headers")
		if want := c.allow != "" && !c.preflight; strings.Contains(exposed, "RateLimit-Policy") != want {
			t.Errorf("%s: exposed %q", c.name, exposed)
		}
	}
}

// Two requests that share a list must not write into each other's headers.
func TestCrossOriginSharesNothing(t *testing.T) {
	h := must(edge.CrossOrigin(edge.CORS{Origins: []string{"*"}}))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Access-Control-Expose-Headers", "X-Mine")
	}))
	for range 2 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Origin", "https://x.test")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Values("Access-Control-Expose-Headers"); len(got) != 2 {
			t.Errorf("%q", got)
		}
	}
}

func TestSecure(t *testing.T) {
	wrap := must(edge.Secure(edge.Headers{HSTS: 1e9 * 3600, HSTSSubdomains: true}))
	h := wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	plain, secure := httptest.NewRecorder(), httptest.NewRecorder()
	h.ServeHTTP(plain, httptest.NewRequest(http.MethodGet, "http://x.test/", nil))
	h.ServeHTTP(secure, httptest.NewRequest(http.MethodGet, "https://x.test/", nil))
	for _, name := range []string{"X-Content-Type-Options", "Content-Security-Policy", "Cross-Origin-Resource-Policy"} {
		if plain.Header().Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	page := httptest.NewRecorder()
	edge.Page(h).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "http://x.test/", nil))
	for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy"} {
		if page.Header().Get(name) == "" {
			t.Errorf("no %s on pages", name)
		}
	}
	if plain.Header().Get("Strict-Transport-Security") != "" || secure.Header().Get("Strict-Transport-Security") != "max-age=3600; includeSubDomains" {
		t.Errorf("%v %v", plain.Header(), secure.Header())
	}
}
