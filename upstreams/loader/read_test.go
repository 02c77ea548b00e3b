package loader_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// One bad item is null with an error at its own place; the rest of the list stands.
func TestBadItems(t *testing.T) {
	lists := loader.ListOf(loader.ListOf(loader.Scalar(view.Int)))
	ctx, _ := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[[1,"x"],7,null,[null,2]]`)) })
	ctx = graphql.WithPathContext(ctx, graphql.NewPathWithField("scores"))
	got, err := loader.Call(ctx, "Query.scores", nil, lists)
	equal(t, "got", fmt.Sprint(got, err), "[[1 0] [] [] [0 2]] <nil>")
	var errs []string
	for _, e := range graphql.GetErrors(ctx) {
		errs = append(errs, e.Path.String()+": "+e.Message)
	}
	equal(t, "errors", errs, []string{
		`scores[0][1]: Int cannot represent non-integer value: a string`,
		`scores[1]: Expected Iterable, but got: a number.`,
		`scores[3][0]: Cannot return null for non-nullable field.`,
	})
}

// Items that can't be null take their list with them; the error of the first bad one has its place.
func TestBadItemsOfStrictLists(t *testing.T) {
	ctx, _ := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[[1,"x","y"],[2]]`)) })
	ctx = graphql.WithPathContext(ctx, graphql.NewPathWithField("scores"))
	got, err := loader.Call(ctx, "Query.scores", nil, loader.ListOf(loader.StrictListOf(loader.Scalar(view.Int))))
	equal(t, "got", fmt.Sprint(got, err), "[[] [2]] <nil>")
	if got[0] != nil {
		t.Error("the list with a bad item isn't null")
	}
	var errs []string
	for _, e := range graphql.GetErrors(ctx) {
		errs = append(errs, e.Path.String()+": "+e.Message)
	}
	equal(t, "errors", errs, []string{`scores[0][1]: Int cannot represent non-integer value: a string`})
}

func TestReaders(t *testing.T) {
	number := loader.Nullable(view.Int)
	for name, test := range map[string]struct {
		body string // "" is status 204
		read func(*loader.Place, loader.Answer) (any, error)
		want string
	}{
		"object":                      {`{"id":1}`, wrap(loader.Object[book]), `{"id":1} <nil>`},
		"object: null":                {`null`, wrap(loader.Object[book]), `null <nil>`},
		"object: nothing":             {``, wrap(loader.Object[book]), `null <nil>`},
		"object: a list":              {`[]`, wrap(loader.Object[book]), `null Expected value of type "book" but got: a list.`},
		"scalar":                      {`3.0`, wrap(loader.Scalar(view.Int)), `3 <nil>`},
		"scalar: null":                {`null`, wrap(loader.Scalar(view.Int)), `0 Cannot return null for non-nullable field.`},
		"nullable":                    {`null`, wrap(number), `<nil> <nil>`},
		"or zero":                     {`null`, wrap(loader.OrZero(view.JSON)), `[] <nil>`},
		"succeeded: 204":              {``, wrap(loader.Succeeded), `true <nil>`},
		"succeeded: as it says":       {`false`, wrap(loader.Succeeded), `false <nil>`},
		"succeeded: null":             {`null`, wrap(loader.Succeeded), `false Cannot return null for non-nullable field.`},
		"nullable, succeeded: 204":    {``, wrap(loader.NullableSucceeded), `true <nil>`},
		"nullable, succeeded: null":   {`null`, wrap(loader.NullableSucceeded), `<nil> <nil>`},
		"nullable, succeeded: object": {`{}`, wrap(loader.NullableSucceeded), `<nil> Boolean cannot represent a non boolean value: an object`},
		"list: null":                  {`null`, wrap(loader.ListOf(number)), `[] <nil>`},
		"list: a number":              {`7`, wrap(loader.ListOf(number)), `[] Expected Iterable, but got: a number.`},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, _ := start(t, func(w http.ResponseWriter, _ *http.Request) {
				if test.body == "" {
					w.WriteHeader(http.StatusNoContent)
				}
				_, _ = w.Write([]byte(test.body))
			})
			got, err := loader.Call(ctx, "Query.books", nil, test.read)
			equal(t, "got", fmt.Sprint(got, " ", err), test.want)
		})
	}
}

// wrap makes a reader of any type one that can stand in a table.
func wrap[T any](read loader.Reader[T]) func(*loader.Place, loader.Answer) (any, error) {
	return func(p *loader.Place, a loader.Answer) (any, error) {
		value, err := read(p, a)
		switch v := any(value).(type) {
		case *book:
			return texts([]*book{v}, nil), err
		case *bool:
			if v != nil {
				return *v, err
			}
			return nil, err
		case *int32:
			if v != nil {
				return *v, err
			}
			return nil, err
		}
		return value, err
	}
}
