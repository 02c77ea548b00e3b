package loader_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// poisoned are upstreams whose answers are overwritten once they are released.
func poisoned(t *testing.T, s http.RoundTripper) *loader.Upstreams {
	t.Helper()
	client, err := rest.NewClient(rest.Service{
		Name: "s", Base: "http://s.internal", Transport: s, Timeout: time.Hour, Bodies: &body.Pool{Poison: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	upstreams, err := loader.New(graph(t, schema), map[string]*rest.Client{"s": client})
	if err != nil {
		t.Fatal(err)
	}
	return upstreams
}

func within(t *testing.T, u *loader.Upstreams) context.Context {
	t.Helper()
	return loader.With(graphql.WithResponseContext(t.Context(), graphql.DefaultErrorPresenter, graphql.DefaultRecover), u)
}

// Operations that run side by side and release their answers see what they asked for, and what they have copied stays.
func TestReleasedMemoryIsSeenByNobody(t *testing.T) {
	s := &service{handle: func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/books/") {
			reply(w, map[string]any{"id": keys(r, "")[0], "author": 7, "padding": strings.Repeat("book ", 300)})
			return
		}
		byID(w, r)
	}}
	u := poisoned(t, s)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 100 {
				ctx := within(t, u)
				first, second := fmt.Sprint(100*worker+i), fmt.Sprint(1000+i)
				tasks(ctx, func() {
					got, err := authors(ctx, parents(t, `[{"author":%s},{"author":%s},{"author":%s}]`, first, second, first))
					book, bookErr := loader.Entity[book](ctx, "Book", first)
					if err != nil || bookErr != nil {
						t.Error(err, bookErr)
						return
					}
					name, err := view.String(view.Unpack(got[1]).Get("name"))
					equal(t, "authors", texts(got, nil), fmt.Sprintf(`{"id":"%[1]s","name":"n%[1]s"} {"id":"%[2]s","name":"n%[2]s"} {"id":"%[1]s","name":"n%[1]s"}`, first, second))
					id, _ := view.ID(view.Unpack(book).Get("id"))
					loader.From(ctx).Done() // nothing is under way but this
					loader.From(ctx).Release()
					loader.From(ctx).Start(1)
					equal(t, "copies", fmt.Sprint(name, id, err), "n"+second+first+"<nil>")
				})
			}
		})
	}
	all.Wait()
}

// What is released is overwritten, or the test above could see nothing; and who loads afterwards asks again.
func TestRelease(t *testing.T) {
	s := &service{handle: byID}
	ctx := within(t, poisoned(t, s))
	list, err := authors(ctx, parents(t, `[{"author":1}]`))
	if err != nil {
		t.Fatal(err)
	}
	raw := view.Unpack(list[0]).Raw()
	loader.From(ctx).Release()
	if strings.Contains(string(raw), "name") {
		t.Errorf("after the release: %s", raw)
	}
	equal(t, "again", texts(authors(ctx, parents(t, `[{"author":1}]`))), `{"id":"1","name":"n1"}`)
	equal(t, "requests", len(s.sent()), 2)
}

// A batch that somebody has stopped waiting for still reads its answer: nothing is released below it.
func TestReleaseWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{handle: func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			byID(w, r)
		}}
		ctx := within(t, poisoned(t, s))
		impatient, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if _, err := authors(impatient, parents(t, `[{"author":1}]`)); err == nil {
			t.Error("no error")
		}
		loader.From(ctx).Release()
		equal(t, "the other", texts(authors(ctx, parents(t, `[{"author":1}]`))), `{"id":"1","name":"n1"}`)
		equal(t, "requests", len(s.sent()), 1)
	})
}

// The extension releases after a response, unless something may still read what was loaded.
func TestExtensionReleases(t *testing.T) {
	more := true
	for name, c := range map[string]struct {
		kind     ast.Operation
		response *graphql.Response
		end      bool
		released bool
	}{
		"query":        {kind: ast.Query, response: &graphql.Response{}, released: true},
		"mutation":     {kind: ast.Mutation, response: &graphql.Response{}, released: true},
		"subscription": {kind: ast.Subscription, response: &graphql.Response{}},
		"deferred":     {kind: ast.Query, response: &graphql.Response{HasNext: &more}},
		"nothing":      {kind: ast.Query},
		"ended":        {kind: ast.Query, response: &graphql.Response{}, end: true},
	} {
		t.Run(name, func(t *testing.T) {
			upstreams := poisoned(t, &service{handle: byID})
			ctx, cancel := context.WithCancelCause(within(t, upstreams))
			defer cancel(nil)
			ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: c.kind}})
			var raw []byte
			got := loader.Extension{Upstreams: upstreams}.InterceptResponse(ctx, func(ctx context.Context) *graphql.Response {
				list, err := authors(ctx, parents(t, `[{"author":1}]`))
				if err != nil {
					t.Fatal(err)
				}
				raw = view.Unpack(list[0]).Raw()
				if c.end {
					cancel(errors.New("gone"))
				}
				return c.response
			})
			if released := !strings.Contains(string(raw), "name"); got != c.response || released != c.released {
				t.Errorf("released %v: %s", released, raw)
			}
		})
	}
}

// What was loaded for an event of a subscription is loaded again for the next.
func TestEventsShareNothing(t *testing.T) {
	s := &service{handle: byID}
	extension := loader.Extension{Upstreams: poisoned(t, s)}
	ctx := graphql.WithOperationContext(within(t, extension.Upstreams), &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: ast.Subscription}})
	for n := range 3 {
		extension.InterceptResponse(ctx, func(ctx context.Context) *graphql.Response {
			for range 2 {
				equal(t, "author", texts(authors(ctx, parents(t, `[{"author":1}]`))), `{"id":"1","name":"n1"}`)
			}
			return &graphql.Response{}
		})
		equal(t, "requests", len(s.sent()), n+1)
	}
}

// Values that nobody asked for are read as answers are.
func TestReading(t *testing.T) {
	document, err := view.Parse([]byte(`{"id": 7}`))
	if err != nil {
		t.Fatal(err)
	}
	made, err := loader.Reading(loader.Object[author])(t.Context(), document.Root())
	if err != nil || string(view.Unpack(made).Raw()) != `{"id": 7}` {
		t.Errorf("got %v, %v", made, err)
	}
	if _, err := loader.Reading(loader.Scalar(view.Int))(t.Context(), document.Root()); err == nil {
		t.Error("an object was read as a number")
	}
}
