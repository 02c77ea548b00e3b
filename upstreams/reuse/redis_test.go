package reuse_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// What one process keeps, another one that has asked the service before finds in Redis; and a write through one of them
// is known to both.
func TestTwoProcessesShareWhatIsKept(t *testing.T) {
	address := redistest.Start(t).Address
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Etag", `"1"`)
		fmt.Fprint(w, r.URL.Path, calls.Add(1))
	})
	var stores []*store.Store
	var layers []http.RoundTripper
	for range 2 {
		client := redis.NewClient(&redis.Options{Addr: address, ContextTimeoutEnabled: true, ReadTimeout: patience, DialTimeout: patience})
		s, err := store.New(store.Config{ReadTimeout: patience, PurgeTimeout: patience}, store.Options{Client: client})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := s.Close(ctx); err != nil {
				t.Error(err)
			}
			client.Close()
		})
		stores = append(stores, s)
		layers = append(layers, cacheOf(t, reuse.Default(), reuse.Options{Store: s}).Layer(carrier(t)))
	}
	ask := func(i int, path string) string {
		t.Helper()
		got, err := get(t.Context(), layers[i], http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(got, " @")
		return text
	}
	ask(1, "/") // it knows now that the service's answers are kept
	// A process that has only just begun to hear of purges forgets what it has once.
	n, kept := 0, ""
	path := func() string { return fmt.Sprint("/a", n, "-") }
	eventually(t, "an answer that both have", func() bool {
		n++
		kept = ask(0, path())
		for _, s := range stores {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return ask(1, path()) == kept
	})
	if _, err := get(t.Context(), layers[1], http.MethodPut, url+path(), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the write in both", func() bool {
		return ask(0, path()) != kept && ask(1, path()) != kept
	})
}
