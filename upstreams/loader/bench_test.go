package loader_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/transport"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// BenchmarkOperation is what an operation costs below its resolvers, over loopback: 100 books with author and editor,
// which are two requests.
func BenchmarkOperation(b *testing.B) {
	var books, people strings.Builder
	for i := range 100 {
		fmt.Fprintf(&books, `,{"id":%d,"title":"A title of some length","author":%d,"editor":%d}`, i, i%20, i%30)
		if i < 30 {
			fmt.Fprintf(&people, `,{"id":%d,"name":"A name","email":"somebody@example.com"}`, i)
		}
	}
	answers := map[string][]byte{
		"/books":   []byte("[" + books.String()[1:] + "]"),
		"/authors": []byte("[" + people.String()[1:] + "]"),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answers[r.URL.Path])
	}))
	defer server.Close()
	carrier, err := transport.NewCarrier(transport.Connections{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer carrier.CloseIdleConnections()
	client, err := rest.NewClient(rest.Service{Name: "s", Base: server.URL, Transport: carrier})
	if err != nil {
		b.Fatal(err)
	}
	upstreams, err := loader.New(graph(b, strings.Replace(schema, "max: 4", "max: 100", 1)), map[string]*rest.Client{"s": client})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		ctx := loader.With(graphql.WithResponseContext(context.Background(), graphql.DefaultErrorPresenter, graphql.DefaultRecover), upstreams)
		var list []*book
		tasks(ctx, func() { list, err = loader.Field(ctx, "Query.books", loader.Objects[book]) })
		if err != nil {
			b.Fatal(err)
		}
		var a, e []*author
		var errA, errE error
		tasks(ctx, func() { a, errA = authors(ctx, list) }, func() { e, errE = editors(ctx, list) })
		if errA != nil || errE != nil || view.Unpack(a[99]).Kind() != view.KindObject || view.Unpack(e[99]).Kind() != view.KindObject {
			b.Fatal(errA, errE, a[99], e[99])
		}
	}
}
