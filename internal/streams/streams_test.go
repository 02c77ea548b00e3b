package streams_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const eventStream = "text/event-stream"

// stock is the inventory service of one product.
type stock struct {
	available, asked atomic.Int64
}

func (s *stock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/stock/A-1" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.asked.Add(1)
	_, _ = fmt.Fprintf(w, `{"available": %d, "reserved": 0, "warehouses": []}`, s.available.Load())
}

// The demo's subscription, over every protocol at once: all share one poll, and hear of a change. When the gateway stops,
// all are told in the way of their protocol.
func TestPoll(t *testing.T) {
	s := &stock{}
	s.available.Store(7)
	g := startDemo(t, s)
	const query = `"query":"subscription($sku: String!) { stock(sku: $sku) { available } }","variables":{"sku":"A-1"}`
	fresh, old := g.dial(t, "graphql-transport-ws"), g.dial(t, "graphql-ws")
	say(t, fresh, `{"id":"1","type":"subscribe","payload":{`+query+`}}`)
	value := func(n int) string { return fmt.Sprintf(`{"data":{"stock":{"available":%d}}}`, n) }
	expect(t, on(fresh), `{"id":"1","type":"next","payload":`+value(7)+`}`)
	say(t, old, `{"id":"1","type":"start","payload":{`+query+`}}`)
	expect(t, on(old), `{"id":"1","type":"data","payload":`+value(7)+`}`)
	sse := g.post(t, eventStream, `{`+query+`}`)
	if got := sse.Header.Get("Content-Type"); !strings.HasPrefix(got, eventStream) || sse.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s", sse.StatusCode, got)
	}
	expect(t, sse.next, `event: next`, `data: `+value(7))

	before := s.asked.Load()
	s.available.Store(5)
	expect(t, on(fresh), `{"id":"1","type":"next","payload":`+value(5)+`}`)
	expect(t, on(old), `{"id":"1","type":"data","payload":`+value(5)+`}`)
	expect(t, sse.next, `event: next`, `data: `+value(5))
	if more := s.asked.Load() - before; more > 2 {
		t.Errorf("%d polls for one change; three subscribers don't share one", more)
	}

	g.stop()
	expect(t, on(fresh), `{"id":"1","type":"complete"}`, "close 1001")
	expect(t, on(old), `{"id":"1","type":"complete"}`, "close 1001")
	expect(t, sse.next, `event: complete`, `data:`, "end")
	select {
	case err := <-g.served:
		g.served <- err
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the gateway doesn't stop")
	}
}

// What a client stops isn't asked for any more, and what the service refuses is an error beside null.
func TestPollFails(t *testing.T) {
	g := startDemo(t, &stock{})
	ws := g.dial(t, "graphql-transport-ws")
	say(t, ws, `{"id":"1","type":"subscribe","payload":{"query":"subscription { stock(sku: \"B-2\") { available } }"}}`)
	expect(t, on(ws), `{"id":"1","type":"next","payload":{"data":{"stock":null}}}`)
	say(t, ws, `{"id":"1","type":"complete"}`)
	say(t, ws, `{"id":"2","type":"subscribe","payload":{"query":"subscription { nothing }"}}`)
	if got := hear(t, ws); !strings.Contains(got, `"id":"2","type":"error"`) || !strings.Contains(got, "GRAPHQL_VALIDATION_FAILED") {
		t.Errorf("got %s", got)
	}
	say(t, ws, `{"id":"3","type":"subscribe","payload":{"query":"{ __typename }"}}`)
	expect(t, on(ws), `{"id":"3","type":"next","payload":{"data":{"__typename":"Query"}}}`, `{"id":"3","type":"complete"}`)
}

// A service's server-sent events are passed on, and what belongs to each is loaded anew.
func TestSSE(t *testing.T) {
	said, people := make(chan string), atomic.Int64{}
	g := startSources(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/rooms/7" && r.Header.Get("Accept") == eventStream {
			w.Header().Set("Content-Type", eventStream)
			flush := http.NewResponseController(w).Flush
			_ = flush()
			for {
				select {
				case text := <-said:
					_, _ = io.WriteString(w, text)
					_ = flush()
				case <-r.Context().Done():
					return
				}
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id": "1", "name": "Ada %d"}`, people.Add(1))
	}), "")
	ws := g.dial(t, "graphql-transport-ws")
	say(t, ws, `{"id":"1","type":"subscribe","payload":{"query":"subscription { streamed(room: \"7\") { text author { name } } }"}}`)
	said <- "event: typing\ndata: {}\n\nevent: said\ndata: {\"message\": {\"text\": \"Hello\", \"authorId\": 1}}\n\n"
	expect(t, on(ws), `{"id":"1","type":"next","payload":{"data":{"streamed":{"text":"Hello","author":{"name":"Ada 1"}}}}}`)
	said <- "event: said\ndata: {\"message\": {\"text\": \"Bye\", \"authorId\": 1}}\n\n"
	expect(t, on(ws), `{"id":"1","type":"next","payload":{"data":{"streamed":{"text":"Bye","author":{"name":"Ada 2"}}}}}`)
}

