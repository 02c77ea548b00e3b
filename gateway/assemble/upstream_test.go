package assemble_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/assemble"
)

// counted is a service that counts what it's asked.
func counted(t *testing.T, text string) (address string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"text": "`+text+`"}`)
	}))
	t.Cleanup(service.Close)
	return service.URL, asked
}

// TestInstancesComeAndGo: a list is replaced while clients ask, one instance gone and another there, and none of them
// notices.
func TestInstancesComeAndGo(t *testing.T) {
	first, askedFirst := counted(t, "Hello")
	second, askedSecond := counted(t, "Hello")
	file := filepath.Join(t.TempDir(), "hello.json")
	write := func(address string) {
		t.Helper()
		text := fmt.Sprintf(`[{"targets": [%q]}]`, strings.TrimPrefix(address, "http://"))
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write(first)
	g, err := assemble.New(newGreeter(t), configure(t, "services: {hello: {discover: {file: {path: "+file+"}}, coalesce: false}}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	handler := g.Handler()
	ready := func() int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Code
	}
	for ready() != http.StatusOK { // until the list was read; it's watched in the background
		if t.Context().Err() != nil {
			t.Fatal("never ready")
		}
	}

	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if answer := ask(t, handler, nil); answer != `{"data":{"greeting":"Hello"}}` {
					t.Error(answer)
					return
				}
			}
		})
	}
	for askedFirst.Load() < 10 && !t.Failed() {
		ask(t, handler, nil)
	}
	write(second)
	for askedSecond.Load() < 10 && !t.Failed() {
		ask(t, handler, nil)
	}
	settled := askedFirst.Load()
	for n := askedSecond.Load(); askedSecond.Load() < n+50 && !t.Failed(); {
		ask(t, handler, nil)
	}
	stop()
	clients.Wait()
	if more := askedFirst.Load() - settled; more > 4 { // one of each client may have been on its way
		t.Errorf("the instance that is gone got %d more requests", more)
	}
}

// TestOperatorsSee: the admin listener shows the instances of each service, with what the gateway takes them for.
func TestOperatorsSee(t *testing.T) {
	address, _ := counted(t, "Hello")
	cfg := configure(t, "admin: {listen: 127.0.0.1:0}\nserver: {drain_grace: 1ms}\nservices: {hello: {instances: ['"+address+"', {url: 'http://127.0.0.1:1', weight: 2, zone: b}]}}")
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Admin.Listen = free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	g, err := assemble.New(newGreeter(t), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(ctx, listener) }()

	// Serve listens for operators before it answers clients.
	res, err := http.Get("http://" + listener.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	var services map[string]struct {
		Instances []struct {
			URL, State, Zone string
			Weight           int
		}
		Calls struct{ Breaker string }
	}
	res, err = http.Get("http://" + cfg.Admin.Listen + "/upstreams")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(res.Body).Decode(&services); err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	hello := services["hello"]
	if len(hello.Instances) != 2 || hello.Calls.Breaker != "closed" {
		t.Fatalf("%+v", services)
	}
	for _, i := range hello.Instances {
		if i.State != "healthy" || (i.Zone == "b") != (i.Weight == 2) {
			t.Errorf("%+v", i)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
