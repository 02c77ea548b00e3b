package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/secret"
	"github.com/tributary-gateway/tributary/upstreams/event"
)

func TestRead(t *testing.T) {
	fields, err := event.Read(graphOf(t, shop), []string{"shop"})
	if err != nil {
		t.Fatal(err)
	}
	price, mine, order := fields["Subscription.price"], fields["Subscription.mine"], fields["Subscription.order"]
	if len(fields) != 4 || price.Poll.Every != 2*time.Second || price.Poll.Call.Path.String() != "/prices/{id}" ||
		mine.Stream.Path.String() != "/events/{id}" || mine.Stream.Type != "order" || mine.Stream.Select.String() != "/order" ||
		order.Topic.String() != "orders:{id}" || order.Select.String() != "/order" {
		t.Errorf("%+v", fields)
	}
}

func TestReadMistakes(t *testing.T) {
	for directive, want := range map[string]string{
		`@poll(every: "soon")`:                                    `@poll on Subscription.f: every: "soon" is no time; write "2s" or "500ms"`,
		`@poll(every: "-2s")`:                                     `@poll on Subscription.f: every: "-2s" is no time; write "2s" or "500ms"`,
		`@poll(every: "2s")`:                                      "@poll on Subscription.f: nothing says what is polled; add @rest",
		`@poll(every: "2s") @event(topic: "x")`:                   "@poll on Subscription.f: a field has one source, here is @event too",
		`@event(topic: "")`:                                       `@event on Subscription.f: topic is empty; name one, such as "orders:{id}"`,
		`@event(topic: "a:{")`:                                    `@event on Subscription.f: topic: "a:{" has a "{" that is never closed`,
		`@event(topic: "a:{no}")`:                                 `@event on Subscription.f: topic: {no}: the field has no argument "no"`,
		`@event(topic: "a:{this.id}")`:                            "@event on Subscription.f: topic: {this.id}: a root field has no parent; use an argument",
		`@event(topic: "a:{header.X}")`:                           "@event on Subscription.f: topic: {header.X}: headers are for the service that forwards them",
		`@event(topic: "a", select: "x")`:                         "@event on Subscription.f: select: ",
		`@sse(service: "other", path: "/x")`:                      `@sse on Subscription.f: service "other" isn't in gateway.yaml, which has: shop`,
		`@sse(service: "shop", path: "x")`:                        "@sse on Subscription.f: path: ",
		`@sse(service: "shop", path: "/{key}")`:                   "@sse on Subscription.f: path: {key}: a root field has no parent; use an argument",
		`@sse(service: "shop", path: "/x", query: {a: "{no}"})`:   `@sse on Subscription.f: query: {no}: the field has no argument "no"`,
		`@sse(service: "shop", path: "/x", headers: {Host: "x"})`: "@sse on Subscription.f: headers: ",
	} {
		source := directives + "\ntype Query { x: JSON }\ntype Subscription {\n f(id: ID!): JSON " + directive + "\n}"
		_, err := event.Read(graphOf(t, source), []string{"shop"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "shop.graphql:13: ") {
			t.Errorf("%s\ngot  %v\nwant %s", directive, err, want)
		}
	}
	source := directives + "\ntype Query { x: JSON @event(topic: \"x\") }\ntype Subscription { y: JSON }"
	if _, err := event.Read(graphOf(t, source), nil); err == nil || !strings.Contains(err.Error(), "only fields of the subscription type have events") {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	if err := (event.Config{}).Validate(); err != nil {
		t.Error(err)
	}
	err := event.Config{Tokens: []secret.Text{"short", "short"}, MaxEventBytes: -1, Queue: -1, MinPoll: -1, MaxBackoff: -1}.Validate()
	for _, key := range []string{"tokens[0]: ", "tokens[1]: is there twice", "max_event_bytes: ", "queue: ", "min_poll: ", "max_backoff: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s isn't in %v", key, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "short") {
		t.Error("a secret is told")
	}
}
