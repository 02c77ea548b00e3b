package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/transport"
	"github.com/tributary-gateway/tributary/upstreams/upstreamtest"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// newClient is a client of the service at an address, with changes to its settings.
func newClient(t testing.TB, address string, changes ...func(*rest.Service)) *rest.Client {
	t.Helper()
	carrier, err := transport.NewCarrier(transport.Connections{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(carrier.CloseIdleConnections)
	s := rest.Service{Name: "users", Base: address, Transport: carrier}
	for _, change := range changes {
		change(&s)
	}
	c, err := rest.NewClient(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func path(t testing.TB, text string) *template.Path {
	t.Helper()
	p, err := template.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// literal reads a GraphQL literal as it stands in a directive.
func literal(t testing.TB, text string) *ast.Value {
	t.Helper()
	document, err := parser.ParseQuery(&ast.Source{Input: "{ f(x: " + text + ") }"})
	if err != nil {
		t.Fatal(err)
	}
	return document.Operations[0].SelectionSet[0].(*ast.Field).Arguments[0].Value
}

func query(t testing.TB, text string) template.Query {
	t.Helper()
	q, err := template.NewQuery(literal(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func headers(t testing.TB, text string) template.Headers {
	t.Helper()
	h, err := template.NewHeaders(literal(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func body(t testing.TB, text string) *template.Value {
	t.Helper()
	v, err := template.NewValue(literal(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// get is GET /a without anything else.
func get(t testing.TB) *rest.Request {
	return &rest.Request{Method: http.MethodGet, Path: path(t, "/a")}
}

// raw is a value's JSON, with a sign for nothing at all.
func raw(v view.Value) string {
	if v.Kind() == view.KindAbsent {
		return "∅"
	}
	return string(v.Raw())
}

func TestRequests(t *testing.T) {
	scope := &template.Scope{
		Args: map[string]any{"id": "a/b", "first": int64(3), "nil": nil, "input": map[string]any{"name": "Ada", "age": nil}},
		Keys: []template.LookupKey{{Text: "1", Number: true}, {Text: "x&y"}},
	}
	for _, c := range []struct {
		base    string
		request rest.Request
		want    string
	}{
		{"", rest.Request{Method: "GET", Path: path(t, "/")}, "GET /"},
		{"/", rest.Request{Method: "GET", Path: path(t, "/users/{id}")}, "GET /users/a%2Fb"},
		{"/v1%2F/", rest.Request{Method: "DELETE", Path: path(t, "/users/")}, "DELETE /v1%2F/users/"},
		{"", rest.Request{Method: "GET", Path: path(t, "/u"), Query: query(t, `{id: "{keys}", n: "{nil}"}`)}, "GET /u?id=1&id=x%26y"},
		{"", rest.Request{Method: "GET", Path: path(t, "/u"), Query: query(t, `{id: "{keys}"}`), Style: template.Comma}, "GET /u?id=1,x%26y"},
		{"", rest.Request{Method: "GET", Path: path(t, "/u"), Query: query(t, `{n: "{nil}"}`)}, "GET /u"},
		{"", rest.Request{Method: "GET", Path: path(t, "/u"), DefaultQuery: []string{"first", "nil", "gone"}}, "GET /u?first=3"},
		{"", rest.Request{Method: "GET", Path: path(t, "/u"), Query: query(t, `{a: 1}`), DefaultQuery: []string{"first"}}, "GET /u?a=1&first=3"},
		{"", rest.Request{Method: "GET", Path: path(t, "/u"), Query: query(t, `{a: 1}`), DefaultQuery: []string{"nil"}}, "GET /u?a=1"},
		{"", rest.Request{Method: "POST", Path: path(t, "/u")}, "POST /u"},
		{"", rest.Request{Method: "POST", Path: path(t, "/u"), Body: body(t, `{ids: "{keys}"}`)}, `POST /u {"ids":[1,"x&y"]}`},
		{"", rest.Request{Method: "PUT", Path: path(t, "/u"), Body: body(t, `{ids: "{keys}"}`), KeyAs: template.AsString}, `PUT /u {"ids":["1","x&y"]}`},
		{"", rest.Request{Method: "PATCH", Path: path(t, "/u"), Body: body(t, `"{gone}"`)}, "PATCH /u"},
		{"", rest.Request{Method: "POST", Path: path(t, "/u"), DefaultBody: []string{"first", "nil", "gone"}}, `POST /u {"first":3,"nil":null}`},
		{"", rest.Request{Method: "POST", Path: path(t, "/u"), BodyArg: "input"}, `POST /u {"age":null,"name":"Ada"}`},
		{"", rest.Request{Method: "POST", Path: path(t, "/u"), BodyArg: "gone"}, "POST /u"},
	} {
		line, content, _ := strings.Cut(c.want, " {")
		exchange := upstreamtest.Exchange{Request: line, Answer: upstreamtest.Answer{Status: 204}}
		json := "application/json"
		exchange.Headers = map[string]*string{"Content-Type": nil}
		if content != "" {
			exchange.Body = upstreamtest.JSON("{" + content)
			exchange.Headers["Content-Type"] = &json
		}
		s := upstreamtest.Start(t, exchange)
		if _, err := newClient(t, s.URL()+c.base).Do(t.Context(), &c.request, scope, nil); err != nil {
			t.Errorf("%s: %v", c.want, err)
		}
		if diff := cmp.Diff([]string{c.want}, s.Requests()); diff != "" {
			t.Error(diff)
		}
	}
}

// TestRefusedValues: a value that can't stand where its template puts it is the client's mistake, and nothing is sent.
func TestRefusedValues(t *testing.T) {
	s := upstreamtest.Start(t)
	c := newClient(t, s.URL())
	scope := &template.Scope{Args: map[string]any{"dots": "..", "o": map[string]any{}, "lines": "a\nb"}}
	for _, r := range []rest.Request{
		{Method: "GET", Path: path(t, "/{dots}")},
		{Method: "GET", Path: path(t, "/a"), Query: query(t, `{a: "{o}"}`)},
		{Method: "GET", Path: path(t, "/a"), DefaultQuery: []string{"o"}},
		{Method: "GET", Path: path(t, "/a"), Headers: headers(t, `{A: "{lines}"}`)},
		{Method: "POST", Path: path(t, "/a"), Body: body(t, `{a: "x{o}"}`)},
	} {
		if _, err := c.Do(t.Context(), &r, scope, nil); fail.KindOf(err) != fail.BadInput {
			t.Error(err)
		}
	}
}

func TestClientMistakes(t *testing.T) {
	_, err := rest.NewClient(rest.Service{
		Name: "users", Base: "users:80", Timeout: -1, MaxBody: -1,
		Headers: map[string]string{"A B": "x", "Host": "x", "X-Token": "s3cret\n"},
		Forward: []string{"X-Ok", "connection", "Content-Type"},
	})
	want := strings.Join([]string{
		"service users: url must be like http://users.internal:8080",
		"service users: timeout and max_body can't be negative",
		"service users: it has no transport",
		`service users: headers: "A B" can't be the name of a header`,
		"service users: headers: Host is set for each connection and can't be configured",
		"service users: headers: the value of X-Token has control characters in it",
		"service users: forward: Connection belongs to the client's connection or body and can't be passed on",
		"service users: forward: Content-Type belongs to the client's connection or body and can't be passed on",
	}, "\n")
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	for base, want := range map[string]string{
		"http://a b":       "url is no URL",
		"ftp://users":      "url must be like http://users.internal:8080",
		"http://":          "url must be like http://users.internal:8080",
		"http://u:p@users": "url can't have credentials",
		"http://users?a=b": "url can't have credentials, a query or a fragment",
		"http://users/a#b": "url can't have credentials, a query or a fragment",
	} {
		_, err := rest.NewClient(rest.Service{Name: "users", Base: base, Transport: http.DefaultTransport})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", base, err)
		}
	}
}
