package loader_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

const schema = `
type Query {
  book(id: ID!): Book @ref(key: "{id}")
  books: [Book!]! @rest(service: "s", get: "/books")
  scores(of: [ID!]): [Int] @rest(service: "s", get: "/scores")
}
type Mutation {
  remove(id: ID!): Boolean! @rest(service: "s", delete: "/books/{id}")
}
type Book
  @rest(service: "s", get: "/books/{key}")
  @rest(service: "s", get: "/books", query: {id: "{keys}"}, batch: {style: COMMA, max: 100})
{
  id: ID!
  author: Author @ref(key: "{this.author}")
  editor: Author @ref(key: "{this.editor}")
  also: [Author] @ref(key: "{this.also}")
  copies(open: Boolean): [Copy!]! @rest(service: "s", get: "/copies", query: {book: "{keys}"}, batch: {match: "/book", style: COMMA})
  price: Float @rest(service: "s", get: "/prices/{keys}", batch: {answer: MAP})
  rank: Int @rest(service: "s", get: "/ranks/{keys}", batch: {answer: ORDERED})
  chapters: [Chapter!]! @rest(service: "s", get: "/books/{key}/chapters")
  must: Chapter @rest(service: "s", get: "/musts/{keys}", batch: {match: "/book"}, notFound: ERROR)
  mustOne: Chapter @rest(service: "s", get: "/must/{key}", notFound: ERROR)
  cover: Chapter @rest(service: "s", get: "/cover/{this.id}")
}
type Author @rest(service: "s", get: "/authors", query: {id: "{keys}"}, batch: {style: COMMA, max: 4}) { id: ID! name: String }
type Copy { id: ID! }
type Chapter { id: ID! }
`

type (
	book    view.Value
	author  view.Value
	copyOf  view.Value
	chapter view.Value
)

// service answers in memory, without sockets, so that time may be virtual.
type service struct {
	handle http.HandlerFunc

	mu       sync.Mutex
	requests []string
	began    time.Time
	times    []time.Duration
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	uri := strings.ReplaceAll(r.URL.RequestURI(), "%2C", ",")
	s.requests = append(s.requests, r.Method+" "+uri)
	s.times = append(s.times, time.Since(s.began))
	s.mu.Unlock()
	answered := make(chan *http.Response, 1)
	panicked := make(chan any, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				panicked <- p
			}
		}()
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		s.handle(w, r)
		answered <- w.Result()
	}()
	select {
	case res := <-answered:
		return res, nil
	case p := <-panicked:
		panic(p)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// sent gives the requests so far.
func (s *service) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// start makes an operation against a service. Requests are timed from now on.
func start(t testing.TB, handle http.HandlerFunc) (context.Context, *service) {
	t.Helper()
	s := &service{handle: handle, began: time.Now()}
	return operation(t, t.Context(), s), s
}

func operation(t testing.TB, ctx context.Context, s *service) context.Context {
	t.Helper()
	client, err := rest.NewClient(rest.Service{Name: "s", Base: "http://s.internal", Transport: s, Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	upstreams, err := loader.New(graph(t, schema), map[string]*rest.Client{"s": client})
	if err != nil {
		t.Fatal(err)
	}
	ctx = graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	return loader.With(ctx, upstreams)
}

func graph(t testing.TB, text string) *call.Graph {
	t.Helper()
	directives, err := os.ReadFile("../../schema/directives.graphql")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := gqlparser.LoadSchema(
		&ast.Source{Name: "directives.graphql", Input: string(directives)},
		&ast.Source{Name: "schema.graphql", Input: text})
	if err != nil {
		t.Fatal(err)
	}
	made, err := call.Compile(parsed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// parents are books from a JSON list.
func parents(t testing.TB, text string, args ...any) []*book {
	t.Helper()
	document, err := view.Parse(fmt.Appendf(nil, text, args...))
	if err != nil {
		t.Fatal(err)
	}
	return view.PackList[book](document.Root())
}

// keys are those of a request whose query or path ends with them.
func keys(r *http.Request, name string) []string {
	if text := r.URL.Query().Get(name); text != "" {
		return strings.Split(text, ",")
	}
	return strings.Split(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], ",")
}

// byID answers with an object for each key of a query.
func byID(w http.ResponseWriter, r *http.Request) {
	var items []map[string]any
	for _, id := range keys(r, "id") {
		items = append(items, map[string]any{"id": id, "name": "n" + id})
	}
	reply(w, items)
}

func reply(w http.ResponseWriter, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}

// texts are what the views of a result hold, "null" for nil, or one text for an error of all.
func texts[T view.Of](list []*T, err error) string {
	var all []string
	for _, v := range list {
		if v == nil {
			all = append(all, "null")
		} else {
			all = append(all, string(view.Unpack(v).Raw()))
		}
	}
	text := strings.Join(all, " ")
	if err != nil {
		text += " error: " + err.Error()
	}
	return text
}

func codes(err error) string {
	if err == nil {
		return ""
	}
	var list graphql.BatchErrorList
	if !errors.As(err, &list) {
		return fail.KindOf(err).Code()
	}
	var all []string
	for _, one := range list {
		if one == nil {
			all = append(all, "-")
		} else {
			all = append(all, fail.KindOf(one).Code())
		}
	}
	return strings.Join(all, " ")
}

func authors(ctx context.Context, of []*book) ([]*author, error) {
	return loader.Batch(ctx, "Book.author", of, loader.Object[author])
}

func editors(ctx context.Context, of []*book) ([]*author, error) {
	return loader.Batch(ctx, "Book.editor", of, loader.Object[author])
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
