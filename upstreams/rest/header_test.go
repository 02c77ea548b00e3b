package rest_test

import (
	"net/http"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/upstreamtest"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// expects are the headers of an exchange; an empty value is a header that must not be there.
func expects(want map[string]string) map[string]*string {
	all := map[string]*string{}
	for name, value := range want {
		all[name] = nil
		if value != "" {
			all[name] = &value
		}
	}
	return all
}

func TestHeadersWithoutCaller(t *testing.T) {
	s := upstreamtest.Start(t, upstreamtest.Exchange{Request: "GET /a", Headers: expects(map[string]string{
		"Accept": "application/json", "User-Agent": "tributary", "Accept-Encoding": "gzip", "X-Request-Id": "", "Traceparent": "",
		"Tracestate": "", "Cookie": "", "Authorization": "", "Referer": "", "Content-Type": "",
	})})
	c := newClient(t, s.URL(), func(s *rest.Service) { s.Forward = []string{"Cookie"} })
	if _, err := c.Do(t.Context(), get(t), &template.Scope{}, nil); err != nil {
		t.Error(err)
	}
}

func TestHeadersOfCaller(t *testing.T) {
	s := upstreamtest.Start(t, upstreamtest.Exchange{Request: "GET /a", Headers: expects(map[string]string{
		"Accept": "application/vnd.users+json", "User-Agent": "shop/1", "X-Api-Key": "k",
		"X-Request-Id": "r1", "Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Tracestate": "a=b",
		"Authorization": "Bearer t", "X-Tenant": "acme", // on the list
		"Cookie": "", "X-Other": "", // not on the list
		"X-Hop":     "",      // on the list, but the client says that it belongs to its connection
		"X-Made":    "acme!", // of a header on the list
		"X-Unmade":  "",      // of one that isn't
		"X-Default": "client",
	})})
	c := newClient(t, s.URL(), func(s *rest.Service) {
		s.UserAgent = "shop/1"
		s.Headers = map[string]string{"x-api-key": "k", "accept": "application/vnd.users+json", "X-Default": "configured"}
		s.Forward = []string{"authorization", "X-Tenant", "X-Hop", "X-Default"}
	})
	ctx := rest.WithCaller(t.Context(), &rest.Caller{
		RequestID: "r1", Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Tracestate: "a=b",
		Header: http.Header{
			"Authorization": {"Bearer t"}, "X-Tenant": {"acme"}, "Cookie": {"c=1"}, "X-Other": {"o"},
			"Connection": {"close, x-hop"}, "X-Hop": {"h"}, "X-Default": {"client"},
		},
	})
	r := get(t)
	r.Headers = headers(t, `{X_Made: "{header.x-tenant}!", X_Unmade: "{header.Cookie}"}`)
	if _, err := c.Do(ctx, r, &template.Scope{}, nil); err != nil {
		t.Error(err)
	}
}

// TestCallerIsNotShared: what one client sends must never reach a service with the request of another.
func TestCallerIsNotShared(t *testing.T) {
	c := newClient(t, upstreamtest.Start(t,
		upstreamtest.Exchange{Request: "GET /a", Headers: expects(map[string]string{"Authorization": "one"})},
		upstreamtest.Exchange{Request: "GET /a", Headers: expects(map[string]string{"Authorization": ""})},
	).URL(), func(s *rest.Service) { s.Forward = []string{"Authorization"} })
	ctx := rest.WithCaller(t.Context(), &rest.Caller{Header: http.Header{"Authorization": {"one"}}})
	if _, err := c.Do(ctx, get(t), &template.Scope{}, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.Do(t.Context(), get(t), &template.Scope{}, nil); err != nil {
		t.Error(err)
	}
}

func TestScopeOfCaller(t *testing.T) {
	ctx := rest.WithCaller(t.Context(), &rest.Caller{
		ClientID: "app", Claim: func([]string) view.Value { return view.Value{} },
	})
	s := rest.Scope(ctx, map[string]any{"a": 1})
	if s.ClientID != "app" || s.Claim == nil || s.Args["a"] != 1 || s.Header != nil {
		t.Errorf("%+v", s)
	}
	if s := rest.Scope(t.Context(), nil); s.ClientID != "" || s.Claim != nil {
		t.Errorf("%+v", s)
	}
}
