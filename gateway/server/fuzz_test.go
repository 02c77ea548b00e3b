package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/server"
)

func handler(tb testing.TB) http.Handler {
	tb.Helper()
	s, err := server.New(server.Config{}, server.Options{Schema: standard()})
	if err != nil {
		tb.Fatal(err)
	}
	return s.Handler()
}

func post(h http.Handler, body, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Whatever a client sends, it gets a JSON object with data or errors and one of the statuses that the draft knows; a
// body that encoding/json refuses is never executed.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"query":"{ __typename }"}`, `{"query":"{ __typename }","variables":{"a":[1e400,null]},"operationName":"x"}`,
		`{"query":"query ($v: Any = {a: [1]}) { echo(value: $v) }","variables":{}}`, `{"query" "x"}`, `[]`, `{}`, ``, `{"query":"{"}{`,
	} {
		f.Add(body, "*/*")
		f.Add(body, "application/graphql-response+json;q=0.3, application/json;q=0.2")
	}
	h := handler(f)
	f.Fuzz(func(t *testing.T, body, accept string) {
		w := post(h, body, accept)
		var answer struct{ Data, Errors json.RawMessage }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Data == nil && answer.Errors == nil || w.Code != http.StatusOK && answer.Data != nil {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusNotAcceptable, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("status %d", w.Code)
		}
		if w.Code == http.StatusOK && !json.Valid([]byte(body)) {
			t.Errorf("executed %q", body)
		}
	})
}

// One small operation, without the network: what the server adds to an execution.
func BenchmarkHandler(b *testing.B) {
	h := handler(b)
	body := query(`query Q($v: Any) { __typename echo(value: $v) a: id }`).body
	b.ReportAllocs()
	for b.Loop() {
		if w := post(h, body, "application/json"); w.Code != http.StatusOK {
			answer, _ := io.ReadAll(w.Body)
			b.Fatal(string(answer))
		}
	}
}
