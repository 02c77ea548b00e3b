// Package operation turns the text of a GraphQL document into one that may be executed.
//
// A document passes four gates: Scan counts bytes, tokens and nesting before anything recursive sees the text; the
// parser; the shape, which refuses fragment cycles and what is over a limit in work polynomial in the size of the text;
// and the rules of the specification. What passes is kept in a cache bounded by entries and by bytes, so that a
// document is checked once. Executor puts these gates before gqlgen's executor, chooses the operation, and coerces
// variables as the specification says. The package knows no HTTP and no particular schema, does no I/O and depends
// on nothing that can be down.
package operation

import (
	"errors"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// MaxErrors is how many errors of one document or of one set of variables are told; a last entry counts the others.
const MaxErrors = 10

// Config says how documents are checked and kept. The zero value is ready to use.
type Config struct {
	// Limits bounds single documents.
	Limits Limits `yaml:"limits"`
	// CacheEntries is how many documents are kept. Zero means 1,000.
	CacheEntries int `yaml:"cache_entries"`
	// CacheBytes bounds the text of all kept documents together; a parsed document takes ten to fifty times the memory
	// of its text. Zero means 1 MiB.
	CacheBytes int64 `yaml:"cache_bytes"`
	// DisableIntrospection refuses __schema and __type, and keeps "Did you mean" out of the messages.
	DisableIntrospection bool `yaml:"disable_introspection"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	c.Limits = c.Limits.WithDefaults()
	if c.CacheEntries == 0 {
		c.CacheEntries = 1000
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 1 << 20
	}
	return c
}

// Validate names everything wrong with the configuration, by its keys.
func (c Config) Validate() error {
	problems := []error{c.Limits.Validate()}
	if c.CacheEntries < 0 {
		problems = append(problems, errors.New("cache_entries is negative"))
	}
	if c.CacheBytes < 0 {
		problems = append(problems, errors.New("cache_bytes is negative"))
	}
	return errors.Join(problems...)
}

// refusal is a request error: a kind for the program, and the rest for the client.
func refusal(kind fail.Kind, message string, at ...gqlerror.Location) *gqlerror.Error {
	return &gqlerror.Error{
		Err:        fail.New(kind, message),
		Message:    message,
		Locations:  at,
		Extensions: map[string]any{"code": kind.Code()},
	}
}
