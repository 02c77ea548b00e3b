// Package placeholder is the service of the benchmarks: rows in the shape of JSONPlaceholder, and what is right to answer
// about them.
//
// It makes the same rows on every run, serves them over HTTP from bytes that were made beforehand, and names the queries
// that are measured with their answers, so that a target that is fast and wrong is found out. Serve speaks just as much
// of HTTP/1.1 as gateways need and allocates nothing for a request: what is measured should be the target.
package placeholder

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Post is an article, with the members in JSONPlaceholder's order.
type Post struct {
	UserID int    `json:"userId"`
	ID     int    `json:"id"`
	Title  string `json:"title"`
	Body   string `json:"body"`
}

// User is somebody who writes.
type User struct {
	ID       int     `json:"id"`
	Name     string  `json:"name"`
	Username string  `json:"username"`
	Email    string  `json:"email"`
	Address  Address `json:"address"`
	Phone    string  `json:"phone"`
	Website  string  `json:"website"`
	Company  Company `json:"company"`
}

// Address is a part of a User that no query asks for.
type Address struct {
	Street  string `json:"street"`
	Suite   string `json:"suite"`
	City    string `json:"city"`
	Zipcode string `json:"zipcode"`
	Geo     struct {
		Lat string `json:"lat"`
		Lng string `json:"lng"`
	} `json:"geo"`
}

// Company is another one.
type Company struct {
	Name        string `json:"name"`
	CatchPhrase string `json:"catchPhrase"`
	BS          string `json:"bs"`
}

const (
	// Posts is how many posts the public service has. They are 25 KB.
	Posts = 100
	// users write the same number of posts each, one user after the other.
	users = 10
)

// Rows are the service's data.
type Rows struct {
	posts []Post
	users []User

	list  []byte   // of all posts
	post  [][]byte // each post's JSON, by id-1
	user  [][]byte // each user's, by id-1
	items [][]byte // each user's, indented for a list
}

// New makes rows: 10 users, and posts of which each has the same share.
func New(posts int) *Rows {
	w := writer{rand.New(rand.NewPCG(1, 2))}
	r := &Rows{}
	for i := range posts {
		r.posts = append(r.posts, Post{UserID: author(i, posts), ID: i + 1, Title: w.words(3, 10, " "), Body: w.words(18, 28, "\n")})
	}
	for i := range users {
		u := User{
			ID: i + 1, Name: w.name() + " " + w.name(), Username: w.name(),
			Phone: fmt.Sprintf("1-770-%03d-%04d x%d", w.IntN(1000), w.IntN(10000), w.IntN(100000)), Website: w.words(1, 1, "") + ".org",
			Address: Address{Street: w.name() + " Light", Suite: "Apt. 556", City: w.name() + "borough", Zipcode: "92998-3874"},
			Company: Company{Name: w.name() + "-" + w.name(), CatchPhrase: w.words(4, 6, " "), BS: w.words(3, 4, " ")},
		}
		u.Email = u.Username + "@" + u.Website
		u.Address.Geo.Lat, u.Address.Geo.Lng = "-37.3159", "81.1496"
		r.users = append(r.users, u)
	}
	r.list = indented(r.posts, "")
	for _, p := range r.posts {
		r.post = append(r.post, indented(p, ""))
	}
	for _, u := range r.users {
		r.user = append(r.user, indented(u, ""))
		r.items = append(r.items, append([]byte("  "), indented(u, "  ")...))
	}
	return r
}

// author is the user of the post at index i.
func author(i, posts int) int { return i*users/posts + 1 }

// indented is JSON as the public service lays it out.
func indented(v any, prefix string) []byte {
	text, err := json.MarshalIndent(v, prefix, "  ")
	if err != nil {
		panic(err) // of structs of texts and numbers
	}
	return text
}

// writer makes texts that look like JSONPlaceholder's.
type writer struct{ *rand.Rand }

var vocabulary = strings.Fields(`sunt aut facere repellat provident occaecati excepturi optio reprehenderit quia et
	suscipit recusandae consequuntur expedita cum architecto est rerum tempore vitae sequi sint nihil dolor beatae ea
	dolores neque fugiat blanditiis voluptate porro vel nihil molestiae ut reiciendis qui aperiam non debitis possimus`)

// words are least to most words. A "\n" for between breaks the line every six words.
func (w writer) words(least, most int, between string) string {
	var text strings.Builder
	for i := range least + w.IntN(most-least+1) {
		switch {
		case i == 0:
		case between == "\n" && i%6 != 0:
			text.WriteByte(' ')
		default:
			text.WriteString(between)
		}
		text.WriteString(vocabulary[w.IntN(len(vocabulary))])
	}
	return text.String()
}

func (w writer) name() string {
	text := w.words(1, 1, "")
	return strings.ToUpper(text[:1]) + text[1:]
}
