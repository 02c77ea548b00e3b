package subscription

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/99designs/gqlgen/graphql"
)

// members reads the members of a JSON object that is all there is, as they are written. A member that stands twice has
// two meanings, and is refused. Errors are for the client and repeat nothing of what was sent.
func members(data []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	open, err := decoder.Token()
	if err != nil {
		return nil, errors.New("it is not valid JSON")
	}
	if open != json.Delim('{') {
		return nil, errors.New("it must be a JSON object")
	}
	all := map[string]json.RawMessage{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, errors.New("it is not valid JSON")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errors.New("it is not valid JSON")
		}
		name, _ := key.(string)
		if _, twice := all[name]; twice {
			return nil, errors.New("a member stands twice in it")
		}
		all[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errors.New("it is not valid JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return all, nil
}

// ReadParams reads the parameters of an operation from JSON. Null is the same as absent, except for the query, which may
// only be left out when there are extensions that stand for it.
func ReadParams(data []byte) (*graphql.RawParams, error) {
	all, err := members(data)
	if err != nil {
		return nil, err
	}
	p := &graphql.RawParams{}
	query, given, err := text(all, "query")
	switch {
	case err != nil:
		return nil, err
	case given && query == "", !given && all["query"] != nil:
		return nil, errors.New(`"query" must be a string that isn't empty`)
	}
	p.Query = query
	if p.OperationName, _, err = text(all, "operationName"); err != nil {
		return nil, err
	}
	if p.Variables, err = object(all, "variables"); err != nil {
		return nil, err
	}
	if p.Extensions, err = object(all, "extensions"); err != nil {
		return nil, err
	}
	if !given && len(p.Extensions) == 0 {
		return nil, errors.New(`there is no "query"`)
	}
	return p, nil
}

// text reads a member that is a string; given is false when it is absent or null.
func text(all map[string]json.RawMessage, name string) (value string, given bool, err error) {
	raw := all[name]
	if raw == nil || string(raw) == "null" {
		return "", false, nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		return "", false, fmt.Errorf("%q must be a string", name)
	}
	return value, true, nil
}

// object reads a member that is an object, nil when it is absent or null.
func object(all map[string]json.RawMessage, name string) (map[string]any, error) {
	raw := all[name]
	if raw == nil || string(raw) == "null" {
		return nil, nil //nolint:nilnil // absent is no mistake
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value map[string]any
	if raw[0] != '{' || decoder.Decode(&value) != nil {
		return nil, fmt.Errorf("%q must be an object", name)
	}
	return value, nil
}
