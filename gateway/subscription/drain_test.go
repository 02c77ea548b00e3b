package subscription_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tributary-gateway/tributary/gateway/subscription"
)

func TestDrain(t *testing.T) {
	p := newPlace(t, subscription.Config{})
	idle, never := p.dial(t, transportWS), p.dial(t, legacyWS)
	talk(t, idle, []string{`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`})
	busy := p.dial(t, transportWS)
	talk(t, busy, []string{`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`,
		`> {"id":"1","type":"subscribe","payload":{"query":"subscription { events }"}}`,
		`> {"id":"2","type":"subscribe","payload":{"query":"{ slow }"}}`})
	p.script.events <- `{"x":1}`
	talk(t, busy, []string{`< {"id":"1","type":"next","payload":{"data":{"x":1}}}`})
	stream := p.request(t, t.Context(), http.MethodPost, "/", `{"query":"subscription { others }"}`, wantsEvents, isJSON)
	p.script.others <- `{"x":2}`
	e := events{t, bufio.NewReader(stream.Body)}
	e.want("event: next\ndata: {\"data\":{\"x\":2}}")
	token := text(t, p.request(t, t.Context(), http.MethodPut, "/", ""))
	single := p.request(t, t.Context(), http.MethodGet, "/?token="+token, "", wantsEvents)
	if res := p.request(t, t.Context(), http.MethodPost, "/", `{"query":"subscription { events }","extensions":{"operationId":"s"}}`, tokenHeader+token, isJSON); res.StatusCode != http.StatusAccepted {
		t.Fatal(res.StatusCode)
	}
	p.request(t, t.Context(), http.MethodPut, "/", "") // never opened

	drained := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		drained <- p.Drain(ctx)
	}()
	const bye = "close 1001 Going away"
	talk(t, idle, []string{bye})
	talk(t, never, []string{bye})
	e.want("event: complete\ndata:", "end")
	events{t, bufio.NewReader(single.Body)}.want("event: complete\ndata: {\"id\":\"s\"}", "end")
	// Subscriptions are completed; a query may finish first, and nothing new begins.
	talk(t, busy, []string{`< {"id":"1","type":"complete"}`, `> {"id":"3","type":"subscribe","payload":{"query":"{ hello }"}}`, `> {"type":"ping"}`, `< {"type":"pong"}`})
	close(p.script.release)
	talk(t, busy, []string{`< {"id":"2","type":"next","payload":{"data":{"slow":1}}}`, `< {"id":"2","type":"complete"}`, bye})
	if err := <-drained; err != nil {
		t.Error(err)
	}
	for _, method := range []string{http.MethodPut, http.MethodPost} {
		if res := p.request(t, t.Context(), method, "/", `{"query":"{ hello }"}`, wantsEvents, isJSON); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s after the drain: %d", method, res.StatusCode)
		}
	}
	if _, res, err := websocket.Dial(t.Context(), p.server.URL, nil); err == nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a WebSocket after the drain: %v", res)
	}
	p.script.idle(t)
}

func TestDrainIsBounded(t *testing.T) {
	p := newPlace(t, subscription.Config{})
	ws := p.dial(t, transportWS)
	talk(t, ws, []string{`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`, `> {"id":"1","type":"subscribe","payload":{"query":"{ slow }"}}`, `> {"type":"ping"}`, `< {"type":"pong"}`})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := p.Drain(ctx)
	if err == nil || !strings.Contains(err.Error(), "1 connections were still open") {
		t.Errorf("got %v", err)
	}
	if got := hear(t, ws); !strings.HasPrefix(got, "broken") {
		t.Errorf("got %s", got)
	}
	p.script.idle(t)
}
