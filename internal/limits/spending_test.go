package limits_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// points is a limits section with one plan for everybody; more is YAML of the plan and of the section.
func points(capacity int, restore, plan, section string) string {
	all := fmt.Sprintf("buckets: [{name: burst, capacity: %d, restore: %s}]", capacity, restore)
	if plan != "" {
		all += ", " + plan
	}
	if section != "" {
		section += ", "
	}
	return "limits: {" + section + "plans: {anonymous: {" + all + "}}}\n"
}

// TestSpending goes through a budget of 20 points that hardly comes back.
func TestSpending(t *testing.T) {
	s := startServices(t, nil)
	g := s.start(t, points(20, "0.001", "max_operation_cost: 15", ""))

	a := g.ask(`{ users(first: 5) { id } }`) // 1 and 5 and the root
	if a.status != 200 || a.header.Get("RateLimit-Policy") != `"burst";q=20;w=20000` || a.Extensions != nil {
		t.Errorf("%d %v %s", a.status, a.header, a.text)
	}

	s.asked.Take()
	a = g.ask(`{ users(first: 15) { id } }`)
	if a.status != 422 || a.code() != "COST_ESTIMATED_TOO_EXPENSIVE" || a.header.Get("Retry-After") != "" ||
		fmt.Sprint(a.Errors[0].Extensions["cost"]) != "map[estimated:17 max:15]" {
		t.Errorf("%d %v %s", a.status, a.header, a.text)
	}

	a = g.ask(`{ users(first: 5) { id } }`, "GraphQL-Cost", "validate") // 1 point
	if a.status != 200 || a.Data != nil || a.Errors != nil || !strings.Contains(a.extension("cost"), `"requestedQueryCost":7`) ||
		!strings.Contains(a.extension("cost"), `"path":"users"`) || strings.Contains(a.extension("cost"), "actual") {
		t.Errorf("%d %s", a.status, a.text)
	}

	for query, code := range map[string]string{ // a point each
		`{ users`:    "GRAPHQL_PARSE_FAILED",
		`{ nobody }`: "GRAPHQL_VALIDATION_FAILED",
		`{ users(first: null) { id } __typename(x: 1) }`: "GRAPHQL_VALIDATION_FAILED",
	} {
		if a = g.ask(query); a.status != 200 || a.code() != code || a.header.Get("RateLimit") == "" {
			t.Errorf("%d %v %s", a.status, a.header, a.text)
		}
	}
	if asked := s.asked.Take(); asked != "" {
		t.Errorf("a service was asked: %s", asked)
	}

	a = g.ask(`{ users(first: 5) { id } }`, "GraphQL-Cost", "report") // 9 left
	for _, want := range []string{`"actualQueryCost":7`, `"currentlyAvailable":2`, `"maximumAvailable":20`, `"restoreRate":0.001`, `"byPath":[{`} {
		if !strings.Contains(a.extension("cost"), want) {
			t.Errorf("no %s in %s", want, a.text)
		}
	}

	s.asked.Take()
	a = g.ask(threePoints)
	if a.status != 429 || a.code() != "RATE_LIMITED" || a.header.Get("Retry-After") == "" || a.header.Get("RateLimit") != `"burst";r=2;t=18000` {
		t.Errorf("%d %v %s", a.status, a.header, a.text)
	}
	if e := a.Errors[0].Extensions; e["policy"] != "burst" || e["cost"] != 3.0 || e["retryAfterMs"].(float64) < 900_000 {
		t.Errorf("told %v", e)
	}
	if asked := s.asked.Take(); asked != "" {
		t.Errorf("a service was asked: %s", asked)
	}
	if a = g.ask(`{ __typename }`); a.status != 200 {
		t.Errorf("who can still pay: %d %s", a.status, a.text)
	}
}

// TestRefund: what a service didn't send is given back, and the client reads the same in body and header.
func TestRefund(t *testing.T) {
	g := startServices(t, nil).start(t, points(1000, "0.001", "", "tell: always"))
	a := g.ask(`{ usersById(ids: [1, 999999]) { id } }`) // 20 assumed: 22; one came
	if got := a.extension("cost"); !strings.Contains(got, `"requestedQueryCost":22`) || !strings.Contains(got, `"actualQueryCost":3`) ||
		!strings.Contains(got, `"currentlyAvailable":997`) {
		t.Errorf("told %s", got)
	}
	if got := a.header.Get("RateLimit"); got != `"burst";r=997;t=3000` {
		t.Errorf("RateLimit %s", got)
	}
	if got := g.ask(`{ __typename }`).header.Get("RateLimit"); got != `"burst";r=996;t=4000` {
		t.Errorf("RateLimit %s", got)
	}
}

// TestAlways200 is for clients that can't read a body with another status.
func TestAlways200(t *testing.T) {
	g := startServices(t, nil).start(t, "server: {error_status: always200}\n"+points(3, "0.001", "", ""))
	for query, code := range map[string]string{`{ users(first: 5) { id } }`: "COST_ESTIMATED_TOO_EXPENSIVE", `{`: "GRAPHQL_PARSE_FAILED", threePoints: "RATE_LIMITED"} {
		if code == "RATE_LIMITED" {
			g.ask(`{ __typename }`)
		}
		a := g.ask(query, "Accept", "application/graphql-response+json")
		if a.status != 200 || a.code() != code && a.code() != "RATE_LIMITED" {
			t.Errorf("%s: %d %s", query, a.status, a.text)
		}
	}
}