// What is pushed to the gateway reaches who listens to its topic, and nobody pushes without the token.
func TestPush(t *testing.T) {
	const token = "0123456789abcdef"
	g := startSources(t, http.NotFoundHandler(), "  tokens: ["+token+"]\n")
	push := func(token, body string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+g.address+"/events", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	sse := g.post(t, eventStream, `{"query":"subscription { pushed(room: \"7\") { text } }"}`)
	// The subscription is there when an event comes back. Those for others, and those before, are nobody's.
	heard := make(chan string, 1)
	go func() {
		sse.next(t)
		heard <- sse.next(t)
	}()
	padding := strings.Repeat(" ", 200<<10) // more than a GraphQL request may have
	deadline := time.After(patience)
	for got := ""; got == ""; {
		if status := push(token, `{"topic": "rooms:7", "payload": {"message": {"text": "Hello"}}`+padding+`}`); status != http.StatusAccepted {
			t.Fatalf("status %d", status)
		}
		if status := push(token, `{"topic": "rooms:8", "payload": {"message": {"text": "No"}}}`); status != http.StatusAccepted {
			t.Fatalf("status %d", status)
		}
		select {
		case got = <-heard:
			if got != `data: {"data":{"pushed":{"text":"Hello"}}}` {
				t.Errorf("got %s", got)
			}
		case <-deadline:
			t.Fatal("nothing came")
		default:
		}
	}
	if status := push("another", `{"topic": "rooms:7", "payload": {}}`); status != http.StatusUnauthorized {
		t.Errorf("without the token: status %d", status)
	}
	if g := startSources(t, http.NotFoundHandler(), ""); g.post(t, "*/*", `{"query":"{ __typename }"}`).StatusCode != http.StatusOK {
		t.Error("no answer")
	}
}

// A resolver that was written by hand gives its channel.
func TestByHand(t *testing.T) {
	g := startSources(t, http.NotFoundHandler(), "")
	sse := g.post(t, eventStream, `{"query":"subscription { count(to: 2) }"}`)
	expect(t, sse.next, "event: next", `data: {"data":{"count":1}}`, "event: next", `data: {"data":{"count":2}}`, "event: complete", "data:", "end")
}

// What is deferred doesn't hold back the first part, over multipart as over server-sent events. A client of these kinds
// gets a usual answer when nothing is deferred.
func TestDefer(t *testing.T) {
	release := make(chan struct{})
	g := startDemo(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/stock" {
			select {
			case <-release:
			case <-r.Context().Done():
			}
			_, _ = io.WriteString(w, `{"A-1": {"available": 3}}`)
			return
		}
		product := `{"id": "1", "sku": "A-1", "name": "Cup"}`
		if r.URL.RawQuery != "" {
			product = "[" + product + "]"
		}
		_, _ = io.WriteString(w, `{"data": `+product+`}`)
	}))
	const apollo = "multipart/mixed;deferSpec=20220824, application/json"
	const query = `{"query":"{ product(id: 1) { name ... @defer(label: \"late\") { stock { available } } } }"}`
	const first = `{"data":{"product":{"name":"Cup"}},"hasNext":true}`
	const later = `{"incremental":[{"data":{"stock":{"available":3}},"label":"late","path":["product"]}],"hasNext":false}`
	parts, events := g.post(t, apollo, query), g.post(t, eventStream, query)
	if got := parts.Header.Get("Content-Type"); got != `multipart/mixed; boundary="-"; deferSpec=20220824` {
		t.Errorf("content type %s", got)
	}
	expect(t, parts.next, "---", "Content-Type: application/json; charset=utf-8", first, "---")
	expect(t, events.next, "event: next", "data: "+first)
	close(release)
	expect(t, parts.next, "Content-Type: application/json; charset=utf-8", later, "-----", "end")
	expect(t, events.next, "event: next", "data: "+later, "event: complete", "data:", "end")

	whole := g.post(t, apollo, `{"query":"{ product(id: 1) { name } }"}`)
	if got := whole.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type %s", got)
	}
	expect(t, whole.next, `{"data":{"product":{"name":"Cup"}}}`, "end")

	// Who doesn't take parts, or takes them in a form of later years, has one answer with all.
	const all = `{"data":{"product":{"name":"Cup","stock":{"available":3}}}}`
	for _, accept := range []string{"application/json", "*/*", "multipart/mixed;incrementalSpec=v0.2, application/json"} {
		whole := g.post(t, accept, query)
		if got := whole.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%s: content type %s", accept, got)
		}
		expect(t, whole.next, all, "end")
	}

	ws := g.dial(t, "graphql-transport-ws")
	say(t, ws, `{"id":"1","type":"subscribe","payload":`+query+`}`)
	expect(t, on(ws), `{"id":"1","type":"next","payload":`+first+`}`, `{"id":"1","type":"next","payload":`+later+`}`, `{"id":"1","type":"complete"}`)
}

