package security_test

import "net/http"

// browsers are attacks that a page of somebody else's makes a client's browser do, and those on caches on the way.
func browsers() []class {
	return []class{
		{"mutations by GET", byGet()}, {"CSRF", csrf()}, {"CORS", cors()}, {"caches", caches()}, {"upgrades", upgrades()},
		{"WebSocket handshakes", handshakes()}, {"WebSocket frames", frames()}, {"WebSocket conversations", conversations()},
	}
}

const cancel = "mutation%7BcancelOrder(id:1)%7D"

func byGet() []attack {
	refused := refuse("405", "BAD_REQUEST").with("Allow: POST")
	return []attack{
		{name: "plain", send: get("/graphql?query=" + cancel), want: refused},
		{name: "with a name", send: get("/graphql?query=mutation%20A%7BcancelOrder(id:1)%7D&operationName=A"), want: refused},
		{name: "chosen among several", send: get("/graphql?query=query%20B%7B__typename%7Dmutation%20A%7BcancelOrder(id:1)%7D&operationName=A"), want: refused},
		{name: "with a method to override", send: get("/graphql?query="+cancel, "X-HTTP-Method-Override", "POST", "X-Method-Override", "POST", "X-HTTP-Method", "POST"), want: refused},
		{name: "with _method", send: get("/graphql?_method=POST&query=" + cancel), want: refused},
		{name: "with a body", send: request(http.MethodGet, "/graphql", `{"query":"mutation{cancelOrder(id:1)}"}`), want: bad()},
		{name: "with a query beside a mutation in the body", send: request(http.MethodGet, "/graphql?query=%7B__typename%7D", `{"query":"mutation{cancelOrder(id:1)}"}`), want: serve([]string{}...)},
		{name: "with variables", send: get("/graphql?query=mutation($i:ID!)%7BcancelOrder(id:$i)%7D&variables=%7B%22i%22:1%7D"), want: refused},
		{name: "behind a comment", send: get("/graphql?query=%23query%0A" + cancel), want: refused},
		{name: "behind a fragment", send: get("/graphql?query=fragment%20F%20on%20Mutation%7BcancelOrder(id:1)%7Dmutation%7B...F%7D"), want: refused},
		{name: "with the old media type", send: get("/graphql?query="+cancel, "Accept", "application/json"), want: refused},
		{name: "with a JSON content type", send: get("/graphql?query="+cancel, "Content-Type", "application/json"), want: refused},
		{name: "by an escaped path", send: get("/%67raphql?query=" + cancel), want: verdict{status: list("404 405"), refused: true}},
		{name: "by HEAD", send: request(http.MethodHead, "/graphql?query="+cancel, ""), want: verdict{status: list("405"), asked: []string{}}},
	}
}

func csrf() []attack {
	form := func(kind, body string) []byte {
		return post(body, "Content-Type", kind, "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site", "Cookie", "session=1")
	}
	return []attack{
		{name: "a form with JSON in a name", send: form("text/plain", `{"query":"mutation{cancelOrder(id:1)}","x":"="}`), want: media()},
		{name: "a form", send: form("application/x-www-form-urlencoded", "query="+cancel), want: media()},
		{name: "a form of parts", send: form("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nmutation{cancelOrder(id:1)}\r\n--x--\r\n"), want: refuse("400 403 415", "")},
		{name: "a form to a URL with a mutation", send: request(http.MethodPost, "/graphql?query="+cancel, "", "Content-Type", "application/x-www-form-urlencoded"), want: media()},
		{name: "a POST without a type to a URL with a mutation", send: request(http.MethodPost, "/graphql?query="+cancel, "", "Content-Type", ""), want: media()},
		{name: "an empty JSON body to a URL with a mutation", send: request(http.MethodPost, "/graphql?query="+cancel, ""), want: bad()},
		{name: "a query body to a URL with a mutation", send: request(http.MethodPost, "/graphql?query="+cancel, plainBody), want: serve([]string{}...)},
		{name: "a beacon", send: form("text/plain;charset=UTF-8", `{"query":"mutation{cancelOrder(id:1)}"}`), want: media()},
		{name: "a blob with a type in capitals", send: form("TEXT/PLAIN", `{"query":"mutation{cancelOrder(id:1)}"}`), want: media()},
		{name: "a type that begins as a form's", send: form("application/x-www-form-urlencoded;application/json", `{"query":"mutation{cancelOrder(id:1)}"}`), want: media()},
		{name: "a type with JSON in a parameter", send: form("text/plain; a=application/json", `{"query":"mutation{cancelOrder(id:1)}"}`), want: media()},
		{name: "a type with JSON in a boundary", send: form("multipart/form-data; boundary=application/json", `{"query":"mutation{cancelOrder(id:1)}"}`), want: refuse("400 403 415", "")},
	}
}

