package edge_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func batchOf(queries ...string) string {
	var all []string
	for _, q := range queries {
		all = append(all, asJSON(map[string]any{"query": q}))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func TestBatches(t *testing.T) {
	start(t, "").send(t, http.MethodPost, "/graphql", batchOf("{ greeting }")).check(t, "off", 400, "batches are not supported")
	r := start(t, "batching: {enabled: true, max_operations: 4, parallel: 2}\nserver: {operation: {disable_introspection: true}}\n")
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"two", batchOf("{ greeting }", "{ hidden }"), 200, `[{"data":{"greeting":"hello"}},{"data":{"hidden":null}}]`},
		{"white space", " \n" + batchOf("{ greeting }"), 200, `[{"data":{"greeting":"hello"}}]`},
		{"own errors", batchOf("{ greeting }", "{ nonsense }", "{"), 200, `[{"data":{"greeting":"hello"}},{"errors":[{"message":"Cannot query field`},
		{"what isn't one", `[{"query":"{greeting}"},7,{"query":"{greeting}","query":"{hidden}"},{}]`, 200, `[{"data":{"greeting":"hello"}},{"errors":[{"message":"The body must be a JSON object."`},
		{"introspection", batchOf("{ __schema { queryType { name } } }"), 200, "Introspection is off"},
		{"a batch in a batch", "[" + batchOf("{ greeting }") + "]", 400, "batches are not supported"},
		{"nothing but errors", `[{},{}]`, 400, `[{"errors":`},
		{"none", `[]`, 400, "no operation"},
		{"too many", batchOf("{ greeting }", "{ greeting }", "{ greeting }", "{ greeting }", "{ greeting }"), 413, "too many"},
		{"cut", batchOf("{ greeting }")[:10], 400, "not valid JSON"},
		{"something after it", batchOf("{ greeting }") + "x", 400, "not valid JSON"},
		{"too many tokens", batchOf(tokens(1900), tokens(1900), tokens(1900), tokens(2400)), 413, "8000 tokens"},
		{"a subscription", batchOf("subscription { x }"), 200, "errors"},
	} {
		got := r.send(t, http.MethodPost, "/graphql", c.body)
		got.check(t, c.name, c.status, c.want)
		if c.status == 200 && !json.Valid([]byte(got.body)) {
			t.Errorf("%s: no JSON: %s", c.name, got.body)
		}
		if got.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v", c.name, got.Header)
		}
	}
	r.send(t, http.MethodGet, "/graphql?query=%5B%5D", "").check(t, "by GET", 200, "GRAPHQL_PARSE_FAILED")
	got := r.send(t, http.MethodPost, "/graphql", batchOf("{ nonsense }", "{ nonsense }"), "Accept", "application/graphql-response+json")
	got.check(t, "the new media type", 400, "GRAPHQL_VALIDATION_FAILED")
	r.send(t, http.MethodPost, "/graphql", batchOf("{ greeting }"), "Accept", "text/event-stream").check(t, "event streams", 400, "BAD_REQUEST")
	r.send(t, http.MethodPost, "/graphql", batchOf("{ greeting }"), "Content-Type", "text/plain").check(t, "a simple type", 415, "BAD_REQUEST")
}

// tokens is a document of about so many of them.
func tokens(n int) string { return "{" + strings.Repeat(" greeting", n) + "}" }

// Mutations stay in their order where one runs at a time.
func TestBatchInOrder(t *testing.T) {
	r := start(t, "batching: {enabled: true, parallel: 1}\n")
	got := r.send(t, http.MethodPost, "/graphql", batchOf("mutation { count }", "mutation { count }", "mutation { count }"))
	got.check(t, "mutations", 200, `[{"data":{"count":1}},{"data":{"count":2}},{"data":{"count":3}}]`)
}

// A batch costs what its operations cost one by one, and the one that can't be afforded doesn't run.
func TestBatchPrices(t *testing.T) {
	r := start(t, `
batching: {enabled: true, parallel: 1}
limits: {tell: always, plans: {anonymous: {buckets: [{name: minute, capacity: 16, restore: 0.000001}]}}}
`)
	left := func() float64 {
		var read struct {
			Extensions struct {
				Cost struct {
					ThrottleStatus struct{ CurrentlyAvailable float64 }
				}
			}
		}
		body := r.post(t, "{ __typename }").body
		if err := json.Unmarshal([]byte(body), &read); err != nil {
			t.Fatal(err)
		}
		return read.Extensions.Cost.ThrottleStatus.CurrentlyAvailable
	}
	const item, mutation = "{ a: item { name } b: item { name } }", "mutation { count }"
	before := left()
	r.post(t, item)
	r.post(t, mutation)
	single := before - left()
	before = left()
	got := r.send(t, http.MethodPost, "/graphql", batchOf(item, mutation))
	if together := before - left(); together != single || single < 5 {
		t.Errorf("together %v, one by one %v: %s", together, single, got.body)
	}
	var many []string
	for range 10 {
		many = append(many, mutation)
	}
	ran := r.world.counted.Load()
	body := r.send(t, http.MethodPost, "/graphql", batchOf(many...)).body
	refused := strings.Count(body, `"RATE_LIMITED"`)
	if ran = r.world.counted.Load() - ran; refused == 0 || int(ran)+refused != 10 {
		t.Errorf("%d ran, %d refused: %s", ran, refused, body)
	}
}
