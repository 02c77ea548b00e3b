package security_test

import (
	"fmt"
	"strings"
	"time"
)

// wire are attacks by the bytes of HTTP.
func wire() []class {
	return []class{{"smuggling", smuggling()}, {"two framings", framings()}, {"headers", headerAttacks()}, {"request lines", lines()}, {"slow and cut", slowAttacks()}}
}

// hidden is a request that must not be answered: one that a front might take for a body.
const hidden = "POST /graphql HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: application/json\r\nContent-Length: 39\r\nConnection: close\r\n\r\n" + `{"query":"mutation{cancelOrder(id:1)}"}`

// raw is a request to the gateway with these lines in its head.
func raw(head, body string) []byte {
	return []byte("POST /graphql HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: application/json\r\nAccept: application/graphql-response+json\r\n" + head + "\r\n" + body)
}

func chunked(text string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(text), text) }

func smuggling() []attack {
	length := fmt.Sprintf("Content-Length: %d\r\n", len(plainBody))
	// Either it is refused, or it is answered once and nothing behind it is a request.
	once := verdict{status: list("200 400 501"), asked: []string{}, silence: true}
	refused := verdict{status: list("400 501"), refused: true, silence: true}
	return []attack{
		{name: "two lengths", send: raw(length+"Content-Length: 0\r\n", plainBody+hidden), want: refused},
		{name: "two lengths in one header", send: raw(fmt.Sprintf("Content-Length: %d, 0\r\n", len(plainBody)), plainBody+hidden), want: refused},
		{name: "the same length twice", send: raw(length+length+"Connection: close\r\n", plainBody), want: verdict{status: list("200 400")}},
		{name: "a negative length", send: raw("Content-Length: -1\r\n", plainBody), want: refused},
		{name: "a length with a sign", send: raw("Content-Length: +24\r\n", plainBody), want: refused},
		{name: "a length in hex", send: raw("Content-Length: 0x18\r\n", plainBody), want: refused},
		{name: "a length with a space inside", send: raw("Content-Length: 2 4\r\n", plainBody), want: refused},
		{name: "a length over 64 bits", send: raw("Content-Length: 18446744073709551640\r\n", plainBody), want: refused},
		{name: "an empty length", send: raw("Content-Length:\r\n", plainBody), want: verdict{status: list("400"), refused: true, silence: true, answers: 2}},
		{name: "a length that is over the limit", send: raw("Content-Length: 9000000000\r\n", plainBody), want: refuse("413", "REQUEST_TOO_LARGE")},
		{name: "a length in a name with a space", send: raw("Content-Length : 24\r\n", plainBody), want: refused},
		{name: "chunked in a name with a space", send: raw(length+"Transfer-Encoding : chunked\r\n", plainBody+hidden), want: refused},
		{name: "xchunked", send: raw(length+"Transfer-Encoding: xchunked\r\n", plainBody+hidden), want: refused},
		{name: "chunked, identity", send: raw("Transfer-Encoding: chunked, identity\r\n", chunked(plainBody)+hidden), want: refused},
		{name: "gzip, chunked", send: raw("Transfer-Encoding: gzip, chunked\r\n", chunked(plainBody)+hidden), want: refused},
		{name: "chunked twice", send: raw("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunked(plainBody)+hidden), want: refused},
		{name: "chunked and something", send: raw("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", chunked(plainBody)+hidden), want: refused},
		{name: "chunked behind a vertical tab", send: raw(length+"Transfer-Encoding: \x0bchunked\r\n", plainBody+hidden), want: refused},
		{name: "chunked behind NUL", send: raw(length+"Transfer-Encoding: \x00chunked\r\n", plainBody+hidden), want: refused},
		{name: "chunked in quotes", send: raw(length+"Transfer-Encoding: \"chunked\"\r\n", plainBody+hidden), want: refused},
		{name: "chunked in HTTP/1.0", send: []byte("POST /graphql HTTP/1.0\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(plainBody) + hidden), want: once},
		{name: "chunked on a folded line", send: raw(length+"Transfer-Encoding:\r\n chunked\r\n", plainBody+hidden), want: once},
		{name: "a folded line in front", send: []byte("POST /graphql HTTP/1.1\r\n Host: gateway.test\r\nContent-Length: 0\r\n\r\n"), want: refused},
		{name: "a chunk size of 20 digits", send: raw("Transfer-Encoding: chunked\r\n", "fffffffffffffffffff\r\n"+plainBody), want: refused},
		{name: "a chunk size that is negative", send: raw("Transfer-Encoding: chunked\r\n", "-1\r\n"+plainBody+"\r\n0\r\n\r\n"), want: refused},
		{name: "a chunk size with a sign", send: raw("Transfer-Encoding: chunked\r\n", "+18\r\n"+plainBody+"\r\n0\r\n\r\n"), want: refused},
		{name: "a chunk size with 0x", send: raw("Transfer-Encoding: chunked\r\n", "0x18\r\n"+plainBody+"\r\n0\r\n\r\n"), want: refused},
		{name: "a chunk without its line end", send: raw("Transfer-Encoding: chunked\r\n", "18\r\n"+plainBody+"0\r\n\r\n"), want: refused},
		{name: "chunk extensions of 100 KB", send: raw("Transfer-Encoding: chunked\r\nConnection: close\r\n", "18;"+times("x", 100_000)+"\r\n"+plainBody+"\r\n0\r\n\r\n"), want: refused},
		{name: "a chunk per byte with extensions", send: raw("Transfer-Encoding: chunked\r\nConnection: close\r\n", times("1;"+times("x", 50)+"\r\n \r\n", 3000)+"0\r\n\r\n"), want: verdict{status: list("400 413"), refused: true}},
		{name: "a chunk extension with a bare line feed", send: raw("Transfer-Encoding: chunked\r\n", "18;x\n"+plainBody+"\r\n0\r\n\r\n"+hidden), want: refused},
		{name: "trailers of 100 KB", send: raw("Transfer-Encoding: chunked\r\nTrailer: X-A\r\nConnection: close\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\nX-A: %s\r\n\r\n", len(plainBody), plainBody, times("a", 100_000))), want: verdict{status: list("200 400 413"), asked: []string{}}},
		{name: "trailers that are framing", send: raw("Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\nConnection: close\r\n", "18\r\n"+plainBody+"\r\n0\r\nContent-Length: 0\r\nTransfer-Encoding: x\r\n\r\n"), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "chunks over the limit", send: raw("Transfer-Encoding: chunked\r\n", chunked(times(" ", 1<<20))), want: refuse("413", "REQUEST_TOO_LARGE").orSilence()},
		{name: "a request in a body", send: raw(fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n", len(hidden)), hidden), want: bad()},
		{name: "a body on GET", send: []byte("GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: " + fmt.Sprint(len(hidden)) + "\r\nConnection: close\r\n\r\n" + hidden), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "bare line feeds", send: []byte(strings.ReplaceAll(string(raw(length+"Connection: close\r\n", "")), "\r\n", "\n") + plainBody), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "a bare carriage return in a value", send: raw(length+"X-A: b\rTransfer-Encoding: chunked\r\nConnection: close\r\n", plainBody), want: verdict{status: list("400 200"), asked: []string{}}},
		{name: "four requests in a row are answered in order", send: []byte(times("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 4)), want: verdict{status: list("200"), answers: 4, has: []string{`"ok"`}}},
		{name: "500 requests in a row", send: []byte(times("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 500)), want: verdict{status: list("200"), answers: 500, cpu: time.Second}},
		{name: "a request in a row behind one that is refused", send: append(raw("Content-Length: 5\r\nTransfer-Encoding: x\r\n", "12345"), hidden...), want: refused},
		{name: "HTTP/2 without its upgrade", send: []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"), want: verdict{status: list("400 404 405 505"), refused: true, silence: true}},
		{name: "an upgrade to h2c", send: document("{__typename}", "Connection", "Upgrade, HTTP2-Settings, close", "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABkAAQAAP__"), want: serve()},
		{name: "TLS on the plain port", send: []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + times("\x00", 200)), want: verdict{status: list("400"), refused: true, silence: true}},
		{name: "Redis on the HTTP port", send: []byte("*1\r\n$4\r\nPING\r\n"), want: verdict{status: list("400"), refused: true, silence: true}},
	}
}

func headerAttacks() []attack {
	with := func(headers ...string) []byte { return document(`{user(id:"1"){id}}`, headers...) }
	plain := serve("users GET /users/1")
	return []attack{
		{name: "40 KB in one", send: with("X-A", times("a", 40_000)), want: verdict{status: list("431"), refused: true, silence: true}},
		{name: "8 MB in one", send: with("X-A", times("a", 8_000_000)), want: verdict{status: list("431"), refused: true, silence: true}},
		{name: "10,000 of them", send: with(numbered(10_000)...), want: verdict{status: list("431"), refused: true, silence: true}},
		{name: "1,000 of them", send: with(numbered(1000)...), want: plain},
		{name: "one name 2,000 times", send: with(strings.Split(strings.TrimSuffix(times("X-A,b,", 2000), ","), ",")...), want: plain},
		{name: "a name with a space", send: with("X A", "b"), want: verdict{status: list("400"), refused: true}},
		{name: "a name with a colon in front", send: with(":authority", "b"), want: verdict{status: list("400"), refused: true}},
		{name: "an empty name", send: with("", "b"), want: verdict{status: list("400"), refused: true}},
		{name: "a name that isn't ASCII", send: with("X-Ä", "b"), want: verdict{status: list("400"), refused: true}},
		{name: "a name with NUL", send: with("X-\x00", "b"), want: verdict{status: list("400"), refused: true}},
		{name: "a value with NUL", send: with("X-Tenant", "a\x00b"), want: verdict{status: list("400"), refused: true}},
		{name: "a value with DEL", send: with("X-Tenant", "a\x7fb"), want: verdict{status: list("400"), refused: true}},
		{name: "a line without a colon", send: raw("X-A\r\nContent-Length: 0\r\n", ""), want: verdict{status: list("400"), refused: true}},
		{name: "no Host", send: with("Host", ""), want: verdict{status: list("400"), refused: true}},
		{name: "two Hosts", send: with("Host", "gateway.test", "host", "evil.test"), want: verdict{status: list("400"), refused: true}},
		{name: "a Host with a path", send: with("Host", "evil.test/x"), want: verdict{status: list("200 400")}.without("evil.test")},
		{name: "a Host with markup", send: with("Host", "<script>"), want: verdict{status: list("400"), refused: true}.without("<script>")},
		{name: "a Host of somebody else", send: with("Host", "evil.test"), want: plain.without("evil.test")},
		{name: "a Host with a port that is none", send: with("Host", "gateway.test:99999999"), want: verdict{status: list("200 400")}},
		{name: "Expect something", send: with("Expect", "the unexpected"), want: verdict{status: list("417"), refused: true}},
		{name: "Expect 100 and too much", send: post(times("x", 200_000), "Expect", "100-continue"), want: refuse("413", "REQUEST_TOO_LARGE").orSilence()},
		{name: "hop-by-hop names take ours away", send: with("Connection", "close, X-Api-Key, X-Request-Id, User-Agent, Host"), want: plain},
		{name: "a key of the client's own", send: with("X-Api-Key", "forged"), want: plain},
		{name: "a key of the client's own, written otherwise", send: with("x_api_key", "forged", "X-API-KEY", "forged"), want: plain},
		{name: "cookies stay here", send: with("Cookie", "session=1"), want: plain},
		{name: "addresses of proxies stay here", send: with("X-Forwarded-For", "127.0.0.1", "Forwarded", "for=127.0.0.1", "X-Real-Ip", "127.0.0.1", "True-Client-Ip", "127.0.0.1", "X-Forwarded-Host", "evil.test"), want: plain.without("evil.test")},
		{name: "Proxy stays here", send: with("Proxy", "http://evil.test:80", "Proxy-Authorization", "Basic eA==", "Proxy-Connection", "keep-alive"), want: plain},
		{name: "a forwarded header twice", send: with("X-Tenant", "a", "x-tenant", "b"), want: verdict{status: list("200 400"), services: func([]received) error { return nil }}},
		{name: "a forwarded header that isn't UTF-8", send: with("X-Tenant", "\xff\xfe"), want: verdict{status: list("200 400")}},
		{name: "a request id with quotes", send: with("X-Request-Id", `a","b":"c`), want: plain.without(`"b":"c`)},
		{name: "a request id with markup", send: with("X-Request-Id", "<svg/onload=alert(1)>"), want: plain.without("<svg")},
		{name: "a request id with a log line", send: with("X-Request-Id", "a level=ERROR msg=forged"), want: plain.without("forged")},
		{name: "a request id of 20 KB", send: with("X-Request-Id", times("a", 20_000)), want: plain.without(times("a", 1000))},
		{name: "two request ids", send: with("X-Request-Id", "a", "x-request-id", "b"), want: plain},
		{name: "Accept of 30 KB", send: with("Accept", times("a/b;q=0.1,", 3000)+"*/*"), want: verdict{status: list("200 406"), cpu: 250 * time.Millisecond, memory: 16 << 20}},
		{name: "Accept of quotes", send: with("Accept", times(`a/b;c="\",`, 2000)), want: verdict{status: list("200 406")}},
		{name: "Accept with a quality that is none", send: with("Accept", "application/json;q=NaN, application/json;q=1e9, application/json;q=-1"), want: verdict{status: list("406"), refused: true}},
		{name: "a language with a new line in it, folded", send: []byte("POST /graphql HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 24\r\nAccept-Language: en\r\n X-Api-Key: forged\r\n\r\n" + plainBody), want: verdict{status: list("200 400")}},
	}
}

func numbered(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("X-%d", i), "a")
	}
	return all
}

func lines() []attack {
	line := func(text string) []byte {
		return []byte(text + "\r\nHost: gateway.test\r\nConnection: close\r\n\r\n")
	}
	gone := verdict{status: list("400 404 405 505"), refused: true, silence: true}
	query := "/graphql?query=%7B__typename%7D"
	return []attack{
		{name: "HTTP/0.9", send: []byte("GET " + query + "\r\n"), want: gone},
		{name: "HTTP/1.0", send: line("GET " + query + " HTTP/1.0"), want: serve()},
		{name: "HTTP/1.9", send: line("GET " + query + " HTTP/1.9"), want: verdict{status: list("200 400 505"), asked: []string{}}},
		{name: "HTTP/2.0", send: line("GET " + query + " HTTP/2.0"), want: gone},
		{name: "HTTP/9.9", send: line("GET " + query + " HTTP/9.9"), want: gone},
		{name: "http/1.1", send: line("GET " + query + " http/1.1"), want: gone},
		{name: "a version of 100 digits", send: line("GET " + query + " HTTP/1." + times("1", 100)), want: gone},
		{name: "no version", send: line("GET " + query), want: gone},
		{name: "two spaces", send: line("GET  " + query + " HTTP/1.1"), want: gone},
		{name: "a tab", send: line("GET\t" + query + "\tHTTP/1.1"), want: gone},
		{name: "spaces behind", send: line("GET " + query + " HTTP/1.1 "), want: gone},
		{name: "an empty line in front", send: line("\r\nGET " + query + " HTTP/1.1"), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "an absolute URL of somebody else", send: line("GET http://evil.test" + query + " HTTP/1.1"), want: verdict{status: list("200 400"), asked: []string{}}.without("evil.test")},
		{name: "an absolute URL of a service", send: line("GET http://users/users/1 HTTP/1.1"), want: gone},
		{name: "a URL of a file", send: line("GET file:///etc/passwd HTTP/1.1"), want: gone},
		{name: "a URL with credentials", send: line("GET http://a:b@evil.test" + query + " HTTP/1.1"), want: verdict{status: list("200 400"), asked: []string{}}.without("evil.test")},
		{name: "CONNECT", send: line("CONNECT users.internal:80 HTTP/1.1"), want: gone},
		{name: "OPTIONS of everything", send: line("OPTIONS * HTTP/1.1"), want: verdict{status: list("200 204 400 404"), asked: []string{}}},
		{name: "GET of everything", send: line("GET * HTTP/1.1"), want: gone},
		{name: "a path without a slash", send: line("GET graphql HTTP/1.1"), want: gone},
		{name: "an escape that is none", send: line("GET /graphql%zz HTTP/1.1"), want: gone},
		{name: "NUL in the path", send: line("GET /graphql%00 HTTP/1.1"), want: gone},
		{name: "bytes that aren't ASCII", send: line("GET /gr\xe4phql HTTP/1.1"), want: gone},
		{name: "a URL of 30 KB", send: line("GET /graphql?x=" + times("a", 30_000) + "&query=%7B__typename%7D HTTP/1.1"), want: verdict{status: list("200 400 414 431"), asked: []string{}}},
		{name: "a URL of 100 KB", send: line("GET /graphql?x=" + times("a", 100_000) + " HTTP/1.1"), want: verdict{status: list("400 414 431"), refused: true, silence: true}},
		{name: "10,000 parameters", send: line("GET /graphql?" + times("a&", 10_000) + "query=%7B__typename%7D HTTP/1.1"), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "a semicolon between parameters", send: line("GET /graphql?query=%7B__typename%7D;x HTTP/1.1"), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "query twice", send: line("GET /graphql?query=%7B__typename%7D&query=%7BproductCount%7D HTTP/1.1"), want: refuse("400", "BAD_REQUEST")},
		{name: "query twice, once escaped", send: line("GET /graphql?query=%7B__typename%7D&%71uery=%7BproductCount%7D HTTP/1.1"), want: refuse("400", "BAD_REQUEST")},
		{name: "query[]", send: line("GET /graphql?query[]=%7B__typename%7D HTTP/1.1"), want: refuse("400", "BAD_REQUEST")},
		{name: "a query that isn't UTF-8", send: line("GET /graphql?query=%ff HTTP/1.1"), want: refuse("400", "BAD_REQUEST")},
		{name: "variables that are no JSON", send: line("GET " + query + "&variables=x HTTP/1.1"), want: refuse("400", "BAD_REQUEST")},
		{name: "variables with something behind", send: line("GET " + query + "&variables=%7B%7D%7B%7D HTTP/1.1"), want: refuse("400", "BAD_REQUEST")},
		{name: "variables 10,000 deep", send: line("GET " + query + "&variables=" + times("[", 12_000) + " HTTP/1.1"), want: refuse("400", "BAD_REQUEST")},
		{name: "a nesting bomb", send: line("GET /graphql?query=" + times("%7B", 9000) + " HTTP/1.1"), want: verdict{status: list("200 400"), refused: true}},
		{name: "a method of 30 KB", send: line(times("A", 30_000) + " /graphql HTTP/1.1"), want: verdict{status: list("400 405 431"), refused: true, silence: true}},
		{name: "a method that is none", send: line("G(T /graphql HTTP/1.1"), want: gone},
		{name: "a method in lower case", send: line("get " + query + " HTTP/1.1"), want: gone},
		{name: "TRACE", send: line("TRACE " + query + " HTTP/1.1"), want: gone.without("gateway.test")},
		{name: "PUT", send: request("PUT", "/graphql", plainBody), want: verdict{status: list("201"), asked: []string{}}},
		{name: "DELETE", send: request("DELETE", "/graphql", plainBody), want: refuse("404", "NOT_FOUND")},
		{name: "PATCH", send: request("PATCH", "/graphql", plainBody), want: refuse("405", "BAD_REQUEST")},
		{name: "PROPFIND", send: request("PROPFIND", "/graphql", plainBody), want: refuse("405", "BAD_REQUEST")},
		{name: "DEBUG", send: request("DEBUG", "/graphql", plainBody), want: refuse("405", "BAD_REQUEST")},
		{name: "HEAD of a mutation", send: request("HEAD", "/graphql?query=mutation%7BcancelOrder(id:1)%7D", ""), want: verdict{status: list("400 405"), asked: []string{}}},
	}
}

func slowAttacks() []attack {
	const hasty = "hasty"
	cut := func(b []byte, n int) []byte { return b[:n] }
	whole := document(`{user(id:"1"){id}}`)
	late := verdict{status: list("400 408"), refused: true, silence: true}
	return []attack{
		{name: "nothing is sent", on: hasty, send: []byte{}, want: late},
		{name: "half a request line", on: hasty, send: []byte("GET /gra"), want: late},
		{name: "half of the headers", on: hasty, send: cut(whole, 60), want: late},
		{name: "headers without a body", on: hasty, send: raw("Content-Length: 100\r\n", ""), want: late},
		{name: "half of a body", on: hasty, send: cut(whole, len(whole)-20), want: late},
		{name: "half of a chunk", on: hasty, send: raw("Transfer-Encoding: chunked\r\n", "ff\r\n{"), want: late},
		{name: "chunks without an end", on: hasty, send: raw("Transfer-Encoding: chunked\r\n", "18\r\n"+plainBody+"\r\n"), want: late},
		{name: "headers drop by drop", on: hasty, send: append(whole, times("x", 50)...), slow: 20 * time.Millisecond, want: late},
		{name: "a body drop by drop", on: hasty, send: post(times(" ", 5000) + plainBody), slow: 25 * time.Millisecond, want: late},
		{name: "a service that hangs", on: hasty, send: whole, service: hang, want: verdict{status: list("200 504"), codes: list("UPSTREAM_TIMEOUT"), cpu: time.Second}},
		{name: "a service that hangs, 40 times", on: hasty, send: document("{" + counted(40, func(i int) string { return fmt.Sprintf("a%d:product(id:%d){seller{id}} ", i, i) }) + "}"), service: hang,
			want: verdict{status: list("200 504"), codes: list("UPSTREAM_TIMEOUT"), cpu: time.Second, memory: 32 << 20, errors: 40}},
		{name: "services that hang one behind the other", on: hasty, send: document("mutation{" + counted(10, func(i int) string { return fmt.Sprintf("a%d:cancelOrder(id:%d) ", i, i) }) + "}"), service: hang,
			want: verdict{status: list("200 504"), codes: list("UPSTREAM_TIMEOUT"), cpu: time.Second}},
		{name: "a service that sends drop by drop", on: hasty, send: whole, service: drip, want: verdict{status: list("200 504"), codes: list("UPSTREAM_TIMEOUT UPSTREAM_INVALID_RESPONSE"), cpu: time.Second}},
	}
}

// RFC 9112, section 6.1: with both framings, the connection ends with the answer.
func framings() []attack {
	once := verdict{status: list("200 400 501"), asked: []string{}, silence: true}
	length := fmt.Sprintf("Content-Length: %d\r\n", len(plainBody))
	return []attack{
		{name: "Content-Length and chunked", send: raw(fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", len(chunked(plainBody)+hidden)), chunked(plainBody)+hidden), want: once},
		{name: "chunked and Content-Length", send: raw("Transfer-Encoding: chunked\r\n"+length, chunked(plainBody)+hidden), want: once},
		{name: "Content-Length 0 and chunked", send: raw("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", chunked(plainBody)+hidden), want: once},
	}
}
