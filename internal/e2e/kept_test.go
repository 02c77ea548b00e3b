package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// keeper is a service that counts what it's asked for: each answer holds how many there were before.
type keeper struct {
	mu     sync.Mutex // guards what follows
	asked  []string
	header map[string]string // of answers, "Name: value|Name: value", by the path's beginning
	status int
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	request := r.URL.RequestURI()
	if r.Method != http.MethodGet {
		request = r.Method + " " + request
	}
	k.asked = append(k.asked, request)
	for path, lines := range k.header {
		for line := range strings.SplitSeq(lines, "|") {
			if name, value, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(r.URL.Path, path) && r.Method == http.MethodGet {
				w.Header().Set(name, value)
			}
		}
	}
	if tag := r.Header.Get("If-None-Match"); tag != "" {
		k.asked[len(k.asked)-1] += " unless " + tag
		if tag == w.Header().Get("ETag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if k.status != 0 {
		w.WriteHeader(k.status)
	}
	if ids := r.URL.Query()["id"]; r.URL.Path == "/tools" {
		var all []string
		for _, id := range ids {
			if id != "gone" {
				all = append(all, fmt.Sprintf(`{"id":%q,"name":"%d"}`, id, len(k.asked)))
			}
		}
		_, _ = fmt.Fprintf(w, "[%s]", strings.Join(all, ","))
		return
	}
	_, _ = fmt.Fprint(w, len(k.asked))
}

func (k *keeper) change(do func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	do()
}

// kept is a gateway before a keeper. Each step is a query with the value that its only field has.
func kept(t *testing.T, yaml string, k *keeper) func(query, want string) {
	t.Helper()
	service := httptest.NewServer(k)
	t.Cleanup(service.Close)
	addresses := map[string]string{}
	for _, name := range serviceNames {
		addresses[name] = service.URL
	}
	cfg := readConfig(t, addresses)
	stock := cfg.Services["stock"]
	if yaml == "off" {
		stock.Cache.Enabled = false
	}
	cfg.Services["stock"] = stock
	address := serve(t, newSchema(), cfg)
	return func(query, want string) {
		t.Helper()
		_, answer := ask(t, address, &testCase{Query: query})
		var got struct {
			Data   map[string]json.RawMessage
			Errors []json.RawMessage
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, value := range got.Data {
			text = string(value)
		}
		if len(got.Errors) > 0 {
			text = "error"
		}
		if text != want {
			t.Errorf("%s: got %s, want %s", query, answer, want)
		}
	}
}

func (k *keeper) sees(t *testing.T, want ...string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Equal(k.asked, want) {
		t.Errorf("the service was asked for %q, want %q", k.asked, want)
	}
}

func TestAnswersOfServicesAreKept(t *testing.T) {
	k := &keeper{header: map[string]string{"/things/1": "Cache-Control: max-age=3600", "/things/2": "Cache-Control: no-store"}}
	get := kept(t, "", k)
	get(`{thing(id: 3)}`, "1") // says nothing
	get(`{thing(id: 3)}`, "2")
	get(`{thing(id: 1)}`, "3") // kept, though none of the call was so far
	get(`{thing(id: 1)}`, "3")
	get(`{thing(id: 2)}`, "4") // no-store
	get(`{thing(id: 2)}`, "5")
	get(`mutation {setThing(id: 2)}`, "6") // another address
	get(`{thing(id: 1)}`, "3")
	get(`mutation {setThing(id: 1)}`, "7")
	get(`{thing(id: 1)}`, "8")
	get(`{thing(id: 1)}`, "8")
	k.sees(t, "/things/3", "/things/3", "/things/1", "/things/2", "/things/2", "PUT /things/2", "PUT /things/1", "/things/1")
}

func TestAServiceWhoseAnswersAreNotKept(t *testing.T) {
	k := &keeper{header: map[string]string{"/": "Cache-Control: max-age=3600"}}
	get := kept(t, "off", k)
	get(`{thing(id: 1)}`, "1")
	get(`{thing(id: 1)}`, "2")
	get(`{rate(of: 1)}`, "3")
	get(`{rate(of: 1)}`, "4")
}

func TestWhatCallsSayOfKeeping(t *testing.T) {
	k := &keeper{header: map[string]string{
		"/rates/2": "Cache-Control: no-store", "/forecasts": "Cache-Control: no-store", "/secrets": "Cache-Control: max-age=3600",
	}}
	get := kept(t, "", k)
	get(`{rate(of: 1)}`, "1") // ttl
	get(`{rate(of: 1)}`, "1")
	get(`{rate(of: 2)}`, "2") // what answers say comes first
	get(`{rate(of: 2)}`, "3")
	get(`{forecast(of: 1)}`, "4") // respect: false
	get(`{forecast(of: 1)}`, "4")
	get(`{secret(of: 1)}`, "5") // enabled: false
	get(`{secret(of: 1)}`, "6")
	get(`{news}`, "7") // stale: not fresh, but it stands in
	k.change(func() { k.status = http.StatusServiceUnavailable })
	get(`{news}`, "7")
	get(`{thing(id: 1)}`, "error")
}

func TestItemsOfBatchesAreKept(t *testing.T) {
	k := &keeper{}
	get := kept(t, "", k)
	get(`{tools(ids: [1, 2]) {name}}`, `[{"name":"1"},{"name":"1"}]`)
	get(`{tools(ids: [2, 3, 1]) {name}}`, `[{"name":"1"},{"name":"2"},{"name":"1"}]`)
	get(`{tools(ids: [3, "gone"]) {name}}`, `[{"name":"2"},null]`)
	get(`{tools(ids: ["gone", 1]) {name}}`, `[null,{"name":"1"}]`)
	k.sees(t, "/tools?id=1&id=2", "/tools?id=3", "/tools?id=gone")
}

func TestAnswersAreRevalidated(t *testing.T) {
	k := &keeper{header: map[string]string{"/": `Cache-Control: no-cache|ETag: "1"`}}
	get := kept(t, "", k)
	get(`{thing(id: 1)}`, "1")
	get(`{thing(id: 1)}`, "1")
	get(`{tools(ids: [1, 2]) {name}}`, `[{"name":"3"},{"name":"3"}]`)
	get(`{tools(ids: [1, 2]) {name}}`, `[{"name":"3"},{"name":"3"}]`)
	get(`{tools(ids: [2]) {name}}`, `[{"name":"5"}]`) // the tag says nothing of one
	get(`{tools(ids: [2]) {name}}`, `[{"name":"5"}]`)
	k.change(func() { k.header["/"] = `Cache-Control: no-cache|ETag: "2"` })
	get(`{tools(ids: [2]) {name}}`, `[{"name":"7"}]`)
	k.sees(t, "/things/1", `/things/1 unless "1"`, "/tools?id=1&id=2", `/tools?id=1&id=2 unless "1"`,
		"/tools?id=2", `/tools?id=2 unless "1"`, `/tools?id=2 unless "1"`)
}

// Who asks is in the key: what one caller's headers brought is for nobody else.
func TestCallersDoNotShareWhatTheServiceTellsApart(t *testing.T) {
	k := &keeper{header: map[string]string{"/": "Cache-Control: public, max-age=3600"}}
	service := httptest.NewServer(k)
	t.Cleanup(service.Close)
	addresses := map[string]string{}
	for _, name := range serviceNames {
		addresses[name] = service.URL
	}
	cfg := readConfig(t, addresses)
	stock := cfg.Services["stock"]
	stock.Forward = []string{"X-User", "Authorization"}
	cfg.Services["stock"] = stock
	address := serve(t, newSchema(), cfg)
	for i, header := range []map[string]string{{"X-User": "a"}, {"X-User": "b"}, {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}, {"X-User": "a"}, {"Authorization": "Bearer b"}} {
		_, answer := ask(t, address, &testCase{Query: `{thing(id: 1)}`, Headers: header})
		want := []string{"1", "2", "3", "4", "1", "4"}[i]
		if string(answer) != `{"data":{"thing":`+want+`}}` {
			t.Errorf("%v: got %s, want %s", header, answer, want)
		}
	}
}
