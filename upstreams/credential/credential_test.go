package credential_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/internal/journal"
	"github.com/tributary-gateway/tributary/upstreams/credential"
)

// secret is in every secret of these tests, so that a search for it finds any leak.
const secret = "hunter2"

// capture is a log to search.
type capture struct{ journal.Journal }

func (c *capture) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(c, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// carrier answers with a function.
type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

// serve answers by a handler, without sockets.
func serve(h http.HandlerFunc) http.RoundTripper {
	return carrier(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h(w, r)
		return w.Result(), nil
	})
}

func newLayer(t *testing.T, c credential.Config, o credential.Options, next http.RoundTripper) http.RoundTripper {
	t.Helper()
	if o.Service == "" {
		o.Service = "users"
	}
	wrap, err := credential.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(next)
}

func request(t *testing.T, method string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://users/1", body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, path, text string) {
	t.Helper()
	// By rename, as whoever renews secrets does.
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func noSecret(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, secret) {
		t.Errorf("%s tells the secret: %s", what, text)
	}
}

func TestNoneIsNoLayer(t *testing.T) {
	wrap, err := credential.New(credential.Config{}, credential.Options{})
	if err != nil {
		t.Fatal(err)
	}
	transport := http.RoundTripper(&http.Transport{})
	if got := wrap(transport); got != transport {
		t.Errorf("got %T", got)
	}
}

func TestHeaders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "  from-file\n")
	for name, test := range map[string]struct {
		config credential.Config
		want   string
	}{
		"basic":      {credential.Config{Basic: &credential.Basic{Username: "Aladdin", Password: "open sesame"}}, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		"basic file": {credential.Config{Basic: &credential.Basic{Username: "a", PasswordFile: file}}, "Basic YTpmcm9tLWZpbGU="},
		"token":      {credential.Config{Bearer: &credential.Bearer{Token: "abc"}}, "Bearer abc"},
		"token file": {credential.Config{Bearer: &credential.Bearer{TokenFile: file}}, "Bearer from-file"},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			layer := newLayer(t, test.config, credential.Options{}, carrier(func(r *http.Request) (*http.Response, error) {
				got = r
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
			}))
			r := request(t, http.MethodGet, nil)
			r.Header.Set("Authorization", "Bearer the client's")
			r.Header.Set("Accept", "application/json")
			if _, err := layer.RoundTrip(r); err != nil {
				t.Fatal(err)
			}
			want := http.Header{"Authorization": {test.want}, "Accept": {"application/json"}}
			if diff := cmp.Diff(want, got.Header); diff != "" {
				t.Error(diff)
			}
			if r.Header.Get("Authorization") != "Bearer the client's" || r == got {
				t.Error("the request was changed")
			}
			r.Header = nil
			if _, err := layer.RoundTrip(r); err != nil || got.Header.Get("Authorization") != test.want {
				t.Errorf("without headers: %v %v", got.Header, err)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		config credential.Config
		want   []string
	}{
		"none": {credential.Config{}, nil},
		"empty sections": {credential.Config{Basic: &credential.Basic{}, Bearer: &credential.Bearer{}, OAuth2: &credential.OAuth2{}}, []string{
			"basic.username: is missing",
			"basic.password: is missing; give it or password_file",
			"bearer.token: is missing; give it or token_file",
			"oauth2.token_url: is missing",
			"oauth2.client_id: is missing",
			"oauth2.client_secret: is missing; give it or client_secret_file",
			"basic and bearer and oauth2: are there together; a request has one Authorization header",
		}},
		"both": {credential.Config{Bearer: &credential.Bearer{Token: "hunter2", TokenFile: "f"}}, []string{"bearer.token: is there together with token_file; keep one"}},
		"characters": {credential.Config{Bearer: &credential.Bearer{Token: "hunter2\r\nX: 1"}}, []string{
			"bearer.token: has a space or another character that a header can't carry"}},
		"colon": {credential.Config{Basic: &credential.Basic{Username: "a:b", Password: secret}}, []string{
			"basic.username: has a colon or a control character, which the header can't carry"}},
		"oauth2": {credential.Config{OAuth2: &credential.OAuth2{TokenURL: "ftp://x", ClientID: "a", ClientSecret: secret, AuthStyle: "body",
			Scopes: []string{"a b"}, Audience: "x", Params: map[string]string{"audience": "y", "grant_type": "password"}}}, []string{
			"oauth2.token_url: is no address; give one like https://login.example.com/oauth/token",
			`oauth2.auth_style: is "body"; give auto, header or params`,
			"oauth2.scopes[0]: is empty or has a space; give one scope per entry",
			"oauth2.params.grant_type: is set by the gateway",
			"oauth2.audience: is also in params; keep one",
		}},
		"credentials in the address": {credential.Config{OAuth2: &credential.OAuth2{TokenURL: "https://a:hunter2@x/", ClientID: "a", ClientSecret: secret}}, []string{
			"oauth2.token_url: has credentials or a fragment; use client_id and client_secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			if err := test.config.Validate(); err != nil {
				got = strings.Split(err.Error(), "\n")
				noSecret(t, "Validate", err.Error())
				if _, err := credential.New(test.config, credential.Options{}); err == nil {
					t.Error("New took it")
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	given := credential.Config{OAuth2: &credential.OAuth2{}}
	if got := given.WithDefaults().OAuth2.AuthStyle; got != "auto" || given.OAuth2.AuthStyle != "" {
		t.Errorf("%q, and the original has %q", got, given.OAuth2.AuthStyle)
	}
}

func TestSettingsPrintWithoutSecrets(t *testing.T) {
	basic := &credential.Basic{Username: "a", Password: secret}
	bearer := &credential.Bearer{Token: secret}
	oauth := &credential.OAuth2{ClientID: "a", ClientSecret: secret}
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, secret)
	file, err := credential.OpenFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{basic, *basic, bearer, *bearer, oauth, *oauth, file,
		credential.Config{Basic: basic, Bearer: bearer, OAuth2: oauth}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			noSecret(t, verb, fmt.Sprintf(verb, value))
		}
	}
	if file.Value() != secret || file.String() != path {
		t.Errorf("%s %s", file.Value(), file)
	}
}

// TestFileIsReadAgain: within a second, and at once after a 401. What can't be read changes nothing.
func TestFileIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "token")
		write(t, path, "old-hunter2")
		var log capture
		valid, sent := "old-hunter2", []string{}
		layer := newLayer(t, credential.Config{Bearer: &credential.Bearer{TokenFile: path}}, credential.Options{Logger: log.logger()},
			serve(func(w http.ResponseWriter, r *http.Request) {
				sent = append(sent, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
				if sent[len(sent)-1] != valid {
					w.WriteHeader(http.StatusUnauthorized)
				}
			}))
		status := func(method string) int {
			res, err := layer.RoundTrip(request(t, method, nil))
			if err != nil {
				t.Fatal(err)
			}
			return res.StatusCode
		}
		expect := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, sent); diff != "" {
				t.Error(diff)
			}
			sent = nil
		}
		status(http.MethodGet)
		expect("old-hunter2")
		write(t, path, "new-hunter2")
		valid = "new-hunter2"
		if got := status(http.MethodGet); got != http.StatusOK {
			t.Errorf("GET after a renewal: %d", got)
		}
		expect("old-hunter2", "new-hunter2")
		write(t, path, "post-hunter2")
		valid = "post-hunter2"
		if got := status(http.MethodPost); got != http.StatusUnauthorized {
			t.Errorf("POST after a renewal: %d", got)
		}
		expect("new-hunter2") // never sent twice
		if got := status(http.MethodPost); got != http.StatusOK {
			t.Errorf("the next POST: %d", got)
		}
		expect("post-hunter2")
		for _, broken := range []string{"", "two\nhunter2"} {
			write(t, path, broken)
			time.Sleep(time.Second)
			status(http.MethodGet)
			expect("post-hunter2")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		status(http.MethodGet)
		expect("post-hunter2")
		if n := strings.Count(log.String(), "can't be read again"); n != 1 {
			t.Errorf("%d lines for one state:\n%s", n, log.String())
		}
		write(t, path, "last-hunter2")
		valid = "last-hunter2"
		time.Sleep(time.Second)
		status(http.MethodGet)
		expect("last-hunter2")
		valid = "none"
		if got := status(http.MethodGet); got != http.StatusUnauthorized {
			t.Errorf("%d", got)
		}
		expect("last-hunter2") // there's no other token to try
		noSecret(t, "log", log.String())
	})
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "empty"), " \n")
	write(t, filepath.Join(dir, "big"), strings.Repeat(secret, 10_000))
	write(t, filepath.Join(dir, "lines"), secret+"\n"+secret)
	write(t, filepath.Join(dir, "space"), secret+" "+secret)
	for name, want := range map[string]string{
		"missing": "no such file", "empty": "is empty", "big": "has more than 65536 bytes", "lines": "more than one line", "space": "is no token",
	} {
		path := filepath.Join(dir, name)
		_, err := credential.New(credential.Config{Bearer: &credential.Bearer{TokenFile: path}}, credential.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), "bearer.token_file: ") || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		noSecret(t, name, err.Error())
	}
}

