package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
)

// services are those that every test runs against: ours, which needs nothing, and one that isn't ours.
var services = []struct {
	name  string
	start func(t *testing.T) (address string, r rows)
}{
	{"imitation", startImitation},
	{"json-server", startJSONServer},
}

// onEach runs a test against each service.
func onEach(t *testing.T, test func(t *testing.T, b *blog)) {
	t.Helper()
	for _, service := range services {
		t.Run(service.name, func(t *testing.T) {
			t.Parallel()
			address, r := service.start(t)
			between, w := startWire(t, address)
			test(t, &blog{address: startGateway(t, between), wire: w, rows: r})
		})
	}
}

// blog is the gateway of this folder with a service behind it.
type blog struct {
	address string
	wire    *wire // between the two
	rows    rows  // what the service began with
}

// startGateway serves the blog as gateway.yaml has it, and gives its address.
func startGateway(t *testing.T, service string) string {
	t.Helper()
	return startWith(t, service, newSchema())
}

func startWith(t *testing.T, service string, schema graphql.ExecutableSchema) string {
	t.Helper()
	cfg, err := config.Load("gateway.yaml", config.Inputs{Environ: []string{"PLACEHOLDER_URL=" + service}})
	if err != nil {
		t.Fatal(err)
	}
	for name, section := range cfg.Services { // what is asked for is counted
		section.Retry.Attempts, section.Coalesce = 1, false
		cfg.Services[name] = section
	}
	s, err := assemble.New(schema, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	front := httptest.NewServer(s.Handler())
	t.Cleanup(front.Close)
	return front.URL
}

// result is a GraphQL response, with what the gateway asked the service for.
type result struct {
	Data   any       `json:"data"`
	Errors []failure `json:"errors"`
	asked  []string
}

type failure struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

func (b *blog) ask(t *testing.T, query string, variables object) result {
	t.Helper()
	body, err := json.Marshal(object{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	b.wire.take()
	res, err := http.Post(b.address+"/graphql", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r := result{}
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		t.Fatal(err)
	}
	r.asked = b.wire.take()
	return r
}

// expect fails the test unless the answer is exactly this, without errors, and took these requests.
func (r result) expect(t *testing.T, want any, asked ...string) {
	t.Helper()
	if len(r.Errors) > 0 {
		t.Errorf("errors: %+v", r.Errors)
	}
	if got, want := text(t, r.Data), text(t, want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	r.expectAsked(t, asked...)
}

func (r result) expectAsked(t *testing.T, asked ...string) {
	t.Helper()
	if got, want := inOrder(r.asked), inOrder(asked); !slices.Equal(got, want) {
		t.Errorf("asked for\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// text is a value as JSON, which has one kind of number and sorts names.
func text(t *testing.T, value any) string {
	t.Helper()
	out, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

type object = map[string]any

// TestLifeOfAPost writes, reads, changes and deletes one post, and looks at what goes to the service.
func TestLifeOfAPost(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b *blog) {
		read := func(want any, asked ...string) {
			t.Helper()
			b.ask(t, `{ post(id: 101) { title body wordCount } }`, nil).expect(t, object{"post": want}, asked...)
		}

		b.ask(t, `mutation($input: PostInput!) { createPost(input: $input) { id title author { username } comments { id } } }`,
			object{"input": object{"author": "3", "title": "On \"quotes\"", "body": "Three short words"}}).
			expect(t, object{"createPost": object{
				"id": "101", "title": "On \"quotes\"", "author": pick(b.rows.byID("users", 3), "username"), "comments": []any{},
			}},
				`POST /posts {"userId":"3","title":"On \"quotes\"","body":"Three short words"}`,
				"GET /users/3", "GET /comments?postId=101")
		read(object{"title": `On "quotes"`, "body": "Three short words", "wordCount": 3}, "GET /posts/101")

		b.ask(t, `mutation { updatePost(id: 101, input: { title: "Changed" }) { title body } }`, nil).
			expect(t, object{"updatePost": object{"title": "Changed", "body": "Three short words"}}, `PATCH /posts/101 {"title":"Changed"}`)
		b.ask(t, `mutation { updatePost(id: 101, input: { body: null }) { title wordCount } }`, nil).
			expect(t, object{"updatePost": object{"title": "Changed", "wordCount": 0}}, `PATCH /posts/101 {"body":null}`)
		read(object{"title": "Changed", "body": nil, "wordCount": 0}, "GET /posts/101")

		b.ask(t, `mutation { addComment(post: 101, input: { body: "Short." }) { body name post { title } } }`, nil).
			expect(t, object{"addComment": object{"body": "Short.", "name": nil, "post": object{"title": "Changed"}}},
				`POST /posts/101/comments {"body":"Short."}`, "GET /posts/101")
		b.ask(t, `{ post(id: 101) { comments { body } } }`, nil).
			expect(t, object{"post": object{"comments": []object{{"body": "Short."}}}}, "GET /posts/101", "GET /comments?postId=101")

		b.ask(t, `mutation { first: deletePost(id: 101) second: deletePost(id: 101) }`, nil).
			expect(t, object{"first": object{}, "second": nil}, "DELETE /posts/101", "DELETE /posts/101")
		read(nil, "GET /posts/101")
	})
}

// TestErrors are what goes wrong: each with its code, its place, and what still stands.
func TestErrors(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b *blog) {
		t.Run("a part of the service that is down costs its fields", func(t *testing.T) {
			b.wire.cutOff("/users")
			defer b.wire.cutOff("")
			r := b.ask(t, `{ posts(first: 2) { id author { name } } }`, nil)
			r.expectAsked(t, "GET /posts?_limit=2", "GET /users/1")
			want := object{"posts": []object{{"id": "1", "author": nil}, {"id": "2", "author": nil}}}
			if got, want := text(t, r.Data), text(t, want); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			upstream := object{"code": "UPSTREAM_ERROR", "service": "placeholder", "status": 503.0}
			r.expectErrors(t,
				failure{Path: []any{"posts", 0.0, "author"}, Extensions: upstream},
				failure{Path: []any{"posts", 1.0, "author"}, Extensions: upstream})
		})
		t.Run("a post that isn't there can't be changed", func(t *testing.T) {
			r := b.ask(t, `mutation { updatePost(id: 9999, input: { title: "x" }) { id } }`, nil)
			r.expectAsked(t, `PATCH /posts/9999 {"title":"x"}`)
			r.expectErrors(t, failure{Path: []any{"updatePost"}, Extensions: object{"code": "NOT_FOUND", "service": "placeholder", "status": 404.0}})
		})
		t.Run("an id can't leave its place in the path", func(t *testing.T) {
			r := b.ask(t, `{ post(id: "..") { id } }`, nil)
			r.expectAsked(t)
			r.expectErrors(t, failure{Path: []any{"post"}, Extensions: object{"code": "BAD_USER_INPUT"}})
			b.ask(t, `{ post(id: "1/comments?a=b") { id } }`, nil).
				expect(t, object{"post": nil}, "GET /posts/1%2Fcomments%3Fa%3Db")
		})
		t.Run("a post without a title doesn't reach the service", func(t *testing.T) {
			r := b.ask(t, `mutation { createPost(input: { author: 1 }) { id } }`, nil)
			r.expectAsked(t)
			r.expectErrors(t, failure{Extensions: object{"code": "GRAPHQL_VALIDATION_FAILED"}})
		})
	})
}

// expectErrors compares the errors but for their texts, which must not tell where the service is.
func (r result) expectErrors(t *testing.T, want ...failure) {
	t.Helper()
	got := slices.Clone(r.Errors)
	slices.SortFunc(got, func(a, b failure) int { return strings.Compare(fmt.Sprint(a.Path), fmt.Sprint(b.Path)) })
	for i := range got {
		if got[i].Message == "" || strings.Contains(got[i].Message, "127.0.0.1") {
			t.Errorf("message %q", got[i].Message)
		}
		got[i].Message = ""
		delete(got[i].Extensions, "requestId") // differs each time
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("errors\n%+v\nwant\n%+v", got, want)
	}
}

func TestServiceIsDown(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	b := &blog{address: startGateway(t, gone.URL), wire: &wire{}}
	b.ask(t, `{ post(id: 1) { id } }`, nil).expectErrors(t, failure{Path: []any{"post"}, Extensions: object{"code": "UPSTREAM_UNAVAILABLE", "service": "placeholder"}})
}

// TestDirectivesAreCopies: a repository of its own copies these two files when it moves to another version.
func TestDirectivesAreCopies(t *testing.T) {
	for _, name := range []string{"directives.graphql", "gqlgen.graphql"} {
		ours, err := os.ReadFile(filepath.Join("schema", name))
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := os.ReadFile(filepath.Join("..", "..", "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ours, theirs) {
			t.Errorf("examples/blog/schema/%s differs from schema/%s; copy it again", name, name)
		}
	}
}
