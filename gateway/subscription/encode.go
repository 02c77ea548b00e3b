package subscription

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// responseJSON is a response as JSON: its data as they are, and no data beside errors of the request as a whole.
func responseJSON(r *graphql.Response) []byte {
	dst := append(make([]byte, 0, len(r.Data)+64), '{')
	dst = appendBody(dst, r)
	if r.HasNext != nil {
		dst = strconv.AppendBool(append(dst, `,"hasNext":`...), *r.HasNext)
	}
	return append(dst, '}')
}

// incrementJSON is a later part of a response: one entry of "incremental", as the clients of 2022 read it.
func incrementJSON(r *graphql.Response) []byte {
	dst := append(make([]byte, 0, len(r.Data)+128), `{"incremental":[{`...)
	dst = appendBody(dst, r)
	if r.Label != "" {
		dst = appendJSON(append(dst, `,"label":`...), r.Label)
	}
	path := r.Path
	if path == nil {
		path = ast.Path{}
	}
	dst = appendJSON(append(dst, `,"path":`...), path)
	dst = append(dst, `}],"hasNext":`...)
	dst = strconv.AppendBool(dst, r.HasNext != nil && *r.HasNext)
	return append(dst, '}')
}

func appendBody(dst []byte, r *graphql.Response) []byte {
	comma := false
	member := func(name string) {
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = append(append(append(dst, '"'), name...), `":`...)
	}
	if r.Data != nil || len(r.Errors) == 0 {
		member("data")
		if r.Data == nil {
			dst = append(dst, "null"...)
		} else {
			dst = append(dst, r.Data...)
		}
	}
	if len(r.Errors) > 0 {
		member("errors")
		dst = appendJSON(dst, r.Errors)
	}
	if len(r.Extensions) > 0 {
		member("extensions")
		dst = appendJSON(dst, r.Extensions)
	}
	return dst
}

// appendJSON is json.Marshal without escaping for HTML, and null for what can't be encoded.
func appendJSON(dst []byte, value any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return append(dst, "null"...)
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// errorOf is an error of this package's own, as clients read it.
func errorOf(k fail.Kind, message string) gqlerror.List {
	if message == "" {
		message = k.Text()
	}
	return gqlerror.List{{Message: message, Extensions: map[string]any{"code": k.Code()}}}
}

// codes are the kinds of the statuses that this package answers with.
var codes = map[int]fail.Kind{
	http.StatusUnauthorized:          fail.Unauthenticated,
	http.StatusForbidden:             fail.Forbidden,
	http.StatusNotFound:              fail.NotFound,
	http.StatusConflict:              fail.Conflict,
	http.StatusRequestEntityTooLarge: fail.TooLarge,
	http.StatusTooManyRequests:       fail.ConcurrencyLimited,
	http.StatusServiceUnavailable:    fail.UpstreamUnavailable,
	http.StatusInternalServerError:   fail.Internal,
}

// refuse answers a request that isn't served, in the shape of GraphQL's errors.
func refuse(w http.ResponseWriter, status int, message string) {
	k, ok := codes[status]
	if !ok {
		k = fail.BadRequest
	}
	refuseWith(w, status, errorOf(k, message))
}

func refuseWith(w http.ResponseWriter, status int, errs gqlerror.List) {
	writeJSON(w, status, responseJSON(&graphql.Response{Errors: errs}))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// answerJSON is what Options.Answer is when there is none.
func answerJSON(_ context.Context, w http.ResponseWriter, _ *http.Request, response *graphql.Response) {
	status := http.StatusOK
	if response.Data == nil && len(response.Errors) > 0 {
		status = http.StatusBadRequest
	}
	writeJSON(w, status, responseJSON(response))
}

// unidentified is the status for a client that Identify doesn't let in.
func unidentified(err error) (status int, message string) {
	k := fail.KindOf(err)
	message = k.Text()
	if failure, ok := errors.AsType[*fail.Error](err); ok {
		message = failure.Message()
	}
	switch k {
	case fail.Unauthenticated:
		return http.StatusUnauthorized, message
	case fail.Forbidden, fail.UnauthorizedFieldOrType:
		return http.StatusForbidden, message
	default:
		return http.StatusServiceUnavailable, message
	}
}
