package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/internal/demo"
	"github.com/tributary-gateway/tributary/resolvers"
)

// counter notes the requests of the demo's services.
type counter struct {
	mu       sync.Mutex // guards requests
	requests []url.URL  // Host is the service's name
}

// wrap notes the requests of one service.
func (c *counter) wrap(service string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		noted := *r.URL
		noted.Host = service
		c.requests = append(c.requests, noted)
		c.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// TestOneRequestForEachBatch counts what the demo's services are asked for three levels of objects. There are four
// distinct batches, whatever the number of products, sellers and authors:
//
//	catalog  GET /products?limit=50&offset=0     the fifty products
//	users    GET /users?id=…                     their sellers
//	reviews  GET /reviews?product[]=…&per_key=10 their reviews
//	users    GET /users?id=…                     the reviews' authors, without those who are known as sellers
//
// Sellers and reviews don't wait for each other: the sellers are asked for at once, and the authors when the reviews are
// there, so they can't be one batch. Every user is fetched once all the same.
func TestOneRequestForEachBatch(t *testing.T) {
	count := new(counter)
	cfg := config.Default()
	cfg.Playground.Enabled = false
	cfg.Services = map[string]config.Service{}
	cfg.Server.DrainGrace = -1
	for _, name := range demo.Names {
		server := httptest.NewServer(count.wrap(name, demo.Handler(name, demo.ReviewDelay(0))))
		t.Cleanup(server.Close)
		section := config.DefaultService()
		section.URL = server.URL
		cfg.Services[name] = section
	}
	shop := graph.Config{Resolvers: &resolvers.Resolver{}}
	schema := assemble.Schema(graph.NewExecutableSchema(shop), graph.Bindings(shop))

	status, answer := ask(t, serve(t, schema, cfg), &testCase{
		Query: `{ products(first: 50) { seller { name } reviews { author { name } } } }`,
	})
	var response struct {
		Data struct {
			Products []struct {
				Seller  *struct{ Name string }
				Reviews []struct{ Author *struct{ Name string } }
			}
		}
		Errors []any
	}
	if err := json.Unmarshal(answer, &response); err != nil || status != http.StatusOK || response.Errors != nil {
		t.Fatalf("%d %v %s", status, err, answer)
	}
	authors := map[string]bool{}
	for _, product := range response.Data.Products {
		for _, review := range product.Reviews {
			if review.Author != nil {
				authors[review.Author.Name] = true
			}
		}
	}
	if len(response.Data.Products) != 50 || len(authors) < 50 {
		t.Errorf("%d products and %d authors are too few to tell batches from single requests", len(response.Data.Products), len(authors))
	}

	var lines []string
	ids := map[string]bool{}
	for _, request := range count.requests {
		query := request.Query()
		lines = append(lines, request.Host+" "+request.Path+" by "+strings.Join(slices.Sorted(maps.Keys(query)), ", "))
		if request.Host != "users" {
			continue
		}
		for _, id := range query["id"] {
			if ids[id] {
				t.Errorf("user %s was fetched twice", id)
			}
			ids[id] = true
		}
	}
	slices.Sort(lines)
	want := []string{
		"catalog /products by limit, offset",
		"reviews /reviews by per_key, product[]",
		"users /users by id",
		"users /users by id",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("%d requests:\n%s\nwant %d:\n%s", len(lines), strings.Join(lines, "\n"), len(want), strings.Join(want, "\n"))
	}
}
