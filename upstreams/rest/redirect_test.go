package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/upstreamtest"
)

func to(location string) answer {
	return answer{Status: 302, Headers: map[string]string{"Location": location}}
}

// A service may want a slash at the end of its paths, or none.
func TestRedirectsToASlash(t *testing.T) {
	for _, c := range []struct{ path, query, asked, location, next string }{
		{"/a", "", "/a", "/a/", "/a/"},
		{"/a/", "", "/a/", "/a", "/a"},
		{"/a", "", "/a", "a/", "/a/"},
		{"/a", "", "/a", "a/#x", "/a/"},
		{"/a/{id}", "", "/a/..%2Fb", "/a/..%2Fb/", "/a/..%2Fb/"},
		{"/a", `{q: "{id}"}`, "/a?q=..%2Fb", "/a/?q=..%2Fb", "/a/?q=..%2Fb"},
	} {
		s := upstreamtest.Start(t,
			upstreamtest.Exchange{Request: "GET " + c.asked, Answer: to(c.location)},
			upstreamtest.Exchange{Request: "GET " + c.next, Answer: answer{Text: "1"}})
		r := &rest.Request{Method: http.MethodGet, Path: path(t, c.path)}
		if c.query != "" {
			r.Query = query(t, c.query)
		}
		v, err := newClient(t, s.URL()).Do(t.Context(), r, &template.Scope{Args: map[string]any{"id": "../b"}}, nil)
		if err != nil || raw(v) != "1" {
			t.Errorf("%s to %s: %s %v", c.asked, c.location, raw(v), err)
		}
	}
}

// The address that a redirect comes from is nobody's business, and the headers of the first request are those of the second.
func TestRedirectsKeepHeaders(t *testing.T) {
	var got http.Header
	transport := roundTrip(func(req *http.Request) (*http.Response, error) {
		res := &http.Response{StatusCode: http.StatusMovedPermanently, Header: http.Header{"Location": {req.URL.Path + "/"}}, Body: http.NoBody}
		if strings.HasSuffix(req.URL.Path, "/") {
			got = req.Header
			res.StatusCode = http.StatusNoContent
		}
		return res, nil
	})
	c := newClient(t, "http://users.test", func(s *rest.Service) {
		s.Transport, s.Headers = transport, map[string]string{"X-Key": "k"}
	})
	if _, failure := do(t, c, get(t)); failure != nil {
		t.Fatal(failure)
	}
	if got.Get("X-Key") != "k" || got["Referer"] != nil {
		t.Errorf("%v", got)
	}
}

// TestRedirectsHaveAnEnd: a service that can't decide is asked twice.
func TestRedirectsHaveAnEnd(t *testing.T) {
	s := upstreamtest.Start(t,
		upstreamtest.Exchange{Request: "GET /a", Answer: to("/a/")},
		upstreamtest.Exchange{Request: "GET /a/", Answer: to("/a")})
	_, failure := do(t, newClient(t, s.URL()), get(t))
	if failure == nil || failure.Kind != fail.UpstreamError || failure.Status != 302 {
		t.Errorf("%+v", failure)
	}
}

// TestRedirectsElsewhere: following one would let a service send our headers, and our requests, wherever it likes.
func TestRedirectsElsewhere(t *testing.T) {
	elsewhere := upstreamtest.Start(t) // expects nothing
	host := strings.TrimPrefix(elsewhere.URL(), "http://")
	for _, location := range []string{
		elsewhere.URL() + "/a", elsewhere.URL() + "/a/", "//" + host + "/a/",
		strings.Replace(elsewhere.URL(), "127.0.0.1", "localhost", 1), "file:///etc/passwd", "http://[", "",
	} {
		_, failure := ask(t, get(t), to(location))
		if failure == nil || failure.Kind != fail.UpstreamError || failure.Status != 302 {
			t.Errorf("%s: %+v", location, failure)
		}
	}
}

// TestRedirectsWithinAService: a client that writes "../admin" for an id must not get to choose the path, although the
// service takes the dots for what they are elsewhere.
func TestRedirectsWithinAService(t *testing.T) {
	scope := &template.Scope{Args: map[string]any{"id": "../admin"}}
	for _, location := range []string{
		"/a", "/b", "/admin", "/admin/", "/users/../admin", "/users/../admin/", "/", "..", "",
		"/users/..%2fadmin/", "/users/..%2Fadmin//", "/users/..%2Fadmin", "/users/..%2Fadmin/?x=1", "?x=1",
	} {
		s := upstreamtest.Start(t, upstreamtest.Exchange{Request: "GET /users/..%2Fadmin", Answer: to(location)})
		r := &rest.Request{Method: http.MethodGet, Path: path(t, "/users/{id}")}
		_, err := newClient(t, s.URL()).Do(t.Context(), r, scope, nil)
		if fail.KindOf(err) != fail.UpstreamError {
			t.Errorf("%s: %v", location, err)
		}
	}
}

// TestRedirectsOfWrites: a write that is repeated elsewhere is another write.
func TestRedirectsOfWrites(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		redirect := to("/a/")
		redirect.Status = status
		s := upstreamtest.Start(t, upstreamtest.Exchange{Request: "POST /a", Answer: redirect})
		r := get(t)
		r.Method = http.MethodPost
		_, err := newClient(t, s.URL()).Do(t.Context(), r, &template.Scope{}, nil)
		if fail.KindOf(err) != fail.UpstreamError {
			t.Errorf("%d: %v", status, err)
		}
	}
}
