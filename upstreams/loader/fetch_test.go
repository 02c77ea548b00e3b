package loader_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// books with the ids from first to last.
func bookIDs(first, last int) string {
	var ids []string
	for i := first; i <= last; i++ {
		ids = append(ids, fmt.Sprintf(`{"id":%d,"author":%d}`, i, i))
	}
	return "[" + strings.Join(ids, ",") + "]"
}

// More keys than one request may have are several requests side by side, but not more than 16 of them.
func TestChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			byID(w, r)
		})
		got, err := authors(ctx, parents(t, "%s", bookIDs(1, 10)))
		if err != nil || len(got) != 10 || string(view.Unpack(got[9]).Raw()) != `{"id":"10","name":"n10"}` {
			t.Errorf("got %s", texts(got, err))
		}
		sent := s.sent()
		slices.Sort(sent)
		equal(t, "requests", sent, []string{"GET /authors?id=1,2,3,4", "GET /authors?id=5,6,7,8", "GET /authors?id=9,10"})
		equal(t, "side by side", time.Since(s.began), time.Second)

		_, err = authors(ctx, parents(t, "%s", bookIDs(11, 10+17*4)))
		equal(t, "error", err, nil)
		equal(t, "17 requests", time.Since(s.began), 3*time.Second)
	})
}

func TestHalving(t *testing.T) {
	for name, test := range map[string]struct {
		bad      []string
		status   int
		books    string
		requests int
		errors   string
	}{
		"none is bad":       {nil, 422, bookIDs(1, 4), 1, ""},
		"one of four":       {[]string{"3"}, 422, bookIDs(1, 4), 5, "- - BAD_USER_INPUT -"},
		"two of four":       {[]string{"1", "4"}, 400, bookIDs(1, 4), 7, "BAD_USER_INPUT - - BAD_USER_INPUT"},
		"all of four":       {[]string{"1", "2", "3", "4"}, 409, bookIDs(1, 4), 7, "CONFLICT CONFLICT CONFLICT CONFLICT"},
		"a single one":      {[]string{"1"}, 400, bookIDs(1, 1), 1, "BAD_USER_INPUT"},
		"who asks":          {[]string{"3"}, 401, bookIDs(1, 4), 1, "UNAUTHENTICATED UNAUTHENTICATED UNAUTHENTICATED UNAUTHENTICATED"},
		"how often":         {[]string{"3"}, 429, bookIDs(1, 4), 1, "UPSTREAM_RATE_LIMITED UPSTREAM_RATE_LIMITED UPSTREAM_RATE_LIMITED UPSTREAM_RATE_LIMITED"},
		"an outage":         {[]string{"3"}, 503, bookIDs(1, 4), 1, "UPSTREAM_ERROR UPSTREAM_ERROR UPSTREAM_ERROR UPSTREAM_ERROR"},
		"not there: null":   {[]string{"3"}, 404, bookIDs(1, 4), 5, ""},
		"one bad of chunks": {[]string{"6"}, 422, bookIDs(1, 8), 6, "- - - - - BAD_USER_INPUT - -"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
				if slices.ContainsFunc(keys(r, "id"), func(id string) bool { return slices.Contains(test.bad, id) }) {
					w.WriteHeader(test.status)
					return
				}
				byID(w, r)
			})
			got, err := authors(ctx, parents(t, "%s", test.books))
			equal(t, "errors", codes(err), test.errors)
			equal(t, "requests", len(s.sent()), test.requests)
			for i, a := range got {
				if bad := slices.Contains(test.bad, fmt.Sprint(i+1)); (a == nil) != (bad || test.errors != "" && !strings.Contains(test.errors, "-")) {
					t.Errorf("author %d: got %v", i+1, a)
				}
			}
		})
	}
}

// A batch in which every key is bad costs a bounded number of requests.
func TestHalvingEnds(t *testing.T) {
	ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnprocessableEntity) })
	_, err := loader.Batch(ctx, "Book.price", parents(t, "%s", bookIDs(1, 100)), loader.Nullable(view.Float))
	if n := strings.Count(codes(err), "BAD_USER_INPUT"); n != 100 {
		t.Errorf("got %d errors, want 100", n)
	}
	if n := len(s.sent()); n < 60 || n > 72 {
		t.Errorf("got %d requests, want about 64", n)
	}
}

