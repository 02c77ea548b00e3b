package scalar

import (
	"bytes"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"
)

// JSON is any JSON value, as text. Nil is null.
type JSON []byte

// MarshalJSON gives encoding/json the text itself, where it would write a []byte in base64.
func (j JSON) MarshalJSON() ([]byte, error) {
	if j == nil {
		return []byte("null"), nil
	}
	return j, nil
}

// UnmarshalJSON keeps a copy of the text.
func (j *JSON) UnmarshalJSON(text []byte) error {
	*j = bytes.Clone(text)
	return nil
}

// MarshalJSON writes a JSON value, and null for what isn't JSON.
func MarshalJSON(j JSON) graphql.Marshaler {
	if !json.Valid(j) {
		return graphql.Null
	}
	return raw(j)
}

// UnmarshalJSON takes every value of a client's. The members of an object come in the order of their names.
func UnmarshalJSON(v any) (JSON, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, refuse("JSON cannot represent value: ", v)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte{'\n'}), nil
}
