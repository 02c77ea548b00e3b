package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/internal/e2e/gateway/graph"
	"github.com/tributary-gateway/tributary/internal/e2e/gateway/resolvers"
)

// newSchema is the executable schema of ./gateway.
func newSchema() graphql.ExecutableSchema {
	cfg := graph.Config{Resolvers: &resolvers.Resolver{}}
	return assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
}

// serviceNames are the services of gateway/gateway.yaml.
var serviceNames = []string{"people", "blog", "stock", "forms", "fussy", "zoo", "tiny"}

// readConfig reads gateway/gateway.yaml for services at these addresses.
func readConfig(t *testing.T, addresses map[string]string) *config.Config {
	t.Helper()
	const file = "gateway/gateway.yaml"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for _, name := range serviceNames {
		environ = append(environ, strings.ToUpper(name)+"_URL="+addresses[name])
	}
	cfg, err := config.Parse(file, text, config.Inputs{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Server.DrainGrace = -1 // nobody balances load to it
	for name, service := range cfg.Services {
		// A case scripts each request. That some are sent again, and others together, is upstreams/transport's to test.
		service.Retry.Attempts, service.Coalesce = 1, false
		cfg.Services[name] = service
	}
	return cfg
}

// serve runs a gateway until the test ends, and gives its address.
func serve(t *testing.T, schema graphql.ExecutableSchema, cfg *config.Config) string {
	t.Helper()
	s, err := assemble.New(schema, cfg, slog.New(slog.NewTextHandler(logOf{t}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

// logOf shows the gateway's log beside a test that fails.
type logOf struct{ t *testing.T }

func (l logOf) Write(line []byte) (int, error) {
	l.t.Logf("log: %s", bytes.TrimSpace(line))
	return len(line), nil
}

// ask sends a GraphQL request as clients do, and gives status and body.
func ask(t *testing.T, address string, c *testCase) (int, []byte) {
	t.Helper()
	parameters := map[string]any{"query": c.Query}
	if c.OperationName != "" {
		parameters["operationName"] = c.OperationName
	}
	if len(c.Variables) > 0 {
		var text string
		if json.Unmarshal(c.Variables, &text) == nil {
			c.Variables = []byte(text)
		}
		parameters["variables"] = json.RawMessage(c.Variables)
	}
	body, err := json.Marshal(parameters)
	if err != nil {
		t.Fatal(err)
	}
	// Far longer than any case takes: a gateway that hangs is a failed case and not a test run without end.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range c.Headers {
		req.Header.Set(name, value)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}
