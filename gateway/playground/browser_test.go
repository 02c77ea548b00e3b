package playground_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/playground"
	"github.com/tributary-gateway/tributary/internal/browsertest"
)

const headers = `{
  "x-demo": "from the headers tab"
}`

// With this variable set to a file name, the test leaves a picture of the page there.
const screenshotVariable = "PLAYGROUND_SCREENSHOT"

func TestVisitorRunsAQuery(t *testing.T) {
	browser := browsertest.Start(t)
	shop := newShop(t)
	page := browser.OpenGraphiQL(shop.URL, browsertest.Light)

	if got := page.Content(browsertest.Operation); got != shop.query {
		t.Errorf("the editor opens with\n%s\nwant\n%s", got, shop.query)
	}
	if got := page.Content(browsertest.Headers); got != headers {
		t.Errorf("the headers tab opens with\n%s\nwant\n%s", got, headers)
	}

	page.Run()
	page.WaitAnswer("Noor Haddad")
	page.WaitText(`"Field notebook"`)
	if file := os.Getenv(screenshotVariable); file != "" {
		page.Screenshot(file)
	}

	page.Write(browsertest.Operation, `{ echo: __typename }`)
	page.RunByKeyboard()
	page.WaitAnswer("from the headers tab")

	closedToTheWorld(t, page.Page, shop.URL)
}

func TestDocumentationComesFromIntrospection(t *testing.T) {
	browser := browsertest.Start(t)
	shop := newShop(t)
	page := browser.OpenGraphiQL(shop.URL, browsertest.Light)

	page.Click(`button[aria-label="Show Documentation Explorer"]`)
	page.WaitText("A GraphQL schema provides a root type")
	page.Click(".graphiql-doc-explorer-content a.graphiql-doc-explorer-type-name")
	page.WaitText("A small shop, as many gateways have one.")
	page.WaitText("One order by its number.")

	closedToTheWorld(t, page.Page, shop.URL)
}

// Validation and completion run in a worker: this fails when the policy or the build keeps it from starting.
func TestWorkerChecksTheQuery(t *testing.T) {
	browser := browsertest.Start(t)
	shop := newShop(t)
	page := browser.OpenGraphiQL(shop.URL, browsertest.Light)

	page.Write(browsertest.Operation, `{ order(id: "1042") { colour } }`)
	page.WaitFor(`globalThis.__MONACO.editor.getModelMarkers({}).some((m) => m.message.includes('"colour"'))`)
	page.Write(browsertest.Headers, `{ "x-demo": }`)
	page.WaitFor(`globalThis.__MONACO.editor.getModelMarkers({}).some((m) => m.owner === "json")`)

	closedToTheWorld(t, page.Page, shop.URL)
}

func TestColoursFollowTheSystem(t *testing.T) {
	browser := browsertest.Start(t)
	shop := newShop(t)
	brightness := func(scheme browsertest.Scheme) string {
		page := browser.OpenGraphiQL(shop.URL, scheme)
		closedToTheWorld(t, page.Page, shop.URL)
		return page.Text(`getComputedStyle(document.querySelector(".graphiql-container")).backgroundColor`)
	}
	if light, dark := brightness(browsertest.Light), brightness(browsertest.Dark); light == dark {
		t.Errorf("the page is %s on a light system and on a dark one", light)
	}
}

// closedToTheWorld checks that the page asked nobody but its own server and that the browser had nothing to complain.
func closedToTheWorld(t *testing.T, page *browsertest.Page, own string) {
	t.Helper()
	for _, complaint := range page.Complaints() {
		t.Errorf("console: %s", complaint)
	}
	workers := 0
	for _, url := range page.Requests() {
		if strings.HasPrefix(url, "data:image/") {
			continue // in the stylesheet
		}
		if !strings.HasPrefix(url, own+"/") {
			t.Errorf("the page asked for %s", url)
		}
		if strings.Contains(url, ".worker-") {
			workers++
		}
	}
	if workers == 0 {
		t.Error("the page started no worker")
	}
}

// shop is a playground and the gateway behind it: a server with answers prepared in testdata.
type shop struct {
	*httptest.Server
	query string
}

func newShop(t *testing.T) shop {
	t.Helper()
	query := read(t, "order.graphql")
	page, err := playground.New(playground.Config{Title: "Shop gateway", Query: query, Headers: headers})
	if err != nil {
		t.Fatal(err)
	}
	schema, order := read(t, "introspection.json"), read(t, "order.json")
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.HandleFunc("POST /graphql", func(w http.ResponseWriter, r *http.Request) {
		var request struct{ Query, OperationName string }
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/graphql-response+json")
		switch {
		case request.OperationName == "IntrospectionQuery":
			_, _ = w.Write([]byte(schema))
		case strings.Contains(request.Query, "echo:"):
			_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"echo": r.Header.Get("X-Demo")}})
		default:
			_, _ = w.Write([]byte(order))
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return shop{Server: server, query: query}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
