package placeholder

import (
	"encoding/json"
	"fmt"
)

// Query is one of the queries that are measured.
type Query struct {
	// Name is Q1 to Q4.
	Name string
	// Text is the document, with a variable id where answers differ.
	Text string
	// Upstream is how many requests the service gets for one.
	Upstream int

	answer func(r *Rows, id int) any
	varies bool
}

type object = map[string]any

// Queries are the ones of the public benchmark, and one with ids that vary.
var Queries = []Query{
	{
		Name: "Q1", Text: `{ posts { id userId title user { id name email } } }`, Upstream: 2,
		answer: func(r *Rows, _ int) any {
			var all []any
			for _, p := range r.posts {
				u := r.users[p.UserID-1]
				all = append(all, object{"id": p.ID, "userId": p.UserID, "title": p.Title,
					"user": object{"id": u.ID, "name": u.Name, "email": u.Email}})
			}
			return object{"posts": all}
		},
	},
	{
		Name: "Q2", Text: `{ posts { title } }`, Upstream: 1,
		answer: func(r *Rows, _ int) any {
			var all []any
			for _, p := range r.posts {
				all = append(all, object{"title": p.Title})
			}
			return object{"posts": all}
		},
	},
	{
		Name: "Q3", Text: `{ greet }`,
		answer: func(*Rows, int) any { return object{"greet": Greeting} },
	},
	{
		Name: "Q4", Text: `query($id: Int!) { post(id: $id) { id title user { name } } }`, Upstream: 2, varies: true,
		answer: func(r *Rows, id int) any {
			p := r.posts[id-1]
			return object{"post": object{"id": p.ID, "title": p.Title, "user": object{"name": r.users[p.UserID-1].Name}}}
		},
	},
}

// Greeting is what greet answers.
const Greeting = "Hello World!"

// ByName finds a query.
func ByName(name string) (Query, error) {
	for _, q := range Queries {
		if q.Name == name {
			return q, nil
		}
	}
	return Query{}, fmt.Errorf("there is no query %q", name)
}

// Request is a body to POST, and what is right to answer to it.
type Request struct {
	// ID is the post's, 0 for a query that takes none.
	ID     int
	Body   []byte
	Answer []byte
	// Author is the id of the post's user.
	Author int
}

// Requests are all requests of a query: one, or one per post.
func (r *Rows) Requests(q Query) []Request {
	if !q.varies {
		return []Request{{Body: encode(object{"query": q.Text}), Answer: encode(object{"data": q.answer(r, 0)})}}
	}
	var all []Request
	for _, p := range r.posts {
		all = append(all, Request{
			ID: p.ID, Author: p.UserID,
			Body:   encode(object{"query": q.Text, "variables": object{"id": p.ID}}),
			Answer: encode(object{"data": q.answer(r, p.ID)}),
		})
	}
	return all
}

// UsersTarget is the request target for all users that the posts name, in the order in which they do.
func (r *Rows) UsersTarget() string {
	target := "/users?"
	for i := range r.users {
		target += fmt.Sprintf("id=%d&", i+1)
	}
	return target[:len(target)-1]
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of maps of texts and numbers
	}
	return text
}
