package server_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/operation"
	"github.com/tributary-gateway/tributary/gateway/server"
)

const (
	plainJSON = "application/json"
	newJSON   = "application/graphql-response+json"
)

func get(values url.Values) call {
	return call{method: http.MethodGet, path: "/graphql?" + values.Encode()}
}

func TestRequests(t *testing.T) {
	address := start(t, server.Config{MaxBodyBytes: 1000}, server.Options{})
	with := func(c call, name, value string) call {
		c.header = map[string]string{name: value}
		return c
	}
	refused := func(code, message string) string {
		return `{"errors":[{"message":"` + strings.ReplaceAll(message, `"`, `\"`) + `","extensions":{"code":"` + code + `"}}]}`
	}
	bad := func(message string) string { return refused("BAD_REQUEST", message) }
	for _, c := range []struct {
		name   string
		call   call
		status int
		body   string
	}{
		{"query", query("{ __typename }"), 200, `{"data":{"__typename":"Query"}}`},
		{"mutation", query("mutation { change }"), 200, `{"data":{"change":"changed"}}`},
		{"numbers as they are", call{body: `{"query":"query($v: Any) { echo(value: $v) }","variables":{"v":{"n":12345678901234567890.10,"s":"<é>"}}}`}, 200,
			`{"data":{"echo":{"n":12345678901234567890.10,"s":"\u003cé\u003e"}}}`},
		{"operation name", call{body: `{"query":"query A { __typename } query B { echo(value: 1) }","operationName":"B"}`}, 200, `{"data":{"echo":1}}`},
		{"nulls and unknown members", call{body: ` {"query":"{__typename}","operationName":null,"variables":null,"extensions":null,"id":[1]} `}, 200, `{"data":{"__typename":"Query"}}`},
		{"get", get(url.Values{"query": {"query Q($v: Any) { echo(value: $v) }"}, "variables": {`{"v":[1]}`}, "operationName": {"Q"}, "extensions": {""}}), 200, `{"data":{"echo":[1]}}`},
		{"charset", with(query("{ __typename }"), "Content-Type", `application/json; charset="UTF-8"`), 200, `{"data":{"__typename":"Query"}}`},

		{"no body", call{}, 400, bad("The body is empty.")},
		{"not JSON", call{body: `{"query": nonsense-secret}`}, 400, bad("The body is not valid JSON: it breaks at byte 9.")},
		{"cut", call{body: `{"query": "{ __ty`}, 400, bad("The body is not valid JSON: it breaks at byte 9.")},
		{"comma at the end", call{body: `{"query":"{__typename}",}`}, 400, bad("The body is not valid JSON: it breaks at byte 24.")},
		{"unfinished", call{body: `{"query":"{__typename}"`}, 400, bad("The body is not valid JSON: it breaks at byte 23.")},
		{"two objects", call{body: `{"query":"{__typename}"} {}`}, 400, bad("Something follows the JSON object in the body.")},
		{"bytes after", call{body: `{"query":"{__typename}"} x`}, 400, bad("Something follows the JSON object in the body.")},
		{"batch", call{body: `[{"query":"{__typename}"}]`}, 400, bad("The body must be one JSON object: batches are not supported.")},
		{"string", call{body: `"{__typename}"`}, 400, bad("The body must be a JSON object.")},
		{"duplicate", call{body: `{"query":"{a}","query":"{__typename}"}`}, 400, bad(`The member "query" stands twice in the body.`)},
		{"no query", call{body: `{"x":"{__typename}"}`}, 400, bad(`There is no "query".`)},
		{"query in another case", call{body: `{"Query":"{__typename}"}`}, 400, bad(`The body has a member that must be written "query".`)},
		{"null query", call{body: `{"query":null}`}, 400, bad(`"query" must be a string.`)},
		{"empty query", call{body: `{"query":""}`}, 400, bad(`"query" is empty.`)},
		{"number as name", call{body: `{"query":"{__typename}","operationName":1}`}, 400, bad(`"operationName" must be a string or null.`)},
		{"list of variables", call{body: `{"query":"{__typename}","variables":[]}`}, 400, bad(`"variables" must be an object or null.`)},
		{"text extensions", call{body: `{"query":"{__typename}","extensions":"x"}`}, 400, bad(`"extensions" must be an object or null.`)},
		{"not UTF-8", call{body: "{\"query\":\"{__typename} #\xff\"}"}, 400, bad("The body is not UTF-8.")},
		{"get without query", get(url.Values{"x": {"1"}}), 400, bad(`There is no "query".`)},
		{"get with bad variables", get(url.Values{"query": {"{__typename}"}, "variables": {"{} {}"}}), 400, bad(`The parameter "variables" is not valid JSON.`)},
		{"get with a list", get(url.Values{"query": {"{__typename}"}, "variables": {"[]"}}), 400, bad(`"variables" must be an object or null.`)},
		{"get twice", call{method: "GET", path: "/graphql?query=a&query=b"}, 400, bad(`The parameter "query" stands twice in the URL.`)},
		{"get badly encoded", call{method: "GET", path: "/graphql?query=%zz"}, 400, bad("The query string of the URL is not form-encoded.")},
		{"get a mutation", get(url.Values{"query": {"mutation { change }"}}), 405, bad("A mutation must be sent by POST.")},

		{"no content type", with(query("{ __typename }"), "Content-Type", ""), 415, bad("The body must be application/json, and Content-Type must say so.")},
		{"form", with(query("{ __typename }"), "Content-Type", "application/x-www-form-urlencoded"), 415, bad("The body must be application/json, and Content-Type must say so.")},
		{"latin", with(query("{ __typename }"), "Content-Type", "application/json; charset=latin1"), 415, bad("The body must be UTF-8.")},
		{"gzip", with(query("{ __typename }"), "Content-Encoding", "gzip"), 400, bad("The body ended early, or isn't what its Content-Encoding says.")},
		{"too long", query("{ __typename }" + strings.Repeat(" ", 1000)), 413, refused("REQUEST_TOO_LARGE", "The body is over the limit of 1000 bytes.")},
		{"not acceptable", with(query("{ __typename }"), "Accept", "text/html, application/json;q=0"), 406,
			bad("The answer can be application/graphql-response+json or application/json, and Accept excludes both.")},
		{"put", call{method: http.MethodPut}, 405, bad("This method is not allowed here.")},
		{"options", call{method: http.MethodOptions}, 204, ""},
		{"head without a query", call{method: http.MethodHead}, 400, ""},
		{"head", call{method: http.MethodHead, path: "/graphql?query=%7B__typename%7D"}, 200, ""},
		{"head of a mutation", call{method: http.MethodHead, path: "/graphql?query=mutation%7Bchange%7D"}, 405, ""},
		{"elsewhere", call{method: http.MethodGet, path: "/graphql/"}, 404, refused("NOT_FOUND", "There is nothing here. GraphQL is at /graphql.")},
		{"no playground", call{method: http.MethodGet, path: "/"}, 404, refused("NOT_FOUND", "There is nothing here. GraphQL is at /graphql.")},
		{"health", call{method: http.MethodGet, path: "/healthz"}, 200, `{"status":"ok"}`},
		{"health, head", call{method: http.MethodHead, path: "/healthz"}, 200, ""},
		{"health, post", call{path: "/healthz"}, 405, bad("This method is not allowed here.")},
		{"ready", call{method: http.MethodGet, path: "/readyz"}, 200, `{"status":"ready"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.call.do(t, address)
			if got.status != c.status || got.body != c.body {
				t.Errorf("got %d %s\nwant %d %s", got.status, got.body, c.status, c.body)
			}
			if got.status == 405 && got.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if got.header.Get("X-Request-Id") == "" {
				t.Error("no request id")
			}
			if c.body != "" && got.header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("type is %q", got.header.Get("Content-Type"))
			}
		})
	}
}

// A body without a length is refused when the limit is passed, not before.
// HEAD tells what GET would, and the next answer on the connection isn't taken for its body.
func TestHead(t *testing.T) {
	address := start(t, server.Config{}, server.Options{})
	wanted := call{method: http.MethodGet, path: "/graphql?query=%7B__typename%7D"}.do(t, address)
	for range 2 {
		got := call{method: http.MethodHead, path: "/graphql?query=%7B__typename%7D"}.do(t, address)
		for _, name := range []string{"Content-Type", "Content-Length", "Cache-Control", "Vary"} {
			if got.header.Get(name) != wanted.header.Get(name) {
				t.Errorf("%s: %q, GET has %q", name, got.header.Get(name), wanted.header.Get(name))
			}
		}
		if got.status != wanted.status || got.body != "" {
			t.Errorf("status %d, body %q", got.status, got.body)
		}
	}
}

func TestChunkedBodyTooLong(t *testing.T) {
	address := start(t, server.Config{MaxBodyBytes: 100}, server.Options{})
	body := struct{ *strings.Reader }{strings.NewReader(query("{ __typename }" + strings.Repeat(" ", 100)).body)}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/graphql", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", plainJSON)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
		t.Errorf("status %d, close %v", response.StatusCode, response.Close)
	}
}

func TestNegotiation(t *testing.T) {
	address := start(t, server.Config{}, server.Options{})
	for _, c := range []struct{ accept, want string }{
		{"", plainJSON},
		{"*/*", plainJSON},
		{"application/*", plainJSON},
		{"application/json", plainJSON},
		{"application/graphql-response+json", newJSON},
		{"application/graphql-response+json, application/json;q=0.9", newJSON},
		{"application/json, application/graphql-response+json", newJSON},
		{"application/json, application/graphql-response+json;q=0.5", plainJSON},
		{"application/graphql-response+json;q=0.1, application/json;q=0.2", plainJSON},
		{"application/json, multipart/mixed", plainJSON},
		{"application/json, */*", plainJSON},
		{"application/graphql-response+json, */*", newJSON},
		{"application/json;q=0, */*", newJSON},
		{"application/json;charset=latin1, application/graphql-response+json;q=0.1", newJSON},
		{"application/graphql-response+json; charset=utf-8", newJSON},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", plainJSON},
		{`text/plain;x="a,b", Application/JSON`, plainJSON},
		{"text/html", ""},
		{"application/json;q=2", ""},
		{"*/*;q=0", ""},
	} {
		request := query("{ __typename }")
		request.header = map[string]string{"Accept": c.accept}
		got := request.do(t, address)
		if c.want == "" {
			if got.status != 406 {
				t.Errorf("%q: status %d", c.accept, got.status)
			}
			continue
		}
		if got.status != 200 || got.header.Get("Content-Type") != c.want+"; charset=utf-8" {
			t.Errorf("%q: %d %s", c.accept, got.status, got.header.Get("Content-Type"))
		}
	}
}

// Statuses by what became of the request and by the media type, with bodies that have no data beside request errors.
func TestStatuses(t *testing.T) {
	address := start(t, server.Config{OperationTimeout: 20 * time.Millisecond, Operation: operation.Config{Limits: operation.Limits{MaxTokens: 50}}}, server.Options{})
	for _, c := range []struct {
		name, body string
		status     int // in the new media type
		want       string
	}{
		{"good", `{"query":"{ __typename }"}`, 200, `{"data":{"__typename":"Query"}}`},
		{"partial", `{"query":"{ __typename fails(how: \"service\") }"}`, 200,
			`{"data":{"__typename":"Query","fails":null},"errors":[{"message":"It was changed.","path":["fails"],"locations":[{"line":1,"column":14}],"extensions":{"code":"CONFLICT","service":"users","serviceCode":"E7","status":409}}]}`},
		{"syntax", `{"query":"{"}`, 400, `{"errors":[{"message":"Syntax error: Expected Name, found <EOF>","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`},
		{"validation", `{"query":"{ a zzzzzzz }"}`, 400, `{"errors":[` +
			`{"message":"Cannot query field \"a\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}},` +
			`{"message":"Cannot query field \"zzzzzzz\" on type \"Query\".","locations":[{"line":1,"column":5}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`},
		{"variable", `{"query":"query ($h: String!) { fails(how: $h) }","variables":{"h":1}}`, 400,
			`{"errors":[{"message":"Variable \"$h\" got invalid value 1; String cannot represent a non string value.","locations":[{"line":1,"column":8}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`},
		{"tokens", `{"query":"{ ` + strings.Repeat("a ", 50) + `}"}`, 400, `{"errors":[{"message":"The document has more than 50 tokens.","locations":[{"line":1,"column":101}],"extensions":{"code":"REQUEST_TOO_LARGE"}}]}`},
		{"subscription", `{"query":"subscription { ticks }"}`, 400, `{"errors":[{"message":"A subscription can't be sent this way.","locations":[{"line":1,"column":1}],"extensions":{"code":"BAD_REQUEST"}}]}`},
		{"time", `{"query":"{ hangs }"}`, 200, `{"data":{"hangs":null},"errors":[{"message":"The operation took too long.","path":["hangs"],"locations":[{"line":1,"column":3}],"extensions":{"code":"UPSTREAM_TIMEOUT"}}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for media, status := range map[string]int{newJSON: c.status, plainJSON: 200} {
				got := call{body: c.body, header: map[string]string{"Accept": media}}.do(t, address)
				if got.status != status || got.body != c.want {
					t.Errorf("%s: got %d %s\nwant %d %s", media, got.status, got.body, status, c.want)
				}
			}
		})
	}
}

// An operation whose deadline has passed before it starts has no data at all.
func TestDeadlineBeforeExecution(t *testing.T) {
	address := start(t, server.Config{}, server.Options{
		Context: func(ctx context.Context, _ *http.Request) context.Context {
			ctx, cancel := context.WithTimeout(ctx, 0)
			t.Cleanup(cancel)
			return ctx
		},
	})
	request := query("{ __typename }")
	request.header = map[string]string{"Accept": newJSON}
	got := request.do(t, address)
	if got.status != 504 || got.body != `{"errors":[{"message":"The operation took too long.","extensions":{"code":"UPSTREAM_TIMEOUT"}}]}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// TestTwoFramings: a proxy that went by the Content-Length would take the rest for something else than the gateway does, so
// that there is no rest.
func TestTwoFramings(t *testing.T) {
	address := strings.TrimPrefix(start(t, server.Config{}, server.Options{}), "http://")
	const body = "18\r\n{\"query\":\"{__typename}\"}\r\n0\r\n\r\n"
	for _, head := range []string{"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "Transfer-Encoding: chunked\r\n"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"+head+"\r\n"+body+
			"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
		got, _ := io.ReadAll(conn)
		_ = conn.Close()
		if n := strings.Count(string(got), "HTTP/1.1 "); n != 1 || !strings.Contains(string(got), "Connection: close\r\n") {
			t.Errorf("%q: %d answers: %q", head, n, got)
		}
	}
}

// A name may be as long as a document; the log has its beginning.
func TestLongNamesInTheLog(t *testing.T) {
	var log logs
	address := start(t, server.Config{}, server.Options{Logger: log.logger(slog.LevelInfo)})
	query("query "+strings.Repeat("A", 5000)+"{ __typename }").do(t, address)
	if lines := log.named(t, "request"); len(lines) != 1 || lines[0]["operation"] != strings.Repeat("A", 128) {
		t.Errorf("%.300v", lines)
	}
}
