package edge_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// road is a way to have an operation executed. It gives everything that the client reads.
type road struct {
	name string
	run  func(t *testing.T, r *running, params map[string]any, header ...string) string
}

// roads are all there are.
func roads() []road {
	post := func(name string, wrap func(string) string, more ...string) road {
		return road{name, func(t *testing.T, r *running, params map[string]any, header ...string) string {
			return r.send(t, http.MethodPost, "/graphql", wrap(asJSON(params)), append(more, header...)...).body
		}}
	}
	get := func(name string, more ...string) road {
		return road{name, func(t *testing.T, r *running, params map[string]any, header ...string) string {
			values := url.Values{}
			for member, value := range params {
				text, ok := value.(string)
				if !ok {
					text = asJSON(value)
				}
				values.Set(member, text)
			}
			return r.send(t, http.MethodGet, "/graphql?"+values.Encode(), "", append(more, header...)...).body
		}}
	}
	as := func(text string) string { return text }
	return []road{
		post("POST", as),
		post("POST, the new media type", as, "Accept", "application/graphql-response+json"),
		post("POST, members in another order", func(text string) string { return `{"x":1,` + text[1:] }),
		post("POST, parts", as, "Accept", `multipart/mixed; deferSpec=20220824, application/json`),
		post("POST, an event stream", as, "Accept", "text/event-stream"),
		post("a batch", func(text string) string { return "[" + text + "]" }),
		post("the last of a batch", func(text string) string { return `[{"documentId":"known"},` + text + "]" }),
		get("GET"),
		get("GET, an event stream", "Accept", "text/event-stream"),
		{"one stream for all", reserved},
		{"graphql-transport-ws", func(t *testing.T, r *running, params map[string]any, header ...string) string {
			return dialog(t, r, "graphql-transport-ws", "subscribe", params, header)
		}},
		{"graphql-ws", func(t *testing.T, r *running, params map[string]any, header ...string) string {
			return dialog(t, r, "graphql-ws", "start", params, header)
		}},
	}
}

// dialog runs an operation over a WebSocket, and gives the first message about it.
func dialog(t *testing.T, r *running, protocol, begin string, params map[string]any, header []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	options := &websocket.DialOptions{Subprotocols: []string{protocol}, HTTPHeader: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		options.HTTPHeader.Set(header[i], header[i+1])
	}
	ws, _, err := websocket.Dial(ctx, "ws://"+r.address+"/graphql", options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	for _, message := range []any{
		map[string]any{"type": "connection_init"},
		map[string]any{"type": begin, "id": "1", "payload": params},
	} {
		if err := ws.Write(ctx, websocket.MessageText, []byte(asJSON(message))); err != nil {
			t.Fatal(err)
		}
	}
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			return err.Error()
		}
		if strings.Contains(string(data), `"id":"1"`) {
			return string(data)
		}
	}
}

// reserved runs an operation in a stream that was reserved for many, and gives what is answered to it at once and the
// first event.
func reserved(t *testing.T, r *running, params map[string]any, header ...string) string {
	t.Helper()
	token := r.send(t, http.MethodPut, "/graphql", "", header...).body
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.address+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("X-GraphQL-Event-Stream-Token", token)
	stream, err := plain.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	all := map[string]any{"extensions": map[string]any{"operationId": "1"}}
	for member, value := range params {
		if member == "extensions" {
			for name, extension := range value.(map[string]any) {
				all["extensions"].(map[string]any)[name] = extension
			}
			continue
		}
		all[member] = value
	}
	said := r.send(t, http.MethodPost, "/graphql", asJSON(all), append([]string{"X-GraphQL-Event-Stream-Token", token}, header...)...)
	if said.StatusCode != http.StatusAccepted {
		return said.body
	}
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && strings.Contains(data, `"id"`) {
			return data
		}
	}
	return "the stream ended"
}
