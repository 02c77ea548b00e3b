package event

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/secret"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Topic names what events are about: "orders:42".
type Topic string

// longestTopic is how many bytes a topic may have.
const longestTopic = 512

// Valid tells whether a text can be a topic: it isn't empty, not too long, and has no control characters.
func (t Topic) Valid() bool {
	return t != "" && len(t) <= longestTopic && !strings.ContainsFunc(string(t), unicode.IsControl)
}

// Hub carries events from whoever publishes them to whoever subscribes to their topic: in this process, or through Redis
// between all that use it. Events that nobody listens to are gone, and so is what is published while Redis is away.
type Hub struct {
	config Config
	redis  redis.UniversalClient // nil for this process only

	// wire is held to join and leave, and while Redis is told: its commands must come in the order of what they are about.
	wire   sync.Mutex
	pubsub *redis.PubSub // nil before the first topic
	ended  chan struct{} // closed when nothing is read from Redis any more

	mu     sync.Mutex // guards what follows
	topics map[Topic]*topic
	closed bool
}

// topic is one that somebody listens to.
type topic struct {
	feed   feed
	ready  chan struct{} // closed when Redis has confirmed
	proven bool
}

// NewHub makes a hub. With a client of Redis events go through it. Close it in the end.
func NewHub(c Config, client redis.UniversalClient) (*Hub, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	if slices.Contains(c.Tokens, secret.Mask) {
		return nil, errors.New("event: tokens: one is what secrets are printed as")
	}
	return &Hub{config: c.WithDefaults(), redis: client, topics: map[Topic]*topic{}}, nil
}

// Publish sends an event, whose payload is JSON, to those who subscribe to its topic. The error is a *fail.Error: BadInput
// and TooLarge when it can't be an event, UpstreamUnavailable when Redis can't be reached.
func (h *Hub) Publish(ctx context.Context, t Topic, payload []byte) error {
	if !t.Valid() {
		return badTopic()
	}
	if int64(len(payload)) > h.config.MaxEventBytes {
		return fail.New(fail.TooLarge, "The event is over the limit.")
	}
	document, err := view.Parse(payload)
	if err != nil {
		return &fail.Error{Kind: fail.BadInput, Public: "The payload is not valid JSON.", Err: err}
	}
	if h.redis == nil {
		h.deliver(t, Update{Value: document.Root()})
		return nil
	}
	if err := h.redis.Publish(ctx, h.config.RedisPrefix+string(t), payload).Err(); err != nil {
		return away(err)
	}
	return nil
}

func badTopic() error {
	return fail.New(fail.BadInput, "The topic is empty, too long, or has control characters.")
}

func away(err error) error {
	return &fail.Error{Kind: fail.UpstreamUnavailable, Op: "events through Redis", Public: "Events can't be passed on now.", Err: err}
}

// deliver gives an event to the subscribers in this process.
func (h *Hub) deliver(name Topic, u Update) {
	h.mu.Lock()
	t := h.topics[name]
	h.mu.Unlock()
	if t != nil {
		t.feed.publish(u)
	}
}

// Subscribe gives the events of a topic until ctx ends, for resolvers written by hand. The channel is closed then, and also
// when whoever reads it falls behind by more than the configured queue: events would be missing.
func (h *Hub) Subscribe(ctx context.Context, t Topic) (<-chan Update, error) {
	q := newQueue(h.config.Queue, func(u Update) (Update, report) { return u, report{} }, nil)
	leave, err := h.join(ctx, t, q)
	if err != nil {
		return nil, err
	}
	q.until(ctx, leave)
	return q.out, nil
}

// confirming is how long Redis may take to confirm a subscription.
const confirming = 5 * time.Second

