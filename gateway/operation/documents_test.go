package operation_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

var schema = gqlparser.MustLoadSchema(&ast.Source{Name: "test.graphql", Input: `
type Query {
  user(id: ID, filter: Filter, color: Color): User
  users: [User!]
  node: Node
  n: Int
}
type Mutation { rename(id: ID!, name: String!): User }
type Subscription { ticks: Int }
interface Node { id: ID! }
type User implements Node { id: ID! name: String friends: [User!] best: User }
enum Color { RED GREEN }
scalar Date
directive @oneOf on INPUT_OBJECT
input Filter { name: String, age: Int = 3, score: Float!, tags: [String!], not: Filter, color: Color, since: Date, live: Boolean }
input Pick @oneOf { a: Int b: Int }
`})

func documents(t testing.TB, config operation.Config) *operation.Documents {
	t.Helper()
	d, err := operation.NewDocuments(schema, config)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// told writes errors as "code line:column message", one a line.
func told(errs gqlerror.List) string {
	var lines []string
	for _, err := range errs {
		at := ""
		for _, l := range err.Locations {
			at += fmt.Sprintf("%d:%d ", l.Line, l.Column)
		}
		lines = append(lines, fmt.Sprintf("%v %s%s", err.Extensions["code"], at, err.Message))
	}
	return strings.Join(lines, "\n")
}

func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name, query string
		limits      operation.Limits
		want        string
	}{
		{name: "good", query: "{ user(id: 1) { name } }"},
		{name: "empty", query: " # nothing\n", want: `GRAPHQL_PARSE_FAILED The document has no operation.`},
		{name: "only fragments", query: "fragment f on User { id }", want: `GRAPHQL_PARSE_FAILED The document has no operation.`},
		{name: "syntax", query: "{ user", want: `GRAPHQL_PARSE_FAILED 1:7 Syntax error: Expected Name, found <EOF>`},
		{
			name: "no token", query: "{ user(id: \"x) }",
			want: `GRAPHQL_PARSE_FAILED 1:17 Syntax error: Unterminated string.`,
		},
		{
			name: "syntax before no token", query: "{ user(} \"x",
			want: `GRAPHQL_PARSE_FAILED 1:8 Syntax error: Expected Name, found }`,
		},
		{
			name: "unknown field", query: "{ user { nam } }",
			want: `GRAPHQL_VALIDATION_FAILED 1:10 Cannot query field "nam" on type "User". Did you mean "name"?`,
		},
		{
			name: "cycle", query: "{ user { ...a } } fragment a on User { best { ...b } } fragment b on User { best { ...a } }",
			want: `GRAPHQL_VALIDATION_FAILED 1:87 Cannot spread fragment "a" within itself.`,
		},
		{
			name: "cycle that nobody spreads", query: "{ n } fragment a on User { ...a }",
			want: `GRAPHQL_VALIDATION_FAILED 1:31 Cannot spread fragment "a" within itself.`,
		},
		{
			name: "a fragment's own variables", query: "{ ...f } fragment f($a: Int = 1) on Query { n }",
			want: `GRAPHQL_PARSE_FAILED 1:10 Syntax error: A fragment has no variables of its own.`,
		},
		{
			name: "an Int of 33 bits", query: "query ($a: Filter = {age: 2147483648, score: 1}) { user(filter: {age: -2147483649, score: 2147483648, not: $a}) { id } }",
			want: "GRAPHQL_VALIDATION_FAILED 1:27 Int cannot represent non 32-bit signed integer value: 2147483648\n" +
				"GRAPHQL_VALIDATION_FAILED 1:71 Int cannot represent non 32-bit signed integer value: -2147483649",
		},
		{name: "an Int of 32 bits", query: "{ user(filter: {age: -2147483648, score: 1, not: {age: 2147483647, score: 1}}) { id } }"},
		{
			name: "depth", query: "{ n user { best { best { id } } } }", limits: operation.Limits{MaxDepth: 3},
			want: `REQUEST_TOO_LARGE 1:1 The operation has more than 3 levels of fields.`,
		},
		{
			name: "depth through fragments", limits: operation.Limits{MaxDepth: 3},
			query: "{ user { ...a } } fragment a on User { ... on Node { ...b } } fragment b on User { best { best { id } } }",
			want:  `REQUEST_TOO_LARGE 1:1 The operation has more than 3 levels of fields.`,
		},
		{name: "depth, just", query: "{ user { best { ... on User { id } } } }", limits: operation.Limits{MaxDepth: 3}},
		{
			name: "aliases", query: "{ a: n b: n user { ...f best { ...f } } } fragment f on User { c: id }", limits: operation.Limits{MaxAliases: 3},
			want: `REQUEST_TOO_LARGE 1:1 The operation has more than 3 aliases.`,
		},
		{name: "aliases that are none", query: "{ n: n user: user { id: id } }", limits: operation.Limits{MaxAliases: 1}},
		{
			name: "root fields", query: "query A { n } query B { n ...f ... { users { id } } } fragment f on Query { node { id } }",
			limits: operation.Limits{MaxRootFields: 2},
			want:   `REQUEST_TOO_LARGE 1:15 The operation has more than 2 root fields.`,
		},
		{
			name: "height", query: "{ user { ...f best { ...f } } } fragment f on User { id name }", limits: operation.Limits{MaxHeight: 5},
			want: `REQUEST_TOO_LARGE 1:1 The operation has more than 5 fields.`,
		},
		{name: "height, just", query: "{ user { ...f best { ...f } } } fragment f on User { id name }", limits: operation.Limits{MaxHeight: 6}},
		{
			name: "directives", query: "{ n ...f } fragment f on Query @a @b @c { n }", limits: operation.Limits{MaxDirectives: 2},
			want: `REQUEST_TOO_LARGE 1:33 There are more than 2 directives in one place.`,
		},
		{
			name: "directives of a variable", query: "query ($v: ID @a @b @c) { user(id: $v) { id } }", limits: operation.Limits{MaxDirectives: 2},
			want: `REQUEST_TOO_LARGE 1:16 There are more than 2 directives in one place.`,
		},
		{
			name: "list items", query: "{ users(ids: {a: [1, 2, 3]}) { id } }", limits: operation.Limits{MaxListItems: 2},
			want: `REQUEST_TOO_LARGE 1:18 A list has more than 2 items.`,
		},
		{
			name: "variables", query: "query ($a: ID, $b: ID, $c: ID) { n }", limits: operation.Limits{MaxVariables: 2},
			want: `REQUEST_TOO_LARGE 1:1 The operation has more than 2 variables.`,
		},
		{
			name: "operations", query: "query A { n } query B { n } query C { n }", limits: operation.Limits{MaxOperations: 2},
			want: `REQUEST_TOO_LARGE The document has more than 2 operations.`,
		},
		{
			name: "operations with too much in common", limits: operation.Limits{MaxTokens: 300},
			query: strings.Repeat("query A { users { ...f } } ", 10) + "fragment f on User { " + strings.Repeat("id ", 100) + "}",
			want:  `REQUEST_TOO_LARGE 1:136 The operations of the document have too many fragments in common.`,
		},
		{
			name: "a mistake in a fragment is told once", query: "{ users { ...f } user { ...f ...g } } fragment f on User { nothing } fragment g on User { ...f }",
			want: `GRAPHQL_VALIDATION_FAILED 1:60 Cannot query field "nothing" on type "User".`,
		},
		{
			name: "fragments of no type, of a scalar, unused and twice", query: "{ users { ...f ...g } } fragment f on Nothing { id } fragment g on ID { id } fragment h on User { id } fragment h on User { id }",
			want: `GRAPHQL_VALIDATION_FAILED 1:73 Cannot query field "id" on type "ID".
GRAPHQL_VALIDATION_FAILED 1:25 Unknown type "Nothing". Did you mean "String"?
GRAPHQL_VALIDATION_FAILED 1:54 Fragment "g" cannot condition on non composite type "ID".
GRAPHQL_VALIDATION_FAILED 1:78 Fragment "h" is never used.
GRAPHQL_VALIDATION_FAILED 1:104 Fragment "h" is never used.
GRAPHQL_VALIDATION_FAILED 1:104 There can be only one fragment named "h".`,
		},
		{
			name: "introspection in lists", query: "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
			want: `REQUEST_TOO_LARGE 1:3 The introspection goes too deep.`,
		},
		{
			name: "introspection over and over", query: "{ " + strings.Repeat("__schema { ...f } ", 11) + "} fragment f on __Schema { types { fields { args { name } } directives: name } a: types { name } }",
			want: `REQUEST_TOO_LARGE 1:1 The introspection asks for too much.`,
		},
		{
			name: "introspection ten times", query: "{ " + strings.Repeat("__schema { ...f } ", 10) + "} fragment f on __Schema { types { fields { args { name } } } a: types { name } }",
		},
		{
			name: "twelve errors", query: "{ " + strings.Repeat("xyz ", 12) + "}",
			want: strings.TrimSuffix(errorLines(10), "\n") + "\nGRAPHQL_VALIDATION_FAILED And 2 more errors.",
		},
		{
			name: "eleven errors", query: "{ " + strings.Repeat("xyz ", 11) + "}",
			want: strings.TrimSuffix(errorLines(10), "\n") + "\nGRAPHQL_VALIDATION_FAILED And one more error.",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, errs := documents(t, operation.Config{Limits: c.limits}).Load(t.Context(), c.query)
			if got := told(errs); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if (doc == nil) != (c.want != "") {
				t.Errorf("document is %v", doc)
			}
		})
	}
}

func errorLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "GRAPHQL_VALIDATION_FAILED 1:%d Cannot query field \"xyz\" on type \"Query\".\n", 3+4*i)
	}
	return b.String()
}

// The introspection query of GraphiQL passes the limits as they are by default.
func TestLoadIntrospection(t *testing.T) {
	query, err := os.ReadFile("testdata/introspection.graphql")
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := documents(t, operation.Config{}).Load(t.Context(), string(query)); errs != nil {
		t.Error(told(errs))
	}
	want := `GRAPHQL_VALIDATION_FAILED 2:7 Introspection is off: "__schema" can't be asked for.`
	if _, errs := documents(t, operation.Config{DisableIntrospection: true}).Load(t.Context(), string(query)); told(errs) != want {
		t.Errorf("got %s", told(errs))
	}
}

func TestNoSuggestionsWithoutIntrospection(t *testing.T) {
	for _, query := range []string{
		"{ nn }", "{ user(idd: 1) { id } }", "{ user(color: REDD) { id } }", `{ user(color: "RED") { id } }`,
		"{ user(filter: {scor: 1}) { id } }", "{ user }", "{ user { ...f } } fragment f on Userr { id }",
		"{ user { ... on Userr { id } } }", "{ n @skp }", "{ user { naame } }", "query ($c: Colour) { n }", "{ node { name } }",
	} {
		_, errs := documents(t, operation.Config{}).Load(t.Context(), query)
		if len(errs) == 0 {
			t.Errorf("%s: no errors", query)
		}
		_, errs = documents(t, operation.Config{DisableIntrospection: true}).Load(t.Context(), query)
		if got := told(errs); len(errs) == 0 || strings.Contains(strings.ToLower(got), "did you mean") {
			t.Errorf("%s: %s", query, got)
		}
	}
}

