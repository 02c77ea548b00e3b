package assemble_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/identity"
)

// TestPermittedClientsRefresh: no-cache gets those with the scope cache:refresh an answer that's made anew, which is kept
// then, and nobody else.
func TestPermittedClientsRefresh(t *testing.T) {
	var asked atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"text": "Hello"}`)
	}))
	t.Cleanup(service.Close)
	file := filepath.Join(t.TempDir(), "keys.yaml")
	text, k, err := identity.NewKey("may", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	k.Scopes = []string{"cache:refresh"}
	if err := identity.NewKeyFile(file).Create(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	g, err := assemble.New(newKept(t, keptForAMinute), configure(t, "identity: {keys: {file: "+file+"}}\nservices: {hello: {url: "+service.URL+"}}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	for i, c := range []struct {
		headers map[string]string
		asked   int64
	}{
		{nil, 1},
		{map[string]string{"Cache-Control": "no-cache"}, 1},
		{map[string]string{"X-Api-Key": text}, 1},
		{map[string]string{"X-Api-Key": text, "Cache-Control": "no-cache"}, 2},
		{map[string]string{"X-Api-Key": text, "Cache-Control": "max-age=0"}, 3},
		{map[string]string{"Cache-Control": "max-age=0"}, 3},
		{nil, 3},
	} {
		get(t, g.Handler(), c.headers)
		if got := asked.Load(); got != c.asked {
			t.Errorf("%d, %v: the service was asked %d times, want %d", i, c.headers, got, c.asked)
		}
	}
}
