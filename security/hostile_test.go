package security_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"
)

// hostile are attacks by services that misbehave, as those do that somebody else has taken.
func hostile() []class {
	return []class{{"answers of services", answers()}, {"statuses of services", statuses()}, {"floods of errors", floods()}, {"values in messages", valuesInMessages()}}
}

// failed is the verdict on calls that fail: the client reads a code and nothing else.
func failed(asked ...string) verdict {
	return verdict{status: list("200"), asked: asked, cpu: time.Second, memory: 64 << 20, codes: list(
		"UPSTREAM_ERROR UPSTREAM_UNAVAILABLE UPSTREAM_TIMEOUT UPSTREAM_INVALID_RESPONSE UPSTREAM_RATE_LIMITED BAD_USER_INPUT UNAUTHENTICATED FORBIDDEN NOT_FOUND CONFLICT")}
}

// says answers every request with JSON.
func says(body string) http.HandlerFunc { return answers200("application/json", body) }

func answers200(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func redirects(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

func hang(_ http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

func drip(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		case <-tick.C:
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// bytesOnly answers with bytes that net/http wouldn't send.
func bytesOnly(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}
}

func withHeaders(w http.ResponseWriter, _ *http.Request) {
	for name, value := range map[string]string{
		"Set-Cookie": "a=b", "X-Internal": "1", "Cache-Control": "public, max-age=99", "Access-Control-Allow-Origin": "https://evil.test", "Server": "x", "Location": "http://evil.test",
		"Content-Type": "application/json", "X-Powered-By": "x", "Strict-Transport-Security": "max-age=0", "Clear-Site-Data": "*", "Refresh": "0; url=http://evil.test",
	} {
		w.Header().Set(name, value)
	}
	_, _ = io.WriteString(w, `{"id":"1"}`)
}

func answers() []attack {
	const doc = `{user(id:"1"){id name points city}}`
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	var all []attack
	for name, service := range map[string]http.HandlerFunc{
		"no JSON":                       says("<html>" + upstreamSecret + "</html>"),
		"a page":                        answers200("text/html", "<html>"+upstreamSecret+"</html>"),
		"a stack":                       answers200("text/plain", "panic: x\ngoroutine 1 [running]:\nmain.main()\n\t/work/x.go:1 "+upstreamSecret),
		"nothing":                       says(""),
		"half of it":                    says(`{"id":"1","name":"` + upstreamSecret),
		"two of it":                     says(`{"id":"1"}{"id":"` + upstreamSecret + `"}`),
		"a number for a text":           says(`{"id":"1","name":5}`),
		"a number that is too big":      says(`{"id":"1","name":"x","loyalty":{"points":99999999999999999999}}`),
		"a number with a huge exponent": says(`{"id":"1","name":"x","loyalty":{"points":1e99999999}}`),
		"10,000 brackets":               says(times("[", 10_000) + times("]", 10_000)),
		"a million brackets":            says(times("[", 1_000_000)),
		"a million braces":              says(times(`{"a":`, 1_000_000)),
		"bytes that aren't UTF-8":       says("{\"id\":\"1\",\"name\":\"\xff\xfe\"}"),
		"half a surrogate pair":         says(`{"id":"\ud800","name":"\ud800"}`),
		"NaN":                           says(`{"id":"1","name":NaN}`),
		"a comment":                     says(`{"id":"1" /* ` + upstreamSecret + ` */}`),
		"UTF-16":                        says("\xff\xfe{\x00}\x00"),
		"control characters":            says("{\"id\":\"1\",\"name\":\"a\x01\x02" + upstreamSecret + "\"}"),
		"9 MB":                          says(`{"id":"` + times("x", 9<<20) + `"}`),
		"1 GB of gzip":                  gzipped(),
		"gzip that is none":             coded("gzip", "{}"),
		"an unknown coding":             coded("x-secret", upstreamSecret),
		"br that nobody wanted":         coded("br", "\xff\x5b"),
		"no HTTP":                       bytesOnly("what? " + upstreamSecret + "\r\n\r\n"),
		"SSH":                           bytesOnly("SSH-2.0-" + upstreamSecret + "\r\n"),
		"headers without an end":        bytesOnly(head + "X-A: " + times("a", 200_000)),
		"1 MB of headers":               bytesOnly(head + times("X-A: "+times("a", 1000)+"\r\n", 1000) + "\r\n{}"),
		"less than it says":             bytesOnly(head + "Content-Length: 100\r\n\r\n{\"id\":\"" + upstreamSecret),
		"more than it says":             bytesOnly(head + "Content-Length: 2\r\n\r\n{}" + upstreamSecret),
		"two lengths":                   bytesOnly(head + "Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}"),
		"length and chunks":             bytesOnly(head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
		"chunks that are none":          bytesOnly(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
		"a status of 999":               bytesOnly("HTTP/1.1 999 " + upstreamSecret + "\r\nContent-Length: 2\r\n\r\n{}"),
		"a status of -1":                bytesOnly("HTTP/1.1 -1 " + upstreamSecret + "\r\nContent-Length: 2\r\n\r\n{}"),
		"101":                           bytesOnly("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n" + upstreamSecret),
		"100 for ever":                  bytesOnly(times("HTTP/1.1 100 Continue\r\n\r\n", 10_000)),
		"204":                           status(http.StatusNoContent, ""),
		"304":                           bytesOnly("HTTP/1.1 304 Not Modified\r\n\r\n"),
		"nothing at all":                bytesOnly(""),
	} {
		want := failed()
		want.asked = nil
		all = append(all, attack{name: name, send: document(doc), service: service, want: want.without(upstreamSecret)})
	}
	return append(all,
		attack{name: "somebody else's record for a key", send: variables("query($i:[ID!]!){usersById(ids:$i){id name}}", `{"i":["1","2"]}`),
			service: says(`[{"id":"3","name":"` + upstreamSecret + `"}]`), want: serve().without(upstreamSecret)},
		attack{name: "one record twice", send: variables("query($i:[ID!]!){usersById(ids:$i){id name}}", `{"i":["1","2"]}`), service: says(`[{"id":"1","name":"a"},{"id":"1","name":"b"}]`), want: serve()},
		attack{name: "members like prototypes", send: document(`{product(id:"1"){attributes}}`), service: says(`{"data":{"attributes":{"__proto__":{"admin":true}}}}`), want: serve()},
		attack{name: "JSON that passes through stays JSON", send: document(`{product(id:"1"){attributes}}`), service: says(`{"data":{"attributes":{"a":"</script><script>","b":[1,{}]}}}`), want: serve()},
		attack{name: "JSON that passes through, 5,000 deep", send: document(`{product(id:"1"){attributes}}`), service: says(`{"data":{"attributes":` + times("[", 5000) + times("]", 5000) + `}}`), want: failedOrServed()},
		attack{name: "an error in a member that clients may read", send: document(`mutation{cancelOrder(id:"1")}`), service: status(409, `{"error":{"title":"Too late","code":"LATE"},"debug":"`+upstreamSecret+`"}`),
			want: failed("orders DELETE /orders/1").with("Too late", "LATE").without(upstreamSecret)},
		attack{name: "an error's message of 30 KB", send: document(`mutation{cancelOrder(id:"1")}`), service: status(409, `{"error":{"title":"`+times("x", 30_000)+`"}}`), want: failed("orders DELETE /orders/1")},
		attack{name: "an error's code of 30 KB", send: document(`mutation{cancelOrder(id:"1")}`), service: status(409, `{"error":{"title":"x","code":"`+times("x", 30_000)+`"}}`), want: failed("orders DELETE /orders/1").without(times("x", 1000))},
		attack{name: "an error's message that is an object", send: document(`mutation{cancelOrder(id:"1")}`), service: status(409, `{"error":{"title":{"a":"`+upstreamSecret+`"},"code":["`+upstreamSecret+`"]}}`),
			want: failed("orders DELETE /orders/1").without(upstreamSecret)},
	)
}

func failedOrServed() verdict { v := failed(); v.asked = nil; return v }

func gzipped() http.HandlerFunc {
	packed := zipped(bytes.Repeat([]byte(" "), 64<<20))
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		for range 16 { // gzip members may follow one another
			if _, err := w.Write(packed); err != nil {
				return
			}
		}
	}
}

func coded(coding, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", coding)
		_, _ = io.WriteString(w, body)
	}
}

func statuses() []attack {
	var all []attack
	for _, code := range []int{300, 301, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 413, 418, 422, 425, 429, 431, 451, 500, 501, 502, 503, 504, 507, 599} {
		body := `{"detail":"` + upstreamSecret + `","stack":"at x.go:1"}`
		for name, doc := range map[string]string{"query": `{user(id:"1"){id}}`, "mutation": `mutation{addReview(input:{productId:1,authorId:1,rating:5}){id}}`} {
			want := failed()
			want.asked = nil
			all = append(all, attack{name: fmt.Sprintf("%d to a %s", code, name), send: document(doc), service: status(code, body), want: want.without(upstreamSecret)})
		}
	}
	return all
}

// Ten errors and a count are enough of an answer.
func floods() []attack {
	bounded := verdict{status: list("200"), cpu: time.Second, memory: 16 << 20}
	return []attack{
		{name: "10,000 nulls where none may be", send: document("{users{name}}"), service: says("[" + times(`{"id":"1","name":null},`, 10_000) + `{"id":"1","name":null}]`), want: bounded},
		{name: "10,000 values of the wrong type", send: document("{users{displayName}}"), service: says("[" + times(`{"display_name":{"a":1}},`, 10_000) + `{"display_name":1}]`), want: bounded},
		{name: "10,000 items that are no objects", send: document("{users{name}}"), service: says("[" + times("1,", 10_000) + "1]"), want: bounded},
		{name: "50 fields of one call that fails", send: document("{" + counted(50, func(i int) string { return fmt.Sprintf(`u%d:user(id:"%d"){id}`, i, i) }) + "}"), service: status(500, "{}"), want: bounded},
	}
}

// What a service answered is for the field's reader if it fits; if it doesn't, nobody has said that a client may read it.
func valuesInMessages() []attack {
	const doc = `{user(id:"1"){id name points city}}`
	hidden := failedOrServed().without(upstreamSecret)
	return []attack{
		{name: "a text for an object", send: document(doc), service: says(`"` + upstreamSecret + `"`), want: hidden},
		{name: "a list for an object", send: document(doc), service: says(`["` + upstreamSecret + `"]`), want: hidden},
		{name: "an object for a text", send: document(doc), service: says(`{"id":{"a":"` + upstreamSecret + `"},"name":["` + upstreamSecret + `"]}`), want: hidden},
		{name: "a text for a number", send: document(doc), service: says(`{"id":"1","name":"x","loyalty":{"points":"` + upstreamSecret + `"}}`), want: hidden},
		{name: "a type that isn't known", send: document(`{feed{id}}`), service: says(`[{"kind":"` + upstreamSecret + `","id":"1"}]`), want: hidden},
		{name: "a type that is no text", send: document(`{feed{id}}`), service: says(`[{"kind":{"a":"` + upstreamSecret + `"}}]`), want: hidden},
		{name: "an enum's value that isn't known", send: document(`{user(id:"1"){role}}`), service: says(`{"id":"1","role":"` + upstreamSecret + `"}`), want: hidden},
		{name: "a date that is none", send: document(`{user(id:"1"){memberSince}}`), service: says(`{"id":"1","created_at":"` + upstreamSecret + `"}`), want: hidden},
	}
}