func TestAnswers(t *testing.T) {
	prices := loader.Nullable(view.Float)
	for name, test := range map[string]struct {
		field, answer string
		want          string
	}{
		"MAP":                          {"price", `{"1":1.5,"2":2,"9":9}`, "1.5 2 null"},
		"MAP: null for a key":          {"price", `{"1":null,"3":3}`, "null null 3"},
		"MAP: one bad value":           {"price", `{"1":"x","2":2}`, "null 2 null error: UPSTREAM_INVALID_RESPONSE - -"},
		"MAP: a list":                  {"price", `[1,2,3]`, "null null null error: UPSTREAM_INVALID_RESPONSE UPSTREAM_INVALID_RESPONSE UPSTREAM_INVALID_RESPONSE"},
		"MAP: null":                    {"price", `null`, "null null null"},
		"ORDERED":                      {"rank", `[7,null,9]`, "7 null 9"},
		"ORDERED: one too few":         {"rank", `[7,8]`, "null null null error: UPSTREAM_INVALID_RESPONSE UPSTREAM_INVALID_RESPONSE UPSTREAM_INVALID_RESPONSE"},
		"ORDERED: an object":           {"rank", `{}`, "null null null error: UPSTREAM_INVALID_RESPONSE UPSTREAM_INVALID_RESPONSE UPSTREAM_INVALID_RESPONSE"},
		"nothing at all is nothing":    {"price", ``, "null null null"},
		"not JSON is everybody's loss": {"price", `{`, "null null null error: UPSTREAM_INVALID_RESPONSE UPSTREAM_INVALID_RESPONSE UPSTREAM_INVALID_RESPONSE"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, _ := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(test.answer)) })
			got, err := loader.Batch(ctx, "Book."+test.field, parents(t, "%s", bookIDs(1, 3)), prices)
			var all []string
			for _, p := range got {
				if p == nil {
					all = append(all, "null")
				} else {
					all = append(all, fmt.Sprint(*p))
				}
			}
			text := strings.Join(all, " ")
			if err != nil {
				text += " error: " + codes(err)
			}
			equal(t, "got", text, test.want)
		})
	}
}

// Keys are the same when their texts are, as GraphQL's IDs; a list field has the items of its parent in the order of the
// answer; items whose key can't be read, or that nobody asked for, belong to nobody.
func TestMatching(t *testing.T) {
	ctx, s := start(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`[{"id":"a","book":1},{"id":"b","book":"2"},{"id":"c","book":1.0},{"id":"d"},{"id":"e","book":{}},7,{"id":"f","book":77}]`))
	})
	got, err := loader.Batch(ctx, "Book.copies", parents(t, `[{"id":"1"},{"id":2},{"id":3},{},{"id":null},{"id":1}]`), loader.Objects[copyOf])
	equal(t, "error", err, nil)
	var lists []string
	for _, list := range got {
		if list == nil {
			t.Error("a list is null")
		}
		lists = append(lists, "["+texts(list, nil)+"]")
	}
	one := `[{"id":"a","book":1} {"id":"c","book":1.0}]`
	equal(t, "lists", lists, []string{one, `[{"id":"b","book":"2"}]`, "[]", "[]", "[]", one})
	equal(t, "requests", s.sent(), []string{"GET /copies?book=1,2,3"})
}

func TestBadKeyOfOneParent(t *testing.T) {
	ctx, s := start(t, byID)
	got, err := authors(ctx, parents(t, `[{"author":1},{"author":{}},{"author":1.5},{"author":2}]`))
	equal(t, "errors", codes(err), "- UPSTREAM_INVALID_RESPONSE UPSTREAM_INVALID_RESPONSE -")
	equal(t, "got", texts(got, nil), `{"id":"1","name":"n1"} null null {"id":"2","name":"n2"}`)
	equal(t, "requests", s.sent(), []string{"GET /authors?id=1,2"})
}

// It was null without a word.
func TestListOfKeysForOne(t *testing.T) {
	ctx, s := start(t, byID)
	got, err := authors(ctx, parents(t, `[{"author":[1,2]},{"author":3}]`))
	equal(t, "errors", codes(err), "UPSTREAM_INVALID_RESPONSE -")
	equal(t, "got", texts(got, nil), `null {"id":"3","name":"n3"}`)
	equal(t, "requests", s.sent(), []string{"GET /authors?id=3"})
}

func TestNoKeysNoRequest(t *testing.T) {
	ctx, s := start(t, byID)
	equal(t, "got", texts(authors(ctx, parents(t, `[{},{"author":null}]`))), "null null")
	got, err := loader.Batch(ctx, "Book.copies", parents(t, `[{}]`), loader.Objects[copyOf])
	if err != nil || len(got) != 1 || got[0] == nil || len(got[0]) != 0 {
		t.Errorf("got %v, %v, want an empty list", got, err)
	}
	equal(t, "requests", len(s.sent()), 0)
}