func cors() []attack {
	none := func(v verdict) verdict { return v.without("Access-Control", "evil.test") }
	return []attack{
		{name: "a query from elsewhere", send: document("{__typename}", "Origin", "https://evil.test"), want: none(serve())},
		{name: "a query from null", send: document("{__typename}", "Origin", "null"), want: none(serve())},
		{name: "a GET from elsewhere", send: get("/graphql?query=%7B__typename%7D", "Origin", "https://evil.test"), want: none(verdict{status: list("200 400")})},
		{name: "a preflight from elsewhere", send: request(http.MethodOptions, "/graphql", "", "Origin", "https://evil.test", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"), want: none(verdict{status: list("200 204 403"), asked: []string{}})},
		{name: "a preflight for a private network", send: request(http.MethodOptions, "/graphql", "", "Origin", "https://evil.test", "Access-Control-Request-Method", "POST", "Access-Control-Request-Private-Network", "true"), want: none(verdict{status: list("200 204 403"), asked: []string{}})},
		{name: "an error from elsewhere", send: document("{", "Origin", "https://evil.test"), want: none(unparsed())},
		{name: "an origin with a line's end in it, escaped", send: document("{__typename}", "Origin", "https://evil.test%0d%0aX: y"), want: none(serve())},
		{name: "the health from elsewhere", send: get("/healthz", "Origin", "https://evil.test"), want: none(verdict{status: list("200")})},
	}
}

func caches() []attack {
	keep := func(v verdict) verdict { return v.with("no-store") }
	return []attack{
		{name: "a query by GET isn't kept", send: get("/graphql?query=%7B__typename%7D"), want: keep(serve())},
		{name: "an error by GET isn't kept", send: get("/graphql?query=%7B"), want: keep(unparsed())},
		{name: "what depends on Accept says so", send: get("/graphql?query=%7B__typename%7D"), want: serve().with("Vary: Accept")},
		{name: "a path with an image's name", send: get("/graphql/x.png?query=%7B__typename%7D"), want: refuse("404", "NOT_FOUND")},
		{name: "a path with a parameter", send: get("/graphql;x.css?query=%7B__typename%7D"), want: refuse("404", "NOT_FOUND")},
		{name: "a path with an escaped question mark", send: get("/graphql%3Fx.css?query=%7B__typename%7D"), want: refuse("404", "NOT_FOUND")},
		{name: "X-Forwarded-Host", send: get("/graphql?query=%7B__typename%7D", "X-Forwarded-Host", "evil.test", "X-Host", "evil.test", "X-Forwarded-Server", "evil.test"), want: serve().without("evil.test")},
		{name: "X-Forwarded-Proto", send: get("/graphql?query=%7B__typename%7D", "X-Forwarded-Proto", "nothttps", "X-Forwarded-Scheme", "nothttps"), want: serve().without("nothttps")},
		{name: "X-Original-URL", send: get("/nothing", "X-Original-URL", "/graphql?query=%7B__typename%7D", "X-Rewrite-URL", "/graphql"), want: refuse("404", "NOT_FOUND")},
		{name: "X-Forwarded-Prefix", send: get("/", "X-Forwarded-Prefix", "//evil.test"), want: verdict{status: list("200")}.without("evil.test")},
		{name: "Range", send: get("/graphql?query=%7B__typename%7D", "Range", "bytes=0-1"), want: serve()},
		{name: "a thousand ranges of the page", send: get("/", "Range", "bytes=0-1"+times(",0-1", 1000)), want: verdict{status: list("200 206 416"), memory: 16 << 20}},
		{name: "If-None-Match", send: get("/graphql?query=%7B__typename%7D", "If-None-Match", "*", "If-Modified-Since", "Sat, 01 Jan 2050 00:00:00 GMT"), want: serve()},
		{name: "a service's own headers", send: document(`{user(id:"1"){id}}`), service: withHeaders, want: serve("users GET /users/1").without("evil.test", "public", "X-Internal")},
	}
}

func upgrades() []attack {
	none := verdict{status: list("400 403 404 405 426"), refused: true}
	return []attack{
		{name: "WebSocket elsewhere", send: upgrade("/", "Sec-WebSocket-Protocol", "graphql-transport-ws"), want: verdict{status: list("200 400 404")}},
		{name: "WebSocket at a path that isn't", send: upgrade("/subscriptions", "Sec-WebSocket-Protocol", "graphql-transport-ws"), want: none},
		{name: "WebSocket with a key that is none", send: upgrade("/graphql", "Sec-WebSocket-Key", "x", "Sec-WebSocket-Protocol", "graphql-transport-ws"), want: none},
		{name: "WebSocket from elsewhere", send: upgrade("/graphql", "Origin", "https://evil.test", "Sec-WebSocket-Protocol", "graphql-transport-ws", "Cookie", "session=1"), want: none},
		{name: "WebSocket by POST", send: post(plainBody, "Connection", "Upgrade, close", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "something unknown", send: document("{__typename}", "Connection", "Upgrade, close", "Upgrade", "smtp"), want: serve()},
		{name: "events of a query", send: document("{__typename}", "Accept", "text/event-stream"), want: verdict{status: list("200 400 406"), asked: []string{}}},
	}
}
