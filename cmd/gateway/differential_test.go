package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/internal/demo"
	"github.com/tributary-gateway/tributary/internal/randomop"
	"github.com/tributary-gateway/tributary/resolvers"
)

// answer is what two executors must agree on: the data with its order, and the errors without.
type answer struct {
	Data   string
	Errors []string
}

// TestDifferential asks the demo's graph random questions, by gqlgen's executor and by the engine, each with loaders,
// services and server of its own. gateway/engine has the same for a graph made to be nasty.
func TestDifferential(t *testing.T) {
	operations := 1000
	if testing.Short() {
		operations = 100
	}
	services, err := demo.Start(t.Context(), demo.ReviewDelay(0))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := services.Close(); err != nil {
			t.Error(err)
		}
	}()
	cfg := config.Default()
	demoConfig(cfg, services)
	stock := serveSchema(t, cfg, graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{}}))
	ours := serveSchema(t, cfg, newSchema())

	g := &randomop.Generator{
		Rand: rand.New(rand.NewPCG(7, 9)), Schema: newSchema().Schema(), Queries: true,
		Scalar: func(r *rand.Rand, name string) any {
			if name == "ID" { // of users, products and orders, and some of nobody
				return strconv.Itoa([]int{r.IntN(70), 100 + r.IntN(200), 1000 + r.IntN(305)}[r.IntN(3)])
			}
			return nil
		},
	}
	failed := 0
	for ran, tries := 0, 0; ran < operations; tries++ {
		if tries > 3*operations {
			t.Fatalf("only %d of %d operations were valid", ran, tries)
		}
		body, err := json.Marshal(map[string]any{"query": g.Operation(), "variables": g.Values()})
		if err != nil {
			t.Fatal(err)
		}
		want := post(t, stock, body)
		if want.Data == "" {
			continue // not valid
		}
		ran++
		got := post(t, ours, body)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n(-gqlgen +engine)\n%s", body, diff)
		}
		if len(want.Errors) > 0 {
			failed++
		}
	}
	if failed < operations/20 {
		t.Errorf("only %d operations had errors", failed)
	}
}

func serveSchema(t *testing.T, cfg *config.Config, schema graphql.ExecutableSchema) (endpoint string) {
	t.Helper()
	s, err := assemble.Server(schema, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server.URL + "/graphql"
}

func post(t *testing.T, endpoint string, body []byte) answer {
	t.Helper()
	res, err := http.Post(endpoint, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var response struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Path       []any
			Extensions map[string]any
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&response); err != nil {
		t.Fatal(err)
	}
	a := answer{Data: plain(t, response.Data)}
	for _, e := range response.Errors {
		delete(e.Extensions, "requestId")
		a.Errors = append(a.Errors, fmt.Sprint(e.Message, e.Path, e.Extensions))
	}
	slices.Sort(a.Errors)
	return a
}

// plain writes JSON with one way of escaping: the engine copies the services' own, which may be another.
func plain(t *testing.T, text json.RawMessage) string {
	t.Helper()
	var b bytes.Buffer
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%v\n", token)
	}
	return b.String()
}