// TestWhoHangsUpPays: the estimate is gone, and the operation doesn't count as under way.
func TestWhoHangsUpPays(t *testing.T) {
	arrived := make(chan struct{}, 1)
	s := startServices(t, func(r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/users/") {
			arrived <- struct{}{}
			<-r.Context().Done()
		}
	})
	g := s.start(t, points(100, "0.001", "max_concurrent: 1", ""))
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := g.try(ctx, `{ user(id: 1) { id orders(first: 10) { id } } }`) // 2 calls, 11 objects, the root
		ended <- err
	}()
	<-arrived
	if a := g.ask(`{ __typename }`); a.status != 429 || a.code() != "CONCURRENCY_LIMITED" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.text)
	}
	hangUp()
	if err := <-ended; err == nil {
		t.Error("there was an answer")
	}
	var a answer
	redistest.Until(t, "the end of what nobody waits for", func() bool {
		a = g.ask(`{ __typename }`)
		return a.status == 200
	})
	if got := a.header.Get("RateLimit"); !strings.Contains(got, "r=85;") {
		t.Errorf("RateLimit %s, want 100 less 14 and 1", got)
	}
}

// TestAddresses: X-Forwarded-For is believed from trusted proxies only, and only what they added.
func TestAddresses(t *testing.T) {
	const budget = 2
	for _, c := range []struct {
		name, trusted string
		lines         func(n int) []string // X-Forwarded-For of the nth request
		one           bool                 // all requests are of one caller
	}{
		{"not from a proxy", "", func(n int) []string { return []string{fmt.Sprint("192.0.2.", n)} }, true},
		{"from a proxy", "127.0.0.0/8", func(n int) []string { return []string{fmt.Sprint("192.0.2.", n)} }, false},
		{"what stands left is made up", "127.0.0.0/8", func(n int) []string { return []string{fmt.Sprintf("198.51.100.%d, 192.0.2.1", n)} }, true},
		{"in lines of their own", "127.0.0.0/8", func(n int) []string { return []string{fmt.Sprint("198.51.100.", n), "192.0.2.1"} }, true},
		{"two proxies", "[127.0.0.0/8, 10.0.0.0/8]", func(n int) []string { return []string{fmt.Sprintf("198.51.100.7, 192.0.2.%d, 10.1.1.1", n)} }, false},
		{"one network of IPv6", "127.0.0.0/8", func(n int) []string { return []string{fmt.Sprintf("2001:db8:0:1::%x", n)} }, true},
		{"several networks of IPv6", "127.0.0.0/8", func(n int) []string { return []string{fmt.Sprintf("2001:db8:0:%x::1", n)} }, false},
		{"no address", "127.0.0.0/8", func(n int) []string { return []string{fmt.Sprint("client", n)} }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			trusted := ""
			if c.trusted != "" {
				trusted = "identity: {trusted_proxies: [" + strings.Trim(c.trusted, "[]") + "]}\n"
			}
			g := startServices(t, nil).start(t, trusted+points(budget, "0.001", "", ""))
			passed := 0
			for n := 1; n <= 2*budget; n++ {
				var headers []string
				for _, line := range c.lines(n) {
					headers = append(headers, "X-Forwarded-For", line)
				}
				if g.ask(`{ __typename }`, headers...).status == 200 {
					passed++
				}
			}
			want := 2 * budget
			if c.one {
				want = budget
			}
			if passed != want {
				t.Errorf("%d of %d passed, want %d", passed, 2*budget, want)
			}
		})
	}
}

// TestMeasureRefusesNobody: the same load as it would be under enforce, and everybody is answered.
func TestMeasureRefusesNobody(t *testing.T) {
	g := startServices(t, nil).start(t, points(5, "0.001", "mode: measure, max_depth: 1", ""))
	for range 4 {
		if a := g.ask(`{ users(first: 10) { id } }`); a.status != 200 || a.Errors != nil || a.header.Get("Retry-After") != "" {
			t.Errorf("%d %v %s", a.status, a.header, a.text)
		}
	}
}

// TestPlanBounds: a plan's limits on documents stand beside the server's.
func TestPlanBounds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	key, _ := newKey(t, file, "web", "roomy")
	g := startServices(t, nil).start(t, `
identity: {keys: {file: `+file+`}}
limits:
  plans:
    anonymous: {max_depth: 2, max_root_fields: 1}
    roomy: {}
`)
	for query, passes := range map[string]bool{
		threePoints: true, `{ user(id: 1) { address { city } } }`: false, `{ a: __typename b: productCount }`: false,
	} {
		a := g.ask(query)
		if (a.code() == "REQUEST_TOO_LARGE") == passes {
			t.Errorf("%s: %d %s", query, a.status, a.text)
		}
		if a := g.ask(query, "X-Api-Key", key); a.code() == "REQUEST_TOO_LARGE" {
			t.Errorf("%s, on a plan without bounds: %d %s", query, a.status, a.text)
		}
	}
}

// TestSlicingArguments: what can't be priced is told with its place in the document.
func TestSlicingArguments(t *testing.T) {
	schema := newSchema(changedSchema(t, "\"How many at most.\"\n    first: Int = 20\n    \"Only users with this role.\"", "first: Int"))
	g := startServices(t, nil).startOver(t, schema, points(100, "0.001", "", "tell: always"))
	a := g.ask("{\n  everybody: users { id }\n}")
	if a.code() != "GRAPHQL_VALIDATION_FAILED" || a.Extensions != nil || len(a.Errors[0].Locations) != 1 || a.Errors[0].Locations[0].Line != 2 ||
		!strings.Contains(a.Errors[0].Message, `"users"`) || !strings.Contains(a.header.Get("RateLimit"), "r=99;") {
		t.Errorf("%d %v %s", a.status, a.header, a.text)
	}
	if a := g.ask(`{ users(first: 1) { id } }`); a.Errors != nil {
		t.Error(a.text)
	}
}
