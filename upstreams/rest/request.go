package rest

import (
	"bytes"
	"context"
	"errors"
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
	// Multipart has the body written as multipart/form-data: its members are the fields. Such a request is sent once.
	Multipart bool
	// BodyFields are the members of BodyArg in the order of the schema, for Multipart.
	BodyFields []string
	// Style and KeyAs are how keys are written in the query and in the body.
	Style template.Style
	KeyAs template.KeyAs
	// Select leads to the value in the answer.
	Select view.Pointer
	// NotFound is what status 404 means.
	NotFound NotFound
	// Timeout overrides the service's; 0 keeps it.
	Timeout time.Duration
	// Idempotent says that the request may be sent more than once, whatever its method.
	Idempotent bool
}

// exchange is what one request is made of, in one piece of memory.
type exchange struct {
	client *Client
	caller *Caller
	scope  template.Scope
	url    url.URL
	values [3]string // of headers
	used   int
}

// forwarded is a header of the client's request, for templates.
func (e *exchange) forwarded(name string) string {
	if name = http.CanonicalHeaderKey(name); e.client.forward[name] {
		return e.caller.Header.Get(name)
	}
	return ""
}

// build fills in the templates.
func (e *exchange) build(ctx context.Context, r *Request) (*http.Request, error) {
	c, caller := e.client, e.caller
	if err := e.address(r); err != nil {
		return nil, err
	}
	var body []byte
	var hasBody bool
	var err error
	if !r.Multipart {
		if body, hasBody, err = r.body(&e.scope); err != nil {
			return nil, err
		}
	}
	header := make(http.Header, 8)
	for _, fixed := range c.header {
		header[fixed.name] = fixed.values // nobody changes them
	}
	req := blank.WithContext(ctx)
	req.Method, req.URL, req.Host, req.Header = r.Method, &e.url, c.host, header
	if hasBody {
		header["Content-Type"] = jsonType
		req.ContentLength = int64(len(body))
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	for name := range c.forward {
		if values := caller.Header[name]; len(values) > 0 && !ofConnection(caller.Header, name) {
			header[name] = values
		}
	}
	if r.Multipart {
		if err := r.form(&e.scope, req); err != nil {
			return nil, err
		}
	}
	e.set(header, "X-Request-Id", caller.RequestID)
	e.set(header, "Traceparent", caller.Traceparent)
	e.set(header, "Tracestate", caller.Tracestate)
	if err := r.Headers.Expand(&e.scope, header.Set); err != nil {
		return nil, err
	}
	return req, nil
}

// set is Header.Set for a name in canonical form; an empty value sets nothing.
func (e *exchange) set(header http.Header, name, value string) {
	if value == "" {
		return
	}
	e.values[e.used] = value
	header[name] = e.values[e.used : e.used+1 : e.used+1]
	e.used++
}

// jsonType is the Content-Type of what is sent.
var jsonType = []string{"application/json"}

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

// address makes the service's address with path and query. Whatever the values are, the host is the service's: it isn't
// part of a text that they could change.
func (e *exchange) address(r *Request) error {
	c, s := e.client, &e.scope
	text := make([]byte, 0, len(c.prefix)+64+16*len(s.Keys))
	text = append(text, c.prefix...)
	text, err := r.Path.Append(text, s)
	if err != nil {
		return err
	}
	path := len(text)
	text = append(text, '?')
	if text, err = r.Query.Append(text, s, r.Style); err != nil {
		return err
	}
	if len(r.DefaultQuery) > 0 {
		mark := len(text)
		if mark > path+1 {
			text = append(text, '&')
		}
		from := len(text)
		if text, err = template.AppendQueryArgs(text, s, r.DefaultQuery); err != nil {
			return err
		}
		if len(text) == from {
			text = text[:mark]
		}
	}
	if len(text) == path+1 {
		text = text[:path]
	}
	whole := string(text)
	e.url = url.URL{Scheme: c.scheme, Host: c.host, Path: whole[:path]}
	if len(whole) > path {
		e.url.RawQuery = whole[path+1:]
	}
	if isPlainPath(e.url.Path) && isPlainQuery(e.url.RawQuery) {
		return nil
	}
	// Something is encoded, or can't be sent as it is: let package url find out.
	parsed, err := url.Parse(c.scheme + "://" + c.host + whole)
	if err == nil && (parsed.Scheme != c.scheme || parsed.Host != c.host || parsed.User != nil) {
		err = errors.New("it is no path")
	}
	if err != nil {
		return &fail.Error{Kind: fail.Internal, Op: c.op(r), Err: withoutURL(err)}
	}
	e.url = *parsed
	return nil
}

// isPlainPath tells whether a path is the same before and after percent-encoding.
func isPlainPath(path string) bool {
	if path == "" || path[0] != '/' {
		return path == ""
	}
	for i := range len(path) {
		switch c := path[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '/' && c <= '9', c == '-', c == '_', c == '.', c == '~':
		default:
			return false
		}
	}
	return true
}

// isPlainQuery tells whether a query can be sent as it is.
func isPlainQuery(query string) bool {
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
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
