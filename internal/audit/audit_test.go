// Package audit holds the gateway against the audits of others.
//
// graphql-http is the reference implementation of GraphQL over HTTP; the audits that it publishes are what the draft says a
// server MUST, SHOULD and MAY do. They are an npm package, so that they need Node.js and `npm ci` in testdata.
package audit

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/resolvers"
)

// published is how many audits the pinned version of graphql-http has.
const published = 61

func TestGraphQLOverHTTP(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node.js isn't installed")
	}
	if _, err := os.Stat("testdata/node_modules/graphql-http"); err != nil {
		t.Skip("graphql-http isn't installed: run npm ci in internal/audit/testdata")
	}
	cfg := graph.Config{Resolvers: &resolvers.Resolver{}}
	front := start(t, assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg)))
	audit := exec.CommandContext(t.Context(), node, "audit.mjs", front+"/graphql")
	audit.Dir = "testdata"
	audit.Stderr = os.Stderr
	out, err := audit.Output()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(out)) {
		var result struct{ ID, Name, Status, Reason string }
		if err := json.Unmarshal([]byte(line), &result); err != nil {
			t.Fatal(err)
		}
		count++
		if result.Status != "ok" {
			t.Errorf("%s %s: %s: %s", result.ID, result.Name, result.Status, result.Reason)
		}
	}
	if count != published {
		t.Errorf("%d audits were run, want %d", count, published)
	}
}

// start serves a schema whose services are never asked, and gives the address.
func start(t *testing.T, schema graphql.ExecutableSchema) string {
	t.Helper()
	var services strings.Builder
	for _, name := range []string{"users", "catalog", "inventory", "orders", "reviews"} {
		services.WriteString("  " + name + ": {url: http://" + name + ".invalid}\n")
	}
	cfg, err := config.Parse("audit", []byte("services:\n"+services.String()), config.Inputs{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := assemble.New(schema, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	front := httptest.NewServer(s.Handler())
	t.Cleanup(front.Close)
	return front.URL
}
