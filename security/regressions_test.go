package security_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tributary-gateway/tributary/gateway/cost"
)

// The classes of vulnerabilities that were published for GraphQL gateways and servers, each with its test.

// holds runs attacks against a gateway of its own.
func holds(t *testing.T, attacks ...attack) {
	t.Helper()
	t.Parallel()
	target := start(t, profiles["open"])
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) { target.suffer(t, a) })
	}
}

// doubling is a document of n fragments that each spread the next one twice.
func doubling(n int, on, last string) string {
	return counted(n, func(i int) string { return fmt.Sprintf("fragment F%d on %s{...F%d ...F%d}", i, on, i+1, i+1) }) + fmt.Sprintf("fragment F%d on %s{%s}", n, on, last)
}

// A validator that looks into a fragment at each of its spreads takes 2ⁿ steps for n fragments.
func TestFragmentsExpandedPerSpreadWhenValidating(t *testing.T) {
	holds(t,
		attack{name: "valid", send: document("{product(id:1){...F0}}" + doubling(100, "Product", "id")), want: verdict{status: list("200 400")}},
		attack{name: "invalid at the end", send: document("{product(id:1){...F0}}" + doubling(100, "Product", "nothing")), want: refuse("400", "GRAPHQL_VALIDATION_FAILED REQUEST_TOO_LARGE")},
		attack{name: "variables at the end", send: document("query($a:Int){product(id:1){...F0}}" + doubling(80, "Product", "reviews(first:$a){id}")), want: verdict{status: list("200 400")}},
		attack{name: "introspection at the end", send: document("{...F0}" + doubling(80, "Query", "__schema{types{name}}")), want: verdict{status: list("200 400")}},
	)
}

// A planner that merges fields spread by spread does so as well, and where types have parts, for each of them.
func TestFragmentsExpandedPerSpreadWhenPlanning(t *testing.T) {
	fields := counted(17, func(i int) string {
		return fmt.Sprintf("fragment F%d on Product{related{...F%d} related{...F%d}}", i, i+1, i+1)
	}) + "fragment F17 on Product{id}"
	parts := counted(16, func(i int) string {
		return fmt.Sprintf("fragment F%d on FeedItem{...on ReviewPosted{...F%d} ...on QuestionAsked{...F%d} ...on PhotoShared{...F%d}}", i, i+1, i+1, i+1)
	}) + "fragment F16 on FeedItem{id}"
	directives := counted(17, func(i int) string {
		return fmt.Sprintf("fragment F%d on Product{related @include(if:$a){...F%d} related @skip(if:$a){...F%d}}", i, i+1, i+1)
	}) + "fragment F17 on Product{id}"
	affordable := verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}
	holds(t,
		attack{name: "fields", send: document("{product(id:1){...F0}}" + fields), want: affordable},
		attack{name: "types", send: document("{feed{...F0}}" + parts), want: affordable},
		attack{name: "conditions", send: variables("query($a:Boolean!){product(id:1){...F0}}"+directives, `{"a":true}`), want: affordable},
	)
}

// A price that is summed up spread by spread never comes to its end. Without the bound this test takes for ever.
func TestFragmentsExpandedPerSpreadWhenPricing(t *testing.T) {
	t.Parallel()
	schema := newSchema().Schema()
	prices, err := cost.Compile(schema, cost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"spreads": "{product(id:1){...F0}}" + doubling(100, "Product", "id"),
		"fields": "{product(id:1){...F0}}" + counted(40, func(i int) string {
			return fmt.Sprintf("fragment F%d on Product{related{...F%d} a:related{...F%d}}", i, i+1, i+1)
		}) + "fragment F40 on Product{id}",
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := parser.ParseQuery(&ast.Source{Input: text})
			if err != nil {
				t.Fatal(err)
			}
			formula, err := prices.Formula(doc, doc.Operations[0])
			if err != nil {
				return // refused is as good
			}
			if price, err := formula.Estimate(nil); err == nil && price.Field < 1 {
				t.Errorf("the price is %+v", price)
			}
		})
	}
}

// A limit whose counter wraps around lets the largest documents pass.
func TestLimitsWhoseCountersOverflow(t *testing.T) {
	var all []attack
	for _, n := range []int{31, 32, 33, 63, 64, 65, 128} {
		all = append(all,
			attack{name: fmt.Sprintf("2^%d aliases", n), send: document("{product(id:1){...F0}}" + doubling(n, "Product", "a:id")), want: large()},
			attack{name: fmt.Sprintf("2^%d root fields", n), send: document("{...F0}" + doubling(n, "Query", "productCount")), want: large()})
	}
	holds(t, all...)
}

