package main

import (
	"bufio"
	"bytes"
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
	page, endpoint, _ = startDemoWithKeys(t)
	return page, endpoint
}

// startDemoWithKeys gives the API keys, too, in the order in which they are printed.
func startDemoWithKeys(t *testing.T) (page, endpoint string, keys []string) {
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
		for word := range strings.FieldsSeq(lines.Text()) {
			if strings.HasPrefix(word, "trb_") {
				keys = append(keys, word)
			}
		}
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
	return page, endpoint, keys
}

// ask sends a document to the demo and reads the answer into data. It gives the codes of the errors.
func ask(t *testing.T, endpoint, query string, data any) (codes []string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	_, codes = askAs(t, endpoint, "", body, data)
	return codes
}

// askAs sends a body with an API key, unless that is empty. It gives the status, too.
func askAs(t *testing.T, endpoint, key string, body []byte, data any) (status int, codes []string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("X-Api-Key", key)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer := struct {
		Data   any
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}{Data: data}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for _, e := range answer.Errors {
		codes = append(codes, e.Extensions.Code)
	}
	return res.StatusCode, codes
}

func TestDemoAnswersItsOpeningQuery(t *testing.T) {
	_, endpoint := startDemo(t)
	var data map[string]any
	if codes := ask(t, endpoint, demo.Query, &data); codes != nil || len(data) == 0 {
		t.Fatalf("got %v with errors %v", data, codes)
	}
}

// TestDemoRunsOutOfPoints: the first client's points end when the page's query is sent again and again; the others go on.
func TestDemoRunsOutOfPoints(t *testing.T) {
	_, endpoint, keys := startDemoWithKeys(t)
	if len(keys) != len(demoPlans) || len(keys) != 3 {
		t.Fatalf("the demo printed %d keys", len(keys))
	}
	body, err := json.Marshal(map[string]string{"query": demo.Query})
	if err != nil {
		t.Fatal(err)
	}
	const few = 20
	for n := 1; ; n++ {
		status, codes := askAs(t, endpoint, keys[0], body, nil)
		if status == http.StatusTooManyRequests && len(codes) == 1 && codes[0] == "RATE_LIMITED" {
			t.Logf("out of points at request %d", n)
			break
		}
		if status != http.StatusOK || codes != nil || n == few {
			t.Fatalf("request %d: status %d, %v", n, status, codes)
		}
	}
	for _, key := range append(keys[1:], "") { // the last is anonymous
		if status, codes := askAs(t, endpoint, key, body, nil); status != http.StatusOK || codes != nil {
			t.Errorf("another client: status %d, %v", status, codes)
		}
	}
}

type stocked struct {
	Product struct {
		SKU     string
		InStock bool
		Stock   struct{ Available int }
	}
}

// The two fields of the demo that are written in Go: one that is computed from another service's answer, and one that
// calls two services and takes the first call back when the second is refused.
func TestDemoFieldsInGo(t *testing.T) {
	_, endpoint := startDemo(t)
	look := func() (s stocked) {
		if codes := ask(t, endpoint, `{ product(id: 102) { sku inStock stock { available } } }`, &s); codes != nil {
			t.Fatal(codes)
		}
		return s
	}
	before := look()
	if !before.Product.InStock || before.Product.Stock.Available < 2 {
		t.Fatalf("nothing to sell: %+v", before)
	}

	checkout := func(customer string) (data map[string]any, codes []string) {
		codes = ask(t, endpoint, `mutation { checkout(input: {customerId: "`+customer+`", lines: [{sku: "`+before.Product.SKU+`", quantity: 2}]}) {
			order { customer { id } lines { quantity product { id } } } reservation { id } } }`, &data)
		return data, codes
	}
	if data, codes := checkout("999999"); len(codes) != 1 || codes[0] != "BAD_USER_INPUT" {
		t.Errorf("a stranger's order: %v %v", data, codes)
	}
	if after := look(); after != before {
		t.Errorf("the stock of a refused order was not given back: %+v, before %+v", after, before)
	}
	data, codes := checkout("1")
	if codes != nil {
		t.Fatal(codes)
	}
	got, err := json.Marshal(data["checkout"].(map[string]any)["order"])
	if want := `{"customer":{"id":"1"},"lines":[{"product":{"id":"102"},"quantity":2}]}`; err != nil || string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if after := look(); after.Product.Stock.Available != before.Product.Stock.Available-2 {
		t.Errorf("%d left of %d", after.Product.Stock.Available, before.Product.Stock.Available)
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
