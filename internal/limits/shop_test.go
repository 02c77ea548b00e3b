package limits_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/internal/demo"
	"github.com/tributary-gateway/tributary/internal/journal"
	"github.com/tributary-gateway/tributary/resolvers"
)

// services are the shop's, with a line for each request in asked.
type services struct {
	asked     journal.Journal // what they were asked
	addresses map[string]string
}

// startServices starts them. before, when not nil, is called with each request.
func startServices(t testing.TB, before func(r *http.Request)) *services {
	t.Helper()
	s := &services{addresses: map[string]string{}}
	for _, name := range demo.Names {
		inner := demo.Handler(name, demo.ReviewDelay(0))
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(&s.asked, "%s %s %s\n", name, r.Method, r.URL)
			if before != nil {
				before(r)
			}
			inner.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		s.addresses[name] = server.URL
	}
	return s
}

// gateway is one that listens.
type gateway struct {
	t       testing.TB
	address string
	log     *journal.Journal
}

// start runs a gateway over the shop's graph: settings are a gateway.yaml without its services.
func (s *services) start(t testing.TB, settings string) *gateway {
	t.Helper()
	return s.startOver(t, newSchema(nil), settings)
}

func (s *services) startOver(t testing.TB, schema graphql.ExecutableSchema, settings string) *gateway {
	t.Helper()
	var text strings.Builder
	text.WriteString(settings + "\nservices:\n")
	for _, name := range demo.Names {
		fmt.Fprintf(&text, "  %s: {url: %q}\n", name, s.addresses[name])
	}
	cfg, err := config.Parse("gateway.yaml", []byte(text.String()), config.Inputs{})
	if err != nil {
		t.Fatal(err)
	}
	log := &journal.Journal{}
	made, err := assemble.New(schema, cfg, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(made.Handler())
	t.Cleanup(func() {
		server.Close()
		made.Close()
	})
	return &gateway{t: t, address: server.URL, log: log}
}

func newSchema(changed *ast.Schema) graphql.ExecutableSchema {
	cfg := graph.Config{Schema: changed, Resolvers: &resolvers.Resolver{}}
	return assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
}

// changedSchema is the shop's with some of its text in other words, given in pairs; each must be there once.
func changedSchema(t testing.TB, pairs ...string) *ast.Schema {
	t.Helper()
	files, err := filepath.Glob("../../schema/*.graphql")
	if err != nil {
		t.Fatal(err)
	}
	var sources []*ast.Source
	found := map[string]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		changed := string(text)
		for pair := range slices.Chunk(pairs, 2) {
			found[pair[0]] += strings.Count(changed, pair[0])
			changed = strings.ReplaceAll(changed, pair[0], pair[1])
		}
		sources = append(sources, &ast.Source{Name: file, Input: changed})
	}
	for pair := range slices.Chunk(pairs, 2) {
		if found[pair[0]] != 1 {
			t.Fatalf("%q is in the schema %d times", pair[0], found[pair[0]])
		}
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// problem is an error that a client reads.
type problem struct {
	Message    string
	Path       []any
	Locations  []struct{ Line, Column int }
	Extensions map[string]any
}

// answer is what a client gets.
type answer struct {
	status     int
	header     http.Header
	text       string
	Data       map[string]any
	Errors     []problem
	Extensions map[string]any
}

// code is the first error's.
func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// extension is one as JSON.
func (a answer) extension(name string) string {
	out, _ := json.Marshal(a.Extensions[name]) // it came as JSON
	return string(out)
}

// paths are the errors' with a code, in order.
func (a answer) paths(code string) []string {
	var all []string
	for _, e := range a.Errors {
		if e.Extensions["code"] == code {
			all = append(all, strings.ReplaceAll(strings.Trim(fmt.Sprint(e.Path), "[]"), " ", "."))
		}
	}
	return all
}

// ask sends a query as clients do. headers are given as name, value, …
func (g *gateway) ask(query string, headers ...string) answer {
	g.t.Helper()
	a, err := g.try(g.t.Context(), query, headers...)
	if err != nil {
		g.t.Fatal(err)
	}
	return a
}

// try is ask for who may hang up or meet a gateway that is gone.
func (g *gateway) try(ctx context.Context, query string, headers ...string) (a answer, err error) {
	body, err := json.Marshal(map[string]any{"query": query})
	if err != nil {
		return a, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.address+"/graphql", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	res, err := client.Do(r)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return a, err
	}
	a = answer{status: res.StatusCode, header: res.Header, text: string(text)}
	return a, json.Unmarshal(text, &a)
}

// client keeps connections for as many workers as a test has.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
