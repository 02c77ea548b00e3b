package reuse_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// FuzzMeta looks for entries that can't be read without harm: whatever stands beside an answer in the store, a request has
// an answer with a status, and the body is either the service's or the entry's.
func FuzzMeta(f *testing.F) {
	var real []byte
	seed := &spoiled{memory(f, nil), func(e *store.Entry) { real = append(real, e.Meta...) }}
	if _, err := get(f.Context(), cacheOf(f, reuse.Default(), reuse.Options{Store: seed}).Layer(service("max-age=60")), "GET", "http://a.test/", nil); err != nil {
		f.Fatal(err)
	}
	f.Add(real)
	f.Add(real[:len(real)/2])
	f.Add([]byte{})
	f.Add([]byte{1, 'w', 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})
	var meta []byte
	s := &spoiled{memory(f, nil), func(e *store.Entry) { e.Meta = meta }}
	via := cacheOf(f, reuse.Default(), reuse.Options{Store: s}).Layer(service("max-age=60"))
	f.Fuzz(func(t *testing.T, text []byte) {
		meta = append([]byte(nil), text...)
		if _, err := s.PurgeAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test/", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := via.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			if err != nil || string(got) != string(page) || res.StatusCode < 200 || res.StatusCode > 599 {
				t.Fatalf("%d, %d bytes, %v", res.StatusCode, len(got), err)
			}
		}
	})
}
