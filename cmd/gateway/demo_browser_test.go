package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/internal/browsertest"
)

// What GraphiQL shows of the operations with more than one answer, in the demo: a subscription that goes on until it's
// stopped, and a query of which a part comes later. With DEMO_SCREENSHOTS=folder it leaves a picture of each.
func TestVisitorSubscribesAndDefers(t *testing.T) {
	page, endpoint := startDemo(t)
	look := func() (s stocked) {
		if codes := ask(t, endpoint, `{ product(id: 102) { sku inStock stock { available } } }`, &s); codes != nil {
			t.Fatal(codes)
		}
		return s
	}
	before := look().Product
	g := browsertest.Start(t).OpenGraphiQL(page, browsertest.Light)
	picture := func(name string) {
		if folder := os.Getenv("DEMO_SCREENSHOTS"); folder != "" {
			g.Screenshot(folder + "/" + name + ".png")
		}
	}
	// GraphiQL has read what is in the editor when the tab has its name.
	named := func(operation string) {
		g.WaitFor(`document.querySelector(".graphiql-tab-active")?.innerText.includes("` + operation + `")`)
	}

	g.Write(browsertest.Operation, `subscription Stock { stock(sku: "`+before.SKU+`") { available } }`)
	named("Stock")
	g.Run()
	g.WaitAnswer(fmt.Sprintf(`"available": %d`, before.Stock.Available))
	if codes := ask(t, endpoint, `mutation { checkout(input: {customerId: "1", lines: [{sku: "`+before.SKU+`", quantity: 2}]}) { reservation { id } } }`, nil); codes != nil {
		t.Fatal(codes)
	}
	g.WaitAnswer(fmt.Sprintf(`"available": %d`, before.Stock.Available-2))
	picture("subscription")
	g.WaitFor(`document.querySelector(".graphiql-execute-button[aria-label^='Stop']")`)
	g.Run() // the button stops now
	g.WaitFor(`document.querySelector(".graphiql-execute-button[aria-label^='Execute']")`)

	g.Write(browsertest.Operation, `query Late { product(id: 102) { name ... @defer(label: "slow") { reviews(first: 2) { title } } } }`)
	named("Late")
	g.Run()
	g.WaitAnswer(`"reviews"`)
	g.WaitFor(`document.querySelector(".graphiql-execute-button[aria-label^='Execute']")`) // nothing is awaited any more
	picture("deferred")

	for _, request := range g.Requests() {
		if !strings.HasPrefix(request, page) && !strings.HasPrefix(request, "data:") && !strings.HasPrefix(request, "blob:") {
			t.Errorf("the page asked for %s", request)
		}
	}
	if complaints := g.Complaints(); len(complaints) > 0 {
		t.Errorf("the console says: %s", strings.Join(complaints, "\n"))
	}
}
