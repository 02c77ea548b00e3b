package subscription_test

import (
	"testing"

	"github.com/tributary-gateway/tributary/gateway/subscription"
)

// One event on its way through an operation, the outbox and a socket to a client.
func BenchmarkEvent(b *testing.B) {
	p := newPlace(b, subscription.Config{})
	ws := p.dial(b, transportWS)
	say(b, ws, `{"type":"connection_init"}`)
	hear(b, ws)
	say(b, ws, `{"id":"1","type":"subscribe","payload":{"query":"subscription { events }"}}`)
	b.ReportAllocs()
	for b.Loop() {
		p.script.events <- `{"order":{"id":"42","state":"PAID"}}`
		if got := hear(b, ws); len(got) < 50 {
			b.Fatal(got)
		}
	}
}
