package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/engine"
	"github.com/tributary-gateway/tributary/gateway/scalar"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// A blog, bound by hand: what is left when gqlgen and the services are taken away.

type (
	post view.Value
	user view.Value
)

const blogSchema = `
type Query { posts: [Post!]! post(id: Int!): Post greet: String! }
type Post { id: ID! userId: Int! title: String! body: String! user: User }
type User { id: ID! name: String! email: String! }`

// blog has n posts by ten users.
type blog struct {
	schema *ast.Schema
	posts  view.Value
	users  view.Value
}

func newBlog(n int) *blog {
	b := &blog{schema: gqlparser.MustLoadSchema(&ast.Source{Input: blogSchema})}
	var posts, users []string
	for i := range n {
		posts = append(posts, fmt.Sprintf(`{"userId": %d, "id": %d, "title": "title of post %d", "body": "%s"}`, i%10, i, i, strings.Repeat("text ", 30)))
	}
	for i := range 10 {
		users = append(users, fmt.Sprintf(`{"id": %d, "name": "user %d", "email": "u%d@example.com", "phone": "1"}`, i, i, i))
	}
	b.posts = parse("[" + strings.Join(posts, ",") + "]")
	b.users = parse("[" + strings.Join(users, ",") + "]")
	return b
}

func parse(text string) view.Value {
	d, err := view.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return d.Root()
}

// Schema, Complexity and Exec are what gqlgen would generate.
func (b *blog) Schema() *ast.Schema { return b.schema }

func (b *blog) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (b *blog) Exec(context.Context) graphql.ResponseHandler { panic("not this way") }

func (b *blog) bindings() *engine.Bindings {
	id := engine.Leaf(scalar.MarshalID)
	integer := engine.Leaf(scalar.MarshalInt)
	text := engine.Leaf(scalar.MarshalString)
	postID := func(p *post) (string, error) { return view.ID(view.Unpack(p).Get("id")) }
	property := func(name string) func(*post) (string, error) {
		return func(p *post) (string, error) { return view.String(view.Unpack(p).Get(name)) }
	}
	userProperty := func(name string) func(*user) (string, error) {
		return func(u *user) (string, error) { return view.String(view.Unpack(u).Get(name)) }
	}
	userID := func(p *post) (int32, error) { return view.Int(view.Unpack(p).Get("userId")) }
	return engine.NewBindings(nil,
		engine.NewObject("Query", engine.Fields{
			"greet": engine.Resolver(func(context.Context, engine.Root, *graphql.FieldContext) (string, error) {
				return "hello", nil
			}, text),
			"posts": engine.Resolver(func(context.Context, engine.Root, *graphql.FieldContext) ([]*post, error) {
				return view.PackList[post](b.posts), nil
			}, engine.List(engine.Ref[post]("Post"))),
			"post": engine.Resolver(func(_ context.Context, _ engine.Root, fc *graphql.FieldContext) (*post, error) {
				return view.Pack[post](b.posts.Index(fc.Args["id"].(int))), nil
			}, engine.Ref[post]("Post")).Args(func(_ context.Context, raw map[string]any) (map[string]any, error) {
				id, err := scalar.UnmarshalInt(raw["id"])
				return map[string]any{"id": int(id)}, err
			}),
		}),
		engine.NewView[post]("Post", engine.Fields{
			"id":     engine.Property(postID, id).From("/id"),
			"userId": engine.Property(userID, integer).From("/userId"),
			"title":  engine.Property(property("title"), text).From("/title"),
			"body":   engine.Property(property("body"), text).From("/body"),
			"user": engine.Batch(func(_ context.Context, posts []*post, _ *graphql.FieldContext) ([]*user, error) {
				known := make(map[int32]*user, 16)
				authors := make([]*user, len(posts))
				for i, p := range posts {
					id, err := userID(p)
					if err != nil {
						return nil, err
					}
					if known[id] == nil {
						known[id] = view.Pack[user](b.users.Index(int(id)))
					}
					authors[i] = known[id]
				}
				return authors, nil
			}, engine.Ref[user]("User")),
		}),
		engine.NewView[user]("User", engine.Fields{
			"id":    engine.Property(userProperty("id"), id).From("/id"),
			"name":  engine.Property(userProperty("name"), text).From("/name"),
			"email": engine.Property(userProperty("email"), text).From("/email"),
		}),
	)
}

// prepared is an operation that has been parsed, ready to be run again and again.
func prepared(tb testing.TB, es graphql.ExecutableSchema, query string, variables map[string]any) func() *graphql.Response {
	tb.Helper()
	e := executor.New(es)
	ctx := graphql.StartOperationTrace(tb.Context())
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	if errs != nil {
		tb.Fatal(errs)
	}
	ctx = graphql.WithResponseContext(graphql.WithOperationContext(ctx, op), graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	return func() *graphql.Response { return es.Exec(ctx)(ctx) }
}

func BenchmarkEngine(b *testing.B) {
	for _, bench := range []struct {
		name, query string
		posts       int
	}{
		{"constant", `{ greet }`, 1},
		{"one with child", `{ post(id: 0) { id title user { name } } }`, 1},
		{"100x4", `{ posts { id userId title body } }`, 100},
		{"100 with children", `{ posts { id userId title user { id name email } } }`, 100},
		{"10000 with children", `{ posts { id userId title user { id name email } } }`, 10_000},
	} {
		b.Run(bench.name, func(b *testing.B) {
			blog := newBlog(bench.posts)
			exec := prepared(b, engine.New(blog, blog.bindings()), bench.query, nil)
			b.ReportAllocs()
			for b.Loop() {
				r := exec()
				if len(r.Data) < 10 {
					b.Fatal(string(r.Data))
				}
				engine.Recycle(r.Data)
			}
		})
	}
}

// The engine's own memory must not grow with the number of goroutines or contexts, as it would with one for each field.
func TestAllocations(t *testing.T) {
	blog := newBlog(100)
	exec := prepared(t, engine.New(blog, blog.bindings()), `{ posts { id userId title user { id name email } } }`, nil)
	objects := testing.AllocsPerRun(50, func() { engine.Recycle(exec().Data) })
	if objects > 100 { // 49 measured
		t.Errorf("%v objects for 100 posts with their authors", objects)
	}
}
