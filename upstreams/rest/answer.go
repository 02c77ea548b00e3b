package rest

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// null is the value of an answer that says there is nothing, as against one that says nothing.
var null = func() view.Value {
	d, err := view.Parse([]byte("null"))
	if err != nil {
		panic(err)
	}
	return d.Root()
}()

// Do makes the exchange and gives the value at the request's Select: null when nothing is there or the status is 404,
// and the zero Value when the service answered without a body. Every error is a *fail.Error. The memory that the value
// points into goes to keep, whose owner releases it; with nil it's the garbage collector's.
func (c *Client) Do(ctx context.Context, r *Request, s *template.Scope, keep *Kept) (view.Value, error) {
	caller := callerOf(ctx)
	e := &exchange{client: c, caller: caller, scope: *s}
	e.scope.Header = e.forwarded
	timed, cancel := context.WithTimeout(ctx, orDefault(r.Timeout, c.service.Timeout))
	defer cancel()
	timed, err := c.carry(timed, r, &e.scope)
	if err != nil {
		return view.Value{}, err
	}
	req, err := e.build(timed, r)
	if err != nil {
		return view.Value{}, err
	}
	res, err := c.exchange(req) //nolint:bodyclose // Bodies.Read closes it, here and in refused
	if err != nil {
		return view.Value{}, c.unreachable(ctx, r, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return c.refused(r, res)
	}
	text, err := c.service.Bodies.Read(res, c.service.MaxBody)
	switch {
	case err != nil && timed.Err() != nil:
		return view.Value{}, c.unreachable(ctx, r, timed.Err())
	case err != nil:
		return view.Value{}, c.invalid(r, res, err)
	}
	return c.value(r, res, text, keep)
}

// Request is what Do sends, for those who want to know what a service would see of a call.
func (c *Client) Request(ctx context.Context, r *Request, s *template.Scope) (*http.Request, error) {
	e := &exchange{client: c, caller: callerOf(ctx), scope: *s}
	e.scope.Header = e.forwarded
	return e.build(ctx, r)
}

// value finds the value in a good answer.
func (c *Client) value(r *Request, res *http.Response, text *body.Body, keep *Kept) (view.Value, error) {
	if text.Len() == 0 {
		text.Release()
		return view.Value{}, nil
	}
	if contentType := res.Header.Get("Content-Type"); !isJSON(contentType) {
		text.Release()
		return view.Value{}, c.invalid(r, res, fmt.Errorf("content type %q isn't JSON", contentType))
	}
	document, err := parse(text)
	if err != nil {
		text.Release()
		return view.Value{}, c.invalid(r, res, err)
	}
	root := document.Root()
	value := root.At(r.Select)
	switch when := c.service.Errors.When; {
	case when != nil && says(root.At(*when)):
		failure := c.failure(fail.UpstreamError, r, res)
		c.explain(failure, root)
		value, err = view.Value{}, failure
	case value.IsNull():
		value = null
	case keep == nil:
		return value, nil
	default:
		keep.add(text, document)
		return value, nil
	}
	kept{text, document}.release() // nothing of it is used
	return value, err
}

// says tells whether a value means that there is an error. Services that always send the property send null, false, 0
// or something empty when all is well.
func says(v view.Value) bool {
	switch v.Kind() {
	case view.KindAbsent, view.KindNull:
		return false
	case view.KindArray, view.KindObject:
		return v.Len() > 0
	default:
		raw := string(v.Raw())
		return raw != "false" && raw != "0" && raw != `""`
	}
}

// kinds are the statuses that mean something of their own.
var kinds = map[int]fail.Kind{
	http.StatusBadRequest:          fail.BadInput,
	http.StatusUnprocessableEntity: fail.BadInput,
	http.StatusUnauthorized:        fail.Unauthenticated,
	http.StatusForbidden:           fail.Forbidden,
	http.StatusNotFound:            fail.NotFound,
	http.StatusConflict:            fail.Conflict,
	http.StatusTooManyRequests:     fail.UpstreamRateLimited,
}

// maxErrorBody is how much of the body of an error is read, in bytes.
const maxErrorBody = 64 << 10

// refused is what an answer that isn't 2xx means. Its status says so whatever becomes of its body, which is only read to
// its end for the sake of the connection, or of the service's own words.
func (c *Client) refused(r *Request, res *http.Response) (view.Value, error) {
	text, bodyErr := c.service.Bodies.Read(res, min(maxErrorBody, c.service.MaxBody))
	if bodyErr == nil {
		defer text.Release()
	}
	if res.StatusCode == http.StatusNotFound && r.NotFound == NotFoundNull {
		return null, nil
	}
	kind, ok := kinds[res.StatusCode]
	if !ok {
		kind = fail.UpstreamError
	}
	failure := c.failure(kind, r, res)
	if bodyErr == nil && isJSON(res.Header.Get("Content-Type")) {
		if document, err := parse(text); err == nil {
			c.explain(failure, document.Root())
			putDocument(document)
		}
	}
	return view.Value{}, failure
}

// explain takes the service's own words into a failure, where its configuration says which.
func (c *Client) explain(failure *fail.Error, root view.Value) {
	if p := c.service.Errors.Message; p != nil {
		if text, err := view.String(root.At(*p)); err == nil {
			failure.Public = cut(text)
		}
	}
	if p := c.service.Errors.Code; p != nil {
		if text, err := view.String(root.At(*p)); err == nil {
			failure.Code = cut(text)
		}
	}
}

// longest is how much of a service's message a client gets to see, in bytes.
const longest = 500

// cut is a service's message as a client may see it: some terminals and logs obey control characters, so white space
// becomes a space and others go, with those that turn the direction of writing.
func cut(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}

func (c *Client) failure(kind fail.Kind, r *Request, res *http.Response) *fail.Error {
	return &fail.Error{Kind: kind, Op: c.op(r), Service: c.service.Name, Status: res.StatusCode}
}

// invalid is the failure of an answer that can't be read.
func (c *Client) invalid(r *Request, res *http.Response, err error) error {
	failure := c.failure(fail.UpstreamInvalidResponse, r, res)
	failure.Err = err
	return failure
}

// unreachable is the failure of an exchange without an answer. ctx is the caller's, without the call's own timeout.
func (c *Client) unreachable(ctx context.Context, r *Request, err error) error {
	err = withoutURL(err)
	failure := &fail.Error{Kind: fail.UpstreamUnavailable, Op: c.op(r), Service: c.service.Name, Err: err}
	var timeout interface{ Timeout() bool }
	var known *fail.Error
	var network *net.OpError
	switch {
	case errors.As(err, &known):
		if failure.Kind = known.Kind; known.Kind == fail.UpstreamInvalidResponse {
			failure.Status = known.Status // there was an answer
		}
	case errors.Is(ctx.Err(), context.Canceled):
		failure.Kind = fail.Canceled
	case errors.As(err, &network) && network.Op == "dial": // also when the dialer's own time is over
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		failure.Kind = fail.UpstreamTimeout
	}
	return failure
}

// withoutURL leaves the URL out of an error of net/http or net/url: its path and query may hold secrets.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// isJSON tells whether a content type is JSON (RFC 8259) or a +json type (RFC 6839).
func isJSON(contentType string) bool {
	switch contentType {
	case "application/json", "application/json; charset=utf-8": // what nearly all say, without parsing
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || media == "text/json" ||
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}
