package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cache"
)

type variables = map[string]any

func show(p cache.Policy) string {
	text := fmt.Sprint(int(p.MaxAge / time.Second))
	if p.Private {
		text += " private " + p.PrivateAt
	}
	if p.Why != "" {
		text += " (" + p.Why + ")"
	}
	return text
}

// TestApollo are the examples of Apollo Server's page on @cacheControl, and what the page says in words.
func TestApollo(t *testing.T) {
	const post = `
type Post {
  id: ID!
  title: String
  author: Author
  votes: Int @cacheControl(maxAge: 30)
  comments: [Comment]
  readByCurrentUser: Boolean! @cacheControl(maxAge: 10, scope: PRIVATE)
}
type Author { name: String }
type Comment { text: String }
type Query { latestPost: Post @cacheControl(maxAge: 10) plain: Post }
`
	const page = `
type Query {
  book: Book
  cachedBook: Book @cacheControl(maxAge: 60)
  reader: Reader @cacheControl(maxAge: 40)
}
type Book { title: String cachedTitle: String @cacheControl(maxAge: 30) }
type Reader { book: Book @cacheControl(inheritMaxAge: true) }
`
	for _, c := range []struct {
		name, schema, query string
		standard            time.Duration
		want                string
	}{
		{name: "field hints: the least", schema: post, query: "{ latestPost { votes } }", want: "10"},
		{name: "field hints: private", schema: post, query: "{ latestPost { title readByCurrentUser } }", want: "10 private Query.latestPost.readByCurrentUser"},
		{name: "an object without a hint", schema: post, query: "{ latestPost { comments { text } } }", want: "0 (Query.latestPost.comments has no maxAge)"},
		{name: "a root field without a hint", schema: post, query: "{ plain { votes } }", want: "0 (Query.plain has no maxAge)"},
		// Type level.
		{name: "type hint", schema: `type Post @cacheControl(maxAge: 240) { id: ID! title: String } type Query { post: Post }`, query: "{ post { id } }", want: "240"},
		{name: "type hint in a list", schema: `type Post @cacheControl(maxAge: 240) { id: ID! } type Query { posts: [Post!]! }`, query: "{ posts { id } }", want: "240"},
		{
			name:   "field hint overrides type hint",
			schema: `type Post @cacheControl(maxAge: 240) { id: ID! } type User { bestFriends: [Post] @cacheControl(maxAge: 120) } type Query { me: User @cacheControl(maxAge: 500) }`,
			query:  "{ me { bestFriends { id } } }", want: "120",
		},
		{
			name:   "field hint overrides type hint, upwards",
			schema: `type Post @cacheControl(maxAge: 240) { id: ID! } type Query { top: Post @cacheControl(maxAge: 500) }`,
			query:  "{ top { id } }", want: "500",
		},
		{
			name:   "maxAge and scope each by itself",
			schema: `type Post @cacheControl(maxAge: 240, scope: PRIVATE) { id: ID! } type Query { a: Post @cacheControl(maxAge: 500) b: Post @cacheControl(scope: PUBLIC) }`,
			query:  "{ a { id } }", want: "500 private Query.a",
		},
		{
			name:   "scope of the field alone",
			schema: `type Post @cacheControl(maxAge: 240, scope: PRIVATE) { id: ID! } type Query { b: Post @cacheControl(scope: PUBLIC) }`,
			query:  "{ b { id } }", want: "240",
		},
		// The page's examples of maxAge.
		{name: "book.cachedTitle", schema: page, query: "query GetBookTitle { book { cachedTitle } }", want: "0 (Query.book has no maxAge)"},
		{name: "cachedBook.title", schema: page, query: "{ cachedBook { title } }", want: "60"},
		{name: "cachedBook.cachedTitle", schema: page, query: "{ cachedBook { cachedTitle } }", want: "30"},
		{name: "reader.book.title", schema: page, query: "{ reader { book { title } } }", want: "40"},
		{name: "reader.book.cachedTitle", schema: page, query: "{ reader { book { cachedTitle } } }", want: "30"},
		{name: "default: book.cachedTitle", schema: page, standard: 20 * time.Second, query: "{ book { cachedTitle } }", want: "20"},
		{name: "default: less than it", schema: page, standard: 50 * time.Second, query: "{ book { cachedTitle } }", want: "30"},
		// inheritMaxAge.
		{
			name:   "inherit on the type",
			schema: `type P @cacheControl(inheritMaxAge: true) { x: Int } type U @cacheControl(maxAge: 7) { p: P } type Query { u: U p: P }`,
			query:  "{ u { p { x } } }", want: "7",
		},
		{
			name:   "inherit at the root",
			schema: `type P @cacheControl(inheritMaxAge: true) { x: Int } type Query { p: P }`,
			query:  "{ p { x } }", want: "0 (Query.p has no maxAge)",
		},
		{
			name:   "the type's maxAge before the field's inherit",
			schema: `type P @cacheControl(maxAge: 5) { x: Int } type U @cacheControl(maxAge: 7) { p: P @cacheControl(inheritMaxAge: true) } type Query { u: U }`,
			query:  "{ u { p { x } } }", want: "5",
		},
		{
			name:   "inherit and scope",
			schema: `type P { x: Int } type U @cacheControl(maxAge: 7) { p: P @cacheControl(inheritMaxAge: true, scope: PRIVATE) } type Query { u: U }`,
			query:  "{ u { p { x } } }", want: "7 private Query.u.p",
		},
		// Scalars.
		{name: "a root scalar", schema: `type Query { n: Int }`, query: "{ n }", want: "0 (Query.n has no maxAge)"},
		{name: "a root scalar with a hint", schema: `type Query { n: Int @cacheControl(maxAge: 9) }`, query: "{ n }", want: "9"},
		{name: "a root scalar by default", schema: `type Query { n: Int }`, standard: 3 * time.Second, query: "{ n }", want: "3"},
		{name: "one of two", schema: `type Query { n: Int @cacheControl(maxAge: 9) m: Int }`, query: "{ n m }", want: "0 (Query.m has no maxAge)"},
		{name: "maxAge 0", schema: `type Query { n: Int @cacheControl(maxAge: 0) }`, standard: time.Minute, query: "{ n }", want: "0 (Query.n has no maxAge)"},
		{name: "scope only", schema: `type Query { n: Int @cacheControl(scope: PRIVATE) }`, query: "{ n }", want: "0 private Query.n (Query.n has no maxAge)"},
		{name: "introspection says nothing", schema: `type Query { n: Int @cacheControl(maxAge: 9) }`, query: "{ __typename n __schema { types { name } } }", want: "9"},
		{name: "introspection alone", schema: `type Query { n: Int }`, query: "{ __typename }", want: "0 (nothing that is asked for has a maxAge)"},
		{name: "a root field deeper isn't one", schema: `type Query { n: Int q: Query @cacheControl(maxAge: 4) }`, query: "{ q { n } }", want: "4"},
		// Interfaces and unions: the field's own type says.
		{name: "an interface without a hint", schema: nodes, query: "{ plain { id } }", want: "0 (Query.plain has no maxAge)"},
		{name: "an interface with a hint", schema: nodes, query: "{ node { ... on A { id } ... on B { id } } }", want: "60"},
		{name: "fields of what it may be", schema: nodes, query: "{ node { ... on A { quick } } }", want: "6"},
		{name: "fields through the interface", schema: nodes, query: "{ node { ... on B { name } } }", want: "50 private Query.node.name"},
		{name: "a private type through the interface", schema: nodes, query: "{ node { id } }", want: "60 private Query.node"},
		{name: "a private type behind an interface", schema: nodes, query: "{ node { ... on C { id } } }", want: "60 private Query.node"},
		{name: "nothing of the private type", schema: nodes, query: "{ node { ... on A { id } } }", want: "60"},
		{name: "fragments that meet nothing", schema: nodes, query: "{ a { ... on Node { ... on A { id } } } }", want: "60"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, s := rules(t, c.schema, cache.Config{DefaultMaxAge: c.standard})
			if got := show(planOf(t, r, s, c.query).Policy(nil)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

const nodes = `
interface Node @cacheControl(maxAge: 60) { id: ID! name: String }
interface Plain { id: ID! }
type A implements Node & Plain { id: ID! name: String quick: Int @cacheControl(maxAge: 6) }
type B implements Node & Plain { id: ID! name: String @cacheControl(maxAge: 50, scope: PRIVATE) }
type C implements Node @cacheControl(scope: PRIVATE) { id: ID! name: String @cacheControl(scope: PUBLIC) }
type Query { node: Node plain: Plain a: A @cacheControl(maxAge: 60) }
`

func TestConditions(t *testing.T) {
	r, s := rules(t, `
type User @cacheControl(maxAge: 60) { name: String email: String @cacheControl(scope: PRIVATE) orders: [Order] best: User }
type Order { id: ID! }
type Query { me: User }`, cache.Config{})
	for _, c := range []struct {
		query string
		vars  variables
		want  string
	}{
		{"query ($e: Boolean!) { me { name email @include(if: $e) } }", variables{"e": false}, "60"},
		{"query ($e: Boolean!) { me { name email @include(if: $e) } }", variables{"e": true}, "60 private Query.me.email"},
		{"query ($e: Boolean!) { me { name ... @skip(if: $e) { orders { id } } } }", variables{"e": true}, "60"},
		{"query ($e: Boolean!) { me { name ... @skip(if: $e) { orders { id } } } }", variables{"e": false}, "0 (Query.me.orders has no maxAge)"},
		{"query ($e: Boolean = false) { me { name ...f @include(if: $e) } } fragment f on User { email }", nil, "60"},
		{"query ($e: Boolean = true) { me { name ...f @include(if: $e) } } fragment f on User { email }", nil, "60 private Query.me.email"},
		{"query ($a: Boolean!, $b: Boolean!) { me { ...f @include(if: $a) best { ...f @include(if: $b) } } } fragment f on User { email }", variables{"a": false, "b": true}, "60 private Query.me.best.email"},
		{"{ me { name email @include(if: false) } }", nil, "60"},
		{"{ me { name orders @skip(if: true) { id } } }", nil, "60"},
		{"query ($a: Boolean!) { me { name email @include(if: $a) @skip(if: $a) } }", variables{"a": true}, "60"},
	} {
		if got := show(planOf(t, r, s, c.query).Policy(c.vars)); got != c.want {
			t.Errorf("%s %v: got %s, want %s", c.query, c.vars, got, c.want)
		}
	}
}

func TestNeverKept(t *testing.T) {
	r, s := rules(t, `directive @defer(if: Boolean) on FRAGMENT_SPREAD | INLINE_FRAGMENT
type Query { n: Int @cacheControl(maxAge: 9) } type Mutation { n: Int @cacheControl(maxAge: 9) } type Subscription { n: Int @cacheControl(maxAge: 9) }`, cache.Config{})
	for query, want := range map[string]string{
		"mutation { n }":             "0 (mutations are not kept)",
		"subscription { n }":         "0 (subscriptions are not kept)",
		"{ ... @defer { n } }":       "0 (answers in parts are not kept)",
		"{ ... { n } __typename }":   "9",
		"query Named { n alias: n }": "9",
	} {
		if got := show(planOf(t, r, s, query).Policy(nil)); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func TestCompileNamesEveryProblem(t *testing.T) {
	s, err := gqlparser.LoadSchema(&ast.Source{Input: strings.ReplaceAll(definitions, "maxAge: Int", "maxAge: Float") + `
type Query { a: Int @cacheControl(maxAge: -1) b: Int @cacheControl(maxAge: 1.5) c: Int @cacheControl(maxAge: 1, inheritMaxAge: true) d: Int @invalidates(types: ["Query"]) }
type Mutation { a(id: ID): Int @invalidates(types: ["None"]) b: Int @invalidates c(id: ID): Int @invalidates(tags: ["x:{no}", "x:{id", "x}"]) }`})
	if err != nil {
		t.Fatal(err)
	}
	_, compiled := cache.Compile(s, cache.Config{})
	want := `Mutation.a: @invalidates(types: "None"): there is no object, interface or union of this name
Mutation.b: @invalidates: give types or tags
Mutation.c: @invalidates(tags: "x:{no}"): the field has no argument "no"
@invalidates(tags: "x:{id"): a { without a }
@invalidates(tags: "x}"): a } without a {
Query.a: @cacheControl(maxAge: -1): give seconds, 0 or more
Query.b: @cacheControl(maxAge: 1.5): give seconds, 0 or more
Query.c: @cacheControl: maxAge and inheritMaxAge say different things; give one
Query.d: @invalidates is for fields of the mutation type`
	if compiled == nil || compiled.Error() != want {
		t.Errorf("got\n%v", compiled)
	}
}

// A document whose fragments double at each level, under conditions, is planned in the time that a strict answer takes.
func TestHostileDocument(t *testing.T) {
	r, s := rules(t, `type User @cacheControl(maxAge: 60) { name: String email: String @cacheControl(scope: PRIVATE) best: User } type Query { me: User }`, cache.Config{})
	const n = 40
	var b strings.Builder
	b.WriteString("query (")
	for i := range n {
		fmt.Fprintf(&b, "$a%d: Boolean! $b%d: Boolean! ", i, i)
	}
	b.WriteString(") { me { ...f0 } }")
	for i := range n {
		fmt.Fprintf(&b, " fragment f%d on User { a: best @include(if: $a%d) { ...f%d } b: best @include(if: $b%d) { ...f%d } }", i, i, i+1, i, i+1)
	}
	fmt.Fprintf(&b, " fragment f%d on User { email }", n)
	start := time.Now()
	p := planOf(t, r, s, b.String())
	if got := p.Policy(nil); !got.Private || got.MaxAge != time.Minute {
		t.Errorf("got %s", show(got))
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
