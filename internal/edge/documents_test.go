package edge_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/identity"
)

const known = "query Known { greeting }"

// withDocuments is a configuration with a manifest that has the document of the id "known", and a batch of two at most.
func withDocuments(t testing.TB, more string) string {
	manifest := write(t, "manifest.json", asJSON(map[string]string{"known": known}))
	return fmt.Sprintf("documents:\n  trusted:\n    manifests: [%s]\n%s\nbatching: {enabled: true}\n", manifest, more)
}

// Where only trusted documents run, nothing else does, whatever road it takes; those run on all of them.
func TestEnforceOnEveryRoad(t *testing.T) {
	r := start(t, withDocuments(t, "    mode: enforce"))
	const stranger = "{ hidden }"
	hash := map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": sha(stranger)}}
	for _, road := range roads() {
		t.Run(road.name, func(t *testing.T) {
			for want, params := range map[string]map[string]any{
				"QUERY_NOT_IN_SAFELIST":       {"query": stranger},
				"PERSISTED_QUERY_NOT_IN_LIST": {"documentId": "stranger"},
				"PERSISTED_QUERY_NOT_FOUND":   {"extensions": hash},
			} {
				if got := road.run(t, r, params); !strings.Contains(got, want) || strings.Contains(got, `"hidden"`) {
					t.Errorf("%v: got %s, want %s", params, got, want)
				}
			}
			if got := road.run(t, r, map[string]any{"query": stranger, "extensions": hash}); !strings.Contains(got, "QUERY_NOT_IN_SAFELIST") {
				t.Errorf("with its hash: %s", got)
			}
			for _, params := range []map[string]any{{"documentId": "known"}, {"query": known}, {"query": "query Known { # says the same\n greeting, }"}} {
				if got := road.run(t, r, params); !strings.Contains(got, `"greeting":"hello"`) {
					t.Errorf("%v: %s", params, got)
				}
			}
		})
	}
}

