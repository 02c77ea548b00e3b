package security_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// upstreams are attacks on services, through the gateway.
func upstreams() []class {
	return []class{{"paths", paths()}, {"addresses", addresses()}, {"queries of services", queries()}, {"headers of services", forwarded()}, {"amplification", amplification()}, {"traces and redirects", whatServicesGet()}}
}

// bodied is a verdict: one request with this body.
func bodied(want string) verdict {
	return verdict{status: list("200"), cpu: time.Second, memory: 16 << 20, services: func(got []received) error {
		if len(got) != 1 {
			return fmt.Errorf("services got %d requests", len(got))
		}
		var a, b bytes.Buffer
		if err := json.Compact(&a, []byte(got[0].body)); err != nil {
			return fmt.Errorf("the service got %q: %w", got[0].body, err)
		}
		_ = json.Compact(&b, []byte(want))
		if a.String() != b.String() {
			return fmt.Errorf("the service got %s, want %s", a.String(), b.String())
		}
		return nil
	}}
}

// pathTexts are ids that want to be more than a segment of a path, with what services must get, "" for nothing.
var pathTexts = []struct{ id, want string }{
	{"..", ""}, {".", ""}, {"", ""},
	{"../admin", "..%2Fadmin"}, {"../../admin", "..%2F..%2Fadmin"}, {"1/../../admin", "1%2F..%2F..%2Fadmin"}, {"/etc/passwd", "%2Fetc%2Fpasswd"},
	{"..%2fadmin", "..%252fadmin"}, {"%2e%2e", "%252e%252e"}, {"%2e%2e%2fadmin", "%252e%252e%252fadmin"}, {"%252e%252e", "%25252e%25252e"},
	{"..;/admin", "..%3B%2Fadmin"}, {";admin=true", "%3Badmin%3Dtrue"}, {`..\admin`, "..%5Cadmin"}, {"..%5cadmin", "..%255cadmin"},
	{"1?admin=true", "1%3Fadmin%3Dtrue"}, {"1#x", "1%23x"}, {"1&x=y", "1%26x%3Dy"}, {"1 HTTP/1.1", "1%20HTTP%2F1.1"},
	{"1\r\nX-A: b", "1%0D%0AX-A%3A%20b"}, {"1\n", "1%0A"}, {"1\t", "1%09"}, {"1\x00", "1%00"}, {"1%00", "1%2500"}, {"1%0d%0aX-A:b", "1%250d%250aX-A%3Ab"},
	{"．．／admin", "%EF%BC%8E%EF%BC%8E%EF%BC%8Fadmin"}, {"․․/x", "%E2%80%A4%E2%80%A4%2Fx"}, {"\u2215etc", "%E2%88%95etc"}, {"\u202e1", "%E2%80%AE1"}, {"\ufeff", "%EF%BB%BF"},
	{"...", "..."}, {".. ", "..%20"}, {" ..", "%20.."}, {"~", "~"}, {"*", "%2A"}, {"{key}", "%7Bkey%7D"}, {"$(id)", "%24%28id%29"}, {"`id`", "%60id%60"},
	{"' OR 1=1 --", "%27%20OR%201%3D1%20--"}, {"1,2", "1%2C2"}, {"1|2", "1%7C2"}, {"<x>", "%3Cx%3E"}, {`"`, "%22"}, {"1+2", "1%2B2"},
}