func TestLoadKeepsDocuments(t *testing.T) {
	d := documents(t, operation.Config{})
	first, _ := d.Load(t.Context(), "{ n }")
	second, _ := d.Load(t.Context(), "{ n }")
	if first != second {
		t.Error("parsed twice")
	}
}

func TestConfigValidate(t *testing.T) {
	err := operation.Config{
		Limits:       operation.Limits{MaxBytes: -1, MaxTokens: -1, MaxNesting: 1001, MaxDepth: -1, MaxAliases: -1, MaxRootFields: -1},
		CacheEntries: -1, CacheBytes: -1,
	}.Validate()
	want := `max_bytes is negative
max_tokens is negative
max_depth is negative
max_aliases is negative
max_root_fields is negative
max_nesting is 1001: more than 1000 may exhaust the stack
cache_entries is negative
cache_bytes is negative`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err := (operation.Config{}).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
}

// hostile makes documents that once took seconds or the whole process.
func hostile() map[string]string {
	chain := func(n int, body, last string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "fragment f%d on %s\n", i, strings.ReplaceAll(body, "NEXT", fmt.Sprintf("f%d", i+1)))
		}
		fmt.Fprintf(&b, "fragment f%d on %s", n, last)
		return b.String()
	}
	return map[string]string{
		"nested":                "{" + strings.Repeat("...{", 500_000),
		"lists":                 "{n(a:" + strings.Repeat("[", 60_000),
		"directives":            "{ n " + strings.Repeat("@a", 990) + "}",
		"fragments, doubled":    "{ users { ...f0 } }" + chain(60, "User { best { ...NEXT } friends { ...NEXT } }", "User { id }"),
		"introspection doubled": "{ __schema { types { ...f0 } } }" + chain(60, "__Type { ofType { ...NEXT } ofType { ...NEXT } }", "__Type { name }"),
		"one field":             "{" + strings.Repeat("n ", 1990) + "}",
		"one field, wrapped":    "{" + strings.Repeat("...{"+strings.Repeat("n ", 100)+"}", 18) + "}",
		"one field, fragments": "{" + "...f ...g ...h}" +
			"fragment f on Query {" + strings.Repeat("n ", 120) + "} fragment g on Query {" + strings.Repeat("n ", 120) + "} fragment h on Query {" + strings.Repeat("n ", 120) + "}",
		"conflicts": "{" + strings.Repeat("x:n x:users{id} ", 60) + "}",
		"arguments": "{" + strings.Repeat("user(id:1){id}user(id:2){id}", 60) + "}",
		"self":      "{ users { ...f } } fragment f on User { best { ...f } ...f }",
		"names":     "{ " + strings.Repeat(strings.Repeat("z", 250)+" ", 500) + "}",
		"types":     "{ n " + strings.Repeat("... on "+strings.Repeat("Z", 250)+"{n} ", 300) + "}",
		"a chain":   "{ ...f0 }" + chain(200, "Query { ...NEXT }", "Query { nothing }"),
		"typos":     "{ users { ...f0 } }" + chain(40, "User { "+strings.Repeat("feild flied ", 8)+" ...NEXT }", "User { id }"),
		"unused":    "{ n }" + chain(100, "User { best { ...NEXT } }", "User { id }"),
	}
}

// Refusing or accepting takes well under a second, whatever the document. It is a bound on the algorithm, not on the
// machine: without the gates these take from seconds to for ever.
func TestLoadHostile(t *testing.T) {
	for name, query := range hostile() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, errs := documents(t, operation.Config{}).Load(t.Context(), query)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
			if len(errs) > operation.MaxErrors+1 {
				t.Errorf("%d errors", len(errs))
			}
			if size := len(told(errs)); size > 6000 {
				t.Errorf("%d bytes of errors", size)
			}
			t.Log(time.Since(start), told(errs[:min(1, len(errs))]))
		})
	}
}
