package loader_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

func TestOncePerParent(t *testing.T) {
	ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cover/2" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		reply(w, map[string]string{"id": r.URL.Path})
	})
	got, err := loader.Batch(ctx, "Book.cover", parents(t, `[{"id":1},{"id":2},{"id":3},{}]`), loader.Object[chapter])
	equal(t, "got", texts(got, nil), `{"id":"/cover/1"} null {"id":"/cover/3"} null`)
	equal(t, "errors", codes(err), "- UPSTREAM_ERROR - BAD_USER_INPUT")
	equal(t, "requests", len(s.sent()), 3)
}

func TestCall(t *testing.T) {
	ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = w.Write([]byte(`[1,null,"3"]`))
	})
	scores, err := loader.Call(ctx, "Query.scores", map[string]any{"of": []any{"a", "b"}}, loader.ListOf(loader.Nullable(view.Int)))
	if err != nil || len(scores) != 3 || *scores[0] != 1 || scores[1] != nil || *scores[2] != 3 {
		t.Errorf("got %v, %v", scores, err)
	}
	done, err := loader.Call(ctx, "Mutation.remove", map[string]any{"id": "a/b"}, loader.Succeeded)
	if err != nil || !done {
		t.Errorf("got %t, %v", done, err)
	}
	equal(t, "requests", s.sent(), []string{"GET /scores?of=a&of=b", "DELETE /books/a%2Fb"})
}

// Arguments make batches of their own, whatever the order in which they were given.
func TestArgumentsMakeBatches(t *testing.T) {
	ctx, s := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[]`)) })
	of := parents(t, `[{"id":1}]`)[0]
	for _, args := range []map[string]any{nil, {"open": true}, {}, {"open": false}, {"open": true}} {
		if _, err := loader.Via(ctx, "Book.copies", of, args, loader.Objects[copyOf]); err != nil {
			t.Error(err)
		}
	}
	equal(t, "requests", s.sent(), []string{"GET /copies?book=1", "GET /copies?book=1&open=true", "GET /copies?book=1&open=false"})
}

func TestViaIsBatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := start(t, byID)
		var all []func()
		for _, b := range parents(t, "%s", bookIDs(1, 3)) {
			all = append(all, func() {
				if _, err := loader.Via(ctx, "Book.author", b, nil, loader.Object[author]); err != nil {
					t.Error(err)
				}
			})
		}
		tasks(ctx, all...)
		equal(t, "requests", len(s.sent()), 1)
	})
}

func TestEntity(t *testing.T) {
	ctx, s := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch keys(r, "")[0] {
		case "1":
			reply(w, map[string]int{"id": 1})
		case "2":
			w.WriteHeader(http.StatusNotFound)
		default:
			reply(w, "no object")
		}
	})
	one, err := loader.Entity[book](ctx, "Book", "1")
	equal(t, "there", texts([]*book{one}, err), `{"id":1}`)
	none, err := loader.Entity[book](ctx, "Book", "2")
	equal(t, "not there", texts([]*book{none}, err), "null")
	// It became a view all the same, and each of its fields had an error of its own.
	bad, err := loader.Entity[book](ctx, "Book", "3")
	equal(t, "no object", fail.KindOf(err), fail.UpstreamInvalidResponse)
	if bad != nil {
		t.Errorf("no object: got %v", bad)
	}
	_, _ = loader.Entity[book](ctx, "Book", "1")
	equal(t, "requests", len(s.sent()), 3)
}

func TestMistakesOfOurs(t *testing.T) {
	ctx, _ := start(t, byID)
	_, err := loader.Field(context.Background(), "Query.books", loader.Objects[book])
	equal(t, "no operation", fail.KindOf(err), fail.Internal)
	_, err = loader.Entity[book](context.Background(), "Book", "1")
	equal(t, "no operation", fail.KindOf(err), fail.Internal)
	_, err = loader.Field(ctx, "Query.nothing", loader.Objects[book])
	equal(t, "no field", fail.KindOf(err), fail.Internal)
	_, err = loader.Entity[book](ctx, "Copy", "1")
	equal(t, "no entity", fail.KindOf(err), fail.Internal)

	_, err = loader.New(graph(t, schema), nil)
	equal(t, "no services", err, "the schema calls services that aren't configured: s")
}

// Two operations share nothing: what one client may see, another one must ask for with its own credentials.
func TestOperationsAreStrangers(t *testing.T) {
	s := &service{handle: byID}
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			_, _ = authors(operation(t, t.Context(), s), parents(t, `[{"author":1}]`))
		})
	}
	wait.Wait()
	equal(t, "requests", s.sent(), []string{"GET /authors?id=1", "GET /authors?id=1"})
}

func TestExtension(t *testing.T) {
	if err := (loader.Extension{}).Validate(nil); err == nil {
		t.Error("an extension without upstreams is valid")
	}
	client, err := rest.NewClient(rest.Service{Name: "s", Base: "http://s", Transport: &service{handle: byID}})
	if err != nil {
		t.Fatal(err)
	}
	upstreams, err := loader.New(graph(t, schema), map[string]*rest.Client{"s": client})
	if err != nil {
		t.Fatal(err)
	}
	e := loader.Extension{Upstreams: upstreams}
	if err := e.Validate(nil); err != nil || e.ExtensionName() == "" {
		t.Errorf("%v, %q", err, e.ExtensionName())
	}
	var operations []*loader.Operation
	for range 2 {
		e.InterceptOperation(t.Context(), func(ctx context.Context) graphql.ResponseHandler {
			operations = append(operations, loader.From(ctx))
			return nil
		})
	}
	if operations[0] == nil || operations[0] == operations[1] {
		t.Error("each operation needs one of its own")
	}
}
