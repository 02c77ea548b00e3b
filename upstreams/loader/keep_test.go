package loader_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// shop is a service with a cache before it.
type shop struct {
	*service

	upstreams *loader.Upstreams
	store     *store.Store
	ahead     atomic.Int64
}

func startShop(t *testing.T, handle http.HandlerFunc) *shop {
	t.Helper()
	s := &shop{service: &service{handle: handle, began: time.Now()}}
	var err error
	s.store, err = store.New(store.Config{}, store.Options{Now: func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close(context.Background()) })
	cache, err := reuse.New(reuse.Default(), reuse.Options{Service: "s", Store: s.store})
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.NewClient(rest.Service{Name: "s", Base: "http://s.internal", Transport: cache.Layer(s.service), Timeout: time.Hour, Forward: []string{"X-User"}})
	if err != nil {
		t.Fatal(err)
	}
	s.upstreams, err = loader.New(graph(t, schema), map[string]*rest.Client{"s": client}, loader.WithAnswers(map[string]*reuse.Cache{"s": cache}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run is one operation of a user: its result as text, and its memory given back.
func (s *shop) run(t *testing.T, user string, do func(ctx context.Context) string) string {
	t.Helper()
	ctx := rest.WithCaller(t.Context(), &rest.Caller{Header: http.Header{"X-User": {user}}})
	ctx = graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	ctx = loader.With(ctx, s.upstreams)
	defer loader.From(ctx).Release()
	return strings.Clone(do(ctx))
}

func fresh(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60, stale-while-revalidate=60, stale-if-error=600")
	byID(w, r)
}

func TestBatchesOfOperationsShareWhatIsKept(t *testing.T) {
	s := startShop(t, fresh)
	get := func(user string, first, last int) string {
		return s.run(t, user, func(ctx context.Context) string { return texts(authors(ctx, parents(t, "%s", bookIDs(first, last)))) })
	}
	equal(t, "cold", get("a", 1, 2), `{"id":"1","name":"n1"} {"id":"2","name":"n2"}`)
	equal(t, "half", get("a", 1, 3), `{"id":"1","name":"n1"} {"id":"2","name":"n2"} {"id":"3","name":"n3"}`)
	equal(t, "warm", get("a", 2, 3), `{"id":"2","name":"n2"} {"id":"3","name":"n3"}`)
	equal(t, "another user", get("b", 3, 3), `{"id":"3","name":"n3"}`)
	equal(t, "requests", s.sent(), []string{"GET /authors?id=1,2", "GET /authors?id=3", "GET /authors?id=3"})
	if _, err := s.store.Purge(t.Context(), "Author:2"); err != nil {
		t.Fatal(err)
	}
	get("a", 1, 3)
	equal(t, "after a purge", s.sent()[3:], []string{"GET /authors?id=2"})
}

func TestListsAreKept(t *testing.T) {
	s := startShop(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = w.Write([]byte(`[{"book":1,"id":"a"},{"book":1,"id":"b"},{"book":3,"id":"c"}]`))
	})
	get := func() string {
		return s.run(t, "a", func(ctx context.Context) string {
			lists, err := loader.Batch(ctx, "Book.copies", parents(t, "%s", bookIDs(1, 3)), loader.Objects[copyOf])
			var all []string
			for _, list := range lists {
				all = append(all, "["+texts(list, nil)+"]")
			}
			if err != nil {
				all = append(all, err.Error())
			}
			return strings.Join(all, " ")
		})
	}
	want := get()
	equal(t, "kept", get(), want)
	equal(t, "what", want, `[{"book":1,"id":"a"} {"book":1,"id":"b"}] [] [{"book":3,"id":"c"}]`)
	equal(t, "requests", s.sent(), []string{"GET /copies?book=1,2,3"})
}

func TestWhatIsNotThereIsAnErrorFromTheCacheToo(t *testing.T) {
	s := startShop(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = w.Write([]byte(`[{"book":1,"id":"a"}]`))
	})
	for range 2 {
		got := s.run(t, "a", func(ctx context.Context) string {
			_, err := loader.Batch(ctx, "Book.must", parents(t, "%s", bookIDs(1, 2)), loader.Object[chapter])
			return codes(err)
		})
		equal(t, "errors", got, "- NOT_FOUND")
	}
	equal(t, "requests", s.sent(), []string{"GET /musts/1,2"})
}

// What's fetched in the background doesn't touch the memory of the operation that began it, which is somebody else's by then.
func TestRenewalOutlivesItsOperation(t *testing.T) {
	let := make(chan struct{})
	first := atomic.Bool{}
	s := startShop(t, func(w http.ResponseWriter, r *http.Request) {
		if first.Swap(true) {
			<-let
		}
		fresh(w, r)
	})
	get := func() string {
		return s.run(t, "a", func(ctx context.Context) string { return texts(authors(ctx, parents(t, "%s", bookIDs(1, 2)))) })
	}
	want := get()
	s.ahead.Store(int64(70 * time.Second))
	for range 10 {
		equal(t, "stale", get(), want)
	}
	close(let)
	for end := time.Now().Add(10 * time.Second); ; {
		ctx, rec := reuse.WithRecorder(t.Context())
		ctx = loader.With(graphql.WithResponseContext(rest.WithCaller(ctx, &rest.Caller{Header: http.Header{"X-User": {"a"}}}), graphql.DefaultErrorPresenter, graphql.DefaultRecover), s.upstreams)
		equal(t, "then", texts(authors(ctx, parents(t, "%s", bookIDs(1, 2)))), want)
		if uses := rec.Uses(); len(uses) == 1 && uses[0].State == reuse.Hit {
			break
		}
		if time.Now().After(end) {
			t.Fatal("never renewed")
		}
		runtime.Gosched()
	}
	equal(t, "requests", len(s.sent()), 2)
}

func TestAFailingServiceIsStoodInFor(t *testing.T) {
	var down atomic.Bool
	s := startShop(t, func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fresh(w, r)
	})
	get := func() string {
		return s.run(t, "a", func(ctx context.Context) string {
			got, err := authors(ctx, parents(t, "%s", bookIDs(1, 2)))
			return texts(got, nil) + " " + codes(err)
		})
	}
	want := get()
	down.Store(true)
	s.ahead.Store(int64(200 * time.Second))
	equal(t, "stale", get(), want)
	s.ahead.Store(int64(700 * time.Second))
	equal(t, "no longer", get(), "null null UPSTREAM_ERROR UPSTREAM_ERROR")
}

