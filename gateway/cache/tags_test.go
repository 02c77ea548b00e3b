package cache_test

import (
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/cache"
)

const shop = `
interface Node { id: ID! }
type Post implements Node { id: ID! title: String author: User comments: [Comment!]! stats: Stats }
type User implements Node { id: ID! name: String best: User posts: [Post] }
type Comment { text: String by: User }
type Stats { likes: Int last: User }
union Hit = Post | User | Comment
input PostInput { id: ID! tags: [String!] }
type Result { ok: Boolean post: Post }
type Query { post(id: ID): Post posts: [Post] nodes: [Node] hits: [[Hit]] n: Int }
type Mutation {
  create(input: PostInput!): Post @invalidates(types: ["Post"])
  touch(id: ID = 7, ids: [ID!], input: PostInput): Int @invalidates(tags: ["post:{id}", "x:{ids}:{input.id}"]) @invalidates(tags: ["t:{input.tags}", "always"])
  node: Int @invalidates(types: ["Node"])
  rename(id: ID): User
  wrapped: Result
  plain: Int
}`

func TestTagsOf(t *testing.T) {
	r, s := rules(t, shop, cache.Config{})
	for _, c := range []struct{ query, data, want string }{
		{"{ n }", `{"n":1}`, ""},
		{"{ post { id title } }", `{"post":{"id":"5","title":"x\"}{"}}`, "Post:5 type:Post"},
		{"{ post { key: id } }", `{ "post" : { "key" : 5 } }`, "Post:5 type:Post"},
		{"{ post { title } }", `{"post":{"title":null}}`, "many:Post type:Post"},
		{"{ post { id } }", `{"post":null}`, "many:Post type:Post"},
		{"query ($a: Boolean!) { post { id @include(if: $a) title } }", `{"post":{"title":"id"}}`, "many:Post type:Post"},
		{
			"{ posts { id author { id best { id } } } }", `{"posts":[{"id":"1","author":{"id":"u","best":null}},null,{"id":"2","author":{"best":{"id":"\u00e9\""},"id":"v"}}]}`,
			"Post:1 Post:2 User:u User:v User:é\" list:Post many:Post many:User type:Post type:User",
		},
		{
			"{ posts { id } }", `{"posts":[]}`, "list:Post type:Post",
		},
		{
			"{ nodes { id } }", `{"nodes":[{"id":"1"}]}`,
			"Post:1 User:1 list:Node list:Post list:User type:Node type:Post type:User",
		},
		{
			"{ nodes { id t: __typename } }", `{"nodes":[{"id":"1","t":"User"},{"t":"Post","id":"2"}]}`,
			"Post:2 User:1 list:Node list:Post list:User type:Node type:Post type:User",
		},
		{
			"{ hits { __typename ... on Post { x: id } ... on User { name y: id } ... on Comment { by { id } } } }",
			`{"hits":[[{"__typename":"Post","x":"1"},{"__typename":"User","name":"no","y":"2"}],[{"__typename":"Comment","by":{"id":"3"}}]]}`,
			"Post:1 User:2 User:3 list:Comment list:Hit list:Post list:User type:Comment type:Hit type:Post type:User",
		},
		{
			"{ post { ...f } } fragment f on Post { id stats { likes last { id } } ...g } fragment g on Post { comments { text by { id } } }",
			`{"post":{"id":"1","stats":{"likes":3,"last":{"id":"2"}},"comments":[{"text":"[","by":{"id":"3"}}]}}`,
			"Post:1 User:2 User:3 list:Comment type:Comment type:Post type:Stats type:User",
		},
	} {
		tags, err := planOf(t, r, s, c.query).TagsOf([]byte(c.data))
		if got := strings.Join(tags, " "); err != nil || got != c.want {
			t.Errorf("%s:\ngot  %s %v\nwant %s", c.query, got, err, c.want)
		}
	}
	for _, bad := range []string{``, `{`, `{"posts"`, `{"posts":[`, `{"posts":[{]}`, `{"posts":[{"id":"1"}]} x`, `{"posts":"`, `{"posts":[{"id":"\x"}]}`, `{"posts" 1}`, strings.Repeat("[", 1000)} {
		if tags, err := planOf(t, r, s, "{ posts { id } }").TagsOf([]byte(bad)); err == nil {
			t.Errorf("%s: %v", bad, tags)
		}
	}
}

func FuzzTagsOf(f *testing.F) {
	r, s := rules(f, shop, cache.Config{})
	p := planOf(f, r, s, "{ posts { id author { id } } hits { ... on Post { id } } }")
	f.Add(`{"posts":[{"id":"1","author":{"id":"u"}},null],"hits":[[{"id":1.5e3}]]}`)
	f.Add(`{"posts":{"id":"\u12"},"a":[[[]]]}`)
	f.Fuzz(func(t *testing.T, data string) {
		_, _ = p.TagsOf([]byte(data)) // must not panic
	})
}

func TestPurges(t *testing.T) {
	r, s := rules(t, shop, cache.Config{})
	for _, c := range []struct {
		query, data string
		vars        variables
		failed      string
		want        string
	}{
		{query: `mutation { create(input: {id: 1}) { id } }`, data: `{"create":{"id":"1"}}`, want: "Post:1 type:Post"},
		{query: `mutation { create(input: {id: 1}) { id author { id } } }`, data: `{"create":{"id":"1","author":{"id":"2"}}}`, want: "Post:1 User:2 type:Post"},
		{query: `mutation { node }`, data: `{"node":1}`, want: "type:Node type:Post type:User"},
		{query: `mutation { rename(id: 1) { id name } }`, data: `{"rename":{"id":"1","name":"x"}}`, want: "User:1"},
		{query: `mutation { rename(id: 1) { name best { name } } }`, data: `{"rename":{"name":"x","best":{"name":"y"}}}`, want: "type:User"},
		{query: `mutation { wrapped { post { title } } }`, data: `{"wrapped":{"post":{"title":"x"}}}`, want: "type:Post"},
		{query: `mutation { wrapped { post { id author { name } } } }`, data: `{"wrapped":{"post":{"id":4,"author":{"name":"y"}}}}`, want: "Post:4"},
		{query: `mutation { plain }`, data: `{"plain":1}`, want: ""},
		{query: `mutation { touch }`, data: `{"touch":1}`, want: "always post:7"},
		{query: `mutation { touch(id: null) }`, data: `{"touch":1}`, want: "always"},
		{
			query: `mutation ($i: ID, $in: PostInput) { touch(id: $i, ids: ["a", "b"], input: $in) }`, data: `{"touch":1}`,
			vars: variables{"i": "9", "in": variables{"id": "q", "tags": []any{"r", "s"}}}, want: "always post:9 t:r t:s x:a:q x:b:q",
		},
		{query: `mutation ($i: ID = 3) { touch(id: $i) }`, data: `{"touch":1}`, want: "always post:3"},
		{query: `mutation { touch a: touch(id: 1) }`, data: `{"touch":1,"a":null}`, failed: "a", want: "always post:7"},
		{query: `mutation ($no: Boolean!) { node @skip(if: $no) ...f } fragment f on Mutation { plain }`, vars: variables{"no": true}, data: `{"plain":1}`, want: ""},
		{query: `{ posts { id } }`, data: `{"posts":[{"id":1}]}`, want: ""},
	} {
		got := strings.Join(planOf(t, r, s, c.query).Purges(c.vars, []byte(c.data), func(name string) bool { return name == c.failed }), " ")
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.query, got, c.want)
		}
	}
}
