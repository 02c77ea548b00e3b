package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// reads are queries with the answer, worked out from the service's rows, and the requests they take.
var reads = []struct {
	name, query string
	want        func(r rows) any
	asked       []string
}{
	{
		name:  "posts with their authors are two requests",
		query: `{ posts(first: 20) { id title author { name city } } }`,
		want: func(r rows) any {
			return object{"posts": each(r["posts"][:20], func(post object) object {
				o, author := pick(post, "id", "title"), r.byID("users", post["userId"])
				o["author"] = object{"name": author["name"], "city": author["address"].(object)["city"]}
				return o
			})}
		},
		asked: []string{"GET /posts?_limit=20", "GET /users?id=1&id=2"},
	},
	{
		name:  "comments of all posts are one request",
		query: `{ posts(first: 3) { id comments { id email } } }`,
		want: func(r rows) any {
			return object{"posts": each(r["posts"][:3], func(post object) object {
				o := pick(post, "id")
				o["comments"] = each(r.where("comments", "postId", post["id"]), func(c object) object { return pick(c, "id", "email") })
				return o
			})}
		},
		asked: []string{"GET /posts?_limit=3", "GET /comments?postId=1&postId=2&postId=3"},
	},
	{
		name:  "every level is one request, however deep",
		query: `{ users(first: 2) { username posts { id comments { id post { author { username } } } } } }`,
		want: func(r rows) any {
			return object{"users": each(r["users"][:2], func(user object) object {
				o := pick(user, "username")
				o["posts"] = each(r.where("posts", "userId", user["id"]), func(post object) object {
					p := pick(post, "id")
					p["comments"] = each(r.where("comments", "postId", post["id"]), func(c object) object {
						o := pick(c, "id")
						o["post"] = object{"author": pick(user, "username")}
						return o
					})
					return p
				})
				return o
			})}
		},
		asked: []string{
			"GET /users?_limit=2", "GET /posts?userId=1&userId=2", "GET /comments?" + span("postId", 1, 20),
			"GET /posts?" + span("id", 1, 20), "GET /users?id=1&id=2",
		},
	},
	{
		name:  "one post goes by its path, and so does its author",
		query: `{ post(id: 17) { title author { latitude company { name slogan } } } }`,
		want: func(r rows) any {
			o, author := pick(r.byID("posts", 17), "title"), r.byID("users", 2)
			company := author["company"].(object)
			latitude := author["address"].(object)["geo"].(object)["lat"].(string)
			o["author"] = object{"latitude": json.Number(latitude), "company": object{"name": company["name"], "slogan": company["catchPhrase"]}}
			return object{"post": o}
		},
		asked: []string{"GET /posts/17", "GET /users/2"},
	},
	{
		name:  "a post that isn't there is null",
		query: `{ post(id: 9999) { title } }`,
		want:  func(rows) any { return object{"post": nil} },
		asked: []string{"GET /posts/9999"},
	},
	{
		name:  "a user is fetched once, whichever way leads there",
		query: `{ user(id: 1) { name } post(id: "1") { author { email } } }`,
		want: func(r rows) any {
			user := r.byID("users", 1)
			return object{"user": pick(user, "name"), "post": object{"author": pick(user, "email")}}
		},
		asked: []string{"GET /users/1", "GET /posts/1"},
	},
	{
		name:  "a filter is a query parameter when it is given",
		query: `query($author: ID) { posts(first: 2, author: $author) { id } all: posts(first: 1) { id } }`,
		want: func(r rows) any {
			of3 := r.where("posts", "userId", 3)[:2]
			id := func(post object) object { return pick(post, "id") }
			return object{"posts": each(of3, id), "all": each(r["posts"][:1], id)}
		},
		asked: []string{"GET /posts?_limit=2&userId=3", "GET /posts?_limit=1"},
	},
	{
		name:  "comments of one post go by the path under it",
		query: `{ comments(post: 2) { id body } none: comments(post: 9999) { id } }`,
		want: func(r rows) any {
			return object{
				"comments": each(r.where("comments", "postId", 2), func(c object) object { return pick(c, "id", "body") }),
				"none":     []any{},
			}
		},
		asked: []string{"GET /posts/2/comments", "GET /posts/9999/comments"},
	},
	{
		name:  "openTodos is made of the same request as todos",
		query: `{ users(first: 3) { todos { completed } openTodos } }`,
		want: func(r rows) any {
			return object{"users": each(r["users"][:3], func(user object) object {
				todos := r.where("todos", "userId", user["id"])
				return object{
					"todos":     each(todos, func(todo object) object { return pick(todo, "completed") }),
					"openTodos": len(openOf(todos)),
				}
			})}
		},
		asked: []string{"GET /users?_limit=3", "GET /todos?userId=1&userId=2&userId=3"},
	},
	{
		name:  "other arguments are another batch",
		query: `{ users(first: 2) { open: todos(completed: false) { id } openTodos } }`,
		want: func(r rows) any {
			return object{"users": each(r["users"][:2], func(user object) object {
				open := openOf(r.where("todos", "userId", user["id"]))
				return object{"open": each(open, func(todo object) object { return pick(todo, "id") }), "openTodos": len(open)}
			})}
		},
		asked: []string{"GET /users?_limit=2", "GET /todos?userId=1&userId=2&completed=false", "GET /todos?userId=1&userId=2"},
	},
	{
		name:  "a batch over its max is two requests",
		query: `{ users(first: 2) { albums { title photos { url thumbnail } } } }`,
		want: func(r rows) any {
			return object{"users": each(r["users"][:2], func(user object) object {
				return object{"albums": each(r.where("albums", "userId", user["id"]), func(album object) object {
					o := pick(album, "title")
					o["photos"] = each(r.where("photos", "albumId", album["id"]), func(photo object) object {
						return object{"url": photo["url"], "thumbnail": photo["thumbnailUrl"]}
					})
					return o
				})}
			})}
		},
		asked: []string{
			"GET /users?_limit=2", "GET /albums?userId=1&userId=2",
			"GET /photos?" + span("albumId", 1, 10), "GET /photos?" + span("albumId", 11, 20),
		},
	},
	{
		name:  "wordCount is computed",
		query: `{ posts(first: 4) { wordCount } }`,
		want: func(r rows) any {
			return object{"posts": each(r["posts"][:4], func(post object) object {
				return object{"wordCount": len(strings.Fields(post["body"].(string)))}
			})}
		},
		asked: []string{"GET /posts?_limit=4"},
	},
}

func openOf(todos []map[string]any) []map[string]any {
	return slices.DeleteFunc(slices.Clone(todos), func(todo map[string]any) bool { return todo["completed"] == true })
}

func TestReads(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b *blog) {
		for _, c := range reads {
			t.Run(c.name, func(t *testing.T) {
				b.ask(t, c.query, object{"author": 3}).expect(t, c.want(b.rows), c.asked...)
			})
		}
	})
}

// pick is a row as the graph shows it where the names are the same and an id is a text.
func pick(row object, names ...string) object {
	o := object{}
	for _, name := range names {
		if o[name] = row[name]; name == "id" {
			o[name] = fmt.Sprint(row[name])
		}
	}
	return o
}

// each makes a list of rows, which is empty and not null when there are none.
func each(list []map[string]any, make func(row object) object) []object {
	out := []object{}
	for _, row := range list {
		out = append(out, make(row))
	}
	return out
}

// span is "id=1&id=2" for id from 1 to 2.
func span(name string, from, to int) string {
	var all []string
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprintf("%s=%d", name, i))
	}
	return strings.Join(all, "&")
}
