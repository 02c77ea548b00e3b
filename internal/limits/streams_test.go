package limits_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/identity"
)

const often = "events: {min_poll: 20ms}\n"

const watching = `subscription { stock(sku: "A-1") { available reserved } }`

// changing is an inventory that has one piece more each time it's asked, and says how often it was.
func changing(t testing.TB, s *services) (asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"available": %d, "reserved": 0, "warehouses": []}`, asked.Add(1))
	}))
	t.Cleanup(server.Close)
	s.addresses["inventory"] = server.URL
	return asked
}

// polledSchema is the shop's, whose stock is looked at often.
func polledSchema(t testing.TB, pairs ...string) *ast.Schema {
	t.Helper()
	return changedSchema(t, append(pairs, `@poll(every: "2s")`, `@poll(every: "50ms")`)...)
}

// stream sends an operation and reads a stream of events, or of parts, to its end.
func (g *gateway) stream(accept, query string, headers ...string) (status int, text string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 20*time.Second)
	defer cancel()
	body := strings.NewReader(fmt.Sprintf(`{"query": %q}`, query))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.address+"/graphql", body)
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	res, err := client.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatalf("%v after %s", err, all)
	}
	return res.StatusCode, string(all)
}

const (
	eventStream = "text/event-stream"
	parts       = "multipart/mixed"
)

// talk opens a WebSocket, says lines and hears everything until it's closed, or until a message that has a word in it.
func (g *gateway) talk(until string, lines ...string) (heard []string, code websocket.StatusCode) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 20*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(g.address, "http")+"/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	for _, line := range lines {
		if err := ws.Write(ctx, websocket.MessageText, []byte(line)); err != nil {
			g.t.Fatal(err)
		}
	}
	for {
		_, text, err := ws.Read(ctx)
		var closed websocket.CloseError
		if errors.As(err, &closed) {
			return heard, closed.Code
		}
		if err != nil {
			g.t.Fatalf("%v after %s", err, heard)
		}
		heard = append(heard, string(text))
		if until != "" && strings.Contains(string(text), until) {
			return heard, 0
		}
	}
}

// initial and subscribing are what a client says first.
func initial(key string) string {
	return `{"type":"connection_init","payload":{"x-api-key":"` + key + `"}}`
}

const subscribing = `{"id":"1","type":"subscribe","payload":{"query":"subscription { stock(sku: \"A-1\") { available reserved } }"}}`

// TestCredentialsEndOnOpenConnections: what is under way ends with the credentials, and nothing new begins.
func TestCredentialsEndOnOpenConnections(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	newKey(t, file, "somebody else", "")
	s := startServices(t, nil)
	asked := changing(t, s)
	g := s.startOver(t, newSchema(polledSchema(t)), often+"identity: {required: true, keys: {file: "+file+"}}")
	short := func() string {
		text, key, err := identity.NewKey("kiosk", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		key.Expires = time.Now().Add(1500 * time.Millisecond).UTC()
		if err := identity.NewKeyFile(file).Create(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		for g.ask(`{ __typename }`, "X-Api-Key", text).status != 200 {
			if time.Now().After(key.Expires) {
				t.Skip("the machine is too slow for a key that ends soon")
			}
		}
		return text
	}

	key := short()
	heard, code := g.talk("", initial(key), subscribing)
	if len(heard) < 2 || heard[0] != `{"type":"connection_ack"}` || !strings.Contains(heard[1], `"available":`) || code != 4403 {
		t.Errorf("closed with %d after %s", code, heard)
	}
	if heard, code = g.talk("", initial(key)); heard != nil || code != 4403 {
		t.Errorf("again: closed with %d after %s", code, heard)
	}

	key = short()
	status, text := g.stream(eventStream, watching, "X-Api-Key", key)
	end := `event: next` + "\n" + `data: {"errors":[{"message":"The credentials have expired.","extensions":{"code":"UNAUTHENTICATED"}}]}` + "\n\nevent: complete\n"
	if status != 200 || !strings.Contains(text, `data: {"data":{"stock":{"available":`) || !strings.Contains(text, end) {
		t.Errorf("%d %s", status, text)
	}
	if status, text = g.stream(eventStream, watching, "X-Api-Key", key); status != 401 {
		t.Errorf("again: %d %s", status, text)
	}

	// Nobody listens, so nobody asks.
	was := asked.Load()
	if g.ask(`{ __typename }`, "X-Api-Key", key); asked.Load() > was+2 {
		t.Errorf("the inventory is asked on")
	}
}

// TestEventsCost: each event is paid for before it's delivered, and the subscription of who can't pay any more ends.
func TestEventsCost(t *testing.T) {
	s := startServices(t, nil)
	changing(t, s)
	schema := newSchema(polledSchema(t))
	// 1 to begin; 3 for each event: a call, a stock, the root.
	for points, events := range map[int]int{3: 0, 4: 1, 6: 1, 7: 2, 12: 3, 13: 4} {
		t.Run(fmt.Sprint(points), func(t *testing.T) {
			const budget = often + "limits: {plans: {anonymous: {max_concurrent: 1, buckets: [{name: burst, capacity: %d, restore: 0.001}]}}}"
			g := s.startOver(t, schema, fmt.Sprintf(budget, points))
			_, text := g.stream(eventStream, watching)
			if got := strings.Count(text, `{"data":{"stock"`); got != events || strings.Count(text, `"code":"RATE_LIMITED"`) != 1 || !strings.Contains(text, "event: complete") {
				t.Errorf("%d events, want %d:\n%s", got, events, text)
			}
			g = s.startOver(t, schema, fmt.Sprintf(budget, points))
			heard, _ := g.talk(`"error"`, `{"type":"connection_init"}`, subscribing)
			if got := strings.Count(strings.Join(heard, "\n"), `{"data":{"stock"`); got != events || !strings.Contains(heard[len(heard)-1], "RATE_LIMITED") {
				t.Errorf("%d events, want %d: %s", got, events, heard)
			}
		})
	}
}

// TestEventsAndParts: what a caller may not see is in no event, in no deferred part and in no kept answer.
func TestEventsAndParts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	key, _ := newKey(t, file, "kiosk", "")
	s := startServices(t, nil)
	changing(t, s)
	schema := newSchema(polledSchema(t, append(protectedSchema(t),
		"  \"When more will come. Null when nothing is ordered.\"\n  restockAt: DateTime", "  restockAt: DateTime @authenticated")...))
	settings := often + "cache: {default_max_age: 10m}\nidentity: {keys: {file: " + file + "}}\n"

	// It ends when the points do.
	poor := s.startOver(t, schema, settings+points(10, "0.001", "", ""))
	_, text := poor.stream(eventStream, `subscription { stock(sku: "A-1") { available restockAt } }`)
	if n := strings.Count(text, denied); n < 2 || n != strings.Count(text, `"path":["stock","restockAt"]`) || n != strings.Count(text, `"restockAt":null`) {
		t.Errorf("events: %s", text)
	}

	g := s.startOver(t, schema, settings)
	for _, c := range []struct{ name, query, denied string }{
		{"a deferred part", `{ user(id: 1) { id ... @defer { email } } }`, `"path":["user","email"]`},
		{"a deferred part that is named", `{ user(id: 1) { id ...F @defer(label: "later") } } fragment F on User { mail: email }`, `"path":["user","mail"]`},
		{"deferred in lists", `{ users(first: 2) { ... @defer { email } } }`, `"path":["users",1,"email"]`},
	} {
		if _, text := g.stream(parts, c.query); !strings.Contains(text, denied) || !strings.Contains(text, c.denied) || strings.Contains(text, "@") {
			t.Errorf("%s: %s", c.name, text)
		}
		if _, text := g.stream(parts, c.query, "X-Api-Key", key); strings.Contains(text, denied) || !strings.Contains(text, "@") {
			t.Errorf("%s, who may: %s", c.name, text)
		}
	}

	const mail = `{ user(id: 1) { id email } }`
	for range 2 {
		if a := g.ask(mail, "X-Api-Key", key); a.Errors != nil || at(a.Data, "user.email") == nil {
			t.Errorf("who may: %s", a.text)
		}
		if a := g.ask(mail); len(a.paths(denied)) != 1 || at(a.Data, "user.email") != nil {
			t.Errorf("who may not: %s", a.text)
		}
	}
}
