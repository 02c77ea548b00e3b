package event_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/event"
)

// hubs are the hub in one process, and two instances with Redis between them: what one publishes the other delivers.
func hubs(t *testing.T, config event.Config, test func(t *testing.T, from, to *event.Hub)) {
	t.Run("memory", func(t *testing.T) {
		h := newHub(t, config, "")
		test(t, h, h)
	})
	t.Run("redis", func(t *testing.T) {
		address := miniredis.RunT(t).Addr()
		test(t, newHub(t, config, address), newHub(t, config, address))
	})
}

func newHub(t *testing.T, config event.Config, redisAddress string) *event.Hub {
	t.Helper()
	var client redis.UniversalClient
	if redisAddress != "" {
		client = redis.NewClient(&redis.Options{Addr: redisAddress, MaxRetries: -1})
		t.Cleanup(func() { client.Close() })
	}
	h, err := event.NewHub(config, client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func publish(t *testing.T, h *event.Hub, topic event.Topic, payload string) {
	t.Helper()
	if err := h.Publish(t.Context(), topic, []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

func next(t *testing.T, from <-chan event.Update) string {
	t.Helper()
	select {
	case u, ok := <-from:
		if !ok {
			return "end"
		}
		if u.Err != nil {
			return fail.KindOf(u.Err).Code()
		}
		return string(u.Value.Raw())
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		return ""
	}
}

func TestHub(t *testing.T) {
	hubs(t, event.Config{}, func(t *testing.T, from, to *event.Hub) {
		publish(t, from, "a", "0") // for nobody
		ctx, leave := context.WithCancel(t.Context())
		one, err := to.Subscribe(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		two, err := to.Subscribe(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		other, err := to.Subscribe(t.Context(), "a:b")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			publish(t, from, "a", fmt.Sprint(i))
		}
		publish(t, from, "a:b", `{"x":[]}`)
		for i := range 10 {
			if got := next(t, one) + next(t, two); got != fmt.Sprint(i, i)[:1]+fmt.Sprint(i) {
				t.Fatalf("%d: %s", i, got)
			}
		}
		if got := next(t, other); got != `{"x":[]}` {
			t.Errorf("got %s", got)
		}
		leave()
		if got := next(t, one); got != "end" {
			t.Errorf("got %s", got)
		}
		publish(t, from, "a", `"still"`)
		if got := next(t, two); got != `"still"` {
			t.Errorf("got %s", got)
		}
	})
}

// Coming and going in any order loses nobody: each subscriber gets what is published once Subscribe has returned.
func TestHubComingAndGoing(t *testing.T) {
	hubs(t, event.Config{}, func(t *testing.T, from, to *event.Hub) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 20 {
					ctx, leave := context.WithCancel(t.Context())
					events, err := to.Subscribe(ctx, "a")
					if err != nil {
						t.Error(err)
					} else if err := from.Publish(ctx, "a", []byte("1")); err != nil {
						t.Error(err)
					} else if got := next(t, events); got != "1" {
						t.Errorf("got %s", got)
					}
					leave()
				}
			})
		}
		all.Wait()
	})
}

func TestHubOverflow(t *testing.T) {
	hubs(t, event.Config{Queue: 3}, func(t *testing.T, from, to *event.Hub) {
		slow, err := to.Subscribe(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		quick, err := to.Subscribe(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			publish(t, from, "a", "1")
			if got := next(t, quick); got != "1" {
				t.Fatalf("got %s", got)
			}
		}
		for _, want := range []string{"1", "1", "1", "end"} {
			if got := next(t, slow); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

func TestHubRefuses(t *testing.T) {
	hubs(t, event.Config{MaxEventBytes: 10}, func(t *testing.T, from, _ *event.Hub) {
		for _, c := range []struct {
			topic   event.Topic
			payload string
			want    fail.Kind
		}{
			{"", "1", fail.BadInput},
			{"a\n", "1", fail.BadInput},
			{"a", "", fail.BadInput},
			{"a", "{", fail.BadInput},
			{"a", "1 2", fail.BadInput},
			{"a", "12345678901", fail.TooLarge},
		} {
			if err := from.Publish(t.Context(), c.topic, []byte(c.payload)); err == nil || fail.KindOf(err) != c.want {
				t.Errorf("%q %q: %v", c.topic, c.payload, err)
			}
		}
		if _, err := from.Subscribe(t.Context(), ""); fail.KindOf(err) != fail.BadInput {
			t.Error(err)
		}
	})
}

// When Redis is away, publishing and new topics say so; subscribers stay, and go on when it's back.
func TestHubWithoutRedis(t *testing.T) {
	r := miniredis.RunT(t)
	h := newHub(t, event.Config{}, r.Addr())
	events, err := h.Subscribe(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := h.Publish(t.Context(), "a", []byte("1")); fail.KindOf(err) != fail.UpstreamUnavailable {
		t.Errorf("publishing: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := h.Subscribe(ctx, "b"); fail.KindOf(err) != fail.UpstreamUnavailable {
		t.Errorf("subscribing: %v", err)
	}
	if err := r.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "events come again", func() bool {
		_ = h.Publish(t.Context(), "a", []byte("2"))
		select {
		case u := <-events:
			return string(u.Value.Raw()) == "2"
		default:
			return false
		}
	})
}

// What others publish in the same channel may be anything.
func TestForeignEvents(t *testing.T) {
	r := miniredis.RunT(t)
	h := newHub(t, event.Config{MaxEventBytes: 10}, r.Addr())
	events, err := h.Subscribe(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for payload, want := range map[string]string{"no JSON": "UPSTREAM_INVALID_RESPONSE", "12345678901": "UPSTREAM_INVALID_RESPONSE", "[1]": "[1]"} {
		r.Publish("events:a", payload)
		if got := next(t, events); got != want {
			t.Errorf("%s: %s", payload, got)
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if got := next(t, events); got != "end" {
		t.Errorf("got %s", got)
	}
	if _, err := h.Subscribe(t.Context(), "a"); err == nil {
		t.Error("a closed hub was subscribed to")
	}
}

func TestTopicsOfFields(t *testing.T) {
	g := newGate(t, &service{}, event.Config{})
	one := g.subscribe(t, `subscription { o: order(id: "42") }`)
	publish(t, g.hub, "orders:42", `{"order":{"x":1}}`)
	publish(t, g.hub, "orders:4", `{"order":2}`)
	publish(t, g.hub, "orders:42", `{}`)
	publish(t, g.hub, "orders:42", `{"order":3}`)
	one.want(t, `{"o":{"x":1}}`)
	one.hear() // of nothing the test's schema makes an error
	one.want(t, `{"o":3}`)
	publish(t, g.hub, "orders:42", `{"order":"bad"}`)
	one.want(t, `{"o":"bad"} INTERNAL at o.below`)
	for _, id := range []string{"", "42:internal", "a/b", `\n`} {
		if got := g.subscribe(t, `subscription { order(id: "`+id+`") }`).hear(); got != " BAD_USER_INPUT at order" {
			t.Errorf("%q: %s", id, got)
		}
	}
}
