// Package scalar has the GraphQL scalars of the gateway, as the pairs of functions that gqlgen binds to.
//
// The five of the specification are stricter than gqlgen's own: a value of a client's that isn't of the type is refused
// (October 2021, section 3.5, input coercion) with the words of graphql-js, where gqlgen would turn "1" into an Int and
// 1.5 into an ID. Three more are ours: Long (64 bits), DateTime (RFC 3339) and JSON (anything).
// Input arrives as gqlgen decodes it: nil, bool, string, json.Number, int, int64, float64, []any, map[string]any. Output is
// always JSON: what has none, such as NaN or text that isn't UTF-8, becomes null or U+FFFD.
// The package depends on gateway/fail alone.
package scalar

import (
	"io"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Error says why a value of a client's isn't of the scalar's type. Its text is for that client: it shows the value, cut
// at 60 characters, and no Go types.
type Error struct{ Public string }

// Error is the public text.
func (e *Error) Error() string { return e.Public }

// Unwrap gives the error its kind, fail.BadInput.
func (e *Error) Unwrap() error { return fail.New(fail.BadInput, e.Public) }

// refuse is the error for v under a text that ends before the value.
func refuse(text string, v any) error { return &Error{Public: text + inspect(v)} }

// raw is JSON, ready to be written.
type raw []byte

// MarshalGQL writes the JSON. An error of w is the transport's to find.
func (r raw) MarshalGQL(w io.Writer) { _, _ = w.Write(r) }

var _ graphql.Marshaler = raw(nil)