func paths() []attack {
	var all []attack
	for _, p := range pathTexts {
		want := input()
		if p.want != "" {
			want = verdict{status: list("200"), asked: []string{"users GET /users/" + p.want}, cpu: time.Second, memory: 16 << 20}
		}
		all = append(all, attack{name: fmt.Sprintf("%q", p.id), send: variables("query($id:ID!){user(id:$id){id}}", `{"id":`+literal(p.id)+`}`), want: want})
	}
	return append(all,
		attack{name: "in a literal", send: document(`{user(id:"../admin"){id}}`), want: serve("users GET /users/..%2Fadmin")},
		attack{name: "in a literal's escapes", send: document(`{user(id:"\u002e\u002e\u002fadmin"){id}}`), want: serve("users GET /users/..%2Fadmin")},
		attack{name: "in a block string", send: document(`{user(id:"""../admin"""){id}}`), want: serve("users GET /users/..%2Fadmin")},
		attack{name: "of a service with a base", send: document(`{product(id:"../../x"){id}}`), want: serve("catalog GET /base/products/..%2F..%2Fx")},
		attack{name: "dots for a service with a base", send: document(`{product(id:".."){id}}`), want: input()},
		attack{name: "of a mutation", send: document(`mutation{cancelOrder(id:"1/../2")}`), want: serve("orders DELETE /orders/1%2F..%2F2")},
		attack{name: "dots for a mutation", send: document(`mutation{releaseStock(id:"..")}`), want: input()},
		attack{name: "nothing for a mutation", send: document(`mutation{cancelOrder(id:"")}`), want: input()},
		attack{name: "from a service's answer", send: document(`{product(id:"1"){seller{id}}}`), service: says(`{"data":{"id":"1","seller_id":"../admin"}}`),
			want: serve("catalog GET /base/products/1", "users GET /users/..%2Fadmin")},
		attack{name: "dots from a service's answer", send: document(`{product(id:"1"){seller{id}}}`), service: says(`{"data":{"id":"1","seller_id":".."}}`),
			want: verdict{status: list("200"), asked: []string{"catalog GET /base/products/1"}, cpu: time.Second, memory: 16 << 20}},
		attack{name: "an object from a service's answer", send: document(`{product(id:"1"){seller{id}}}`), service: says(`{"data":{"id":"1","seller_id":{"a":"../"}}}`),
			want: verdict{status: list("200"), asked: []string{"catalog GET /base/products/1"}, cpu: time.Second, memory: 16 << 20}},
	)
}

func addresses() []attack {
	var all []attack
	for _, id := range []string{
		"http://evil.test/", "https://evil.test:443/x", "//evil.test/", "///evil.test", "@evil.test/", "user:pass@evil.test", ":80@evil.test", "evil.test#", "#@evil.test/",
		"http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://0x7f000001/", "http://2130706433/", "http://localhost:6379/", "file:///etc/passwd",
		"gopher://evil.test:6379/_PING", "dict://evil.test", "ldap://evil.test", "javascript:alert(1)", "\\\\evil.test\\share", "http:\\\\evil.test", "?url=http://evil.test",
		"%68ttp://evil.test", "http%3A%2F%2Fevil.test", "http://evil.test%00.gateway.test/", ".evil.test", ":8080", "../../../@evil.test",
	} {
		// PathEscape leaves a few that we escape: the comparison is with what is strictest.
		want := "users GET /users/" + strict(id)
		all = append(all, attack{name: id, send: variables("query($id:ID!){user(id:$id){id}}", `{"id":`+literal(id)+`}`), want: verdict{status: list("200"), asked: []string{want}, cpu: time.Second, memory: 16 << 20}})
	}
	return append(all,
		attack{name: "a redirect to the inside", send: document(`{user(id:"1"){id}}`), service: redirects("http://169.254.169.254/latest/meta-data/"), want: failed("users GET /users/1")},
		attack{name: "a redirect to another path", send: document(`{user(id:"1"){id}}`), service: redirects("/users/2"), want: failed("users GET /users/1")},
		attack{name: "a redirect of a mutation", send: document(`mutation{cancelOrder(id:"1")}`), service: redirects("/orders/2"), want: failed("orders DELETE /orders/1")},
		attack{name: "a redirect to a file", send: document(`{user(id:"1"){id}}`), service: redirects("file:///etc/passwd"), want: failed("users GET /users/1")},
		attack{name: "an answer with an address for a key", send: document(`{product(id:"1"){seller{id}}}`), service: says(`{"data":{"id":"1","seller_id":"http://evil.test/"}}`),
			want: serve("catalog GET /base/products/1", "users GET /users/http%3A%2F%2Fevil.test%2F")},
	)
}

// strict escapes all but RFC 3986's unreserved characters.
func strict(text string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(text))
}

