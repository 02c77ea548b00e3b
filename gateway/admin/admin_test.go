package admin_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/admin"
	"github.com/tributary-gateway/tributary/gateway/secret"
)

func newAdmin(t *testing.T, c admin.Config) *admin.Admin {
	t.Helper()
	a, err := admin.New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Report("/upstreams", func() any { return map[string]int{"users": 3} })
	return a
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		config admin.Config
		want   string
	}{
		{admin.Config{}, ""},
		{admin.Config{Listen: "127.0.0.1:9090"}, ""},
		{admin.Config{Listen: "[::1]:9090"}, ""},
		{admin.Config{Listen: "localhost:0"}, ""},
		{admin.Config{Listen: ":9090", Token: "sesame"}, ""},
		{admin.Config{Listen: "9090"}, `listen: "9090" is no address; write host:port, like 127.0.0.1:9090`},
		{admin.Config{Listen: ":9090"}, "listen: others than this machine can reach it; set token as well, or listen on 127.0.0.1"},
		{admin.Config{Listen: "10.0.0.1:9090"}, "listen: others than this machine can reach it; set token as well, or listen on 127.0.0.1"},
		{admin.Config{Token: "sesame"}, "token: there is no listener; give listen an address, like 127.0.0.1:9090"},
		{admin.Config{Listen: ":9090", Token: "open\n"}, "token: has a space or control character, or one that isn't ASCII"},
	} {
		err := c.config.Validate()
		if text := message(err); text != c.want {
			t.Errorf("%+v: %q, want %q", c.config, text, c.want)
		}
		if _, made := admin.New(c.config, nil); (made == nil) != (c.want == "") {
			t.Errorf("%+v: New: %v", c.config, made)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestPages(t *testing.T) {
	const open, closed = "127.0.0.1:9090", "admin.internal:9090"
	for _, c := range []struct {
		name, token, host, path, authorization string
		status                                 int
		body                                   string
	}{
		{"on loopback", "", open, "/upstreams", "", 200, `"users": 3`},
		{"on loopback by name", "", "localhost:1", "/upstreams", "", 200, `"users": 3`},
		{"on loopback, IPv6", "", "[::1]:1", "/upstreams", "", 200, `"users": 3`},
		{"through a name that leads to loopback", "", "evil.example:9090", "/upstreams", "", 401, "UNAUTHENTICATED"},
		{"elsewhere", "", open, "/", "", 404, "NOT_FOUND"},
		{"with the token", "sesame", closed, "/upstreams", "Bearer sesame", 200, `"users": 3`},
		{"with the token in another case", "sesame", closed, "/upstreams", "bearer sesame", 200, `"users": 3`},
		{"without the token", "sesame", closed, "/upstreams", "", 401, "UNAUTHENTICATED"},
		{"with another token", "sesame", closed, "/upstreams", "Bearer open", 401, "UNAUTHENTICATED"},
		{"with another scheme", "sesame", closed, "/upstreams", "Basic sesame", 401, "UNAUTHENTICATED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			listen := open
			if c.token != "" {
				listen = ":9090"
			}
			a := newAdmin(t, admin.Config{Listen: listen, Token: secret.Text(c.token)})
			r := httptest.NewRequest(http.MethodGet, c.path, nil)
			r.Host = c.host
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if (w.Header().Get("WWW-Authenticate") != "") != (c.status == 401) || w.Header().Get("Cache-Control") != "no-store" {
				t.Error(w.Header())
			}
		})
	}
}

// TestChangesAreLogged: who did something by hand must be found later.
func TestChangesAreLogged(t *testing.T) {
	var log strings.Builder
	a, err := admin.New(admin.Config{Listen: "127.0.0.1:9090"}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var read error
	a.Handle("POST /cache/purge", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, read = io.ReadAll(r.Body)
		admin.Answer(w, "done")
	}))
	r := httptest.NewRequest(http.MethodPost, "/cache/purge", strings.NewReader(strings.Repeat("x", 1<<20)))
	r.Host = "127.0.0.1:9090"
	a.ServeHTTP(httptest.NewRecorder(), r)
	if !strings.Contains(log.String(), "msg=admin method=POST path=/cache/purge") {
		t.Error(log.String())
	}
	if tooBig := new(http.MaxBytesError); !errors.As(read, &tooBig) {
		t.Errorf("a body of 1 MiB was read: %v", read)
	}
}

func TestReportThatIsNoJSON(t *testing.T) {
	a := newAdmin(t, admin.Config{Listen: "127.0.0.1:9090"})
	a.Report("/broken", func() any { return func() {} })
	r := httptest.NewRequest(http.MethodGet, "/broken", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestServesUntilItsContextEnds(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- newAdmin(t, admin.Config{Listen: "127.0.0.1:0"}).Serve(ctx, listener) }()
	res, err := http.Get("http://" + listener.Addr().String() + "/upstreams")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	stop()
	if err := <-ended; err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%d, %v", res.StatusCode, err)
	}
}
