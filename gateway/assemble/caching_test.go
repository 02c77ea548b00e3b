package assemble_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/assemble"
)

// newKept is newGreeter with another schema.
func newKept(t *testing.T, sdl string) greeter {
	t.Helper()
	directives, err := os.ReadFile("../../schema/directives.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "directives.graphql", Input: string(directives)}, &ast.Source{Name: "kept.graphql", Input: sdl})
	if err != nil {
		t.Fatal(err)
	}
	return greeter{schema}
}

const keptForAMinute = `type Query { greeting: String @rest(service: "hello", get: "/greeting", select: "/text") @cacheControl(maxAge: 60) }`

// get asks by GET, with headers.
func get(t *testing.T, h http.Handler, headers map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/graphql?query=%7Bgreeting%7D", nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestResponsesAreKept(t *testing.T) {
	address, asked := counted(t, "Hello")
	g, err := assemble.New(newKept(t, keptForAMinute), configure(t, "admin: {listen: 127.0.0.1:0}\nservices: {hello: {url: "+address+"}}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	first := get(t, g.Handler(), nil)
	second := get(t, g.Handler(), nil)
	if asked.Load() != 1 || first.Body.String() != second.Body.String() || second.Code != http.StatusOK {
		t.Fatalf("%d requests; %s, %s", asked.Load(), first.Body, second.Body)
	}
	if c := second.Header().Get("Cache-Control"); !strings.HasPrefix(c, "max-age=") || !strings.HasSuffix(c, ", public") {
		t.Errorf("Cache-Control: %s", c)
	}
	if s := second.Header().Get("Cache-Status"); !strings.Contains(s, "hit") {
		t.Errorf("Cache-Status: %s", s)
	}
	again := get(t, g.Handler(), map[string]string{"If-None-Match": second.Header().Get("Etag")})
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("%d %s", again.Code, again.Body)
	}

	// An operator makes it go.
	r := httptest.NewRequest(http.MethodPost, "/cache/purge", strings.NewReader(`{"purge": [{"kind": "service", "name": "hello"}]}`))
	r.Host = "localhost"
	w := httptest.NewRecorder()
	g.Operators().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	get(t, g.Handler(), nil)
	if asked.Load() != 2 {
		t.Errorf("%d requests after a purge", asked.Load())
	}
}

func TestPurgeMistakes(t *testing.T) {
	address, _ := counted(t, "Hello")
	g, err := assemble.New(newKept(t, keptForAMinute), configure(t, "admin: {listen: 127.0.0.1:0}\nservices: {hello: {url: "+address+"}}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	for body, want := range map[string]string{
		"":                              "EOF",
		"{}":                            "nothing to purge",
		`{"purge": [{"kind": "moon"}]}`: "needs a name",
		`{"purge": [{"kind": "type", "name": "Moon"}]}`: "no object",
		`{"perge": []}`: "unknown field",
	} {
		r := httptest.NewRequest(http.MethodPost, "/cache/purge", strings.NewReader(body))
		r.Host = "localhost"
		w := httptest.NewRecorder()
		g.Operators().ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

// TestErrorsAreNotKept: an answer with an error is nobody else's.
func TestErrorsAreNotKept(t *testing.T) {
	var asked atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusConflict)
	}))
	t.Cleanup(service.Close)
	g, err := assemble.New(newKept(t, keptForAMinute), configure(t, "services: {hello: {url: "+service.URL+"}}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	for range 3 {
		if w := get(t, g.Handler(), nil); w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), "CONFLICT") {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	}
	if asked.Load() != 3 {
		t.Errorf("%d requests", asked.Load())
	}
}

// TestIdenticalQueriesRunOnce, also those that aren't kept.
func TestIdenticalQueriesRunOnce(t *testing.T) {
	var asked atomic.Int64
	held := make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-held
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"text": "Hello"}`)
	}))
	t.Cleanup(service.Close)
	g, err := assemble.New(newGreeter(t), configure(t, "services: {hello: {url: "+service.URL+", coalesce: false}}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	const clients = 20
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if answer := ask(t, g.Handler(), nil); answer != `{"data":{"greeting":"Hello"}}` {
				t.Error(answer)
			}
		})
	}
	for asked.Load() == 0 {
		if t.Context().Err() != nil {
			t.Fatal("never asked")
		}
	}
	close(held)
	all.Wait()
	if n := asked.Load(); n > clients/2 {
		t.Errorf("%d requests for %d identical queries", n, clients)
	}
}
