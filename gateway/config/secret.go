package config

import (
	"fmt"
	"io"
	"log/slog"
)

// mask is what every secret looks like from outside.
const mask = "[secret]"

// Secret is text that must not be read in a log, a dump or an error: it prints as [secret] under every verb and in
// every format. Reveal is the one way to its value, so a search for it finds all the places that use one. Keep it in
// exported fields and out of map keys: fmt doesn't ask the methods of an unexported field, nor encoding/json those of a key.
type Secret string

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

// String returns the mask.
func (Secret) String() string { return mask }

// GoString returns the mask.
func (Secret) GoString() string { return mask }

// Format writes the mask under every verb, %x and %d included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalText returns the mask: for JSON and for every other encoder that asks.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalYAML returns the mask.
func (Secret) MarshalYAML() (any, error) { return mask, nil }

// LogValue returns the mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }
