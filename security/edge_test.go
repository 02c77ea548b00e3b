package security_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// edges are attacks on what a gateway has on that is off by default: batches, files, pages of other origins, documents
// that are named.
func edges() []class {
	all := []class{
		{"batches that are on", batchesOn()}, {"uploads", uploads()}, {"CORS that is on", corsOn()}, {"forged by a page", forgeries()},
		{"documents by hash", hashes()}, {"inflation", inflations()},
	}
	for i := range all {
		for j := range all[i].attacks {
			all[i].attacks[j].on = "wide"
		}
	}
	return all
}

func batchesOn() []attack {
	batch := func(elements ...string) []byte { return post("[" + strings.Join(elements, ",") + "]") }
	mixed := verdict{status: list("200 400"), answers: 1, asked: []string{}}
	repeat := func(n int, element string) []byte {
		return batch(strings.Split(strings.TrimSuffix(times(element+"\n", n), "\n"), "\n")...)
	}
	return []attack{
		{name: "of ten", send: repeat(10, plainBody), want: serve([]string{}...)},
		{name: "of eleven", send: repeat(11, plainBody), want: refuse("413", "REQUEST_TOO_LARGE")},
		{name: "of 5,000", send: repeat(5000, `{"query":"{a}"}`), want: refuse("413", "REQUEST_TOO_LARGE")},
		{name: "of nothing", send: batch(), want: bad()},
		{name: "of 60,000 nulls", send: post("[" + times("0,", 60_000) + "0]"), want: refuse("413", "REQUEST_TOO_LARGE")},
		{name: "in batches", send: batch("["+plainBody+"]", "["+plainBody+"]"), want: bad()},
		{name: "of other things", send: batch("null", "1", `"{__typename}"`, "{}", "true"), want: bad()},
		{name: "one broken, the others run", send: batch(plainBody, `{"query":"{"}`, plainBody), want: mixed},
		{name: "with a member twice in one", send: batch(plainBody, `{"query":"{__typename}","query":"mutation{cancelOrder(id:1)}"}`), want: mixed},
		{name: "never closed", send: post("[" + times(plainBody+",", 5)), want: bad()},
		{name: "with a comma at its end", send: post("[" + plainBody + ",]"), want: bad()},
		{name: "with something behind", send: post("[" + plainBody + "]" + plainBody), want: bad()},
		{name: "with something behind that is a batch", send: post("[" + plainBody + "][" + plainBody + "]"), want: bad()},
		{name: "100,000 brackets", send: post(times("[", 100_000)), want: bad()},
		{name: "behind white space", send: post(times(" \n\t", 30_000) + "[" + plainBody + "]"), want: serve([]string{}...)},
		{name: "behind a byte order mark", send: post("\xef\xbb\xbf[" + plainBody + "]"), want: bad()},
		{name: "by GET", send: get("/graphql?query=%5B%7B__typename%7D%5D"), want: unparsed()},
		{name: "as events", send: post("["+plainBody+"]", "Accept", "text/event-stream"), want: verdict{status: list("200 400 406"), refused: true}},
		{name: "as parts", send: post("["+plainBody+"]", "Accept", "multipart/mixed"), want: verdict{status: list("200 400 406"), asked: []string{}}},
		{name: "of introspection", send: repeat(10, `{"query":"{__schema{...F}} fragment F on __Schema{types{fields{args{type{name}} type{name}}}}"}`), want: verdict{status: list("200"), cpu: time.Second, memory: 64 << 20}},
		{name: "of uploads", send: form("["+plainBody+","+plainBody+"]", "{}"), want: bad()},
		{name: "of deferred parts", send: repeat(10, `{"query":"{...@defer{__typename}}"}`), want: verdict{status: list("200"), asked: []string{}}},
		{name: "of subscriptions", send: repeat(10, `{"query":"subscription{nothing}"}`), want: verdict{status: list("200 400"), refused: true}},
		{name: "of guesses", send: batch(strings.Split(strings.TrimSuffix(counted(10, func(i int) string {
			return fmt.Sprintf(`{"query":"{%s}"}`+"\n", counted(60, func(j int) string { return fmt.Sprintf("a%d:order(id:%d){id} ", j, i*100+j) }))
		}), "\n"), "\n")...),
			want: refuse("400", "REQUEST_TOO_LARGE")},
		{name: "that a page sends", send: post("["+plainBody+"]", "Content-Type", "text/plain"), want: media()},
		{name: "in gzip", send: post(string(zipped([]byte("["+times(plainBody+",", 5000)+plainBody+"]"))), "Content-Encoding", "gzip"), want: refuse("413", "REQUEST_TOO_LARGE")},
	}
}

func uploads() []attack {
	const file = `{"query":"mutation($f:ID!){cancelOrder(id:$f)}","variables":{"f":null}}`
	raw := func(body string, headers ...string) []byte {
		return post(body, append([]string{"Content-Type", "multipart/form-data; boundary=x", "Apollo-Require-Preflight", "1"}, headers...)...)
	}
	part := func(name, text string) string {
		return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text + "\r\n"
	}
	none := verdict{status: list("400 413 415"), refused: true, silence: true}
	long := verdict{status: list("400 413"), refused: true, silence: true}
	var all []attack
	for name, path := range map[string]string{
		"prototypes": "variables.__proto__.polluted", "constructors": "variables.constructor.prototype.x", "the query": "query", "the operation's name": "operationName",
		"extensions": "extensions.persistedQuery", "nothing": "", "a dot": ".", "many dots": times(".", 400), "the variables": "variables", "an unknown variable": "variables.g",
		"below a null": "variables.f.a", "an index of what is no list": "variables.f.0", "a negative index": "variables.f.-1", "a huge index": "variables.f.99999999999999999999",
		"a path out": "variables/../query", "in capitals": "Variables.f", "100 steps": "variables." + times("f.", 100) + "f", "a path of 10 KB": "variables." + times("f", 10_000),
		"a batch's first": "0.variables.f", "with white space": " variables.f", "with a line break": "variables.f\n",
	} {
		all = append(all, attack{name: "a map to " + name, send: form(file, `{"0":[`+literal(path)+`]}`, "0", "hello"), want: none})
	}
	return append(all,
		attack{name: "where no file belongs", send: form(file, `{"0":["variables.f"]}`, "0", "hello"), want: verdict{status: list("200 400"), asked: []string{}}},
		attack{name: "without the preflight's header", send: raw(part("operations", plainBody)+part("map", "{}")+"--x--\r\n", "Apollo-Require-Preflight", ""), want: none},
		attack{name: "a mutation without the preflight's header", send: post(part("operations", `{"query":"mutation{cancelOrder(id:1)}"}`)+part("map", "{}")+"--x--\r\n", "Content-Type", "multipart/form-data; boundary=x"), want: none},
		attack{name: "a query", send: form(plainBody, "{}"), want: verdict{status: list("200 400 405"), asked: []string{}}},
		attack{name: "no parts", send: raw("--x--\r\n"), want: none},
		attack{name: "nothing", send: raw(""), want: none},
		attack{name: "no map", send: raw(part("operations", file) + "--x--\r\n"), want: none},
		attack{name: "no operations", send: raw(part("map", "{}") + "--x--\r\n"), want: none},
		attack{name: "the map first", send: raw(part("map", "{}") + part("operations", file) + "--x--\r\n"), want: none},
		attack{name: "operations twice", send: raw(part("operations", plainBody) + part("operations", file) + part("map", "{}") + "--x--\r\n"), want: none},
		attack{name: "a map that isn't one", send: form(file, `["variables.f"]`), want: none},
		attack{name: "a map of texts", send: form(file, `{"0":"variables.f"}`), want: none},
		attack{name: "a map of nothing", send: form(file, `{"0":[]}`), want: none},
		attack{name: "a map with a file twice", send: form(file, `{"0":["variables.f"],"0":["variables.f"]}`), want: none},
		attack{name: "a map with a variable twice", send: form(file, `{"0":["variables.f"],"1":["variables.f"]}`), want: none},
		attack{name: "a map of 40 KB", send: form(file, `{"0":["`+times("x", 40_000)+`"]}`), want: long},
		attack{name: "a map of 100,000 brackets", send: form(file, times("[", 30_000)), want: none},
		attack{name: "a map of 5,000 files", send: form(file, "{"+counted(3000, func(i int) string { return fmt.Sprintf(`"%d":["v"],`, i) })+`"z":["v"]}`), want: long},
		attack{name: "11 files", send: form(file, "{"+counted(11, func(i int) string { return fmt.Sprintf(`"%d":["variables.f%d"],`, i, i) })+`"z":["variables.f"]}`), want: long},
		attack{name: "a file that doesn't come", send: form(file, `{"0":["variables.f"]}`), want: verdict{status: list("200 400"), asked: []string{}}},
		attack{name: "files that nobody named", send: form(`{"query":"mutation{nothing}"}`, `{}`, "0", "hello", "1", "hello"), want: none},
		attack{name: "operations of 200 KB", send: form(`{"query":"{a}","x":"`+times("x", 200_000)+`"}`, "{}"), want: long},
		attack{name: "operations that aren't UTF-8", send: form("{\"query\":\"{a\xff}\"}", "{}"), want: none},
		attack{name: "operations with a query twice", send: form(`{"query":"{__typename}","query":"mutation{cancelOrder(id:1)}"}`, "{}"), want: none},
		attack{name: "a part's head of 100 KB", send: raw("--x\r\nContent-Disposition: form-data; name=\"operations\"\r\nX-A: " + times("a", 100_000) + "\r\n\r\n" + file + "\r\n" + part("map", "{}") + "--x--\r\n"), want: long},
		attack{name: "a part with 5,000 headers", send: raw("--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n" + counted(5000, func(i int) string { return fmt.Sprintf("X-%d: a\r\n", i) }) + "\r\n" + file + "\r\n" + part("map", "{}") + "--x--\r\n"), want: long},
		attack{name: "a preamble of 100 KB", send: raw(times("x", 100_000) + "\r\n" + part("operations", file) + part("map", "{}") + "--x--\r\n"), want: long},
		attack{name: "lines that look like the boundary", send: raw(part("operations", times("--x ", 20_000)) + part("map", "{}") + "--x--\r\n"), want: none},
		attack{name: "a boundary of 71", send: post("--x--", "Content-Type", "multipart/form-data; boundary="+times("x", 71), "Apollo-Require-Preflight", "1"), want: none},
		attack{name: "an empty boundary", send: post("----", "Content-Type", `multipart/form-data; boundary=""`, "Apollo-Require-Preflight", "1"), want: none},
		attack{name: "two boundaries", send: post("--x--", "Content-Type", `multipart/form-data; boundary=x; boundary=y`, "Apollo-Require-Preflight", "1"), want: none},
		attack{name: "a boundary with a line break", send: post("--x--", "Content-Type", `multipart/form-data; boundary="x%0d%0ay"`, "Apollo-Require-Preflight", "1"), want: none},
		attack{name: "multipart/mixed", send: post(part("operations", file), "Content-Type", "multipart/mixed; boundary=x", "Apollo-Require-Preflight", "1"), want: none},
		attack{name: "a part in base64", send: raw("--x\r\nContent-Disposition: form-data; name=\"operations\"\r\nContent-Transfer-Encoding: base64\r\n\r\neyJxdWVyeSI6IntfX3R5cGVuYW1lfSJ9\r\n" + part("map", "{}") + "--x--\r\n"), want: none},
		attack{name: "a part in quoted-printable", send: raw("--x\r\nContent-Disposition: form-data; name=\"operations\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=7B=22query=22:=22=7Ba=7D=22=7D\r\n" + part("map", "{}") + "--x--\r\n"), want: none},
		attack{name: "a part's name twice", send: raw("--x\r\nContent-Disposition: form-data; name=\"operations\"; name=\"map\"\r\n\r\n" + file + "\r\n" + part("map", "{}") + "--x--\r\n"), want: none},
		attack{name: "a file's name that is a path", send: raw(part("operations", file) + part("map", `{"0":["variables.f"]}`) + "--x\r\nContent-Disposition: form-data; name=\"0\"; filename=\"../../etc/passwd\"\r\n\r\nhello\r\n--x--\r\n"), want: verdict{status: list("200 400"), asked: []string{}}},
		attack{name: "cut in a file", send: raw(part("operations", file) + part("map", `{"0":["variables.f"]}`) + "--x\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a\"\r\n\r\nhel"), want: verdict{status: list("200 400"), asked: []string{}}},
		attack{name: "in gzip", send: raw(string(zipped([]byte(part("operations", plainBody)+part("map", "{}")+"--x--\r\n"))), "Content-Encoding", "gzip"), want: verdict{status: list("200 400 405 415"), asked: []string{}}},
		attack{name: "64 MB in gzip", send: raw(string(zipped(bytes.Repeat([]byte("--x\r\n"), 13<<20))), "Content-Encoding", "gzip"), want: long},
		attack{name: "a length of 60 MB", send: []byte("POST /graphql HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: multipart/form-data; boundary=x\r\nApollo-Require-Preflight: 1\r\nContent-Length: 90000000\r\n\r\n--x"), want: long},
		attack{name: "as events", send: raw(part("operations", plainBody)+part("map", "{}")+"--x--\r\n", "Accept", "text/event-stream"), want: verdict{status: list("200 400 405 406 415"), asked: []string{}}},
	)
}

func corsOn() []attack {
	const marked = "Access-Control-Allow-Origin"
	ask := func(origin string) []byte { return document("{__typename}", "Origin", origin) }
	hidden := func(v verdict) verdict { return v.without(marked, "Access-Control-Allow-Credentials") }
	preflight := func(origin string, headers ...string) []byte {
		return request("OPTIONS", "/graphql", "", append([]string{"Origin", origin, "Access-Control-Request-Method", "POST"}, headers...)...)
	}
	var all []attack
	for _, origin := range []string{
		"https://evil.test", "null", "https://app.test.evil.test", "https://evilapp.test", "http://app.test", "https://app.test:8443", "https://app.test@evil.test",
		"https://app.test/", "https://app.test%00.evil.test", "https://app.test\\.evil.test", "https://pages.test", "https://evil.test/.pages.test", "https://a.pages.test.evil.test",
		"https://evilpages.test", "file://", "https://app.test#x", "https://app.test, https://evil.test", "*", "https://APP.TEST.", "data:text/html,x", "https://[::1]", "https://.pages.test",
		"https://a_b.evil.test?.pages.test", "chrome-extension://abc",
	} {
		all = append(all,
			attack{name: "from " + origin, send: ask(origin), want: hidden(verdict{status: list("200 400"), asked: []string{}})},
			attack{name: "preflight from " + origin, send: preflight(origin), want: hidden(verdict{status: list("200 204 403"), asked: []string{}})})
	}
	return append(all,
		attack{name: "two origins", send: document("{__typename}", "Origin", "https://app.test", "origin", "https://evil.test"), want: hidden(verdict{status: list("200 400"), asked: []string{}})},
		attack{name: "preflight of a header that isn't allowed", send: preflight("https://evil.test", "Access-Control-Request-Headers", times("x-a,", 5000)), want: hidden(verdict{status: list("200 204 403"), asked: []string{}})},
		attack{name: "preflight of a private network from elsewhere", send: preflight("https://evil.test", "Access-Control-Request-Private-Network", "true"), want: hidden(verdict{status: list("200 204 403"), asked: []string{}}).without("Private-Network: true")},
		attack{name: "health from elsewhere", send: get("/healthz", "Origin", "https://evil.test"), want: hidden(verdict{status: list("200")})},
		attack{name: "a WebSocket from a page that may only read", send: append(upgrade("/graphql", "Origin", "https://evil.test", "Sec-WebSocket-Protocol", transportWS), goodbye...), want: verdict{status: list("403"), refused: true}},
	)
}

// What a page's browser can be made to send without asking first, on every road.
func forgeries() []attack {
	const mutation = `{"query":"mutation{cancelOrder(id:1)}"}`
	none := verdict{status: list("400 403 405 406 415"), refused: true}
	var all []attack
	for _, kind := range []string{
		"text/plain", "text/plain; charset=utf-8; application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/json, text/plain", "text/plain,application/json",
		"application/json\x0b", "application/json\xa0", "multipart/form-data; boundary=x; application/json", "Application/X-WWW-Form-Urlencoded", "text/plain;\tcharset=utf-8", "message/rfc822",
		"application/x-www-form-urlencoded;charset=application/json", "application /json", "application/json/", ";application/json", "\"application/json\"", "application/csp-report", "application/reports+json",
	} {
		for _, accept := range []string{"application/json", "text/event-stream", "multipart/mixed"} {
			all = append(all, attack{name: fmt.Sprintf("%q for %s", kind, accept), send: post(mutation, "Content-Type", kind, "Accept", accept, "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site", "Cookie", "a=b"),
				want: none.orHTTP400()})
		}
		all = append(all, attack{name: fmt.Sprintf("%q in a batch", kind), send: post("["+mutation+"]", "Content-Type", kind), want: none.orHTTP400()})
	}
	cross := []string{"Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}
	return append(all,
		attack{name: "a GET from elsewhere", send: get("/graphql?query=%7B__typename%7D", cross...), want: none},
		attack{name: "a GET from another host of the site", send: get("/graphql?query=%7B__typename%7D", "Sec-Fetch-Site", "same-site"), want: none},
		attack{name: "a GET from elsewhere with a type of its own", send: get("/graphql?query=%7B__typename%7D", append(cross, "Content-Type", "application/json; x")...), want: none},
		attack{name: "a GET with a type that is none", send: get("/graphql?query=%7B__typename%7D", "Content-Type", "text/plain"), want: none},
		attack{name: "a GET with two types", send: get("/graphql?query=%7B__typename%7D", "Content-Type", "application/json", "content-type", "text/plain"), want: none},
		attack{name: "events by GET from elsewhere", send: get("/graphql?query=%7B__typename%7D", append(cross, "Accept", "text/event-stream")...), want: none},
		attack{name: "a mutation as events by GET", send: get("/graphql?query="+cancel, "Accept", "text/event-stream"), want: verdict{status: list("200 400 405"), refused: true}},
		attack{name: "a mutation as events by GET, with the header", send: get("/graphql?query="+cancel, "Accept", "text/event-stream", "Apollo-Require-Preflight", "1"), want: verdict{status: list("200 400 405"), refused: true}},
		attack{name: "the header, but empty", send: post("query=x", "Content-Type", "application/x-www-form-urlencoded", "Apollo-Require-Preflight", ""), want: none},
		attack{name: "the header with a type that is none", send: post(mutation, "Content-Type", "text/plain", "Apollo-Require-Preflight", "1"), want: none},
		attack{name: "the header with a form", send: post("query="+cancel, "Content-Type", "application/x-www-form-urlencoded", "X-Apollo-Operation-Name", "x"), want: none},
		attack{name: "JSON from elsewhere", send: post(mutation, cross...), want: none},
		attack{name: "JSON from two sites", send: post(mutation, "Sec-Fetch-Site", "same-origin", "sec-fetch-site", "cross-site"), want: none},
	)
}

func hashes() []attack {
	const version = `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"%s"}}`
	unknown := refuse("400", "PERSISTED_QUERY_NOT_FOUND BAD_REQUEST")
	hash := func(text string) string { return fmt.Sprintf(version, text) }
	none := bad()
	const right = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38" // of {__typename}
	return []attack{
		{name: "unknown", send: post("{" + hash(times("a", 64)) + "}"), want: unknown},
		{name: "unknown by GET", send: get("/graphql?extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22" + times("a", 64) + "%22%7D%7D"), want: unknown},
		{name: "of another text", send: post(`{"query":"{__typename}",` + hash(times("a", 64)) + "}"), want: none},
		{name: "of another text, right in capitals", send: post(`{"query":"{__typename}",` + hash(strings.ToUpper(right)) + "}"), want: none},
		{name: "cut short", send: post(`{"query":"{__typename}",` + hash(right[:63]) + "}"), want: none},
		{name: "with something behind", send: post(`{"query":"{__typename}",` + hash(right+"0") + "}"), want: none},
		{name: "empty", send: post(`{"query":"{__typename}",` + hash("") + "}"), want: none},
		{name: "of version 2", send: post(`{"query":"{__typename}","extensions":{"persistedQuery":{"version":2,"sha256Hash":"` + right + `"}}}`), want: none},
		{name: "of version 1e0", send: post(`{"query":"{__typename}","extensions":{"persistedQuery":{"version":1e999999999,"sha256Hash":"` + right + `"}}}`), want: none},
		{name: "of a list", send: post(`{"extensions":{"persistedQuery":[1]}}`), want: none},
		{name: "of 100 KB", send: post("{" + hash(times("a", 100_000)) + "}"), want: refuse("400", "PERSISTED_QUERY_NOT_FOUND BAD_REQUEST")},
		{name: "like a key of Redis", send: post("{" + hash("*\\r\\nFLUSHALL") + "}"), want: unknown},
		{name: "like a path", send: post("{" + hash("../../etc/passwd") + "}"), want: unknown},
		{name: "of an invalid document isn't learnt", send: taught("{nothing}", post("{"+hash(sha("{nothing}"))+"}")), want: verdict{status: list("400"), refused: true, answers: 2, codes: list("GRAPHQL_VALIDATION_FAILED PERSISTED_QUERY_NOT_FOUND")}},
		{name: "of a mutation, by GET", send: taught(`mutation{cancelOrder(id:"")}`, get("/graphql?extensions="+url.QueryEscape("{"+strings.TrimPrefix(hash(sha(`mutation{cancelOrder(id:"")}`)), `"extensions":{`)))),
			want: verdict{status: list("200 405"), asked: []string{}, answers: 2}},
		{name: "is learnt", send: taught("{__typename}", post("{"+hash(sha("{__typename}"))+"}")), want: verdict{status: list("200"), answers: 2, has: []string{`"__typename":"Query"`}}},
		{name: "an id that isn't known", send: post(`{"documentId":"nothing"}`), want: refuse("400", "PERSISTED_QUERY_NOT_IN_LIST")},
		{name: "an id of 100 KB", send: post(`{"documentId":"` + times("x", 100_000) + `"}`), want: refuse("400", "PERSISTED_QUERY_NOT_IN_LIST BAD_REQUEST")},
		{name: "an id like a path", send: post(`{"documentId":"../../../etc/passwd"}`), want: refuse("400", "PERSISTED_QUERY_NOT_IN_LIST")},
		{name: "two ids", send: post(`{"documentId":"a","doc_id":"b"}`), want: none},
		{name: "an id that is an object", send: post(`{"documentId":{"$ne":""}}`), want: none},
		{name: "an id among the extensions", send: post(`{"extensions":{"documentId":"a"}}`), want: none},
	}
}

func sha(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// taught sends a text with its hash, and then another request over the same connection.
func taught(text string, then []byte) []byte {
	return append(post(`{"query":`+quoted(text)+`,"extensions":{"persistedQuery":{"version":1,"sha256Hash":"`+sha(text)+`"}}}`, "Connection", "keep-alive"), then...)
}

func inflations() []attack {
	as := func(coding string, body []byte, headers ...string) []byte {
		return post(string(body), append([]string{"Content-Encoding", coding}, headers...)...)
	}
	long := verdict{status: list("400 413 415"), refused: true, silence: true}
	members := func(n int) []byte { return bytes.Repeat(zipped(bytes.Repeat([]byte(" "), 64)), n) }
	stored := func() []byte { // blocks of nothing, 5 bytes each
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.NoCompression)
		_ = w.Flush()
		head := bytes.Clone(b.Bytes())
		return append(head, bytes.Repeat([]byte("\x00\x00\x00\xff\xff"), 24_000)...)
	}
	named := func() []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Name, w.Comment, w.Extra = times("a", 40_000), times("b", 40_000), bytes.Repeat([]byte("c"), 40_000)
		_, _ = io.WriteString(w, "{}")
		_ = w.Close()
		return b.Bytes()
	}
	zlibbed := func(text []byte) []byte {
		var b bytes.Buffer
		w, _ := zlib.NewWriterLevel(&b, zlib.BestSpeed)
		_, _ = w.Write(text)
		_ = w.Close()
		return b.Bytes()
	}
	return []attack{
		{name: "gzip of 64 MB", send: as("gzip", zipped(bytes.Repeat([]byte(" "), 64<<20))), want: long},
		{name: "gzip of 64 MB of JSON", send: as("gzip", zipped([]byte(`{"query":"`+times("x", 64<<20)+`"}`))), want: long},
		{name: "deflate of 64 MB", send: as("deflate", zlibbed(bytes.Repeat([]byte(" "), 64<<20))), want: long},
		{name: "zstd of 128 MB", send: as("zstd", zstdZeros(1024)), want: long},
		{name: "zstd with a window of 2 GB", send: as("zstd", []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00")), want: long},
		{name: "zstd with a window of 8 MB", send: as("zstd", []byte("\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00")), want: long},
		{name: "zstd that says it has 2⁶² bytes", send: as("zstd", []byte("\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x00\x00\x40\x01\x00\x00")), want: long},
		{name: "zstd frames of nothing, 14,000", send: as("zstd", bytes.Repeat([]byte("\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"), 14_000)), want: long},
		{name: "zstd frames to be skipped, 16,000", send: as("zstd", bytes.Repeat([]byte("\x50\x2a\x4d\x18\x00\x00\x00\x00"), 16_000)), want: long},
		{name: "zstd frames to be skipped of 4 GB", send: as("zstd", []byte("\x50\x2a\x4d\x18\xff\xff\xff\xff")), want: long},
		{name: "a dictionary of zstd", send: as("zstd", []byte("\x28\xb5\x2f\xfd\x03\x00\x01\x02\x03\x04\x01\x00\x00")), want: long},
		{name: "4,000 members of gzip", send: as("gzip", members(4000)), want: long},
		{name: "empty members of gzip", send: as("gzip", bytes.Repeat(zipped(nil), 5000)), want: long},
		{name: "blocks of nothing", send: as("gzip", stored()), want: long},
		{name: "a head of gzip of 120 KB", send: as("gzip", named()), want: long},
		{name: "gzip in gzip", send: as("gzip", zipped(zipped([]byte(plainBody)))), want: long},
		{name: "gzip, gzip", send: as("gzip, gzip", zipped(zipped([]byte(plainBody)))), want: long},
		{name: "two headers", send: as("gzip", zipped([]byte(plainBody)), "content-encoding", "gzip"), want: long},
		{name: "gzip, identity", send: as("gzip, identity", zipped([]byte(plainBody))), want: long},
		{name: "br", send: as("br", []byte(plainBody)), want: long},
		{name: "compress", send: as("compress", []byte("\x1f\x9d\x90")), want: long},
		{name: "aws-chunked", send: as("aws-chunked", []byte(plainBody)), want: long},
		{name: "gzip with a right and a wrong member", send: as("gzip", append(zipped([]byte(plainBody)), "\x1f\x8b\x08\x00xxxx"...)), want: long},
		{name: "zip", send: as("gzip", []byte("PK\x03\x04"+times("\x00", 100))), want: long},
		{name: "gzip as events", send: as("gzip", zipped(bytes.Repeat([]byte(" "), 64<<20)), "Accept", "text/event-stream"), want: long},
		{name: "gzip as parts", send: as("gzip", zipped(bytes.Repeat([]byte(" "), 64<<20)), "Accept", "multipart/mixed"), want: long},
		{name: "gzip in chunks", send: []byte("POST /graphql HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" +
			chunked(string(zipped(bytes.Repeat([]byte(" "), 64<<20))))), want: long},
		{name: "gzip with a WebSocket's handshake", send: append(upgrade("/graphql", "Content-Encoding", "gzip", "Sec-WebSocket-Protocol", transportWS), goodbye...), want: verdict{status: list("101 400 415")}},
		{name: "gzip to a page", send: request("POST", "/", string(zipped([]byte("x"))), "Content-Encoding", "gzip"), want: refuse("404 405 415", "")},
		{name: "a coding of 20 KB", send: as(times("x", 20_000), []byte(plainBody)), want: long.without("xxxxxxxxxxxxxxxxx")},
	}
}
