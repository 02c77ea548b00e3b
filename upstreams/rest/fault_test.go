package rest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/upstreamtest"
)

// soon is long enough for loopback and short enough for a test that waits for it.
const soon = 30 * time.Millisecond

func TestFaults(t *testing.T) {
	hasty := func(s *rest.Service) { s.Timeout = soon }
	for _, c := range []struct {
		name   string
		answer answer
		want   fail.Kind
		status int
	}{
		{"hang", answer{Fault: upstreamtest.Hang}, fail.UpstreamTimeout, 0},
		{"stall", answer{Text: "[1,2,3]", Fault: upstreamtest.Stall}, fail.UpstreamTimeout, 0},
		{"stall in an error", answer{Status: 503, Text: "[1,2,3]", Fault: upstreamtest.Stall}, fail.UpstreamError, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, failure := ask(t, get(t), c.answer, hasty)
			if failure == nil || failure.Kind != c.want || failure.Status != c.status || failure.Public != "" {
				t.Errorf("%+v", failure)
			}
		})
	}
}

// TestNoAnswer: the method is one that net/http doesn't repeat by itself.
func TestNoAnswer(t *testing.T) {
	s := upstreamtest.Start(t, upstreamtest.Exchange{Request: "POST /a", Answer: answer{Fault: upstreamtest.Reset}})
	r := get(t)
	r.Method = http.MethodPost
	_, err := newClient(t, s.URL()).Do(t.Context(), r, &template.Scope{}, nil)
	if fail.KindOf(err) != fail.UpstreamUnavailable {
		t.Error(err)
	}
}

func TestNoConnection(t *testing.T) {
	_, failure := do(t, newClient(t, upstreamtest.Nowhere), get(t))
	if failure == nil || failure.Kind != fail.UpstreamUnavailable || failure.Status != 0 {
		t.Errorf("%+v", failure)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestDialTimeoutIsNoConnection: the dialer gives up before the call does, and its error is a timeout as well.
func TestDialTimeoutIsNoConnection(t *testing.T) {
	dialer := net.Dialer{Deadline: time.Unix(1, 0)}
	c := newClient(t, "http://127.0.0.1:1", func(s *rest.Service) {
		s.Transport = &http.Transport{DialContext: dialer.DialContext}
	})
	_, failure := do(t, c, get(t))
	var timeout net.Error
	if failure == nil || failure.Kind != fail.UpstreamUnavailable || !errors.As(failure, &timeout) || !timeout.Timeout() {
		t.Errorf("%+v", failure)
	}
}

func TestTimeoutOfTheRequest(t *testing.T) {
	s := upstreamtest.Start(t, upstreamtest.Exchange{Request: "GET /a", Answer: answer{Fault: upstreamtest.Hang}})
	r := get(t)
	r.Timeout = soon
	_, failure := do(t, newClient(t, s.URL()), r)
	if failure == nil || failure.Kind != fail.UpstreamTimeout {
		t.Errorf("%+v", failure)
	}
}

func TestDeadlineOfTheOperation(t *testing.T) {
	s := upstreamtest.Start(t, upstreamtest.Exchange{Request: "GET /a", Answer: answer{Fault: upstreamtest.Hang}})
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	_, err := newClient(t, s.URL()).Do(ctx, get(t), &template.Scope{}, nil)
	if fail.KindOf(err) != fail.UpstreamTimeout {
		t.Error(err)
	}
}

// TestClientLeaves: a client that hung up is no failure of the service, whether it did before or in the middle.
func TestClientLeaves(t *testing.T) {
	arrived := make(chan struct{}, 2)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		arrived <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer server.Close()
	defer close(release)
	c := newClient(t, server.URL)
	for _, text := range []string{"/head", "/body"} {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := c.Do(ctx, &rest.Request{Method: http.MethodGet, Path: path(t, text)}, &template.Scope{}, nil)
			failed <- err
		}()
		<-arrived
		cancel()
		if err := <-failed; fail.KindOf(err) != fail.Canceled {
			t.Errorf("%s: %v", text, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(ctx, get(t), &template.Scope{}, nil); fail.KindOf(err) != fail.Canceled {
		t.Errorf("before: %v", err)
	}
}

// TestKindOfTheTransport: a layer of the transport that knows better is believed.
func TestKindOfTheTransport(t *testing.T) {
	c := newClient(t, "http://users", func(s *rest.Service) {
		s.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, fail.New(fail.UpstreamRateLimited, "") })
	})
	if _, failure := do(t, c, get(t)); failure == nil || failure.Kind != fail.UpstreamRateLimited {
		t.Errorf("%+v", failure)
	}
}

// TestLogHasNoValues: addresses, values and credentials are in no error, not even in the part for the log.
func TestLogHasNoValues(t *testing.T) {
	c := newClient(t, upstreamtest.Nowhere+"/base", func(s *rest.Service) { s.Headers = map[string]string{"X-Token": "s3cret"} })
	r := &rest.Request{Method: "GET", Path: path(t, "/users/{id}"), Query: query(t, `{token: "{id}"}`)}
	_, err := c.Do(t.Context(), r, &template.Scope{Args: map[string]any{"id": "s3cret"}}, nil)
	if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "/base") ||
		!strings.HasPrefix(err.Error(), "users GET /users/{id}: ") {
		t.Error(err)
	}
	var failure *fail.Error
	if errors.As(err, &failure); failure.Message() != fail.UpstreamUnavailable.Text() {
		t.Errorf("clients read %q", failure.Message())
	}
}
