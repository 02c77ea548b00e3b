package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

func newCarrier(t *testing.T, c transport.Connections) *http.Transport {
	t.Helper()
	carrier, err := transport.NewNetHTTP(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(carrier.CloseIdleConnections)
	return carrier
}

func fetch(t *testing.T, carrier http.RoundTripper, address string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := carrier.RoundTrip(r)
	if err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	return res, err
}

func TestMistakes(t *testing.T) {
	_, err := transport.NewNetHTTP(transport.Connections{DialTimeout: -1, MaxIdle: -1, MaxConns: -1, IdleTimeout: -1, MaxHeader: -1}, nil)
	want := strings.Join([]string{
		"dial_timeout: can't be negative", "max_idle: can't be negative", "max_conns: can't be negative",
		"idle_timeout: can't be negative", "max_header: can't be negative",
	}, "\n")
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	err = transport.Connections{MaxIdle: 5, MaxConns: 4}.Validate()
	if err == nil || err.Error() != "max_idle: 5 can't be more than max_conns (4)" {
		t.Error(err)
	}
	if err := (transport.Connections{}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestDefaults(t *testing.T) {
	for _, c := range []struct {
		config      transport.Connections
		idle, conns int
	}{
		{transport.Connections{}, 256, 256},
		{transport.Connections{MaxConns: 8}, 8, 8},
		{transport.Connections{MaxConns: 8, MaxIdle: 2}, 2, 8},
	} {
		carrier := newCarrier(t, c.config)
		if carrier.MaxIdleConnsPerHost != c.idle || carrier.MaxConnsPerHost != c.conns ||
			carrier.IdleConnTimeout != 90*time.Second || carrier.MaxResponseHeaderBytes != 64<<10 || !carrier.ForceAttemptHTTP2 {
			t.Errorf("%+v: %+v", c.config, carrier)
		}
	}
}

// TestOnePool: as many connections are kept as there were requests at once, and are used again.
func TestOnePool(t *testing.T) {
	var mu sync.Mutex
	opened := 0
	all := make(chan struct{})
	arrived := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/together" {
			arrived <- struct{}{}
			<-all
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if state == http.StateNew {
			opened++
		}
	}
	server.Start()
	defer server.Close()
	carrier := newCarrier(t, transport.Connections{})
	const atOnce = 10
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			if _, err := fetch(t, carrier, server.URL+"/together"); err != nil {
				t.Error(err)
			}
		})
	}
	for range atOnce {
		<-arrived
	}
	close(all)
	group.Wait()
	for range 3 * atOnce {
		if _, err := fetch(t, carrier, server.URL); err != nil {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if opened != atOnce {
		t.Errorf("%d connections for %d requests at once", opened, atOnce)
	}
}

func TestHeaderLimit(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/big" {
			w.Header().Set("X-Big", strings.Repeat("x", 64<<10))
		}
	}))
	defer server.Close()
	carrier := newCarrier(t, transport.Connections{})
	if _, err := fetch(t, carrier, server.URL+"/big"); err == nil {
		t.Error("a header of 64 KiB came through")
	}
	if _, err := fetch(t, carrier, server.URL); err != nil {
		t.Errorf("after a header that was too big: %v", err)
	}
}

// TestRedirectIsAnAnswer: whether one is followed is not for this layer to say.
func TestRedirectIsAnAnswer(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("/elsewhere", http.StatusFound))
	defer server.Close()
	res, err := fetch(t, newCarrier(t, transport.Connections{}), server.URL)
	if err != nil || res.StatusCode != http.StatusFound {
		t.Errorf("%v %v", res, err)
	}
}

// TestBothSchemes: http and https, with a private CA, through the whole stack.
func TestBothSchemes(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	plain, secured := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secured.Config.ErrorLog = log.New(io.Discard, "", 0)
	secured.StartTLS()
	defer plain.Close()
	defer secured.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secured.Certificate())
	trusting := newTransport(t, everything(), transport.Options{TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
	for _, url := range []string{plain.URL, secured.URL} {
		if status, text, err := get(t, trusting, t.Context(), url); status != 200 || !strings.HasSuffix(url, "//"+text) {
			t.Errorf("%s: %d %q %v", url, status, text, err)
		}
	}
	_, _, err := get(t, newTransport(t, everything(), transport.Options{}), t.Context(), secured.URL)
	wantKind(t, err, fail.UpstreamUnavailable)
}

func TestIdempotent(t *testing.T) {
	says := transport.WithCall(t.Context(), &transport.Call{Idempotent: true})
	for method, want := range map[string]bool{"GET": true, "HEAD": true, "POST": false, "PUT": false, "DELETE": false} {
		if transport.Idempotent(newRequest(t, t.Context(), method, "http://users", "")) != want || !transport.Idempotent(newRequest(t, says, method, "http://users", "")) {
			t.Error(method)
		}
	}
}
