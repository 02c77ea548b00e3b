// Package secret is the type of texts that nobody may read in a log, a dump or an error.
//
// Every package that is configured with a password, a token or a key takes it as a Text. It prints as [secret] under
// every verb and in every format, so that a value gets out by a call of Reveal only, and a search for that finds all
// the places that use one. The package depends on nothing and everybody may use it.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Mask is what every secret looks like from outside.
const Mask = "[secret]"

// Text is a text that prints as [secret]. Keep it in exported fields and out of map keys: fmt doesn't ask the methods of
// an unexported field, nor encoding/json those of a key.
type Text string

// Reveal returns the value.
func (s Text) Reveal() string { return string(s) }

// String returns the mask.
func (Text) String() string { return Mask }

// GoString returns the mask.
func (Text) GoString() string { return Mask }

// Format writes the mask under every verb, %x and %d included.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// MarshalText returns the mask: for JSON and for every other encoder that asks.
func (Text) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalYAML returns the mask.
func (Text) MarshalYAML() (any, error) { return Mask, nil }

// LogValue returns the mask.
func (Text) LogValue() slog.Value { return slog.StringValue(Mask) }
