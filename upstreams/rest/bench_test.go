package rest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// BenchmarkDo is one exchange over loopback: 50 keys out, a list of 25 KB in. The service's part is in it.
func BenchmarkDo(b *testing.B) {
	var items []string
	s := &template.Scope{}
	for i := range 50 {
		items = append(items, fmt.Sprintf(`{"id": %d, "name": "name %d", "about": %q}`, i, i, strings.Repeat("words ", 80)))
		s.Keys = append(s.Keys, template.LookupKey{Text: fmt.Sprint(i), Number: true})
	}
	text := []byte(`{"data": [` + strings.Join(items, ",") + `]}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}))
	defer server.Close()
	c := newClient(b, server.URL)
	r := &rest.Request{Method: "GET", Path: path(b, "/users"), Query: query(b, `{id: "{keys}"}`), Select: view.MustPointer("/data")}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if v, err := c.Do(b.Context(), r, s, nil); err != nil || v.Len() != 50 {
			b.Fatal(err)
		}
	}
}