// closing tells whether it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestBodyIsClosedWithoutACredential(t *testing.T) {
	down := carrier(func(*http.Request) (*http.Response, error) { return nil, errors.New("down") })
	layer := newLayer(t, oauth2Config(), credential.Options{Carrier: down}, serve(func(http.ResponseWriter, *http.Request) {
		t.Error("sent without a token")
	}))
	body := &closing{Reader: strings.NewReader("x")}
	if _, err := layer.RoundTrip(request(t, http.MethodPost, body)); fail.KindOf(err) != fail.UpstreamUnavailable {
		t.Error(err)
	}
	if !body.closed {
		t.Error("the body is open")
	}
}

func BenchmarkLayer(b *testing.B) {
	answer := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}
	tokenServer := serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"abc","token_type":"bearer","expires_in":3600}`)
	})
	path := filepath.Join(b.TempDir(), "token")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, run := range []struct {
		name   string
		config credential.Config
	}{
		{"none", credential.Config{}},
		{"static", credential.Config{Bearer: &credential.Bearer{Token: "abc"}}},
		{"file", credential.Config{Bearer: &credential.Bearer{TokenFile: path}}},
		{"oauth2", oauth2Config()},
	} {
		b.Run(run.name, func(b *testing.B) {
			wrap, err := credential.New(run.config, credential.Options{Carrier: tokenServer})
			if err != nil {
				b.Fatal(err)
			}
			layer := wrap(carrier(func(*http.Request) (*http.Response, error) { return answer, nil }))
			r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://users/1", nil)
			if err != nil {
				b.Fatal(err)
			}
			for _, name := range []string{"Accept", "User-Agent", "Traceparent", "X-Request-Id"} {
				r.Header.Set(name, "x")
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := layer.RoundTrip(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
