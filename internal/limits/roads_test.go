package limits_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// protectedSchema is the shop's graph where one of each kind is kept from some: a field, a field of an interface, an
// object of a union, an enum, a scalar.
func protectedSchema(t testing.TB) []string {
	t.Helper()
	return []string{
		"  email: String\n", "  email: String @authenticated\n",
		"  \"Who did it. Null when the account is gone.\"\n  author: User\n", "  author: User @authenticated\n",
		"type Brand {", "type Brand @authenticated {",
		"enum Role {", "enum Role @requiresScopes(scopes: [[\"admin\"]]) {",
		"scalar JSON", "scalar JSON @requiresScopes(scopes: [[\"raw\", \"read\"], [\"admin\"]])",
	}
}

const denied = "UNAUTHORIZED_FIELD_OR_TYPE"

// TestRoads: no way leads to what a caller may not see. Callers are nobody, one with a key and one with a token.
func TestRoads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	plain, _ := newKey(t, file, "kiosk", "")
	reader, _ := newKey(t, file, "backoffice", "", "users:read")
	i := newIssuer(t, "old")
	callers := map[string][]string{
		"nobody":       nil,
		"key":          {"X-Api-Key", plain},
		"reader's key": {"X-Api-Key", reader},
		"token":        {"Authorization", "Bearer " + i.token("old", "ada", "raw")},
		"full token":   {"Authorization", "Bearer " + i.token("old", "ada", "raw read users:read")},
		"admin":        {"Authorization", "Bearer " + i.token("old", "root", "admin users:read")},
		"both":         {"X-Api-Key", reader, "Authorization", "Bearer " + i.token("old", "ada", "raw read")},
	}
	s := startServices(t, nil)
	g := s.startOver(t, newSchema(changedSchema(t, protectedSchema(t)...)), "identity: {keys: {file: "+file+"}, jwt: "+i.section()+"}")
	for _, c := range []struct {
		name, query string
		denied      map[string]string // by caller, paths with spaces; everybody else gets everything
		null        string            // where, if there is a denial, the value is null although another path was denied
		silent      string            // a service that isn't asked when there's a denial
	}{
		{"a field", `{ user(id: 1) { id email } }`, map[string]string{"nobody": "user.email"}, "", ""},
		{"an alias", `{ u: user(id: 1) { id name: email } }`, map[string]string{"nobody": "u.name"}, "", ""},
		{"a fragment", `{ user(id: 1) { ...F } } fragment F on User { ...G } fragment G on User { email }`, map[string]string{"nobody": "user.email"}, "", ""},
		{"an inline fragment without a type", `{ user(id: 1) { ... { ... @include(if: true) { email } } } }`, map[string]string{"nobody": "user.email"}, "", ""},
		{"a list", `{ users(first: 2) { id email } }`, map[string]string{"nobody": "users.0.email users.1.email"}, "", ""},
		{"a batch", `{ usersById(ids: [2, 1]) { email } }`, map[string]string{"nobody": "usersById.0.email usersById.1.email"}, "", ""},
		{"another field's object", `{ product(id: 102) { seller { email } } }`, map[string]string{"nobody": "product.seller.email"}, "", ""},
		{"scopes of a field", `{ user(id: 1) { address { city } } }`,
			map[string]string{"nobody": "user.address", "key": "user.address", "token": "user.address"}, "", ""},
		{"an object type", `{ product(id: 102) { id brand { name } } }`, map[string]string{"nobody": "product.brand"}, "", ""},
		{"an object of a union", `{ search(text: "co", first: 3) { __typename ... on Brand { country } ... on Product { id } } }`,
			map[string]string{"nobody": "search.0.country"}, "", ""},
		{"a scalar", `{ product(id: 102) { attributes } }`, map[string]string{
			"nobody": "product.attributes", "key": "product.attributes", "reader's key": "product.attributes", "token": "product.attributes"}, "", ""},
		{"a field of an interface", `{ feed(first: 2) { author { id } } }`, map[string]string{"nobody": "feed.0.author feed.1.author"}, "", "users"},
		{"the same of its objects", `{ feed(first: 3) { ... on ReviewPosted { author { id } } ... on QuestionAsked { author { id } } ... on PhotoShared { author { id } } } }`,
			map[string]string{"nobody": "feed.0.author feed.1.author feed.2.author"}, "", "users"},
		{"an enum that can't be null", `{ user(id: 1) { role } }`, map[string]string{
			"nobody": "user.role", "key": "user.role", "reader's key": "user.role", "token": "user.role", "full token": "user.role", "both": "user.role"}, "user", ""},
		{"beside introspection, by gqlgen's executor", `{ __schema { queryType { name } } user(id: 1) { id email } feed(first: 1) { author { id } } }`,
			map[string]string{"nobody": "user.email feed.0.author"}, "", ""},
		{"deferred, by gqlgen's executor", `{ user(id: 1) { id ... @defer(if: false) { email } } }`, map[string]string{"nobody": "user.email"}, "", ""},
		{"left out", `{ user(id: 1) { id email @skip(if: true) address @include(if: false) { city } } }`, nil, "", ""},
		{"names of types", `{ user(id: 1) { __typename } product(id: 102) { __typename } }`, nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for who, headers := range callers {
				s.asked.Take()
				a := g.ask(c.query, headers...)
				want := strings.Fields(c.denied[who])
				got := a.paths(denied)
				slices.Sort(want)
				slices.Sort(got)
				if a.status != 200 || !slices.Equal(got, want) || len(a.Errors) != len(want) {
					t.Errorf("%s: %d denied %q, want %q: %s", who, a.status, got, want, a.text)
				}
				for _, path := range want {
					if c.null != "" {
						path = c.null
					}
					if value := at(a.Data, path); value != nil {
						t.Errorf("%s: %s is %v", who, path, value)
					}
				}
				if len(want) > 0 && c.silent != "" && strings.Contains(s.asked.Take(), c.silent+" ") {
					t.Errorf("%s: the service %s was asked", who, c.silent)
				}
			}
		})
	}
}

