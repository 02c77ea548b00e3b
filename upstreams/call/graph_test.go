package call_test

import (
	"errors"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"

	"github.com/tributary-gateway/tributary/gateway/mistake"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// library has one of everything.
const library = `
type Query {
  books(tag: String, first: Int = 20): [Book!]! @rest(service: "books", get: "/books", query: {limit: "{first}"}, select: "/data")
  book(id: ID!): Book @ref(key: "{id}")
  find(text: String!): [Hit!]! @rest(service: "search", post: "/find", timeout: "250ms", notFound: ERROR)
  random: Int
}
type Mutation {
  add(input: BookInput!): Book! @rest(service: "books", post: "/books")
  move(id: ID!, shelf: Int!, note: String): Book @rest(service: "books", patch: "/books/{id}")
  remove(id: ID!, force: Boolean): Boolean @rest(service: "books", delete: "/books/{id}")
}
input BookInput { title: String! shelves: [Int!] }
type Book
  @rest(service: "books", get: "/books/{key}")
  @rest(service: "books", post: "/books/some", body: {ids: "{keys}"}, key: "isbn", batch: {keyAs: NUMBER, max: 7})
{
  isbn: ID!
  title: String! @from(path: "/title/main")
  author: Author @ref(key: "{this.author_id}")
  also: [Author] @ref(key: "{this.also}")
  copies(open: Boolean): [Copy!]! @rest(service: "stock", get: "/copies", query: {book: "{keys}"}, key: "isbn", batch: {match: "/book/id", style: COMMA})
  price: Float @rest(service: "prices", get: "/prices/{keys}", key: "/ids/isbn", batch: {answer: MAP})
  rank: Int @rest(service: "prices", get: "/ranks/{key}", key: "isbn")
  shelf: Shelf
  link: String @goField(forceResolver: true)
  links: [String] @goField(batch: true)
  "The query again, as clients of Relay have it."
  query: Query
}
type Subscription {
  price(isbn: ID!): Float @rest(service: "prices", get: "/prices/{isbn}") @poll(every: "2s")
  lent: Loan @event(topic: "loans")
  tweets: [Tweet!] @sse(service: "books", path: "/tweets")
  ticks: Tick
}
type Loan { book: Book }
type Tweet { text: String }
type Tick { number: Int }
type Author @rest(service: "people", get: "/authors/{key}") { id: ID! name: String! }
type Copy { id: ID! state: State! }
type Shelf { name: String copies: [Copy!] }
type Free { name: String }
enum State { IN OUT }
union Hit @typename(path: "/type", values: {b: "Book", a: Author}) = Book | Author
`

func TestGraph(t *testing.T) {
	graph := compile(t, library)
	names := func(all []string) string { slices.Sort(all); return strings.Join(all, " ") }
	for what, got := range map[string]struct{ got, want string }{
		"fields": {names(slices.Collect(maps.Keys(graph.Fields))),
			"Book.also Book.author Book.copies Book.price Book.rank Mutation.add Mutation.move Mutation.remove Query.book Query.books Query.find Subscription.price"},
		"entities":  {names(slices.Collect(maps.Keys(graph.Entities))), "Author Book"},
		"views":     {names(slices.Collect(maps.Keys(graph.Views))), "Author Book Copy Loan Shelf Tweet"},
		"abstracts": {names(slices.Collect(maps.Keys(graph.Abstracts))), "Hit"},
		"services":  {names(slices.Collect(maps.Keys(graph.Services()))), "books people prices search stock"},
	} {
		if got.got != got.want {
			t.Errorf("%s: got %s, want %s", what, got.got, got.want)
		}
	}
	properties := map[string]string{}
	for name, p := range graph.Views["Book"].Properties {
		properties[name] = p.String()
	}
	want := map[string]string{"isbn": "/isbn", "title": "/title/main", "shelf": "/shelf"}
	if diff := cmp.Diff(want, properties); diff != "" {
		t.Errorf("properties of Book:\n%s", diff)
	}
}

func TestCalls(t *testing.T) {
	graph := compile(t, library)
	books := graph.Fields["Query.books"]
	if c := books.Call; !books.List || c.Keying != call.Unkeyed || c.Method != http.MethodGet || c.Service != "books" || c.Select.String() != "/data" ||
		!slices.Equal(c.DefaultQuery, []string{"tag"}) || c.Timeout != 0 || c.NotFound != rest.NotFoundNull {
		t.Errorf("books: %+v", c)
	}
	if c := graph.Fields["Query.find"].Call; c.Method != http.MethodPost || c.Timeout != 250*time.Millisecond ||
		c.NotFound != rest.NotFoundError || !slices.Equal(c.DefaultBody, []string{"text"}) {
		t.Errorf("find: %+v", c)
	}
	if c := graph.Fields["Mutation.add"].Call; c.BodyArg != "input" || c.DefaultBody != nil {
		t.Errorf("add: %+v", c)
	}
	if c := graph.Fields["Mutation.move"].Call; c.Method != http.MethodPatch || !slices.Equal(c.DefaultBody, []string{"shelf", "note"}) {
		t.Errorf("move: %+v", c)
	}
	if c := graph.Fields["Mutation.remove"].Call; c.Method != http.MethodDelete || !slices.Equal(c.DefaultQuery, []string{"force"}) {
		t.Errorf("remove: %+v", c)
	}
	copies := graph.Fields["Book.copies"]
	if c := copies.Call; !copies.List || c.Keying != call.KeyedMany || c.Key.String() != "/isbn" || c.Match.String() != "/book/id" ||
		c.Answer != call.AnswerList || c.Style != template.Comma || c.Max != 100 || !slices.Equal(c.DefaultQuery, []string{"open"}) {
		t.Errorf("copies: %+v", c)
	}
	if c := graph.Fields["Book.price"].Call; c.Key.String() != "/ids/isbn" || c.Answer != call.AnswerMap {
		t.Errorf("price: %+v", c)
	}
	if c := graph.Fields["Book.rank"].Call; c.Keying != call.KeyedOne || c.Key.String() != "/isbn" {
		t.Errorf("rank: %+v", c)
	}
	book := graph.Entities["Book"]
	if book.One == nil || book.One.Keying != call.KeyedOne || book.One.Coordinate != "Book" || book.Many == nil ||
		book.Many.KeyAs != template.AsNumber || book.Many.Max != 7 || book.Many.Match.String() != "/isbn" {
		t.Errorf("Book: %+v", book)
	}
	if r := graph.Fields["Book.author"].Ref; r.Entity != graph.Entities["Author"] || r.Key.String() != "{this.author_id}" {
		t.Errorf("author: %+v", r)
	}
	if f := graph.Fields["Book.also"]; !f.List || f.Call != nil || f.Coordinate != "Book.also" {
		t.Errorf("also: %+v", f)
	}
}

func TestTypeOf(t *testing.T) {
	hit := compile(t, library).Abstracts["Hit"]
	for text, want := range map[string]string{
		`{"type":"b"}`: "Book", `{"type":"a"}`: "Author", `{"type":"Book"}`: "", `{}`: "", `{"type":null}`: "", `{"type":{}}`: "", `7`: "",
	} {
		document, err := view.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := hit.TypeOf(document.Root()); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %t, want %q", text, got, ok, want)
		}
	}
	plain := compile(t, `
type Query { any: Any @rest(service: "s", get: "/any") }
interface Any @typename(path: "/kind") { id: ID }
type A implements Any { id: ID }
type B implements Any { id: ID }`).Abstracts["Any"]
	if diff := cmp.Diff(map[string]string{"A": "A", "B": "B"}, plain.Types); diff != "" {
		t.Errorf("without values a value is the name:\n%s", diff)
	}
}

