package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/internal/browsertest"
	"github.com/tributary-gateway/tributary/internal/demo"
)

// startDemo runs `gateway demo` on a free port and gives the addresses that it prints.
func startDemo(t *testing.T) (page, endpoint string) {
	t.Helper()
	out, write := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	app := newCommand(run)
	app.Writer, app.ErrWriter = write, io.Discard
	status := make(chan int)
	go func() {
		status <- execute(ctx, app, []string{"gateway", "demo", "--listen", "127.0.0.1:0"})
		_ = write.Close()
	}()
	t.Cleanup(func() {
		stop()
		if s := <-status; s != 0 {
			t.Errorf("the demo ended with status %d", s)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Press") {
		if label, address, ok := strings.Cut(lines.Text(), " "); ok {
			switch label {
			case "GraphiQL":
				page = strings.Replace(strings.TrimSpace(address), "localhost", "127.0.0.1", 1) // the browser knows no names
			case "GraphQL":
				endpoint = strings.TrimSpace(address)
			}
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if page == "" || endpoint == "" {
		t.Fatal("the demo printed no addresses")
	}
	return page, endpoint
}

func TestDemoAnswersItsOpeningQuery(t *testing.T) {
	_, endpoint := startDemo(t)
	body, err := json.Marshal(map[string]string{"query": demo.Query})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(endpoint, "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Data   map[string]any
		Errors []any
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Errors) > 0 || len(answer.Data) == 0 {
		t.Fatalf("got %v with errors %v", answer.Data, answer.Errors)
	}
}

// TestVisitorOfTheDemo opens GraphiQL as a person does: the opening query is there, runs, and nothing is asked of
// anybody but the gateway. With DEMO_SCREENSHOT=file it takes the README's picture.
func TestVisitorOfTheDemo(t *testing.T) {
	page, _ := startDemo(t)
	g := browsertest.Start(t).OpenGraphiQL(page, browsertest.Light)
	g.Run()
	g.WaitAnswer(`"seller"`)
	for _, request := range g.Requests() {
		if !strings.HasPrefix(request, page) && !strings.HasPrefix(request, "data:") && !strings.HasPrefix(request, "blob:") {
			t.Errorf("the page asked for %s", request)
		}
	}
	if complaints := g.Complaints(); len(complaints) > 0 {
		t.Errorf("the console says: %s", strings.Join(complaints, "\n"))
	}
	if file := os.Getenv("DEMO_SCREENSHOT"); file != "" {
		g.Screenshot(file)
	}
}