func queries() []attack {
	find := func(text, want string) attack {
		return attack{name: fmt.Sprintf("%q", text), send: variables("query($t:String!){search(text:$t,first:1){__typename}}", `{"t":`+literal(text)+`}`),
			want: verdict{status: list("200"), cpu: time.Second, memory: 16 << 20, asked: []string{"catalog GET /base/search?" + want}}}
	}
	var all []attack
	for _, text := range []string{
		"a&limit=1000", "a&limit=1000&q=b", "a=b", "a;limit=1000", "a#b", "a%26limit=1000", "a+b", "a b", "a\r\nX: y", "a\x00b", "a?b", "{first}", "[]", "a,b",
		"'; DROP TABLE products; --", "${7*7}", "<script>", "\u2028", "%", "%zz", "&", "=", "?q=1", "limit[]=1",
	} {
		all = append(all, find(text, "q="+url.QueryEscape(text)+"&limit=1"))
	}
	return append(all,
		attack{name: "keys with parameters in them", send: variables("query($i:[ID!]!){usersById(ids:$i){id}}", `{"i":["1&role=STAFF","2"]}`), want: serve("users GET /users?id=1%26role%3DSTAFF&id=2")},
		attack{name: "keys with commas where commas are between", send: document(`{a:product(id:"1,2"){id} b:product(id:"3"){id}}`),
			want: verdict{status: list("200"), codes: list("BAD_USER_INPUT"), cpu: time.Second, memory: 16 << 20, services: func(got []received) error {
				for _, r := range got {
					if strings.Contains(r.uri, "1%2C2") && strings.Contains(r.uri, "ids=") || strings.Contains(r.uri, "1,2") {
						return fmt.Errorf("%v", r)
					}
				}
				return nil
			}}},
		attack{name: "a category that isn't one", send: document(`{products(category:"HOME&limit=1000"){id}}`), want: invalid()},
		attack{name: "an offset with a parameter in it", send: document(`{products(offset:"1&limit=1000"){id}}`), want: invalid()},
		attack{name: "a key of 100 KB", send: variables("query($i:[ID!]!){usersById(ids:$i){id}}", `{"i":["`+times("x", 100_000)+`","2"]}`), want: verdict{status: list("200"), cpu: time.Second, memory: 64 << 20}},
	)
}

// forwarded is about what the client's headers may do.
func forwarded() []attack {
	ask := func(headers ...string) []byte { return document(`{user(id:"1"){id}}`, headers...) }
	header := func(name, want string) verdict {
		return verdict{status: list("200"), cpu: time.Second, memory: 16 << 20, services: func(got []received) error {
			for _, r := range got {
				if value := r.header.Get(name); value != want {
					return fmt.Errorf("the service got %s: %q, want %q", name, value, want)
				}
			}
			return atMost(1)(got)
		}}
	}
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	return []attack{
		{name: "one that is forwarded", send: ask("X-Tenant", "a"), want: header("X-Tenant", "a")},
		{name: "one that is forwarded isn't decoded", send: ask("X-Tenant", "a%0d%0aX-Api-Key: b"), want: header("X-Tenant", "a%0d%0aX-Api-Key: b")},
		{name: "one that isn't", send: ask("X-Admin", "true"), want: header("X-Admin", "")},
		{name: "credentials to another service", send: document(`{product(id:"1"){id}}`, "Authorization", "Bearer mine"), want: header("Authorization", "")},
		{name: "a language to another service", send: document(`{order(id:"1"){id}}`, "Accept-Language", "de"), want: header("Accept-Language", "")},
		{name: "a host", send: ask("X-Forwarded-Host", "evil.test"), want: header("X-Forwarded-Host", "")},
		{name: "a user agent", send: ask("User-Agent", "evil"), want: header("User-Agent", "tributary")},
		{name: "a coding of the answer", send: ask("Accept-Encoding", "br"), want: verdict{status: list("200"), cpu: time.Second, memory: 16 << 20, services: func(got []received) error {
			for _, r := range got {
				if r.header.Get("Accept-Encoding") == "br" {
					return fmt.Errorf("the service got the client's Accept-Encoding")
				}
			}
			return nil
		}}},
		{name: "a method to override", send: ask("X-HTTP-Method-Override", "DELETE"), want: header("X-HTTP-Method-Override", "")},
		{name: "a sane request id is passed on", send: ask("X-Request-Id", "abc-123"), want: header("X-Request-Id", "abc-123")},
		{name: "a trace is passed on", send: ask("Traceparent", trace), want: header("Traceparent", trace)},
		{name: "an idempotency key of a client's", send: ask("Idempotency-Key", "x"), want: header("Idempotency-Key", "")},
		{name: "a Prefer of a client's", send: ask("Prefer", "respond-async"), want: header("Prefer", "")},
		{name: "ranges", send: ask("Range", "bytes=0-1", "If-Range", "x"), want: header("Range", "")},
		{name: "conditions", send: ask("If-None-Match", "*", "If-Match", "x"), want: header("If-None-Match", "")},
		{name: "an Expect", send: ask("Expect", "100-continue"), want: header("Expect", "")},
		{name: "a TE", send: ask("TE", "trailers, deflate"), want: header("Te", "")},
	}
}