// The schema of this repository has every directive in use, and nothing to complain about.
func TestRepositorysSchema(t *testing.T) {
	files, err := filepath.Glob("../../schema/*.graphql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var names []string
	for _, file := range files {
		if base := filepath.Base(file); base != "directives.graphql" && base != "gqlgen.graphql" && base != "scalars.graphql" {
			names = append(names, file)
		}
	}
	schema, err := gqlparser.LoadSchema(sources(t, names...)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call.Compile(schema, []string{"catalog", "inventory", "orders", "reviews", "users"}); err != nil {
		t.Error(err)
	}
	_, err = call.Compile(schema, []string{"catalog", "inventory", "orders", "reviews"})
	var problems mistake.List
	if !errors.As(err, &problems) || problems[0].File != "users.graphql" || problems[0].Line == 0 ||
		!strings.HasSuffix(problems[0].Message, `service "users" isn't in gateway.yaml, which has: catalog, inventory, orders, reviews`) {
		t.Errorf("without users: %v", err)
	}
}

func TestAdvice(t *testing.T) {
	got := compile(t, library).Advice().Error()
	want := `test.graphql:24: Book.rank makes one request for each Book: in a list of 100 that is 100; if the service can answer for many, use {keys}
test.graphql:40: Author is fetched one by one: a list of 100 references is 100 requests; if the service can answer for many, add a @rest with {keys}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if advice := compile(t, `type Query { a(id: ID!): A @ref(key: "{id}") } type A @rest(service: "s", get: "/a", query: {id: "{keys}"}) { id: ID }`).Advice(); len(advice) != 0 {
		t.Errorf("batched: %v", advice)
	}
}