func TestListOfReferences(t *testing.T) {
	ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`[{"id":3},{"id":1}]`))
	})
	got, err := loader.Batch(ctx, "Book.also", parents(t, `[{"also":[1,null,2,3]},{"also":[]},{},{"also":"3"}]`), loader.Objects[author])
	equal(t, "got", texts(got[0], nil), `{"id":1} null {"id":3}`)
	if got[1] == nil || got[2] != nil {
		t.Errorf("no keys are an empty list, and nothing is null: got %v, %v", got[1], got[2])
	}
	equal(t, "one key for a list", codes(err), "- - - UPSTREAM_INVALID_RESPONSE")
	equal(t, "requests", s.sent(), []string{"GET /authors?id=1,2,3"})
}

// With both calls, one key takes the one for one, and several the one for many.
func TestOneOrMany(t *testing.T) {
	ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/books" {
			byID(w, r)
			return
		}
		reply(w, map[string]string{"id": keys(r, "")[0]})
	})
	b, err := loader.Entity[book](ctx, "Book", "5")
	equal(t, "one", texts([]*book{b}, err), `{"id":"5"}`)
	equal(t, "requests", s.sent(), []string{"GET /books/5"})
}

func TestOnePerKey(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"a list":                    {200, `[{"id":1}]`, `1`},
		"an empty one":              {200, `[]`, `0`},
		"404: no items":             {404, ``, `0`},
		"no list":                   {200, `{}`, `UPSTREAM_INVALID_RESPONSE`},
		"a failure is one of a key": {500, ``, `UPSTREAM_ERROR`},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/books/2/chapters" {
					w.WriteHeader(test.status)
					_, _ = w.Write([]byte(test.body))
					return
				}
				_, _ = w.Write([]byte(`[]`))
			})
			got, err := loader.Batch(ctx, "Book.chapters", parents(t, "%s", bookIDs(1, 3)), loader.Objects[chapter])
			if result := codes(err); result != "" {
				equal(t, "errors", result, "- "+test.want+" -")
			} else if got[1] == nil || fmt.Sprint(len(got[1])) != test.want {
				t.Errorf("got %v, want %s items", got[1], test.want)
			}
			equal(t, "requests", len(s.sent()), 3)
		})
	}
}

func TestNotFoundIsAnError(t *testing.T) {
	ctx, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/musts/"):
			_, _ = w.Write([]byte(`[{"id":1,"book":2}]`))
		case r.URL.Path == "/must/1":
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Path == "/must/2":
			_, _ = w.Write([]byte(`null`)) // says the same
		default:
			_, _ = w.Write([]byte(`{"id":3}`))
		}
	})
	got, err := loader.Batch(ctx, "Book.must", parents(t, "%s", bookIDs(1, 3)), loader.Object[chapter])
	equal(t, "many", codes(err), "NOT_FOUND - NOT_FOUND")
	equal(t, "many", texts(got, nil), `null {"id":1,"book":2} null`)
	got, err = loader.Batch(ctx, "Book.mustOne", parents(t, "%s", bookIDs(1, 3)), loader.Object[chapter])
	equal(t, "one", codes(err), "NOT_FOUND NOT_FOUND -")
	equal(t, "one", texts(got, nil), `null null {"id":3}`)
}

// A panic in a batch is the failure of its keys. In one of several requests side by side it ended the process, because
// nobody recovers it there.
func TestPanic(t *testing.T) {
	ctx, _ := start(t, func(_ http.ResponseWriter, r *http.Request) {
		if keys := keys(r, "id"); slices.Contains(keys, "6") || strings.HasSuffix(r.URL.Path, "6") {
			panic("out of ideas")
		}
	})
	_, err := authors(ctx, parents(t, `[{"author":6}]`))
	equal(t, "one request", codes(err), "INTERNAL")
	_, err = editors(ctx, parents(t, `[{"editor":1},{"editor":2},{"editor":3},{"editor":4},{"editor":5},{"editor":6}]`))
	if got := codes(err); !strings.Contains(got, "INTERNAL") {
		t.Errorf("several requests: got %s", got)
	}
	ctx, _ = start(t, func(_ http.ResponseWriter, r *http.Request) { panic("out of ideas") })
	_, err = loader.Batch(ctx, "Book.chapters", parents(t, "%s", bookIDs(1, 20)), loader.Objects[chapter])
	if n := strings.Count(codes(err), "INTERNAL"); n != 20 {
		t.Errorf("one per key: got %d errors", n)
	}
	func() {
		defer func() { equal(t, "recovered", recover(), "out of ideas") }()
		_, _ = loader.Batch(ctx, "Book.cover", parents(t, "%s", bookIDs(1, 20)), loader.Object[chapter])
	}()
	if fail.KindOf(err) == fail.Canceled {
		t.Error(err)
	}
}