// A client isn't slow because there are more parts than its queue has room for: they wait.
func TestDeferManyParts(t *testing.T) {
	const many = 700
	g := startDemo(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		var list, stock strings.Builder
		for i := range many {
			comma := ","[:min(i, 1)]
			_, _ = fmt.Fprintf(&list, `%s{"id": "%d", "sku": "A-%d"}`, comma, i, i)
			_, _ = fmt.Fprintf(&stock, `%s"A-%d": {"available": %d}`, comma, i, i)
		}
		if r.URL.Path == "/stock" {
			_, _ = fmt.Fprintf(w, "{%s}", stock.String())
			return
		}
		_, _ = fmt.Fprintf(w, `{"data": [%s]}`, list.String())
	}))
	const query = `{"query":"{ products { __typename ... @defer { stock { available } } } }"}`
	for name, next := range map[string]func(t *testing.T) string{
		"server-sent events": g.post(t, eventStream, query).next,
		"multipart":          g.post(t, "multipart/mixed", query).next,
		"WebSocket": func() func(t *testing.T) string {
			ws := g.dial(t, "graphql-transport-ws")
			ws.SetReadLimit(1 << 20)
			say(t, ws, `{"id":"1","type":"subscribe","payload":`+query+`}`)
			return on(ws)
		}(),
	} {
		parts := 0
		for last := ""; !strings.Contains(last, `"hasNext":false`); {
			last = next(t)
			if last == "end" || strings.HasPrefix(last, "close") || strings.HasPrefix(last, "broken") {
				t.Fatalf("%s: %s after %d parts", name, last, parts)
			}
			if strings.Contains(last, `"incremental"`) {
				parts++
			}
		}
		if parts != many {
			t.Errorf("%s: %d parts", name, parts)
		}
	}
}

// The objects of a list are deferred together: one request for all of them, though each has a part of its own. A client that
// leaves ends the request.
func TestDeferInLists(t *testing.T) {
	asked, left := make(chan string, 10), make(chan struct{})
	hold := atomic.Bool{}
	g := startDemo(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/stock" {
			asked <- r.URL.RawQuery
			if hold.Load() {
				<-r.Context().Done()
				close(left)
				return
			}
			_, _ = io.WriteString(w, `{"A-1": {"available": 3}, "A-2": {"available": "no"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"data": [{"id": "1", "sku": "A-1", "name": "Cup"}, {"id": "2", "sku": "A-2", "name": "Pot"}]}`)
	}))
	const query = `{"query":"{ products { name ... @defer { stock { available } } } }"}`
	parts := g.post(t, "multipart/mixed", query)
	const mime = "Content-Type: application/json; charset=utf-8"
	expect(t, parts.next, "---", mime, `{"data":{"products":[{"name":"Cup"},{"name":"Pot"}]},"hasNext":true}`, "---",
		mime, `{"incremental":[{"data":{"stock":{"available":3}},"path":["products",0]}],"hasNext":true}`, "---", mime)
	const broken = `{"incremental":[{"data":{"stock":null},"errors":[`
	if got := parts.next(t); !strings.HasPrefix(got, broken) || !strings.Contains(got, `"path":["products",1,"stock","available"]`) ||
		!strings.HasSuffix(got, `"path":["products",1]}],"hasNext":false}`) {
		t.Errorf("got %s", got)
	}
	expect(t, parts.next, "-----", "end")
	if got := <-asked; got != "sku=A-1&sku=A-2" || len(asked) > 0 {
		t.Errorf("asked for %s, and %d times more", got, len(asked))
	}

	hold.Store(true)
	parts = g.post(t, "multipart/mixed", query)
	expect(t, parts.next, "---", mime, `{"data":{"products":[{"name":"Cup"},{"name":"Pot"}]},"hasNext":true}`)
	<-asked
	_ = parts.Body.Close()
	select {
	case <-left:
	case <-time.After(patience):
		t.Error("the service is still asked for a client that is gone")
	}
	g.stop()
	select {
	case err := <-g.served:
		g.served <- err
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the gateway doesn't stop")
	}
}
