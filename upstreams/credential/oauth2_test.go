package credential_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/credential"
)

func oauth2Config() credential.Config {
	return credential.Config{OAuth2: &credential.OAuth2{
		TokenURL: "http://login/token", ClientID: "gateway", ClientSecret: secret, AuthStyle: "header",
	}}
}

// issuer is a token server: its tokens are t1, t2, …
type issuer struct {
	mu      sync.Mutex
	count   int
	expires int
	status  int           // what it answers instead of a token, when not 0
	answer  string        // the body then
	hold    chan struct{} // when not nil, answers wait for it
	arrived chan struct{} // when not nil, gets one entry per request
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.count++
	count, expires, status, answer, hold, arrived := i.count, i.expires, i.status, i.answer, i.hold, i.arrived
	i.mu.Unlock()
	if arrived != nil {
		arrived <- struct{}{}
	}
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if status != 0 {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprintf("t%d-%s", count, secret), "token_type": "Bearer", "expires_in": expires})
}

func (i *issuer) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count
}

func (i *issuer) set(change func(*issuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

// echo answers with the token it got.
func echo() http.RoundTripper {
	return serve(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		_, _ = io.WriteString(w, strings.TrimSuffix(token, "-"+secret))
	})
}

func send(t *testing.T, layer http.RoundTripper, method string) (string, error) {
	t.Helper()
	res, err := layer.RoundTrip(request(t, method, nil))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

func expectToken(t *testing.T, layer http.RoundTripper, want string) {
	t.Helper()
	if got, err := send(t, layer, http.MethodGet); err != nil || got != want {
		t.Errorf("got %q, %v; want %s", got, err, want)
	}
}

func TestTokenRequest(t *testing.T) {
	type seen struct {
		id, secret string
		form       map[string][]string
	}
	for style, want := range map[string]struct {
		id, secret string
		inForm     string
	}{"header": {"gate+way", "hunter2", ""}, "params": {"", "", "hunter2"}, "": {"gate+way", "hunter2", ""}} {
		var got seen
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			got.id, got.secret, _ = r.BasicAuth()
			got.form = r.PostForm
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"abc","token_type":"bearer","expires_in":60}`)
		}))
		c := oauth2Config()
		*c.OAuth2 = credential.OAuth2{TokenURL: server.URL, ClientID: "gate way", ClientSecret: secret, AuthStyle: style,
			Scopes: []string{"read", "write"}, Audience: "users", Params: map[string]string{"resource": "https://users"}}
		expectToken(t, newLayer(t, c, credential.Options{}, echo()), "abc")
		server.Close()
		form := fmt.Sprint(got.form["grant_type"], got.form["scope"], got.form["audience"], got.form["resource"])
		if form != "[client_credentials] [read write] [users] [https://users]" {
			t.Error(form)
		}
		if got.id != want.id || got.secret != want.secret || strings.Join(got.form["client_secret"], "") != want.inForm {
			t.Errorf("%q: %+v", style, got)
		}
	}
}

// TestOneRequestForAll: a hundred calls at once are one request to the token server, on real sockets.
func TestOneRequestForAll(t *testing.T) {
	login := &issuer{expires: 3600, hold: make(chan struct{})}
	server := httptest.NewServer(login)
	defer server.Close()
	c := oauth2Config()
	c.OAuth2.TokenURL = server.URL
	layer := newLayer(t, c, credential.Options{}, echo())
	var started, group sync.WaitGroup
	for range 100 {
		started.Add(1)
		group.Go(func() {
			started.Done()
			expectToken(t, layer, "t1")
		})
	}
	started.Wait()
	close(login.hold)
	group.Wait()
	if n := login.requests(); n != 1 {
		t.Errorf("%d token requests", n)
	}
}

// TestTokenLife: renewed beside its use before it ends, and waited for when it has ended.
func TestTokenLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login := &issuer{expires: 100}
		layer := newLayer(t, oauth2Config(), credential.Options{Carrier: serve(login.ServeHTTP)}, echo())
		expectToken(t, layer, "t1")
		time.Sleep(79 * time.Second)
		expectToken(t, layer, "t1")
		time.Sleep(2 * time.Second) // 81 of 100 s: time to renew
		expectToken(t, layer, "t1")
		synctest.Wait()
		expectToken(t, layer, "t2")
		if n := login.requests(); n != 2 {
			t.Errorf("%d token requests", n)
		}
		time.Sleep(96 * time.Second) // too near to its end to be sent
		expectToken(t, layer, "t3")
		login.set(func(i *issuer) { i.expires = 0 })
		time.Sleep(time.Hour)
		expectToken(t, layer, "t4")
		time.Sleep(24 * time.Hour) // the server said no end
		expectToken(t, layer, "t4")
	})
}

// TestACallerThatHangsUp gets its own answer, and the token request goes on for the others.
func TestACallerThatHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login := &issuer{expires: 100, hold: make(chan struct{})}
		layer := newLayer(t, oauth2Config(), credential.Options{Carrier: serve(login.ServeHTTP)}, echo())
		ctx, hangUp := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		go func() {
			_, err := layer.RoundTrip(request(t, http.MethodGet, nil).WithContext(ctx))
			errs <- err
		}()
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			_, err := layer.RoundTrip(request(t, http.MethodGet, nil).WithContext(short))
			errs <- err
		}()
		synctest.Wait()
		hangUp()
		if err := <-errs; fail.KindOf(err) != fail.Canceled || !errors.Is(err, context.Canceled) {
			t.Errorf("who hung up: %v", err)
		}
		if err := <-errs; fail.KindOf(err) != fail.UpstreamTimeout {
			t.Errorf("who ran out of time: %v", err)
		}
		close(login.hold)
		synctest.Wait()
		expectToken(t, layer, "t1")
		if n := login.requests(); n != 1 {
			t.Errorf("%d token requests", n)
		}
	})
}

// TestTokenServerDown: calls fail at once, the server is asked ever more seldom, and one log line tells of it.
func TestTokenServerDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log capture
		login := &issuer{expires: 100, status: http.StatusServiceUnavailable, answer: `{"error":"invalid_client","error_description":"` + secret + ` is wrong"}`}
		layer := newLayer(t, oauth2Config(), credential.Options{Carrier: serve(login.ServeHTTP), Logger: log.logger()}, echo())
		for range 6000 { // ten minutes, ten calls a second
			_, err := send(t, layer, http.MethodGet)
			var known *fail.Error
			if !errors.As(err, &known) || known.Kind != fail.UpstreamUnavailable || known.Service != "users" ||
				err.Error() != "users: credential: The service can't be reached.: the token server answered 503 invalid_client" {
				t.Fatal(err)
			}
			noSecret(t, "the error", err.Error())
			time.Sleep(100 * time.Millisecond)
		}
		if n := login.requests(); n < 20 || n > 50 {
			t.Errorf("%d token requests in ten minutes", n)
		}
		login.set(func(i *issuer) { i.status, i.count = 0, 0 })
		time.Sleep(31 * time.Second)
		expectToken(t, layer, "t1")
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines for two changes:\n%s", n, log.String())
		}
		noSecret(t, "the log", log.String())
	})
}

// TestAGoodTokenOutlivesTheServer: a token that is not over is used while the server is down.
func TestAGoodTokenOutlivesTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login := &issuer{expires: 100}
		layer := newLayer(t, oauth2Config(), credential.Options{Carrier: serve(login.ServeHTTP)}, echo())
		expectToken(t, layer, "t1")
		login.set(func(i *issuer) { i.status = http.StatusBadGateway })
		for range 94 {
			time.Sleep(time.Second)
			expectToken(t, layer, "t1")
		}
		time.Sleep(time.Second)
		if _, err := send(t, layer, http.MethodGet); fail.KindOf(err) != fail.UpstreamUnavailable {
			t.Error(err)
		}
	})
}

// TestRefusedToken: dropped once and for all calls, only safe requests are sent again, and a service that refuses every
// token doesn't make us ask for one per call.
func TestRefusedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login := &issuer{expires: 3600}
		var good atomic.Value
		good.Store("t1")
		var sent atomic.Int64
		layer := newLayer(t, oauth2Config(), credential.Options{Carrier: serve(login.ServeHTTP)}, serve(func(w http.ResponseWriter, r *http.Request) {
			sent.Add(1)
			token := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "-"+secret)
			if token != good.Load() {
				// One after the other, so that some hear of it when there's another token already.
				if good.Load() == "t2" {
					time.Sleep(time.Duration(sent.Load()) * time.Millisecond)
				}
				w.WriteHeader(http.StatusUnauthorized)
			}
			if r.Body != nil {
				_, _ = io.Copy(w, r.Body)
			}
			_, _ = io.WriteString(w, token)
		}))
		try := func(r *http.Request) (int, string) {
			t.Helper()
			res, err := layer.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			return res.StatusCode, string(text)
		}
		try(request(t, http.MethodGet, nil))
		good.Store("t2")
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if status, text := try(request(t, http.MethodGet, nil)); status != http.StatusOK || text != "t2" {
					t.Errorf("%d %s", status, text)
				}
			})
		}
		group.Wait()
		if n := login.requests(); n != 2 {
			t.Errorf("%d token requests for one refusal", n)
		}
		time.Sleep(time.Minute)
		good.Store("t3")
		sent.Store(0)
		if status, text := try(request(t, http.MethodPost, strings.NewReader("{}"))); status != http.StatusUnauthorized || sent.Load() != 1 {
			t.Errorf("POST: %d %s, sent %d times", status, text, sent.Load())
		}
		if status, text := try(request(t, http.MethodPost, strings.NewReader("{}"))); status != http.StatusOK || text != "{}t3" {
			t.Errorf("the next POST: %d %s", status, text)
		}
		time.Sleep(time.Minute)
		good.Store("none is good")
		before := login.requests()
		for range 100 { // ten seconds
			if status, _ := try(request(t, http.MethodGet, nil)); status != http.StatusUnauthorized {
				t.Error(status)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := login.requests() - before; n != 1 {
			t.Errorf("%d token requests in ten seconds of refusals", n)
		}
	})
}

// TestWhatMayBeSentAgain: idempotent and replayable, by the caller's word.
func TestWhatMayBeSentAgain(t *testing.T) {
	for name, test := range map[string]struct {
		method     string
		body       io.Reader
		idempotent func(*http.Request) bool
		want       string
	}{
		"get":               {http.MethodGet, nil, nil, "again"},
		"get with a body":   {http.MethodGet, strings.NewReader("x"), nil, "againx"},
		"get with a stream": {http.MethodGet, io.MultiReader(strings.NewReader("x")), nil, "refused"},
		"put":               {http.MethodPut, strings.NewReader("x"), nil, "refused"},
		"put that may":      {http.MethodPut, strings.NewReader("x"), func(*http.Request) bool { return true }, "againx"},
		"get that may not":  {http.MethodGet, nil, func(*http.Request) bool { return false }, "refused"},
	} {
		login := &issuer{expires: 3600}
		layer := newLayer(t, oauth2Config(), credential.Options{Carrier: serve(login.ServeHTTP), Idempotent: test.idempotent},
			serve(func(w http.ResponseWriter, r *http.Request) {
				body := []byte{}
				if r.Body != nil {
					body, _ = io.ReadAll(r.Body)
				}
				if strings.Contains(r.Header.Get("Authorization"), "t1-") {
					w.WriteHeader(http.StatusUnauthorized)
					_, _ = io.WriteString(w, "refused")
					return
				}
				_, _ = io.WriteString(w, "again"+string(body))
			}))
		res, err := layer.RoundTrip(request(t, test.method, test.body))
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(res.Body); string(text) != test.want {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestBadTokenServers: none of what they write gets into an error.
func TestBadTokenServers(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect took the secret elsewhere")
	}))
	defer elsewhere.Close()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"html":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>"+secret) }, "the token server's answer: "},
		"no token": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"x":"`+secret+`"}`) }, "missing access_token"},
		"other type": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"hunter2","token_type":"`+secret+`"}`)
		}, "another type than bearer"},
		"header injection": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"hunter2\r\nX: 1","token_type":"bearer"}`)
		}, "a header can't carry"},
		"over": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"hunter2","token_type":"bearer","expires_in":-5}`)
		}, "over already"},
		"echo": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"`+secret+`","error_description":"`+secret+`"}`)
		}, "the token server answered 400"},
		"prose": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"ask Bob"}`)
		}, "the token server answered 400"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "the token server answered 307"},
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "the token server"},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for range 2000 {
				_, _ = io.WriteString(w, strings.Repeat(secret, 200))
			}
		}, "the token server's answer: "},
	} {
		t.Run(name, func(t *testing.T) {
			var log capture
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				test.handler(w, r)
			}))
			defer server.Close()
			c := oauth2Config()
			c.OAuth2.TokenURL = server.URL + "/token?key=" + secret
			layer := newLayer(t, c, credential.Options{Logger: log.logger()}, echo())
			_, err := send(t, layer, http.MethodGet)
			if fail.KindOf(err) != fail.UpstreamUnavailable || !strings.Contains(err.Error(), test.want) {
				t.Error(err)
			}
			if strings.Contains(err.Error(), "Bob") {
				t.Errorf("prose of the token server's: %v", err)
			}
			noSecret(t, "the error", fmt.Sprintf("%+v %#v", err, errors.Unwrap(err)))
			noSecret(t, "the log", log.String())
			if log.String() == "" {
				t.Error("nothing was logged")
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		c := oauth2Config()
		c.OAuth2.TokenURL = "http://127.0.0.1:1/token?key=" + secret
		_, err := send(t, newLayer(t, c, credential.Options{}, echo()), http.MethodGet)
		if err == nil || !strings.Contains(err.Error(), "can't be reached") {
			t.Error(err)
		}
		noSecret(t, "the error", err.Error())
	})
	t.Run("hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			login := carrier(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
			_, err := send(t, newLayer(t, oauth2Config(), credential.Options{Carrier: login}, echo()), http.MethodGet)
			if fail.KindOf(err) != fail.UpstreamUnavailable || !strings.Contains(err.Error(), "didn't answer within 10s") || time.Since(began) != 10*time.Second {
				t.Error(time.Since(began), err)
			}
		})
	})
}
