package event_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/tributary-gateway/tributary/gateway/secret"
	"github.com/tributary-gateway/tributary/upstreams/event"
)

func TestPush(t *testing.T) {
	config := event.Config{Tokens: []secret.Text{"0123456789abcdef", "another token, 2"}, MaxEventBytes: 100}
	h := newHub(t, config, "")
	events, err := h.Subscribe(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	const good, right, isJSON = `{"topic":"a","payload":{"x":1}}`, "Bearer 0123456789abcdef", "application/json"
	for name, c := range map[string]struct {
		method, token, media, body string
		status                     int
		code                       string
	}{
		"good":             {"POST", right, isJSON, good, 202, ""},
		"second token":     {"POST", "bearer another token, 2", isJSON + "; charset=utf-8", good, 202, ""},
		"null is payload":  {"POST", right, isJSON, `{"payload":null,"topic":"b"}`, 202, ""},
		"get":              {"GET", right, isJSON, good, 405, "BAD_REQUEST"},
		"no token":         {"POST", "", isJSON, good, 401, "UNAUTHENTICATED"},
		"wrong token":      {"POST", "Bearer 0123456789abcdeF", isJSON, good, 401, "UNAUTHENTICATED"},
		"a part of it":     {"POST", "Bearer 0123456789abcde", isJSON, good, 401, "UNAUTHENTICATED"},
		"another scheme":   {"POST", "Basic 0123456789abcdef", isJSON, good, 401, "UNAUTHENTICATED"},
		"form":             {"POST", right, "application/x-www-form-urlencoded", good, 415, "BAD_REQUEST"},
		"no JSON":          {"POST", right, isJSON, `{"topic"`, 400, "BAD_REQUEST"},
		"a list":           {"POST", right, isJSON, `[]`, 400, "BAD_REQUEST"},
		"twice":            {"POST", right, isJSON, `{"topic":"a","topic":"b","payload":1}`, 400, "BAD_REQUEST"},
		"more":             {"POST", right, isJSON, `{"topic":"a","payload":1,"more":1}`, 400, "BAD_REQUEST"},
		"no payload":       {"POST", right, isJSON, `{"topic":"a"}`, 400, "BAD_REQUEST"},
		"topic number":     {"POST", right, isJSON, `{"topic":1,"payload":1}`, 400, "BAD_REQUEST"},
		"topic empty":      {"POST", right, isJSON, `{"topic":"","payload":1}`, 400, "BAD_USER_INPUT"},
		"payload too long": {"POST", right, isJSON, `{"topic":"a","payload":"` + strings.Repeat("x", 100) + `"}`, 413, "REQUEST_TOO_LARGE"},
		"body too long":    {"POST", right, isJSON, `{"topic":"a","payload":"` + strings.Repeat("x", 10_000) + `"}`, 413, "REQUEST_TOO_LARGE"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, "/events", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.media)
		if c.token != "" {
			r.Header.Set("Authorization", c.token)
		}
		w := httptest.NewRecorder()
		h.Push().ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.code) || (c.code == "") != (w.Body.Len() == 0) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if (c.status == http.StatusUnauthorized) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s: WWW-Authenticate %q", name, w.Header().Get("WWW-Authenticate"))
		}
	}
	for range 2 {
		if got := next(t, events); got != `{"x":1}` {
			t.Errorf("got %s", got)
		}
	}
	if len(events) != 0 {
		t.Error("something else was published")
	}
	if newHub(t, event.Config{}, "").Push() != nil {
		t.Error("events can be pushed without a token")
	}
	gone := miniredis.RunT(t)
	without := newHub(t, config, gone.Addr())
	gone.Close()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/events", strings.NewReader(good))
	r.Header.Set("Content-Type", isJSON)
	r.Header.Set("Authorization", right)
	w := httptest.NewRecorder()
	if without.Push().ServeHTTP(w, r); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "127.0.0.1") {
		t.Errorf("without Redis: %d %s", w.Code, w.Body)
	}
}
