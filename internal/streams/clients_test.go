package streams_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The clients that are published for each protocol, at the versions in testdata.
func TestPublishedClients(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node.js isn't installed")
	}
	if _, err := os.Stat("testdata/node_modules/graphql-ws"); err != nil {
		t.Skip("the clients aren't installed: run npm ci in internal/streams/testdata")
	}
	g := startDemo(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/stock/A-1":
			_, _ = io.WriteString(w, `{"available": 7, "reserved": 0, "warehouses": []}`)
		case "/stock":
			_, _ = io.WriteString(w, `{"A-1": {"available": 3}}`)
		default:
			product := `{"id": "1", "sku": "A-1", "name": "Cup"}`
			if r.URL.RawQuery != "" {
				product = "[" + product + "]"
			}
			_, _ = io.WriteString(w, `{"data": `+product+`}`)
		}
	}))
	clients := exec.CommandContext(t.Context(), node, "clients.mjs", "http://"+g.address+"/graphql")
	clients.Dir, clients.Stderr = "testdata", os.Stderr
	out, err := clients.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		t.Fatal(err)
	}
	const cup, stock = `{"data":{"product":{"name":"Cup"}}}`, `{"data":{"stock":{"available":7}}}`
	const parts = `[{"data":{"product":{"name":"Cup"}},"hasNext":true},` +
		`{"incremental":[{"data":{"stock":{"available":3}},"path":["product"]}],"hasNext":false},"complete"]`
	want := map[string]string{
		"subscriptions-transport-ws query":        `[` + cup + `,"complete"]`,
		"subscriptions-transport-ws subscription": `[` + stock + `]`,
		"graphql-ws refused":                      `[true]`,
		"graphql-sse distinct refused":            `[true,"complete"]`,
		"graphql-sse single refused":              `[true]`,
		"graphql-ws stopped":                      `1001`,
	}
	for _, name := range []string{"graphql-ws", "graphql-sse distinct", "graphql-sse single"} {
		want[name+" query"], want[name+" variables"] = `[`+cup+`,"complete"]`, `[`+cup+`,"complete"]`
		want[name+" defer"], want[name+" subscription"] = parts, `[`+stock+`,"complete"]`
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct {
			Client, Step, Wait string
			Heard              json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if line.Wait != "" {
			g.stop()
			continue
		}
		name := fmt.Sprintf("%s %s", line.Client, line.Step)
		if got := string(line.Heard); got != want[name] {
			t.Errorf("%s\ngot  %s\nwant %s", name, got, want[name])
		}
		delete(want, name)
	}
	if err := clients.Wait(); err != nil {
		t.Error(err)
	}
	if len(want) > 0 {
		t.Errorf("nothing of %s", strings.Join(slices.Sorted(maps.Keys(want)), ", "))
	}
}
