package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/upstreamtest"
)

func to(location string) answer {
	return answer{Status: 302, Headers: map[string]string{"Location": location}}
}

func TestRedirectsWithinAService(t *testing.T) {
	s := upstreamtest.Start(t,
		upstreamtest.Exchange{Request: "GET /a", Answer: to("/b?x=1")},
		upstreamtest.Exchange{Request: "GET /b?x=1", Answer: to("c/")},
		upstreamtest.Exchange{Request: "GET /c/", Answer: to("/d")},
		upstreamtest.Exchange{Request: "GET /d", Answer: answer{Text: "1"}},
	)
	if v, failure := do(t, newClient(t, s.URL()), get(t)); failure != nil || raw(v) != "1" {
		t.Errorf("%s %v", raw(v), failure)
	}
}

func TestRedirectsHaveAnEnd(t *testing.T) {
	again := upstreamtest.Exchange{Request: "GET /a", Answer: to("/a")}
	s := upstreamtest.Start(t, again, again, again, again)
	_, failure := do(t, newClient(t, s.URL()), get(t))
	if failure == nil || failure.Kind != fail.UpstreamError || failure.Status != 302 {
		t.Errorf("%+v", failure)
	}
}

// TestRedirectsElsewhere: following one would let a service send our headers, and our requests, wherever it likes.
func TestRedirectsElsewhere(t *testing.T) {
	elsewhere := upstreamtest.Start(t) // expects nothing
	for _, location := range []string{
		elsewhere.URL() + "/a", "//" + strings.TrimPrefix(elsewhere.URL(), "http://") + "/a",
		strings.Replace(elsewhere.URL(), "127.0.0.1", "localhost", 1), "file:///etc/passwd",
	} {
		_, failure := ask(t, get(t), to(location))
		if failure == nil || failure.Kind != fail.UpstreamError || failure.Status != 302 {
			t.Errorf("%s: %+v", location, failure)
		}
	}
}

// TestRedirectsOfWrites: a write that is repeated elsewhere is another write.
func TestRedirectsOfWrites(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		redirect := to("/b")
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