// at walks into data by names and numbers.
func at(data any, path string) any {
	for _, step := range strings.Split(path, ".") {
		switch value := data.(type) {
		case map[string]any:
			data = value[step]
		case []any:
			data = value[step[0]-'0']
		default:
			return nil
		}
	}
	return data
}

// TestDeniedMutation is refused whole, by POST, with every kind of road to what is denied, before any service is asked.
func TestDeniedMutation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	plain, _ := newKey(t, file, "kiosk", "")
	reader, _ := newKey(t, file, "backoffice", "", "users:read")
	s := startServices(t, nil)
	g := s.startOver(t, newSchema(changedSchema(t, protectedSchema(t)...)), `
identity: {keys: {file: `+file+`}}
limits: {tell: always, plans: {anonymous: {buckets: [{name: burst, capacity: 1000, restore: 0.001}]}}}
`)
	const buy = `createOrder(input: {customerId: 1, lines: [{productId: 102, quantity: 1}]})`
	for _, c := range []struct{ name, query, as, denied string }{
		{"deep", `mutation { ` + buy + ` { id customer { email } } }`, "", "createOrder.customer.email"},
		{"by an alias and a fragment", `mutation { x: ` + buy + ` { ...F } } fragment F on Order { a: customer { e: email } }`, "", "x.a.e"},
		{"behind one that is allowed", `mutation { a: ` + buy + ` { id } b: ` + buy + ` { customer { address { city } } } }`, plain, "b.customer.address"},
		{"several", `mutation { ` + buy + ` { customer { email address { city } } } }`, "", "createOrder.customer.email createOrder.customer.address"},
		{"left to a variable that isn't there", `mutation($skip: Boolean = false) { ` + buy + ` { customer { email @skip(if: $skip) } } }`, "", "createOrder.customer.email"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.asked.Take()
			a := g.ask(c.query, "X-Api-Key", c.as)
			if got := strings.Join(a.paths(denied), " "); got != c.denied || a.Data != nil || a.status != 200 {
				t.Errorf("%d %s", a.status, a.text)
			}
			if asked := s.asked.Take(); asked != "" {
				t.Errorf("asked all the same: %s", asked)
			}
		})
	}
	s.asked.Take()
	a := g.ask(`mutation { `+buy+` { customer { email address { city } } } }`, "X-Api-Key", reader)
	if a.Errors != nil || at(a.Data, "createOrder.customer.address.city") == nil || !strings.Contains(s.asked.Take(), "orders POST") {
		t.Errorf("who may: %s", a.text)
	}
}
