package store

import (
	"errors"
	"fmt"
	"time"
)

// Config is the part of the cache section of gateway.yaml that says how much is kept and where.
type Config struct {
	// Memory is how many bytes of answers are kept in the process. Default: 64MiB.
	Memory int64 `yaml:"memory" json:"memory,omitempty"`
	// Namespace separates what gateways keep in one Redis under one key_prefix: give every environment, and every graph,
	// its own. Default: none.
	Namespace string `yaml:"namespace" json:"namespace,omitempty"`
	// L1TTL is how long an answer that is also in Redis is served from the process without asking Redis again. It's the
	// longest that one can outlive a purge by another gateway; a whole response takes as long once more. At most 500ms.
	// Default: 500ms.
	L1TTL time.Duration `yaml:"l1_ttl" json:"l1_ttl,omitempty"`
	// NoL1 has Redis asked for every answer. Default: false.
	NoL1 bool `yaml:"no_l1" json:"no_l1,omitempty"`
	// MaxEntry is the most bytes of one answer that is kept. Default: 1MiB.
	MaxEntry int64 `yaml:"max_entry" json:"max_entry,omitempty"`
	// MaxTags is the most tags of one answer. When there are more, entities of one type share a tag, and a purge of any
	// of them reaches the answer. Default: 128.
	MaxTags int `yaml:"max_tags" json:"max_tags,omitempty"`
	// ReadTimeout is how long a read waits for Redis. Default: 50ms.
	ReadTimeout time.Duration `yaml:"read_timeout" json:"read_timeout,omitempty"`
	// PurgeTimeout is how long a mutation, or an operator, waits for Redis to know of a purge. It's tried again after
	// that without anybody waiting. Default: 500ms.
	PurgeTimeout time.Duration `yaml:"purge_timeout" json:"purge_timeout,omitempty"`
	// Queue is how many answers may wait to be written to Redis; further ones aren't written. Default: 1024.
	Queue int `yaml:"queue" json:"queue,omitempty"`
	// QueueBytes is how many bytes they may have together. Default: 32MiB.
	QueueBytes int64 `yaml:"queue_bytes" json:"queue_bytes,omitempty"`
}

// WithDefaults replaces every zero by what it stands for.
func (c Config) WithDefaults() Config {
	if c.Memory == 0 {
		c.Memory = 64 << 20
	}
	if c.L1TTL == 0 {
		c.L1TTL = 500 * time.Millisecond
	}
	if c.MaxEntry == 0 {
		c.MaxEntry = 1 << 20
	}
	if c.MaxTags == 0 {
		c.MaxTags = 128
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = 50 * time.Millisecond
	}
	if c.PurgeTimeout == 0 {
		c.PurgeTimeout = 500 * time.Millisecond
	}
	if c.Queue == 0 {
		c.Queue = 1024
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = 32 << 20
	}
	return c
}

// Validate names every problem.
func (c Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, n := range []struct {
		key   string
		value int64
	}{
		{"memory", c.Memory},
		{"l1_ttl", int64(c.L1TTL)},
		{"max_entry", c.MaxEntry},
		{"max_tags", int64(c.MaxTags)},
		{"read_timeout", int64(c.ReadTimeout)},
		{"purge_timeout", int64(c.PurgeTimeout)},
		{"queue", int64(c.Queue)},
		{"queue_bytes", c.QueueBytes},
	} {
		if n.value < 0 {
			wrong("%s: can't be negative", n.key)
		}
	}
	if c.L1TTL > 500*time.Millisecond {
		wrong("l1_ttl: %v is over 500ms: an answer could outlive a purge by more than 1s", c.L1TTL)
	}
	full := c.WithDefaults()
	if full.Memory > 0 && full.MaxEntry > full.Memory/4 {
		wrong("max_entry (%d) is over a quarter of memory (%d): few would fit", full.MaxEntry, full.Memory)
	}
	if full.MaxEntry > 64<<20 {
		wrong("max_entry: %d is over 64MiB", full.MaxEntry)
	}
	if full.MaxTags > 0 && full.MaxTags < 8 || full.MaxTags > 1024 {
		wrong("max_tags: give 8 to 1024")
	}
	for _, r := range c.Namespace {
		if r <= ' ' || r == '{' || r == '}' || r > '~' {
			wrong("namespace: %q has something else than letters, digits and signs, or braces", c.Namespace)
			break
		}
	}
	return errors.Join(problems...)
}