// Of a service that says nothing no batch is looked for, and the first that says something is kept.
func TestWhatCanBeKeptIsFromTheFirst(t *testing.T) {
	var says atomic.Bool
	s := startShop(t, func(w http.ResponseWriter, r *http.Request) {
		if says.Load() {
			fresh(w, r)
			return
		}
		byID(w, r)
	})
	get := func(first, last int) {
		t.Helper()
		want := ""
		for i := first; i <= last; i++ {
			want += fmt.Sprintf(` {"id":"%d","name":"n%d"}`, i, i)
		}
		equal(t, "got", s.run(t, "a", func(ctx context.Context) string { return texts(authors(ctx, parents(t, "%s", bookIDs(first, last)))) }), want[1:])
	}
	get(1, 2)
	get(1, 2)
	says.Store(true)
	get(1, 2)
	get(1, 3)
	equal(t, "requests", s.sent(), []string{"GET /authors?id=1,2", "GET /authors?id=1,2", "GET /authors?id=1,2", "GET /authors?id=3"})
}

// A 404 to a single key is known for a while, as a key that isn't in an answer is.
func TestANotFoundIsKept(t *testing.T) {
	s := startShop(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(http.StatusNotFound)
	})
	for range 2 {
		got := s.run(t, "a", func(ctx context.Context) string { return texts(authors(ctx, parents(t, "%s", bookIDs(1, 1)))) })
		equal(t, "nobody", got, "null")
		got = s.run(t, "a", func(ctx context.Context) string {
			_, err := loader.Batch(ctx, "Book.must", parents(t, "%s", bookIDs(1, 1)), loader.Object[chapter])
			return codes(err)
		})
		equal(t, "an error", got, "NOT_FOUND")
	}
	equal(t, "requests", s.sent(), []string{"GET /authors?id=1", "GET /musts/1"})
	s.ahead.Store(int64(11 * time.Second)) // negative_ttl
	s.run(t, "a", func(ctx context.Context) string { return texts(authors(ctx, parents(t, "%s", bookIDs(1, 1)))) })
	equal(t, "later", len(s.sent()), 3)
}

func TestBatchesAreRevalidated(t *testing.T) {
	s := startShop(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		switch {
		case strings.HasPrefix(r.URL.Path, "/copies"):
			_, _ = w.Write([]byte(`[{"book":1,"id":"a"},{"book":1,"id":"b"}]`))
		case strings.HasPrefix(r.URL.Path, "/musts"):
			_, _ = w.Write([]byte(`[{"book":1,"id":"a"}]`))
		default:
			byID(w, r)
		}
	})
	all := func(ctx context.Context) string {
		people := texts(authors(ctx, parents(t, "%s", bookIDs(1, 6)))) // two requests
		lists, err := loader.Batch(ctx, "Book.copies", parents(t, "%s", bookIDs(1, 2)), loader.Objects[copyOf])
		if err != nil {
			return err.Error()
		}
		_, err = loader.Batch(ctx, "Book.must", parents(t, "%s", bookIDs(1, 2)), loader.Object[chapter])
		return people + texts(lists[0], nil) + texts(lists[1], nil) + codes(err)
	}
	want := s.run(t, "a", all)
	asked := len(s.sent())
	s.ahead.Store(int64(60 * time.Second))
	equal(t, "not modified", s.run(t, "a", all), want)
	equal(t, "requests", len(s.sent()), 2*asked)
	s.ahead.Store(int64(65 * time.Second))
	equal(t, "fresh again", s.run(t, "a", all), want)
	equal(t, "requests", len(s.sent()), 2*asked)
}
