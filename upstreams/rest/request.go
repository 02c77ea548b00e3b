package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// NotFound is what status 404 means.
type NotFound uint8

const (
	// NotFoundNull makes the value null.
	NotFoundNull NotFound = iota
	// NotFoundError is an error of the kind fail.NotFound.
	NotFoundError
)

// Request is a @rest without the values of one call.
type Request struct {
	Method  string
	Path    *template.Path
	Query   template.Query
	Headers template.Headers
	// Body is the JSON body, nil for none.
	Body *template.Value
	// DefaultQuery and DefaultBody name the arguments that no template uses, and where they go.
	DefaultQuery, DefaultBody []string
	// BodyArg names the argument that is the whole body; empty when it is DefaultBody or Body.
	BodyArg string
	// Style and KeyAs are how keys are written in the query and in the body.
	Style template.Style
	KeyAs template.KeyAs
	// Select leads to the value in the answer.
	Select view.Pointer
	// NotFound is what status 404 means.
	NotFound NotFound
	// Timeout overrides the service's; 0 keeps it.
	Timeout time.Duration
}

// build fills in the templates.
func (c *Client) build(ctx context.Context, r *Request, s *template.Scope) (*http.Request, error) {
	address, err := c.address(r, s)
	if err != nil {
		return nil, err
	}
	body, hasBody, err := r.body(s)
	if err != nil {
		return nil, err
	}
	req := blank.WithContext(ctx)
	req.Method, req.URL, req.Host, req.Header = r.Method, address, address.Host, c.header.Clone()
	if hasBody {
		req.Header.Set("Content-Type", "application/json")
		req.ContentLength = int64(len(body))
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	caller := callerOf(ctx)
	for name := range c.forward {
		if values := caller.Header[name]; len(values) > 0 && !ofConnection(caller.Header, name) {
			req.Header[name] = values
		}
	}
	for _, h := range [...]struct{ name, value string }{
		{"X-Request-Id", caller.RequestID}, {"Traceparent", caller.Traceparent}, {"Tracestate", caller.Tracestate},
	} {
		if h.value != "" {
			req.Header.Set(h.name, h.value)
		}
	}
	if err := r.Headers.Expand(s, req.Header.Set); err != nil {
		return nil, err
	}
	return req, nil
}

// blank is what all requests have in common. It is copied, never sent.
var blank = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

// ofConnection tells whether a header is one of the client's connection because the client says so (RFC 9110, section
// 7.6.1).
func ofConnection(header http.Header, name string) bool {
	for _, names := range header["Connection"] {
		for option := range strings.SplitSeq(names, ",") {
			if strings.EqualFold(strings.TrimSpace(option), name) {
				return true
			}
		}
	}
	return false
}

// address is the service's address with path and query. The text is parsed, not trusted: what comes out has the
// host of the service and nothing else.
func (c *Client) address(r *Request, s *template.Scope) (*url.URL, error) {
	text := make([]byte, 0, len(c.origin)+len(c.prefix)+64+16*len(s.Keys))
	text = append(append(text, c.origin...), c.prefix...)
	text, err := r.Path.Append(text, s)
	if err != nil {
		return nil, err
	}
	path := len(text)
	text = append(text, '?')
	if text, err = r.Query.Append(text, s, r.Style); err != nil {
		return nil, err
	}
	if len(r.DefaultQuery) > 0 {
		mark := len(text)
		if mark > path+1 {
			text = append(text, '&')
		}
		from := len(text)
		if text, err = template.AppendQueryArgs(text, s, r.DefaultQuery); err != nil {
			return nil, err
		}
		if len(text) == from {
			text = text[:mark]
		}
	}
	if len(text) == path+1 {
		text = text[:path]
	}
	address, err := url.Parse(string(text))
	if err != nil {
		return nil, &fail.Error{Kind: fail.Internal, Op: c.op(r), Err: withoutURL(err)}
	}
	return address, nil
}

func (r *Request) body(s *template.Scope) (body []byte, ok bool, err error) {
	switch {
	case r.Body != nil:
		body, ok, err = r.Body.AppendJSON(nil, s, r.KeyAs)
	case r.BodyArg != "":
		body, ok, err = template.AppendArg(nil, s, r.BodyArg)
	case len(r.DefaultBody) > 0:
		body, err = template.AppendArgs(nil, s, r.DefaultBody)
		ok = err == nil
	}
	return body, ok, err
}

// op names a call for the log. The path is the template: values may be secrets.
func (c *Client) op(r *Request) string {
	return c.service.Name + " " + r.Method + " " + r.Path.String()
}
