package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/server"
)

// sized answers each operation with a text of the length that its variable says.
type sized struct{ schema *ast.Schema }

func (s sized) Schema() *ast.Schema { return s.schema }

func (s sized) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s sized) Exec(ctx context.Context) graphql.ResponseHandler {
	n, _ := graphql.GetOperationContext(ctx).Variables["n"].(int64)
	data := append(append([]byte(`{"text":"`), bytes.Repeat([]byte("x"), int(n))...), `"}`...)
	return graphql.OneShot(&graphql.Response{Data: data})
}

// Answers of all sizes around the buffers of net/http arrive whole, one after the other on one connection.
func TestAnswersOfAllSizes(t *testing.T) {
	schema := sized{gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { text(n: Int!): String }`})}
	s, err := server.New(server.Config{DrainGrace: -1}, server.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	sizes := []int{0, 1, 1500, 2040, 2048, 2100, 100_000, 300_000, 3}
	for n := 3600; n < 4200; n += 7 {
		sizes = append(sizes, n, n+4096)
	}
	for _, n := range sizes {
		request, err := json.Marshal(map[string]any{"query": "query($n: Int!) { text(n: $n) }", "variables": map[string]any{"n": n}})
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Post("http://"+listener.Addr().String()+"/graphql", "application/json", bytes.NewReader(request))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if want := `{"data":{"text":"` + strings.Repeat("x", n) + `"}}`; err != nil || string(body) != want {
			t.Fatalf("%d: %v, %d bytes, want %d", n, err, len(body), len(want))
		}
	}
}
