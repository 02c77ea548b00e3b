package health_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

// TestCheck asks a real server, whatever it answers.
func TestCheck(t *testing.T) {
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			if r.Method != http.MethodGet || r.URL.RawQuery != "deep=1" {
				w.WriteHeader(http.StatusBadRequest)
			}
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/moved":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/hang":
			select {
			case <-r.Context().Done():
			case <-stop:
			}
		case "/drip":
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, "more "); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
			}
		case "/endless":
			chunk := make([]byte, 32<<10)
			for r.Context().Err() == nil {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		case "/reset":
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	defer close(stop)
	origin, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	carrier := &http.Transport{}
	defer carrier.CloseIdleConnections()
	for path, want := range map[string]string{
		"/ok?deep=1": "", "/ok": "400", "/down": "503", "/moved": "302", "/hang": "timeout", "/drip": "timeout", "/endless": "",
		"/cut": "answer cut off", "/reset": "answer cut off",
	} {
		timeout := 10 * time.Second
		if want == "timeout" {
			timeout = 50 * time.Millisecond
		}
		config := health.Config{Check: health.Check{Path: path, Timeout: timeout}}.WithDefaults()
		checker, err := health.NewChecker(config.Check, carrier)
		if err != nil {
			t.Fatal(err)
		}
		if got := health.Words(checker.Check(t.Context(), origin)); got != want {
			t.Errorf("%s: %q, not %q", path, got, want)
		}
	}
	config := health.Config{Check: health.Check{Path: "/moved", Status: []int{200, 302}}}.WithDefaults()
	checker, err := health.NewChecker(config.Check, carrier)
	if err != nil {
		t.Fatal(err)
	}
	if err := checker.Check(t.Context(), origin); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := checker.Check(ctx, origin); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNewChecker(t *testing.T) {
	for name, test := range map[string]struct {
		path    string
		carrier http.RoundTripper
	}{"no path": {"", http.DefaultTransport}, "bad path": {"/%zz", http.DefaultTransport}, "no carrier": {"/", nil}} {
		if _, err := health.NewChecker(health.Check{Path: test.path}, test.carrier); err == nil {
			t.Error(name)
		}
	}
}

func TestWords(t *testing.T) {
	dial := func(err error) error {
		return &url.Error{Op: "Get", URL: "http://10.0.0.7/secret", Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", err)}}
	}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{dial(syscall.ECONNREFUSED), "connection refused"},
		{dial(syscall.ECONNRESET), "connection reset"},
		{dial(syscall.EPIPE), "connection reset"},
		{dial(syscall.EHOSTUNREACH), "unreachable"},
		{dial(syscall.ENETUNREACH), "unreachable"},
		{dial(syscall.ETIMEDOUT), "timeout"},
		{fmt.Errorf("asking: %w", context.DeadlineExceeded), "timeout"},
		{&net.DNSError{Name: "users.internal", IsTimeout: true}, "name not resolved"},
		{io.EOF, "answer cut off"},
		{fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), "answer cut off"},
		{&tls.CertificateVerificationError{Err: errors.New("expired")}, "TLS failed"},
		{health.StatusError(502), "502"},
		{errors.New("10.0.0.7 says no"), "failed"},
	} {
		if got := health.Words(test.err); got != test.want {
			t.Errorf("%v: %q, not %q", test.err, got, test.want)
		}
	}
}
