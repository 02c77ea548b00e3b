package demo

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// review as the reviews service sends it: products are text, people are numbers.
type review struct {
	ID        string    `json:"id"`
	ProductID string    `json:"product_id"`
	AuthorID  int       `json:"author_id"`
	Rating    int       `json:"rating"`
	Title     *string   `json:"title"`
	Body      *string   `json:"body,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	Votes     struct {
		Helpful int `json:"helpful"`
	} `json:"votes"`
}

type rating struct {
	Average float64 `json:"average"`
	Count   int     `json:"count"`
	Stars   [5]int  `json:"stars"`
}

// feedItem is one of three kinds, each with properties of its own.
type feedItem struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	At        time.Time `json:"at"`
	AuthorID  int       `json:"author_id"`
	ProductID string    `json:"product_id"`

	Review  *review  `json:"review,omitempty"`  // review
	Text    string   `json:"text,omitempty"`    // question
	Answers []answer `json:"answers,omitzero"`  // question: an empty list is sent, none isn't
	URL     string   `json:"url,omitempty"`     // photo
	Caption *string  `json:"caption,omitempty"` // photo
}

type answer struct {
	Text     string `json:"text"`
	AuthorID int    `json:"author_id"`
}

type reviews struct {
	products map[string]bool // what the service knows of the catalogue
	now      func() time.Time

	mu   sync.Mutex // guards the fields below
	all  []review   // newest first
	feed []feedItem // newest first
}

// newReviews answers
//
//	GET /reviews/{id}                           one, or 404
//	GET /reviews?product[]=101&product[]=102    a plain list, newest first; also author[]=, id[]=, per_key=
//	GET /ratings?product[]=101&product[]=102    one rating per product, in that order; null for nobody's
//	GET /feed?limit=&product=                   items of three kinds, newest first
//	POST /reviews                               201; 422 with {"message"}
func newReviews(shop *shop, now func() time.Time) http.Handler {
	rv := &reviews{products: make(map[string]bool), now: now, all: shop.reviews, feed: shop.feed}
	for _, p := range shop.products {
		rv.products[p.ID] = true
	}
	mux := http.NewServeMux()
	mux.Handle("GET /reviews/{id}", handler(rv.get))
	mux.Handle("GET /reviews", handler(rv.list))
	mux.Handle("GET /ratings", handler(rv.ratings))
	mux.Handle("GET /feed", handler(rv.listFeed))
	mux.Handle("POST /reviews", handler(rv.create))
	return mux
}

// snapshot is what there is now. The slices are never written to again: create makes new ones.
func (rv *reviews) snapshot() ([]review, []feedItem) {
	rv.mu.Lock()
	defer rv.mu.Unlock()
	return rv.all, rv.feed
}

func (rv *reviews) get(r *http.Request) (int, any) {
	all, _ := rv.snapshot()
	i := slices.IndexFunc(all, func(one review) bool { return one.ID == r.PathValue("id") })
	if i < 0 {
		return rv.refuse(http.StatusNotFound, "no such review")
	}
	return http.StatusOK, all[i]
}

func (rv *reviews) list(r *http.Request) (int, any) {
	query := r.URL.Query()
	perKey, err := count(query, "per_key", 100)
	if err != nil {
		return rv.refuse(http.StatusBadRequest, err.Error())
	}
	keyOf := func(one review) string { return one.ID }
	keys := query["id[]"]
	switch {
	case query.Has("product[]"):
		keys, keyOf = query["product[]"], func(one review) string { return one.ProductID }
	case query.Has("author[]"):
		keys, keyOf = query["author[]"], func(one review) string { return strconv.Itoa(one.AuthorID) }
	}
	if len(keys) == 0 || len(keys) > 100 {
		return rv.refuse(http.StatusBadRequest, "1 to 100 of id[], product[] or author[], please")
	}
	wanted, given, found := set(keys), map[string]int{}, []review{}
	all, _ := rv.snapshot()
	for _, one := range all {
		key := keyOf(one)
		if wanted[key] && given[key] < perKey {
			given[key]++
			found = append(found, one)
		}
	}
	return http.StatusOK, found
}

func (rv *reviews) ratings(r *http.Request) (int, any) {
	all, _ := rv.snapshot()
	byProduct := make(map[string]*rating)
	for _, one := range all {
		of := byProduct[one.ProductID]
		if of == nil {
			of = &rating{}
			byProduct[one.ProductID] = of
		}
		of.Count++
		of.Stars[one.Rating-1]++
	}
	answers := []*rating{}
	for _, product := range r.URL.Query()["product[]"] {
		of := byProduct[product]
		if of != nil {
			sum := 0
			for i, n := range of.Stars {
				sum += (i + 1) * n
			}
			of.Average = math.Round(100*float64(sum)/float64(of.Count)) / 100
		}
		answers = append(answers, of)
	}
	return http.StatusOK, answers
}

func (rv *reviews) listFeed(r *http.Request) (int, any) {
	limit, err := count(r.URL.Query(), "limit", 20)
	if err != nil {
		return rv.refuse(http.StatusBadRequest, err.Error())
	}
	product := r.URL.Query().Get("product")
	found := []feedItem{}
	_, feed := rv.snapshot()
	for _, item := range feed {
		if product == "" || product == item.ProductID {
			found = append(found, item)
		}
	}
	return http.StatusOK, page(found, 0, limit)
}

func (rv *reviews) create(r *http.Request) (int, any) {
	var wanted struct {
		ProductID string  `json:"product_id"`
		AuthorID  number  `json:"author_id"`
		Rating    int     `json:"rating"`
		Title     *string `json:"title"`
		Body      *string `json:"body"`
	}
	err := read(r, &wanted)
	switch {
	case err != nil:
		return rv.refuse(http.StatusBadRequest, "a review needs product_id, author_id and rating")
	case !rv.products[wanted.ProductID]:
		return rv.refuse(http.StatusUnprocessableEntity, fmt.Sprintf("there is no product %q", wanted.ProductID))
	case wanted.Rating < 1 || wanted.Rating > 5:
		return rv.refuse(http.StatusUnprocessableEntity, "rating must be 1 to 5")
	}
	made := review{
		ProductID: wanted.ProductID, AuthorID: int(wanted.AuthorID), Rating: wanted.Rating,
		Title: wanted.Title, Body: wanted.Body, CreatedAt: rv.now().UTC().Truncate(time.Second),
	}
	rv.mu.Lock()
	made.ID = reviewID(len(rv.all) + 1)
	rv.all = append([]review{made}, rv.all...)
	rv.feed = append([]feedItem{feedReview(made)}, rv.feed...)
	rv.mu.Unlock()
	return http.StatusCreated, made
}

func reviewID(n int) string { return fmt.Sprintf("rv-%04d", n) }

func feedReview(of review) feedItem {
	return feedItem{
		ID: "f-" + of.ID, Kind: "review", At: of.CreatedAt, AuthorID: of.AuthorID, ProductID: of.ProductID, Review: &of,
	}
}

// refuse is how the reviews service says no.
func (rv *reviews) refuse(status int, message string) (int, any) {
	return status, object{"message": message}
}
