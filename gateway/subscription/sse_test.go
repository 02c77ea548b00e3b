package subscription_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/subscription"
)

// request makes a request; headers are "Name: value".
func (p *place) request(t testing.TB, ctx context.Context, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, p.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := p.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func text(t testing.TB, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const (
	wantsEvents = "Accept: text/event-stream"
	isJSON      = "Content-Type: application/json"
)

func TestDistinctConnections(t *testing.T) {
	p := newPlace(t, subscription.Config{})
	get := func(query string) string { return "/graphql?query=" + url.QueryEscape(query) }
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		want               string
	}{
		"post": {http.MethodPost, "/", `{"query":"subscription { count(to: 2) }"}`, []string{isJSON}, 200,
			":\n\nevent: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\nevent: complete\ndata:\n\n"},
		"get":            {http.MethodGet, get("{ hello }"), "", nil, 200, ":\n\nevent: next\ndata: {\"data\":{\"hello\":\"world\"}}\n\nevent: complete\ndata:\n\n"},
		"request errors": {http.MethodGet, get("{ wrong }"), "", nil, 200, ":\n\nevent: next\ndata: {\"errors\":[{\"message\":\"Cannot query field.\",\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}]}\n\nevent: complete\ndata:\n\n"},
		"white space of the data doesn't break a line": {http.MethodGet, get("{ lines }"), "", nil, 200, ":\n\nevent: next\ndata: {\"data\":{\"lines\":[1, 2]}}\n\nevent: complete\ndata:\n\n"},
		"deferred": {http.MethodPost, "/", `{"query":"{ deferred }"}`, []string{isJSON}, 200,
			":\n\nevent: next\ndata: {\"data\":{\"a\":1},\"hasNext\":true}\n\nevent: next\ndata: {\"incremental\":[{\"data\":{\"b\":2},\"label\":\"late\",\"path\":[\"x\",1]}],\"hasNext\":false}\n\nevent: complete\ndata:\n\n"},
		"who":            {http.MethodGet, get("{ who }"), "", []string{"X-Token: alice", "X-Extra: !"}, 200, ":\n\nevent: next\ndata: {\"data\":{\"who\":\"alice!\"}}\n\nevent: complete\ndata:\n\n"},
		"unknown client": {http.MethodGet, get("{ who }"), "", []string{"X-Token: x"}, 401, `{"errors":[{"message":"The token is not valid.","extensions":{"code":"UNAUTHENTICATED"}}]}`},
		"can't tell":     {http.MethodGet, get("{ who }"), "", []string{"X-Token: unsure"}, 503, `{"errors":[{"message":"Credentials can't be checked now.","extensions":{"code":"UPSTREAM_UNAVAILABLE"}}]}`},
		"no query":       {http.MethodGet, "/graphql", "", nil, 400, `{"errors":[{"message":"The request is not one of GraphQL: there is no \"query\".","extensions":{"code":"BAD_REQUEST"}}]}`},
		"variables that would be more": {http.MethodGet, get("{ hello }") + "&variables=" + url.QueryEscape(`{},"query":"{ who }"`), "", nil, 400,
			`{"errors":[{"message":"A parameter is not valid JSON.","extensions":{"code":"BAD_REQUEST"}}]}`},
		"form":         {http.MethodPost, "/", "query=x", []string{"Content-Type: application/x-www-form-urlencoded"}, 415, `{"errors":[{"message":"The body must be application/json, and Content-Type must say so.","extensions":{"code":"BAD_REQUEST"}}]}`},
		"no type":      {http.MethodPost, "/", `{"query":"{ hello }"}`, nil, 415, `{"errors":[{"message":"The body must be application/json, and Content-Type must say so.","extensions":{"code":"BAD_REQUEST"}}]}`},
		"charset":      {http.MethodPost, "/", `{"query":"{ hello }"}`, []string{"Content-Type: application/json; charset=utf-16"}, 415, `{"errors":[{"message":"The body must be UTF-8.","extensions":{"code":"BAD_REQUEST"}}]}`},
		"body no JSON": {http.MethodPost, "/", `{`, []string{isJSON}, 400, `{"errors":[{"message":"The request is not one of GraphQL: it is not valid JSON.","extensions":{"code":"BAD_REQUEST"}}]}`},
		"body too big": {http.MethodPost, "/", `{"query":"` + strings.Repeat("x", 128<<10) + `"}`, []string{isJSON}, 413, `{"errors":[{"message":"The body is over the limit.","extensions":{"code":"REQUEST_TOO_LARGE"}}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			res := p.request(t, t.Context(), c.method, c.path, c.body, append(c.headers, wantsEvents)...)
			if got := text(t, res); got != c.want || res.StatusCode != c.status {
				t.Errorf("status %d\ngot  %q\nwant %q", res.StatusCode, got, c.want)
			}
		})
	}
}

// events reads an event stream, one event at a time.
type events struct {
	t testing.TB
	r *bufio.Reader
}

func (e events) next() string {
	e.t.Helper()
	var all strings.Builder
	for {
		line, err := e.r.ReadString('\n')
		if err != nil {
			return "end"
		}
		if line == "\n" {
			if all.Len() > 0 {
				return strings.TrimSuffix(all.String(), "\n")
			}
			continue
		}
		if !strings.HasPrefix(line, ":") {
			all.WriteString(line)
		}
	}
}

func (e events) want(all ...string) {
	e.t.Helper()
	for _, want := range all {
		if got := e.next(); got != want {
			e.t.Fatalf("got  %q\nwant %q", got, want)
		}
	}
}

const tokenHeader = "X-Graphql-Event-Stream-Token: "

func TestSingleConnection(t *testing.T) {
	p := newPlace(t, subscription.Config{MaxOperations: 3})
	reserved := p.request(t, t.Context(), http.MethodPut, "/", "", "X-Token: alice")
	token := text(t, reserved)
	if reserved.StatusCode != http.StatusCreated || len(token) < 20 {
		t.Fatalf("reserving: %d %q", reserved.StatusCode, token)
	}
	do := func(status int, method, path, body string, headers ...string) {
		t.Helper()
		res := p.request(t, t.Context(), method, path, body, append([]string{"X-Token: alice"}, headers...)...)
		if got := text(t, res); res.StatusCode != status {
			t.Fatalf("status %d, not %d: %s", res.StatusCode, status, got)
		}
	}
	operation := func(query, id string) string {
		return `{"query":"` + query + `","extensions":{"operationId":"` + id + `"}}`
	}
	with := tokenHeader + token
	// What comes before the stream is open waits for it.
	do(202, http.MethodPost, "/", operation("{ hello }", "early"), with, isJSON)
	stream := p.request(t, t.Context(), http.MethodGet, "/?token="+token, "", wantsEvents, "X-Token: alice")
	if stream.StatusCode != http.StatusOK || stream.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Fatalf("opening: %d", stream.StatusCode)
	}
	e := events{t, bufio.NewReader(stream.Body)}
	e.want("event: next\ndata: {\"id\":\"early\",\"payload\":{\"data\":{\"hello\":\"world\"}}}", "event: complete\ndata: {\"id\":\"early\"}")

	do(409, http.MethodGet, "/", "", with, wantsEvents)
	do(404, http.MethodGet, "/?token=other", "", wantsEvents)
	do(404, http.MethodPost, "/", operation("{ hello }", "1"), tokenHeader+"other", isJSON)
	do(400, http.MethodPost, "/", `{"query":"{ hello }"}`, with, isJSON)
	do(400, http.MethodPost, "/", `{"query":"{ hello }","extensions":{"operationId":1}}`, with, isJSON)
	do(400, http.MethodPost, "/", operation("{ wrong }", "1"), with, isJSON)
	do(404, http.MethodPost, "/?token=other", operation("{ hello }", "1"), isJSON)
	do(202, http.MethodPost, "/?token="+token, operation("{ hello }", "by query"), isJSON)
	e.want("event: next\ndata: {\"id\":\"by query\",\"payload\":{\"data\":{\"hello\":\"world\"}}}", "event: complete\ndata: {\"id\":\"by query\"}")
	do(415, http.MethodPost, "/", operation("{ hello }", "1"), with)
	if res := p.request(t, t.Context(), http.MethodPost, "/", operation("{ hello }", "1"), with, isJSON, "X-Token: bob"); res.StatusCode != http.StatusNotFound {
		t.Errorf("somebody else got %d", res.StatusCode)
	}

	do(202, http.MethodPost, "/", operation("subscription { events }", "a"), with, isJSON)
	do(409, http.MethodPost, "/", operation("{ hello }", "a"), with, isJSON)
	p.script.events <- `{"x":1}`
	e.want("event: next\ndata: {\"id\":\"a\",\"payload\":{\"data\":{\"x\":1}}}")
	do(400, http.MethodDelete, "/", "", with)
	do(200, http.MethodDelete, "/?operationId=none", "", with)
	do(200, http.MethodDelete, "/?operationId=a", "", with)
	e.want("event: complete\ndata: {\"id\":\"a\"}")
	p.script.idle(t)

	for _, id := range []string{"1", "2", "3"} {
		do(202, http.MethodPost, "/", operation("subscription { events }", id), with, isJSON)
	}
	do(429, http.MethodPost, "/", operation("{ hello }", "4"), with, isJSON)
	stream.Body.Close() // all ends with the stream
	p.script.idle(t)
	eventually(t, "the token is forgotten", func() bool {
		return p.request(t, t.Context(), http.MethodDelete, "/?operationId=1", "", with, "X-Token: alice").StatusCode == http.StatusNotFound
	})
}

func TestEventStreamsEndWithTheirClient(t *testing.T) {
	p := newPlace(t, subscription.Config{MaxClientConnections: 1})
	ctx, leave := context.WithCancel(t.Context())
	res := p.request(t, ctx, http.MethodPost, "/", `{"query":"subscription { events }"}`, wantsEvents, isJSON)
	p.script.events <- `{"x":1}`
	events{t, bufio.NewReader(res.Body)}.want("event: next\ndata: {\"data\":{\"x\":1}}")
	if res := p.request(t, t.Context(), http.MethodPost, "/", `{"query":"{ hello }"}`, wantsEvents, isJSON); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a second stream: %d", res.StatusCode)
	}
	leave()
	p.script.idle(t)
	eventually(t, "the place is free again", func() bool {
		return p.request(t, t.Context(), http.MethodPost, "/", `{"query":"{ hello }"}`, wantsEvents, isJSON).StatusCode == http.StatusOK
	})
}

// A client that doesn't read its events loses the stream before the end.
func TestSlowEventStream(t *testing.T) {
	p := newPlace(t, subscription.Config{MaxQueue: 8})
	res := p.request(t, t.Context(), http.MethodPost, "/", `{"query":"subscription { flood }"}`, wantsEvents, isJSON)
	p.script.idle(t)
	if got := text(t, res); strings.Contains(got, "complete") {
		t.Error("it was completed")
	}
}

const wantsParts = "Accept: multipart/mixed;deferSpec=20220824, application/json"

func TestMultipart(t *testing.T) {
	p := newPlace(t, subscription.Config{})
	const parts = `multipart/mixed; boundary="-"; deferSpec=20220824`
	const head = "Content-Type: application/json; charset=utf-8\r\n\r\n"
	for name, c := range map[string]struct {
		query, media, want string
		status             int
	}{
		"deferred": {"{ deferred }", parts, "\r\n---\r\n" + head + `{"data":{"a":1},"hasNext":true}` + "\r\n---\r\n" +
			head + `{"incremental":[{"data":{"b":2},"label":"late","path":["x",1]}],"hasNext":false}` + "\r\n-----\r\n", 200},
		"broken off": {"{ broken }", parts, "\r\n---\r\n" + head + `{"data":{"a":1},"hasNext":true}` + "\r\n---\r\n" +
			head + `{"incremental":[{"data":null,"path":[],"errors":[{"message":"The operation took too long."}]}],"hasNext":false}` + "\r\n-----\r\n", 200},
		"nothing deferred": {"{ hello }", "application/json; charset=utf-8", `{"data":{"hello":"world"}}`, 200},
		"request errors":   {"{ wrong }", "application/json; charset=utf-8", `{"errors":[{"message":"Cannot query field.","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`, 400},
		"a panic":          {"{ panic }", "application/json; charset=utf-8", `{"errors":[{"message":"Something went wrong on our side.","extensions":{"code":"INTERNAL"}}]}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			res := p.request(t, t.Context(), http.MethodPost, "/", `{"query":"`+c.query+`"}`, wantsParts, isJSON)
			if got := text(t, res); got != c.want || res.StatusCode != c.status || res.Header.Get("Content-Type") != c.media {
				t.Errorf("status %d, %s\ngot  %q\nwant %q", res.StatusCode, res.Header.Get("Content-Type"), got, c.want)
			}
		})
	}
}

func TestHandles(t *testing.T) {
	h := newPlace(t, subscription.Config{})
	for line, want := range map[string]bool{
		"GET|Accept: */*":                                   false,
		"GET|Accept: text/*":                                false,
		"GET|Accept: text/event-stream":                     true,
		"GET|Accept: text/event-stream;q=0":                 false,
		"GET|Accept: application/json, Text/Event-Stream":   false, // our own clients and browsers write it in lower case
		"GET|Upgrade: WebSocket":                            true,
		"GET|Upgrade: h2c":                                  false,
		"POST|Accept: application/json":                     false,
		"POST|Accept: application/json, text/event-stream":  true,
		"POST|Accept: multipart/mixed;deferSpec=20220824":   true,
		"POST|" + tokenHeader + "x":                         true,
		"GET|Accept: multipart/mixed":                       false,
		"POST|Accept: multipart/mixed":                      true,
		"POST|Accept: multipart/mixed;deferSpec=20991231":   false,
		"POST|Accept: multipart/mixed;incrementalSpec=v0.2": false,
		"POST|Accept: multipart/mixed;subscriptionSpec=1.0": false,
		"PUT|X: x":                       true,
		"DELETE|X: x":                    true,
		"OPTIONS|X: x":                   false,
		"PATCH|X: x":                     false,
		"HEAD|Accept: text/event-stream": false,
		"POST|Upgrade: websocket":        false,
		`POST|Accept: multipart/mixed; boundary="x,y";q=0.5`: true,
	} {
		method, header, _ := strings.Cut(line, "|")
		r, err := http.NewRequestWithContext(t.Context(), method, "http://x/graphql", nil)
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
		if got := h.Handles(r); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
