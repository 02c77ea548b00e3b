package event

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Config is about the sources of events. A zero field means its default.
type Config struct {
	// Tokens let POST /events in; secrets of at least 16 characters, each of which will do. Default: none, and no POST /events.
	Tokens []secret.Text `yaml:"tokens" json:"tokens,omitempty"`
	// MaxEventBytes bounds an event, pushed or of a service's stream. Default: 262144.
	MaxEventBytes int64 `yaml:"max_event_bytes" json:"max_event_bytes,omitempty"`
	// Queue is how many events may wait for one subscriber, before one of pushed or streamed events is ended; one of polled
	// values skips to the newest. Default: 64.
	Queue int `yaml:"queue" json:"queue,omitempty"`
	// MinPoll is the shortest time between two polls that a schema may ask for. Default: 500ms.
	MinPoll time.Duration `yaml:"min_poll" json:"min_poll,omitempty"`
	// MaxBackoff is the longest pause before a source that fails is tried again. Default: 1m.
	MaxBackoff time.Duration `yaml:"max_backoff" json:"max_backoff,omitempty"`
	// RedisPrefix stands before topics in the names of Redis channels. Default: "events:".
	RedisPrefix string `yaml:"redis_prefix" json:"redis_prefix,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	orDefault(&c.MaxEventBytes, 256<<10)
	orDefault(&c.Queue, 64)
	orDefault(&c.MinPoll, 500*time.Millisecond)
	orDefault(&c.MaxBackoff, time.Minute)
	orDefault(&c.RedisPrefix, "events:")
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// shortest is how long a token must be.
const shortest = 16

// Validate names everything wrong with the configuration, by its keys.
func (c Config) Validate() error {
	d := c.WithDefaults()
	var problems []error
	for i, token := range c.Tokens {
		if token == secret.Mask {
			continue // what was printed can be read again; NewHub doesn't take it
		}
		if len(token) < shortest {
			problems = append(problems, fmt.Errorf("tokens[%d]: has %d characters; use %d at least", i, len(token), shortest))
		}
		if slices.Index(c.Tokens, token) != i {
			problems = append(problems, fmt.Errorf("tokens[%d]: is there twice", i))
		}
	}
	if d.MaxEventBytes < 1 || d.MaxEventBytes > 64<<20 {
		problems = append(problems, fmt.Errorf("max_event_bytes: is %d; it can be 1 to %d", d.MaxEventBytes, 64<<20))
	}
	if d.Queue < 1 || d.Queue > 1<<16 {
		problems = append(problems, fmt.Errorf("queue: is %d; it can be 1 to %d", d.Queue, 1<<16))
	}
	if d.MinPoll < 10*time.Millisecond || d.MinPoll > time.Hour {
		problems = append(problems, fmt.Errorf("min_poll: is %v; it can be 10ms to 1h", d.MinPoll))
	}
	if d.MaxBackoff < 100*time.Millisecond || d.MaxBackoff > 24*time.Hour {
		problems = append(problems, fmt.Errorf("max_backoff: is %v; it can be 100ms to 24h", d.MaxBackoff))
	}
	return errors.Join(problems...)
}