// A parser that calls itself per level ends the process: recover doesn't help against an exhausted stack.
func TestParserRecursion(t *testing.T) {
	var all []attack
	for _, open := range []string{"{a", "{...", "{...on Query", "{a(b:[", "{a(b:{c:", "query($a:[", "query($a:Int=[", "{a@b(c:["} {
		all = append(all, attack{name: open, send: document(times(open, 120_000/len(open))), want: refuse("400", "REQUEST_TOO_LARGE GRAPHQL_PARSE_FAILED")})
	}
	all = append(all,
		attack{name: "brackets", send: document("{a(b:" + times("[", 100_000)), want: refuse("400", "REQUEST_TOO_LARGE GRAPHQL_PARSE_FAILED")},
		attack{name: "JSON", send: variables("{__typename}", `{"a":`+times("[", 100_000)), want: bad()},
		attack{name: "JSON of objects", send: variables("{__typename}", times(`{"a":`, 20_000)), want: bad()},
	)
	holds(t, all...)
}

// An error per token is an answer of a hundred times the request.
func TestErrorFloods(t *testing.T) {
	small := func(v verdict) verdict { v.memory = 16 << 20; return v }
	holds(t,
		attack{name: "unknown directives", send: document("{__typename " + times("@a", 990) + "}"), want: small(large())},
		attack{name: "unknown fields", send: document("{users{" + counted(900, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "}}"), want: small(invalid())},
		attack{name: "unknown arguments", send: document("{users(" + counted(490, func(i int) string { return fmt.Sprintf("f%d:1 ", i) }) + "){id}}"), want: small(invalid())},
		attack{name: "undefined variables", send: document("{usersById(ids:[" + counted(900, func(i int) string { return fmt.Sprintf("$v%d ", i) }) + "]){id}}"), want: small(invalid())},
		attack{name: "unused fragments", send: document("{__typename}" + counted(180, func(i int) string { return fmt.Sprintf("fragment F%d on Query{__typename}", i) })), want: small(invalid())},
		attack{name: "unused variables", send: document("query(" + counted(400, func(i int) string { return fmt.Sprintf("$v%d:Int ", i) }) + "){__typename}"), want: small(large())},
		attack{name: "cycles", send: document("{...F0}" + counted(150, func(i int) string { return fmt.Sprintf("fragment F%d on Query{...F0 ...F%d}", i, i) })), want: small(invalid())},
	)
}

// Comparing every field of a name with every other one takes the square of their number.
func TestQuadraticOverlapCheck(t *testing.T) {
	holds(t,
		attack{name: "one field", send: document("{" + times("__typename ", 1900) + "}"), want: large()},
		attack{name: "one field below", send: document("{users{" + times("name ", 1900) + "}}"), want: large()},
		attack{name: "at the limit, with selections", send: document("{users{" + times("orders(first:1){id note} ", 120) + "}}"), want: verdict{status: list("200 400"), memory: 64 << 20}},
		attack{name: "in inline fragments", send: document("{users{" + times("...{name}", 400) + "}}"), want: large()},
		attack{name: "in fragments", send: document("{users{" + counted(150, func(i int) string { return fmt.Sprintf("...F%d ", i) }) + "}}" + counted(150, func(i int) string { return fmt.Sprintf("fragment F%d on User{name}", i) })), want: large()},
		attack{name: "of types that exclude one another", send: document("{feed{" + times("...on ReviewPosted{x:review{id}} ...on QuestionAsked{x:answers{text}} ", 40) + "}}"), want: verdict{status: list("200 400"), memory: 64 << 20}},
		attack{name: "nested", send: document("{product(id:1){" + wide(6, 2) + "}}"), want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}},
	)
}

// Types of fields of types of fields: each level multiplies the answer by the schema.
func TestIntrospectionAsAmplifier(t *testing.T) { holds(t, amplifiers()...) }

// A body that a form can send must never be an operation, whatever its type is made to look like.
func TestCSRFByOddContentTypes(t *testing.T) { holds(t, append(contentTypes(), csrf()...)...) }

// A link or an image must never change anything.
func TestMutationsByGet(t *testing.T) { holds(t, byGet()...) }

