package event_test

import (
	"context"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/event"
)

// One event to a thousand subscribers, who all read it.
func BenchmarkPublish(b *testing.B) {
	h, err := event.NewHub(event.Config{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx, leave := context.WithCancel(b.Context())
	defer leave()
	all := make([]<-chan event.Update, 1000)
	for i := range all {
		if all[i], err = h.Subscribe(ctx, "orders:42"); err != nil {
			b.Fatal(err)
		}
	}
	payload := []byte(`{"order":{"id":"42","state":"PAID"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Publish(ctx, "orders:42", payload); err != nil {
			b.Fatal(err)
		}
		for _, events := range all {
			<-events
		}
	}
}