// The plan of the client decides, on every road.
func TestEnforceByPlan(t *testing.T) {
	text, key, err := identity.NewKey("someone", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key.Plan = "partner"
	r := start(t, withDocuments(t, "    plans: {partner: enforce}"), assemble.WithKeys(key))
	for _, road := range roads() {
		t.Run(road.name, func(t *testing.T) {
			stranger := map[string]any{"query": "{ hidden }"}
			if got := road.run(t, r, stranger); !strings.Contains(got, `"hidden":null`) {
				t.Errorf("another plan: %s", got)
			}
			if got := road.run(t, r, stranger, "X-Api-Key", text); !strings.Contains(got, "QUERY_NOT_IN_SAFELIST") {
				t.Errorf("the plan: %s", got)
			}
			if got := road.run(t, r, map[string]any{"documentId": "known"}, "X-Api-Key", text); !strings.Contains(got, `"hello"`) {
				t.Errorf("the plan, a trusted one: %s", got)
			}
		})
	}
}

// A client of a plan that isn't configured is on the plan default, also where documents are concerned.
func TestEnforceByThePlanThatCounts(t *testing.T) {
	text, key, err := identity.NewKey("someone", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key.Plan = "gone"
	r := start(t, withDocuments(t, "    plans: {default: enforce}")+`
limits: {plans: {default: {buckets: [{name: minute, capacity: 1000, restore: 10}]}}}
`, assemble.WithKeys(key))
	r.post(t, "{ hidden }", "X-Api-Key", text).check(t, "an unknown plan", http.StatusOK, "QUERY_NOT_IN_SAFELIST")
}

// A client sends text and hash once, and the hash alone from then on, whatever road it takes.
func TestAutomaticOnEveryRoad(t *testing.T) {
	r := start(t, withDocuments(t, ""))
	for i, road := range roads() {
		t.Run(road.name, func(t *testing.T) {
			text := fmt.Sprintf("query N%d { greeting }", i)
			hash := map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": sha(text)}}
			if got := road.run(t, r, map[string]any{"extensions": hash}); !strings.Contains(got, "PERSISTED_QUERY_NOT_FOUND") {
				t.Errorf("not known yet: %s", got)
			}
			for _, params := range []map[string]any{{"query": text, "extensions": hash}, {"extensions": hash}, {"documentId": "sha256:" + sha(text)}} {
				if got := road.run(t, r, params); !strings.Contains(got, `"greeting":"hello"`) {
					t.Errorf("%v: %s", params, got)
				}
			}
			if got := road.run(t, r, map[string]any{"query": "{ hidden }", "extensions": hash}); strings.Contains(got, `"hidden"`) || !strings.Contains(got, "does not match") {
				t.Errorf("another text's hash: %s", got)
			}
		})
	}
}

// What is no good isn't learnt: a document that doesn't fit the schema, and one that its client couldn't pay for.
func TestAutomaticLearnsWhatRuns(t *testing.T) {
	r := start(t, "limits: {plans: {anonymous: {max_operation_cost: 1, buckets: [{name: minute, capacity: 1000, restore: 1000}]}}}\n")
	for _, text := range []string{"{ nonsense }", "{ a: item { name } b: item { name } c: item { name } }"} {
		hash := map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": sha(text)}}
		got := r.send(t, http.MethodPost, "/graphql", asJSON(map[string]any{"query": text, "extensions": hash}))
		if strings.Contains(got.body, `"data"`) {
			t.Errorf("%s runs: %s", text, got.body)
		}
		got = r.send(t, http.MethodPost, "/graphql", asJSON(map[string]any{"extensions": hash}))
		got.check(t, text, http.StatusOK, "PERSISTED_QUERY_NOT_FOUND")
	}
}

func TestNames(t *testing.T) {
	r := start(t, withDocuments(t, ""))
	get := func(values url.Values) string { return "/graphql?" + values.Encode() }
	for _, c := range []struct {
		name, method, path, body, accept string
		status                           int
		want                             string
	}{
		{"Relay's", "POST", "/graphql", `{"doc_id":"known"}`, "", 200, `"hello"`},
		{"Relay's older one", "POST", "/graphql", `{"id":"known","query":null,"variables":{}}`, "", 200, `"hello"`},
		{"with an empty text", "POST", "/graphql", `{"documentId":"known","query":""}`, "", 200, `"hello"`},
		{"by its hash", "POST", "/graphql", `{"documentId":"sha256:` + sha(known) + `"}`, "", 200, `"hello"`},
		{"by GET", "GET", get(url.Values{"documentId": {"known"}, "operationName": {"Known"}}), "", "", 200, `"hello"`},
		{"something of another's", "POST", "/graphql", `{"query":"{greeting}","id":7,"doc_id":"x"}`, "", 200, `"hello"`},
		{"unknown", "POST", "/graphql", `{"documentId":"x"}`, "", 200, "PERSISTED_QUERY_NOT_IN_LIST"},
		{"unknown, the new media type", "POST", "/graphql", `{"documentId":"x"}`, "application/graphql-response+json", 400, "PERSISTED_QUERY_NOT_IN_LIST"},
		{"not the text", "POST", "/graphql", `{"documentId":"known","query":"{hidden}"}`, "", 400, "BAD_REQUEST"},
		{"no text", "POST", "/graphql", `{"documentId":7}`, "", 400, "must be a string"},
		{"empty", "POST", "/graphql", `{"documentId":""}`, "", 400, "is empty"},
		{"twice", "POST", "/graphql", `{"documentId":"known","documentId":"known"}`, "", 400, "twice"},
		{"another case", "POST", "/graphql", `{"documentid":"known"}`, "", 400, "must be written"},
		{"two", "POST", "/graphql", `{"documentId":"known","id":"x"}`, "", 400, "different documents"},
		{"none", "POST", "/graphql", `{"extensions":{"documentId":"known"}}`, "", 400, "There is no"},
		{"too long", "POST", "/graphql", `{"documentId":"` + strings.Repeat("x", 600) + `"}`, "", 400, "too long"},
		{"another version", "POST", "/graphql", `{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"x"}}}`, "", 400, "Unsupported"},
		{"a wrong hash", "POST", "/graphql", `{"query":"{greeting}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + sha("x") + `"}}}`, "", 400, "does not match"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.send(t, c.method, c.path, c.body, "Accept", c.accept).check(t, c.name, c.status, c.want)
		})
	}
}
