package caching_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/identity"
)

// What differs between two answers that are the same: ids, and what a second's turn makes of times.
var (
	perAnswer = []string{"Date", "X-Request-Id", "Retry-After"}
	times     = regexp.MustCompile(`(max-age=|ttl=|"ttl":|"age":|;t=|"retryAfterMs":)\d+`)
	requestID = regexp.MustCompile(`"requestId":"[^"]*"`)
)

func normal(a reply) string {
	h := a.header.Clone()
	for _, name := range perAnswer {
		h.Del(name)
	}
	if h.Get("Age") != "" {
		h.Set("Age", "n")
	}
	var b strings.Builder
	fmt.Fprintln(&b, a.status)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		fmt.Fprintf(&b, "%s: %q\n", name, h[name])
	}
	return requestID.ReplaceAllString(times.ReplaceAllString(b.String()+a.body, "${1}n"), "")
}

// TestTheShortWayIsTheLongWay sends the same requests to two gateways, one of which can't know any again: each has white
// space of its own at its end. Status, headers, body, points and the line in the log are the same, whoever asks, whatever
// is kept, refused or purged.
func TestTheShortWayIsTheLongWay(t *testing.T) {
	dir := t.TempDir()
	manifest := filepath.Join(dir, "manifest.json")
	const trusted = "query Trusted { item(id: 1) { id version } }"
	text, err := json.Marshal(map[string]string{"trusted": trusted})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "keys.yaml")
	callers := [][]string{nil}
	for _, c := range []struct {
		client, plan string
		scopes       []string
	}{
		{"ada", "default", nil},
		{"bob", "default", []string{"cache:explain"}},
		{"eve", "default", []string{"cache:refresh"}},
		{"kim", "app", nil},     // trusted documents only, and no introspection
		{"lou", "logged", nil},  // of whose documents is told
		{"poor", "little", nil}, // who runs out of points
	} {
		made, key, err := identity.NewKey(c.client, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		key.Plan, key.Scopes = c.plan, c.scopes
		if err := identity.NewKeyFile(file).Create(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		callers = append(callers, []string{"X-Api-Key", made})
	}
	bucket := func(points int) string {
		return fmt.Sprintf("buckets: [{name: day, capacity: %d, restore: 0.001}]", points)
	}
	settings := fmt.Sprintf(`identity: {keys: {file: %q}}
documents: {trusted: {manifests: [%q], plans: {app: enforce, logged: log}}}
limits:
  plans:
    default: {%[3]s, cached_cost: "2"}
    anonymous: {%[3]s, cached_cost: full}
    app: {%[3]s, introspection: deny}
    logged: {%[3]s}
    little: {%[4]s}
`, file, manifest, bucket(1_000_000), bucket(60))
	gateways := []*gateway{start(t, newService(t, false, nil), settings), start(t, newService(t, false, nil), settings)}

	operations := []string{
		`{"query":"{ item(id: 1) { id version } }"}`,
		`{"query":"query Trusted { item(id: 1) { id version } }"}`,
		`{"query":"query Trusted{item(id:1){id,version}}"}`,
		`{"documentId":"trusted"}`,
		`{"documentId":"nobody's"}`,
		`{"query":"query A { items { id version } } query B { item(id: 2) { id } }","operationName":"A"}`,
		`{"query":"query A { items { id version } } query B { item(id: 2) { id } }","operationName":"B"}`,
		`{"query":"query A { items { id version } } query B { item(id: 2) { id } }"}`,
		`{"query":"query ($id: ID!) { item(id: $id) { id version __typename } }","variables":{"id":"3"}}`,
		`{"query":"query ($id: ID!) { item(id: $id) { id version __typename } }","variables":{"id":3}}`,
		`{"query":"query ($id: ID!) { item(id: $id) { id version } }","variables":{"id":null}}`,
		`{"query":"query ($x: Boolean!) { items { id note @include(if: $x) { text } } }","variables":{"x":true}}`,
		`{"query":"query ($x: Boolean!) { items { id note @include(if: $x) { text } } }","variables":{"x":false}}`,
		`{"query":"{ me { id email } }"}`,
		`{"query":"{ me { id } }"}`,
		`{"query":"{ item(id: 1) { id } __schema { queryType { name } } }"}`,
		`{"query":"{ item(id: 1) { id } __type(name: \"Item\") { name } }"}`,
		`{"query":"{ __typename }"}`,
		`{"query":"{ byHand }"}`,
		`{"query":"{ item(id: 1) { nothing } }"}`,
		`{"query":"{ item(id: "}`,
		`{"query":"{ find(word: \"a\") { id } }"}`,
		`{"query":"mutation { set(id: 1) { id version } }"}`,
		`{"query":"mutation { touch(id: 2) }"}`,
		`{"query":"mutation { reset }"}`,
		`[{"query":"{ item(id: 1) { id } }"}]`,
		`{"query":"{ item(id: 1) { id } }","extensions":{"client":"x"}}`,
	}
	headers := [][]string{
		nil, nil, nil, nil, nil, nil,
		{"Cache-Control", "no-cache"},
		{"Cache-Control", "no-store"},
		{"Pragma", "no-cache"},
		{"Graphql-Cost", "report"},
		{"Graphql-Cost", "validate"},
		{"Accept", "application/graphql-response+json"},
		{"Accept", "text/html"},
		{"Accept-Encoding", "gzip"},
		{"If-None-Match", "*"},
		{"Content-Type", "text/plain"},
	}
	random := rand.New(rand.NewPCG(1, 2))
	hits := 0
	const requests = 2500
	for i := range requests {
		operation := operations[random.IntN(len(operations))]
		if strings.Contains(operation, "mutation") && random.IntN(4) > 0 {
			operation = operations[random.IntN(4)]
		}
		sent := append(slices.Clone(callers[random.IntN(len(callers))]), headers[random.IntN(len(headers))]...)
		var got [2]reply
		for n, g := range gateways {
			body := operation
			if n == 1 {
				body += fmt.Sprintf("%*s", 1+i%3000, "")
			}
			r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, g.address+"/graphql", bytes.NewReader([]byte(body)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			if got[n], err = g.send(r, sent); err != nil {
				t.Fatal(err)
			}
		}
		if short, long := normal(got[0]), normal(got[1]); short != long {
			t.Fatalf("request %d, %s with %q:\n%s\nand the long way:\n%s", i, operation, sent[min(2, len(sent)):], short, long)
		}
		if strings.Contains(got[0].cacheStatus(), "hit") {
			hits++
		}
	}
	if hits < requests/10 {
		t.Errorf("%d hits", hits)
	}
	short, long := gateways[0].requests(requests), gateways[1].requests(requests)
	for i := range short {
		if short[i] != long[i] {
			t.Fatalf("request %d in the log: %s, and the long way: %s", i, short[i], long[i])
		}
	}
	t.Logf("%d hits of %d", hits, requests)
}