// What is forbidden on one road must be so on all of them.
func TestRulesHoldOnEveryRoad(t *testing.T) {
	t.Parallel()
	target := start(t, profiles["closed"])
	const doc = "{__schema{queryType{name}}}"
	escaped := strings.NewReplacer("{", "%7B", "}", "%7D").Replace(doc)
	for _, a := range []attack{
		{name: "POST", send: document(doc), want: invalid()},
		{name: "GET", send: get("/graphql?query=" + escaped), want: invalid()},
		{name: "GET of an escaped path", send: get("/%67raph%71l?query=" + escaped), want: invalid()},
		{name: "POST with parameters in the URL", send: request(http.MethodPost, "/graphql?query="+escaped, plainBody), want: serve([]string{}...)},
		{name: "the old media type", send: document(doc, "Accept", "application/json"), want: refuse("200", "GRAPHQL_VALIDATION_FAILED")},
		{name: "both media types", send: document(doc, "Accept", "application/json, application/graphql-response+json"), want: invalid()},
		{name: "an operation among others", send: post(`{"operationName":"B","query":` + quoted("query A{__typename} query B"+doc) + `}`), want: invalid()},
		{name: "one that isn't chosen", send: post(`{"operationName":"A","query":` + quoted("query A{__typename} query B"+doc) + `}`), want: invalid()},
		{name: "a batch", send: post(`[{"query":` + quoted(doc) + `}]`), want: bad()},
		{name: "events", send: document(doc, "Accept", "text/event-stream"), want: verdict{status: list("200 400 406"), refused: true}},
		{name: "parts", send: document("{...@defer{__schema{queryType{name}}}}", "Accept", "multipart/mixed"), want: verdict{status: list("200 400 406"), refused: true}},
		{name: "pipelined behind what may be", send: append(document("{__typename}", "Connection", "keep-alive"), document(doc)...), want: verdict{status: list("200 400"), answers: 2, hasNot: []string{`"queryType"`}}},
		{name: "the same document again", send: append(document(doc, "Connection", "keep-alive"), document(doc)...), want: verdict{status: list("400"), answers: 2, refused: true}},
	} {
		t.Run(a.name, func(t *testing.T) { target.suffer(t, a) })
	}
}

// A field that is guarded in one place of a document, on one type or on one transport, and open in another.
func TestAuthorisationHoldsOnEveryRoad(t *testing.T) { holds(t, scopes()...) }

// A body in another charset is read as something else by the next one on the way.
func TestCharsets(t *testing.T) { holds(t, charsets()...) }

// Two parsers that see different ends of a request let one client write another one's.
func TestHTTPParsing(t *testing.T) { holds(t, append(smuggling(), lines()...)...) }

// A body is read up to its limit, however long it says it is, and however small it was packed.
func TestBodiesWithoutLimit(t *testing.T) { holds(t, compression()...) }

// A redirect must not lead the gateway, with its credentials, to where it shouldn't be.
func TestForgedRequestsByRedirect(t *testing.T) {
	var all []attack
	for _, to := range []string{"http://169.254.169.254/", "//evil.test/", "https://evil.test/", "http://evil.test@127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/", "http:///", "\\\\evil.test", "javascript:x", "http://[::1]:1/"} {
		all = append(all, attack{name: to, send: document(`{user(id:"1"){id}}`), service: redirects(to), want: failedOrServed()})
	}
	holds(t, all...)
}

// A batch that is loaded for one client and carries another one's credentials.
func TestBatchesAreNotShared(t *testing.T) {
	t.Parallel()
	target := start(t, profiles["open"])
	var clients sync.WaitGroup
	for i := range 64 {
		clients.Go(func() {
			name := fmt.Sprintf("c%d", i%4)
			send := document(fmt.Sprintf(`{a:user(id:"%[1]s-1"){id} b:user(id:"%[1]s-%[2]d"){id}}`, name, i), "Authorization", "Bearer "+name, "X-Tenant", name)
			if got, err := target.exchange(send, 0); err != nil || !bytes.HasPrefix(got, []byte("HTTP/1.1 200")) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	clients.Wait()
	got := target.services.received()
	if len(got) == 0 {
		t.Error("no service was asked")
	}
	for _, r := range got {
		who := strings.TrimPrefix(r.header.Get("Authorization"), "Bearer ")
		for i := range 4 {
			if other := fmt.Sprintf("c%d", i); other != who && strings.Contains(r.uri, other+"-") || who == "" || r.header.Get("X-Tenant") != who {
				t.Errorf("%v with the credentials of %q", r, who)
			}
		}
	}
}

// A document that is kept must not keep what one client's variables made of it.
func TestDocumentsAreKeptWithoutVariables(t *testing.T) {
	t.Parallel()
	target := start(t, profiles["open"])
	const doc = `query($id:ID!="1",$n:Boolean=false){user(id:$id){id name @include(if:$n)}}`
	for range 2 {
		for vars, want := range map[string]string{`{}`: `{"id":"1"}`, `{"id":"2"}`: `{"id":"2"}`, `{"id":"3","n":true}`: `{"id":"3","name":`} {
			got, err := target.exchange(variables(doc, vars), 0)
			if err != nil || !strings.Contains(string(got), want) {
				t.Errorf("%s: %q, %v", vars, got, err)
			}
		}
	}
}

// Connections that send nothing must not keep others from being answered.
func TestConnectionsThatWait(t *testing.T) {
	t.Parallel()
	target := start(t, profiles["hasty"])
	for range 300 {
		conn, err := net.Dial("tcp", target.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: a\r\nX-")
	}
	target.answersStill(t)
}
