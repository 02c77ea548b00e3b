package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/documents"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

// The parameters of a GraphQL request. Others are ignored: the draft keeps them for itself.
var parameters = append([]string{"query", "operationName", "variables", "extensions"}, documents.Members[:]...)

// ours is how many of them, the first ones, nobody writes in another case without meaning them.
const ours = 5

// malformed is a request that isn't one. Messages name the mistake and never repeat what was sent.
func malformed(format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, kind: fail.BadRequest, message: fmt.Sprintf(format, args...)}
}

func unsupported(message string) *problem {
	return &problem{status: http.StatusUnsupportedMediaType, kind: fail.BadRequest, message: message}
}

// requestBuffers are *[]byte, for bodies.
var requestBuffers = sync.Pool{New: func() any { b := make([]byte, 0, longestRecalled); return &b }}

// readPost reads a body that says it's JSON, into the buffer where it fits.
func readPost(r *http.Request, buffer []byte) ([]byte, *problem) {
	if p := checkType(r.Header.Values("Content-Type")); p != nil {
		return nil, p
	}
	body, err := readBody(r, buffer)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		p := tooLong(over.Limit)
		return nil, &p
	case err != nil:
		return nil, malformed("The body ended early, or isn't what its Content-Encoding says.")
	case !utf8.Valid(body):
		return nil, malformed("The body is not UTF-8.")
	}
	return body, nil
}

// readBytes reads the parameters from JSON that is UTF-8.
func readBytes(body []byte) (*graphql.RawParams, *problem) {
	if params, ok := readPlain(body); ok {
		return params, nil
	}
	members, p := readObject(body)
	if p != nil {
		return nil, p
	}
	return assemble(members)
}

// checkType lets JSON in UTF-8 pass.
func checkType(given []string) *problem {
	if len(given) == 1 && given[0] == string(jsonMedia) {
		return nil // what nearly all say, without parsing
	}
	mediaType, params, err := "", map[string]string(nil), error(nil)
	if len(given) == 1 {
		mediaType, params, err = mime.ParseMediaType(given[0])
	}
	if err != nil || mediaType != string(jsonMedia) {
		return unsupported("The body must be application/json, and Content-Type must say so.")
	}
	if charset, given := params["charset"]; given && !isUTF8(charset) {
		return unsupported("The body must be UTF-8.")
	}
	return nil
}

// mostTrusted is how much memory a Content-Length gets before its bytes have come.
const mostTrusted = 64 << 10

// readBody reads the whole body, at once into the right size when it's known.
func readBody(r *http.Request, buffer []byte) ([]byte, error) {
	if r.ContentLength <= 0 || r.ContentLength > mostTrusted {
		return io.ReadAll(r.Body)
	}
	body := buffer[:cap(buffer)]
	if int64(len(body)) < r.ContentLength {
		body = make([]byte, r.ContentLength)
	}
	body = body[:r.ContentLength]
	n, err := io.ReadFull(r.Body, body)
	return body[:n], err
}

// readObject reads the known members of a JSON object, which must be all there is.
func readObject(body []byte) (map[string]any, *problem) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, malformed("The body is empty.")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	broken := func() *problem {
		return malformed("The body is not valid JSON: it breaks at byte %d.", decoder.InputOffset())
	}
	open, err := decoder.Token()
	if err != nil {
		return nil, broken()
	}
	if open == json.Delim('[') {
		return nil, malformed("The body must be one JSON object: batches are not supported.")
	}
	if open != json.Delim('{') {
		return nil, malformed("The body must be a JSON object.")
	}
	members := make(map[string]any, len(parameters))
	seen, count := make(map[string]bool), 0
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, broken()
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, broken()
		}
		name, _ := key.(string)
		for i, known := range parameters {
			switch {
			case name == known && seen[name]:
				return nil, malformed("The member %q stands twice in the body.", known)
			case name == known:
				members[name] = value
			case i < ours && strings.EqualFold(name, known):
				return nil, malformed("The body has a member that must be written %q.", known)
			}
		}
		if !seen[name] {
			count++
		}
		seen[name] = true
		count += countMembers(value)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, broken()
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("Something follows the JSON object in the body.")
	}
	if p := ambiguous(body, count, "The body"); p != nil {
		return nil, p
	}
	return members, nil
}

// readGet reads the parameters from the URL, where variables and extensions are JSON.
func readGet(r *http.Request) (*graphql.RawParams, *problem) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed("The query string of the URL is not form-encoded.")
	}
	members := make(map[string]any, len(parameters))
	for _, name := range parameters {
		given := values[name]
		switch {
		case len(given) > 1:
			return nil, malformed("The parameter %q stands twice in the URL.", name)
		case len(given) == 0:
			continue
		case !utf8.ValidString(given[0]):
			return nil, malformed("The parameter %q is not UTF-8.", name)
		}
		members[name] = given[0]
		if name != "variables" && name != "extensions" || given[0] == "" {
			if given[0] == "" {
				members[name] = nil // a form's empty field
			}
			continue
		}
		decoder := json.NewDecoder(strings.NewReader(given[0]))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, malformed("The parameter %q is not valid JSON.", name)
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return nil, malformed("The parameter %q is not valid JSON.", name)
		}
		if p := ambiguous([]byte(given[0]), countMembers(value), fmt.Sprintf("The parameter %q", name)); p != nil {
			return nil, p
		}
		members[name] = value
	}
	return assemble(members)
}

// assemble checks the types of the parameters. Null is the same as absent, except for the query.
func assemble(members map[string]any) (*graphql.RawParams, *problem) {
	var params graphql.RawParams
	var ok bool
	if value := members["extensions"]; value != nil {
		if params.Extensions, ok = value.(map[string]any); !ok {
			return nil, malformed("%q must be an object or null.", "extensions")
		}
	}
	id, err := documents.ID(func(name string) (any, bool) { value, given := members[name]; return value, given })
	if err != nil {
		return nil, unreadable(err)
	}
	documents.SetID(&params, id)
	value, given := members["query"]
	query, ok := value.(string)
	switch {
	case (value == nil || value == "") && documents.Names(&params):
	case !given:
		return nil, malformed("There is no %q.", "query")
	case !ok:
		return nil, malformed("%q must be a string.", "query")
	case query == "":
		return nil, malformed("%q is empty.", "query")
	}
	params.Query = query
	if value := members["operationName"]; value != nil {
		if params.OperationName, ok = value.(string); !ok {
			return nil, malformed("%q must be a string or null.", "operationName")
		}
	}
	if value := members["variables"]; value != nil {
		if params.Variables, ok = value.(map[string]any); !ok {
			return nil, malformed("%q must be an object or null.", "variables")
		}
	}
	return &params, nil
}
