package streams_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Items of an event that can't be read are errors at their own places, as they are in an answer.
func TestItemsOfEvents(t *testing.T) {
	const token = "0123456789abcdef"
	g := startSources(t, http.NotFoundHandler(), "  tokens: ["+token+"]\n")
	ws := g.dial(t, "graphql-transport-ws")
	say(t, ws, `{"id":"1","type":"subscribe","payload":{"query":"subscription { readings }"}}`)
	heard := make(chan string, 1)
	go func() { heard <- hear(t, ws) }()
	g.pushUntil(t, token, `{"topic": "readings", "payload": [1, "two", 3]}`, heard, func(got string) {
		if !strings.Contains(got, `"path":["readings",1]`) || !strings.Contains(got, `"data":{"readings":[1,null,3]}`) {
			t.Errorf("got %s", got)
		}
	})
}

// Each event is paid for, and what its client may not see is in none of them. When nothing is left to pay with, the
// subscription ends with the error, and the connection stays.
func TestEachEventIsAdmittedAndAuthorised(t *testing.T) {
	const token = "0123456789abcdef"
	for _, protocol := range []string{"WebSocket", "server-sent events"} {
		t.Run(protocol, func(t *testing.T) {
			g := startSources(t, http.NotFoundHandler(), "  tokens: ["+token+"]\n", `
limits:
  plans:
    anonymous: {buckets: [{name: burst, capacity: 12, restore: 0.0001}]}
`)
			const query = `{"query":"subscription { pushed(room: \"7\") { text note } }"}`
			var next func(t *testing.T) string
			var ws *websocket.Conn
			if protocol == "WebSocket" {
				ws = g.dial(t, "graphql-transport-ws")
				say(t, ws, `{"id":"1","type":"subscribe","payload":`+query+`}`)
				next = on(ws)
			} else {
				stream := g.post(t, eventStream, query)
				next = func(t *testing.T) string {
					for {
						if got := stream.next(t); strings.HasPrefix(got, "data: ") {
							return got
						}
					}
				}
			}
			events := 0
			for ; events < 100; events++ {
				heard := make(chan string, 1)
				go func() { heard <- next(t) }()
				got := ""
				g.pushUntil(t, token, `{"topic": "rooms:7", "payload": {"message": {"text": "Hello", "note": "for few"}}}`, heard, func(s string) { got = s })
				if strings.Contains(got, "RATE_LIMITED") {
					break
				}
				if !strings.Contains(got, `{"data":{"pushed":{"text":"Hello","note":null}},"errors":[`) || !strings.Contains(got, `"path":["pushed","note"]`) ||
					!strings.Contains(got, "UNAUTHORIZED_FIELD_OR_TYPE") {
					t.Fatalf("got %s", got)
				}
			}
			if events == 0 || events > 12 {
				t.Errorf("%d events were paid for", events)
			}
			if ws != nil {
				say(t, ws, `{"type":"ping"}`)
				expect(t, next, `{"type":"pong"}`)
			}
		})
	}
}

// pushUntil pushes an event until somebody has heard of it: who subscribes isn't told when that has come about.
func (r *running) pushUntil(t *testing.T, token, body string, heard <-chan string, check func(got string)) {
	t.Helper()
	for deadline := time.After(patience); ; {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.address+"/events", strings.NewReader(body))
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
		select {
		case got := <-heard:
			check(got)
			return
		case <-deadline:
			t.Fatal("nothing came")
		default:
		}
	}
}

// A service that ends its streams, refuses new ones for a while and comes back loses nothing that it keeps for who was there
// before, and nobody is told.
func TestServiceOfStreamsComesAndGoes(t *testing.T) {
	var opened atomic.Int64
	g := startSources(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/rooms/") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		event := func(id int) string {
			return fmt.Sprintf("id: %d\nevent: said\ndata: {\"message\": {\"text\": \"%d\", \"authorId\": 1}}\n\n", id, id)
		}
		switch n := opened.Add(1); n {
		case 1:
			w.Header().Set("Content-Type", eventStream)
			_, _ = io.WriteString(w, "retry: 100\n"+event(1))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler) // in the middle
		case 2, 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 4:
			if got := r.Header.Get("Last-Event-ID"); got != "1" {
				t.Errorf("the last event is %q", got)
			}
			w.Header().Set("Content-Type", eventStream)
			_, _ = io.WriteString(w, event(2)+event(3))
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}), "")
	ws := g.dial(t, "graphql-transport-ws")
	say(t, ws, `{"id":"1","type":"subscribe","payload":{"query":"subscription { streamed(room: \"7\") { text } }"}}`)
	for _, text := range []string{"1", "2", "3"} {
		expect(t, on(ws), `{"id":"1","type":"next","payload":{"data":{"streamed":{"text":"`+text+`"}}}}`)
	}
	expect(t, on(ws), `{"id":"1","type":"complete"}`)
}

// A client that leaves while a service is at work for it ends that work, over every protocol.
func TestWorkEndsWithTheClient(t *testing.T) {
	begun, left := make(chan struct{}, 1), make(chan struct{}, 1)
	wait := func(what string, c <-chan struct{}) {
		t.Helper()
		select {
		case <-c:
		case <-time.After(patience):
			t.Fatal(what)
		}
	}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/stock" {
			begun <- struct{}{}
			<-r.Context().Done()
			left <- struct{}{}
			return
		}
		_, _ = io.WriteString(w, `{"data": {"id": "1", "sku": "A-1", "name": "Cup"}}`)
	}))
	t.Cleanup(service.Close)
	g := startDemo(t, service.Config.Handler)
	const whole, deferred = `{"query":"{ product(id: 1) { stock { available } } }"}`, `{"query":"{ product(id: 1) { name ... @defer { stock { available } } } }"}`
	for _, query := range []string{whole, deferred} {
		for _, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
			ws := g.dial(t, protocol)
			kind := map[string]string{"graphql-transport-ws": "subscribe", "graphql-ws": "start"}[protocol]
			say(t, ws, `{"id":"1","type":"`+kind+`","payload":`+query+`}`)
			wait("the service isn't asked", begun)
			_ = ws.CloseNow()
			wait("the service isn't left: "+protocol, left)

			ws = g.dial(t, protocol)
			say(t, ws, `{"id":"1","type":"`+kind+`","payload":`+query+`}`)
			wait("the service isn't asked", begun)
			kind = map[string]string{"graphql-transport-ws": "complete", "graphql-ws": "stop"}[protocol]
			say(t, ws, `{"id":"1","type":"`+kind+`"}`)
			wait("the service isn't left after "+kind, left)
		}
		stream, enter := g.reserve(t)
		if status := enter(strings.TrimSuffix(query, "}") + `,"extensions":{"operationId":"1"}}`); status != http.StatusAccepted {
			t.Errorf("status %d", status)
		}
		wait("the service isn't asked", begun)
		_ = stream.Body.Close()
		wait("the service isn't left: single connection", left)
		done := make(chan *listen, 1)
		go func() { done <- g.post(t, eventStream, query) }()
		wait("the service isn't asked", begun)
		_ = (<-done).Body.Close()
		wait("the service isn't left: distinct connection", left)
	}
	parts := g.post(t, "multipart/mixed", deferred)
	wait("the service isn't asked", begun)
	_ = parts.Body.Close()
	wait("the service isn't left: multipart", left)
}
