package playground_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/playground"
)

func TestNewNamesEveryMistake(t *testing.T) {
	_, err := playground.New(playground.Config{Endpoint: "https://example.com/graphql", Headers: `["a"]`})
	if err == nil {
		t.Fatal("no error")
	}
	want := `playground: endpoint "https://example.com/graphql" is not a path like /graphql
playground: headers is not a JSON object of strings`
	if err.Error() != want {
		t.Errorf("error\n%s\nwant\n%s", err, want)
	}
	for _, endpoint := range []string{"graphql", "//example.com/graphql", `/\example.com`} {
		if _, err := playground.New(playground.Config{Endpoint: endpoint}); err == nil {
			t.Errorf("endpoint %q is taken", endpoint)
		}
	}
	for _, headers := range []string{"null", `{"a": 1}`, `{"a": "b"`} {
		if _, err := playground.New(playground.Config{Headers: headers}); err == nil {
			t.Errorf("headers %q is taken", headers)
		}
	}
}

func TestPageKeepsItsConfigurationInData(t *testing.T) {
	h := handler(t, playground.Config{Title: "A & B", Query: `{ a(b: "</script><script>alert(1)</script>") }`})
	got := get(h, "/", nil)
	if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", got.Code, got.Header())
	}
	page := got.Body.String()
	if !strings.Contains(page, "<title>A &amp; B</title>") {
		t.Errorf("the title is not escaped: %s", page)
	}
	// One script with a file, one with data; what the query says is neither.
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("%d scripts in the page, want 2:\n%s", n, page)
	}
	for _, link := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(link[1], playground.Prefix) {
			t.Errorf("the page refers to %s", link[1])
		}
		if file := get(h, link[1], nil); file.Code != http.StatusOK {
			t.Errorf("%s: %d", link[1], file.Code)
		}
	}
}

// The nonce lets the style elements that Monaco makes through. It's another one for each visit, and the page isn't kept.
func TestNonceIsForOneVisit(t *testing.T) {
	h := handler(t, playground.Config{})
	seen := map[string]bool{}
	for range 3 {
		page := get(h, "/graphiql", nil)
		nonce := regexp.MustCompile(`'nonce-([A-Z0-9]{20,})'`).FindStringSubmatch(page.Header().Get("Content-Security-Policy"))
		if nonce == nil || seen[nonce[1]] || !strings.Contains(page.Body.String(), `"nonce":"`+nonce[1]+`"`) {
			t.Fatalf("nonce %v, before %v", nonce, seen)
		}
		seen[nonce[1]] = true
		if got := page.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control: %s", got)
		}
	}
}

func TestFilesGoOutAsTheyAreStored(t *testing.T) {
	h := handler(t, playground.Config{})
	stored, err := os.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range stored {
		name, packed := strings.CutSuffix(entry.Name(), ".gz")
		if !packed {
			continue
		}
		small := get(h, playground.Prefix+name, http.Header{"Accept-Encoding": {"br, gzip;q=0.5"}})
		plain := get(h, playground.Prefix+name, nil)
		if small.Code != http.StatusOK || plain.Code != http.StatusOK {
			t.Errorf("%s: %d gzipped, %d plain", name, small.Code, plain.Code)
			continue
		}
		if small.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: wrong Content-Encoding", name)
		}
		for _, got := range []*httptest.ResponseRecorder{small, plain} {
			if cache := got.Header().Get("Cache-Control"); !strings.Contains(cache, "immutable") {
				t.Errorf("%s: Cache-Control %q", name, cache)
			}
			if got.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: Vary %q", name, got.Header().Get("Vary"))
			}
		}
		if !bytes.Equal(unpack(t, small.Body), plain.Body.Bytes()) {
			t.Errorf("%s: gzipped and plain are different files", name)
		}
	}
}

func TestGzipIsTheClientsChoice(t *testing.T) {
	h := handler(t, playground.Config{})
	script := regexp.MustCompile(`src="([^"]+)"`).FindStringSubmatch(get(h, "/", nil).Body.String())[1]
	for accept, want := range map[string]string{
		"gzip":              "gzip",
		"GZIP ; q=1.0":      "gzip",
		"*":                 "gzip",
		"br, *;q=0":         "",
		"*, gzip;q=0":       "",
		"gzip;q=0.000, *":   "",
		"gzip;q=nonsense":   "",
		"identity, deflate": "",
		"":                  "",
	} {
		got := get(h, script, http.Header{"Accept-Encoding": {accept}})
		if coding := got.Header().Get("Content-Encoding"); coding != want {
			t.Errorf("Accept-Encoding %q: Content-Encoding %q, want %q", accept, coding, want)
		}
	}
}

// The workers are under the policy of their own answer, so files carry it as well as the page.
func TestEveryAnswerIsProtected(t *testing.T) {
	h := handler(t, playground.Config{})
	script := regexp.MustCompile(`src="([^"]+)"`).FindStringSubmatch(get(h, "/", nil).Body.String())[1]
	for _, path := range []string{"/", script, playground.Prefix + "none.js"} {
		head := get(h, path, nil).Header()
		policy := head.Get("Content-Security-Policy")
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q has an exception", path, policy)
		}
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy+";", part+";") {
				t.Errorf("%s: policy %q lacks %s", path, policy, part)
			}
		}
		if head.Get("X-Content-Type-Options") != "nosniff" || head.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, head)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	h := handler(t, playground.Config{})
	for _, path := range []string{"none.js", "manifest.json", "../page.html", "assets/manifest.json"} {
		if got := get(h, playground.Prefix+path, nil); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	post := httptest.NewRecorder()
	h.ServeHTTP(post, httptest.NewRequest(http.MethodPost, "/", nil))
	if post.Code != http.StatusMethodNotAllowed || post.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", post.Code, post.Header().Get("Allow"))
	}
	head := httptest.NewRecorder()
	h.ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/", nil))
	if head.Code != http.StatusOK || head.Body.Len() > 0 {
		t.Errorf("HEAD: %d with %d bytes", head.Code, head.Body.Len())
	}
}

func handler(t *testing.T, config playground.Config) http.Handler {
	t.Helper()
	h, err := playground.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, path string, head http.Header) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.URL.Path = path
	for name, values := range head {
		request.Header[name] = values
	}
	got := httptest.NewRecorder()
	h.ServeHTTP(got, request)
	return got
}

func unpack(t *testing.T, packed io.Reader) []byte {
	t.Helper()
	reader, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