// amplification is about how much work one request makes for services.
func amplification() []attack {
	return []attack{
		{name: "a name of 100 KB in the log", send: document("query " + times("A", 100_000) + "{__typename}"), want: serve()},
		{name: "the same user 50 times", send: document("{" + counted(50, func(i int) string { return fmt.Sprintf(`u%d:user(id:"1"){id}`, i) }) + "}"),
			want: verdict{status: list("200"), cpu: time.Second, memory: 16 << 20, services: atMost(1)}},
		{name: "50 users are one request", send: document("{" + counted(50, func(i int) string { return fmt.Sprintf(`u%d:user(id:"%d"){id}`, i, i+1) }) + "}"),
			want: verdict{status: list("200"), cpu: time.Second, memory: 16 << 20, services: atMost(1)}},
		{name: "the same search 50 times", send: document("{" + times(`search(text:"a",first:1){__typename} `, 50) + "}"), want: verdict{status: list("200"), cpu: time.Second, memory: 16 << 20, services: atMost(1)}},
		{name: "lists in lists are a request a level", send: document("{products(first:20){seller{products{seller{products{id}}}}}}"), want: verdict{status: list("200"), cpu: 2 * time.Second, memory: 128 << 20, services: atMost(6)}},
		{name: "a service is asked once for a refused mutation", send: document(`mutation{cancelOrder(id:"x")}`), service: status(500, "{}"), want: failed("orders DELETE /orders/x")},
		{name: "a batch that is refused isn't halved for ever", send: variables("query($i:[ID!]!){usersById(ids:$i){id}}", `{"i":[`+counted(99, func(i int) string { return fmt.Sprintf(`"%d",`, i) })+`"x"]}`), service: status(400, "{}"),
			want: verdict{status: list("200"), codes: list("BAD_USER_INPUT"), cpu: time.Second, memory: 64 << 20, services: atMost(200)}},
		{name: "9,000 ids", send: variables("query($i:[ID!]!){usersById(ids:$i){id}}", `{"i":[`+counted(9000, func(i int) string { return fmt.Sprintf("%d,", i) })+`0]}`),
			want: verdict{status: list("200"), codes: list("BAD_USER_INPUT"), cpu: time.Second, memory: 32 << 20, services: atMost(0)}},
		{name: "9,000 ids in 18 fields", send: document("{" + counted(18, func(i int) string {
			return fmt.Sprintf("u%d:usersById(ids:[%s0]){id}", i, counted(500, func(j int) string { return fmt.Sprintf("%d,", 1000*i+j+1) }))
		}) + "}"), want: verdict{status: list("200 400"), cpu: time.Second, memory: 32 << 20, services: atMost(11)}},
	}
}

// A service that answers a path with the path cleaned, as many do, makes of a value what it wants to be.
func cleans(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "..") {
		w.Header().Set("Location", "/admin")
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"data":{"id":"1"},"id":"1"}`)
}

func whatServicesGet() []attack {
	lacks := func(name string) verdict {
		return verdict{status: list("200 400"), cpu: time.Second, memory: 16 << 20, services: func(got []received) error {
			for _, r := range got {
				if value := r.header.Get(name); value != "" {
					return fmt.Errorf("the service got %s: %.100q", name, value)
				}
			}
			return nil
		}}
	}
	ask := func(headers ...string) []byte { return document(`{user(id:"1"){id}}`, headers...) }
	return []attack{
		{name: "a trace that is none", send: ask("Traceparent", "not-a-trace"), want: lacks("Traceparent")},
		{name: "a trace of 20 KB", send: ask("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"+times("a", 20_000)), want: lacks("Traceparent")},
		{name: "a state of 20 KB without a trace", send: ask("Tracestate", times("a=b,", 5000)), want: lacks("Tracestate")},
		{name: "a redirect that a client steers", send: document(`{user(id:"../admin"){id}}`), service: cleans, want: verdict{status: list("200"), asked: []string{"users GET /users/..%2Fadmin"}, cpu: time.Second}},
		{name: "a redirect that leaves the service's base", send: document(`{product(id:"../../admin"){id}}`), service: cleans, want: verdict{status: list("200"), asked: []string{"catalog GET /base/products/..%2F..%2Fadmin"}, cpu: time.Second}},
		{name: "an address in Referer", send: document(`{user(id:"1"){id}}`), service: redirects("/users/2"), want: lacks("Referer")},
		{name: "controls in an error's message", send: document(`mutation{cancelOrder(id:"1")}`), service: status(409, `{"error":{"title":"a\u0000\u001b[31mb\r\nc"}}`), want: failed("orders DELETE /orders/1").without(`\u001b`, `\u0000`)},
	}
}
