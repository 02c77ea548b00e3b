package edge_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/internal/journal"
)

var parsed = gqlparser.MustLoadSchema(&ast.Source{Name: "test.graphql", Input: `
scalar Upload
type Query { greeting: String!  long(bytes: Int!): String!  hidden(file: Upload): String  item: Item }
type Item { name: String }
type Mutation { count: Int!  store(file: Upload!): String!  storeAll(files: [Upload!]!, times: Int = 1): [String!]! }
`})

// world is a schema by hand: root fields, each resolved by a function in Go.
type world struct{ counted atomic.Int64 }

func (*world) Schema() *ast.Schema { return parsed }

func (*world) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (w *world) Exec(ctx context.Context) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx)
	first := true
	return func(ctx context.Context) *graphql.Response {
		if !first {
			return nil
		}
		first = false
		var data bytes.Buffer
		for i, field := range graphql.CollectFields(operation, operation.Operation.SelectionSet, nil) {
			value, err := w.resolve(field.Name, field.ArgumentMap(operation.Variables))
			if err != nil {
				graphql.AddError(graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query", Field: field}), err)
				return &graphql.Response{Data: []byte("null")}
			}
			text, _ := json.Marshal(value)
			fmt.Fprintf(&data, "%c%q:%s", "{,"[min(i, 1)], field.Alias, text)
		}
		return &graphql.Response{Data: append(data.Bytes(), '}')}
	}
}

func (w *world) resolve(field string, args map[string]any) (any, error) {
	switch field {
	case "greeting":
		return "hello", nil
	case "long":
		n, _ := args["bytes"].(int64)
		return strings.Repeat("abcdefgh", int(n)/8), nil
	case "count":
		return w.counted.Add(1), nil
	case "store":
		return stored(args["file"].(graphql.Upload))
	case "storeAll":
		var all []string
		for _, file := range args["files"].([]any) {
			text, err := stored(file.(graphql.Upload))
			if err != nil {
				return nil, err
			}
			all = append(all, text)
		}
		return all, nil
	default:
		return nil, nil
	}
}

// stored reads a file, as a resolver would.
func stored(u graphql.Upload) (string, error) {
	hash := sha256.New()
	n, err := io.Copy(hash, u.File)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %d %x", u.Filename, u.ContentType, n, hash.Sum(nil)[:4]), nil
}

// running is a gateway that serves.
type running struct {
	address string // host and port
	world   *world
	log     *journal.Journal
	gateway *assemble.Gateway
}

// start serves with a configuration until the test ends.
func start(t testing.TB, yaml string, options ...assemble.Option) *running {
	t.Helper()
	cfg, err := config.Parse("gateway.yaml", []byte("services: {}\n"+yaml), config.Inputs{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Server.DrainGrace = -1 // nobody balances load to it
	r := &running{world: &world{}, log: &journal.Journal{}}
	logger := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if r.gateway, err = assemble.New(r.world, cfg, logger, options...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.gateway.Close)
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.gateway.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// plain is a client that neither compresses nor inflates by itself.
var plain = &http.Transport{DisableCompression: true}

// send sends a request; header is names and values.
func (r *running) send(t testing.TB, method, path, body string, header ...string) answer {
	t.Helper()
	return sendBy(t, plain, method, "http://"+r.address+path, body, header...)
}

func sendBy(t testing.TB, by http.RoundTripper, method, url, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	res, err := by.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(text)}
}

// post sends an operation.
func (r *running) post(t testing.TB, query string, header ...string) answer {
	t.Helper()
	return r.send(t, http.MethodPost, "/graphql", asJSON(map[string]any{"query": query}), header...)
}

func asJSON(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

// check compares an answer with a status and what is in its body.
func (a answer) check(t testing.TB, what string, status int, in string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.body, in) {
		t.Errorf("%s: got %d %.300s\nwant %d with %s", what, a.StatusCode, a.body, status, in)
	}
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// write makes a file in a folder of the test's.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