// join adds a subscriber to a topic. What is published once it has returned is delivered. leave may be called more than
// once.
func (h *Hub) join(ctx context.Context, name Topic, l listener) (leave func(), err error) {
	if !name.Valid() {
		return nil, badTopic()
	}
	h.wire.Lock()
	t, first := h.enter(name, l)
	if t == nil {
		h.wire.Unlock()
		return nil, away(errors.New("the hub is closed"))
	}
	if first {
		err = h.tell(ctx, name, true)
	}
	h.wire.Unlock()
	leave = func() { h.leave(name, t, l) }
	if err == nil {
		timer := time.NewTimer(confirming)
		defer timer.Stop()
		select {
		case <-t.ready:
			return leave, nil
		case <-ctx.Done():
			err = ctx.Err()
		case <-timer.C:
			err = errors.New("Redis doesn't confirm a subscription")
		}
	}
	leave()
	return nil, away(err)
}

// enter adds a subscriber. The caller holds wire. The topic is nil when the hub is closed.
func (h *Hub) enter(name Topic, l listener) (t *topic, first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, false
	}
	if t = h.topics[name]; t == nil {
		first = true
		t = &topic{feed: feed{listeners: map[listener]*bool{}}, ready: make(chan struct{})}
		if h.redis == nil {
			t.proven = true
			close(t.ready)
		}
		h.topics[name] = t
	}
	t.feed.add(l)
	return t, first
}

func (h *Hub) leave(name Topic, t *topic, l listener) {
	h.wire.Lock()
	defer h.wire.Unlock()
	h.mu.Lock()
	last := t.feed.remove(l) && h.topics[name] == t
	if last {
		delete(h.topics, name)
	}
	h.mu.Unlock()
	if last {
		_ = h.tell(context.Background(), name, false) // whatever comes all the same is for nobody
	}
}

// tell begins or ends a subscription of Redis. The caller holds wire.
func (h *Hub) tell(ctx context.Context, name Topic, begin bool) error {
	channel := h.config.RedisPrefix + string(name)
	switch {
	case h.redis == nil:
		return nil
	case !begin:
		return h.pubsub.Unsubscribe(ctx, channel)
	case h.pubsub == nil:
		h.pubsub = h.redis.Subscribe(context.WithoutCancel(ctx)) // connects when there is a topic
		h.ended = make(chan struct{})
		defer func() { go h.receive(h.pubsub.ChannelWithSubscriptions(), h.ended) }()
	}
	return h.pubsub.Subscribe(ctx, channel)
}

// receive passes on what comes from Redis. The client connects again by itself, and subscribes to what it was subscribed to.
func (h *Hub) receive(messages <-chan any, ended chan<- struct{}) {
	defer close(ended)
	for m := range messages {
		switch m := m.(type) {
		case *redis.Subscription:
			if m.Kind == "subscribe" {
				h.confirm(Topic(strings.TrimPrefix(m.Channel, h.config.RedisPrefix)))
			}
		case *redis.Message:
			name := Topic(strings.TrimPrefix(m.Channel, h.config.RedisPrefix))
			if int64(len(m.Payload)) > h.config.MaxEventBytes {
				h.deliver(name, Update{Err: invalid(ErrTooLong)})
				continue
			}
			document, err := view.Parse([]byte(m.Payload))
			if err != nil { // others publish there too
				h.deliver(name, Update{Err: invalid(err)})
				continue
			}
			h.deliver(name, Update{Value: document.Root()})
		}
	}
}

func invalid(err error) error {
	return &fail.Error{Kind: fail.UpstreamInvalidResponse, Op: "events through Redis", Public: "An event can't be read.", Err: err}
}

func (h *Hub) confirm(name Topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[name]; t != nil && !t.proven {
		t.proven = true
		close(t.ready)
	}
}

// Close ends all subscriptions.
func (h *Hub) Close() error {
	h.wire.Lock()
	defer h.wire.Unlock()
	h.mu.Lock()
	h.closed = true
	topics := h.topics
	h.topics = map[Topic]*topic{}
	h.mu.Unlock()
	for _, t := range topics {
		t.feed.finish(nil)
	}
	if h.pubsub == nil {
		return nil
	}
	err := h.pubsub.Close()
	<-h.ended
	return err
}
