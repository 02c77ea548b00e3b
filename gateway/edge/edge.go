// Package edge is what stands between the network and the gateway's handlers.
//
// It knows connections, browsers and codings, and no GraphQL: how many connections there may be and from whom, TLS with
// certificates that are renewed while it runs, which pages may call (CORS) and which requests a page may have made its
// visitor send (CSRF), how bodies are inflated and answers compressed, and which headers keep browsers careful. Each is a
// piece of its own that wraps a listener or a handler; the server decides on their order. What it refuses, it refuses by
// headers alone, before a body is read. Nothing here depends on anything that can be down: a certificate that can't be
// read again leaves the old one in force.
package edge

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/tributary-gateway/tributary/gateway/address"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Config is the edge section of gateway.yaml. A zero field means its default.
type Config struct {
	// Connections bounds how many connections there may be.
	Connections Connections `yaml:"connections" json:"connections,omitempty"`
	// TLS is how connections are encrypted. Default: they aren't.
	TLS TLS `yaml:"tls" json:"tls,omitempty"`
	// HTTP2 is about requests that share a connection.
	HTTP2 HTTP2 `yaml:"http2" json:"http2,omitempty"`
	// CORS says which pages of other origins may call.
	CORS CORS `yaml:"cors" json:"cors,omitempty"`
	// CSRF refuses requests that a page may have made its visitor's browser send.
	CSRF CSRF `yaml:"csrf" json:"csrf,omitempty"`
	// Compression is that of answers.
	Compression Compression `yaml:"compression" json:"compression,omitempty"`
	// Inflation is about request bodies that are compressed.
	Inflation Inflation `yaml:"inflation" json:"inflation,omitempty"`
	// Headers are those that every answer has.
	Headers Headers `yaml:"headers" json:"headers,omitempty"`
	// Forwarded names the header in which trusted proxies say whom a request is from: x-forwarded-for or forwarded. The
	// other one is never looked at, since a proxy passes on what it doesn't know. Default: x-forwarded-for.
	Forwarded address.Header `yaml:"forwarded" json:"forwarded,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	c.Connections = c.Connections.WithDefaults()
	c.TLS = c.TLS.WithDefaults()
	c.HTTP2 = c.HTTP2.WithDefaults()
	c.CORS = c.CORS.WithDefaults()
	c.CSRF = c.CSRF.WithDefaults()
	c.Compression = c.Compression.WithDefaults()
	c.Inflation = c.Inflation.WithDefaults()
	if c.Forwarded == "" {
		c.Forwarded = address.XForwardedFor
	}
	return c
}

// Validate names everything wrong with the configuration, by its keys.
func (c Config) Validate() error {
	var problems []error
	for _, section := range []struct {
		key string
		err error
	}{
		{"connections", c.Connections.Validate()},
		{"tls", c.TLS.Validate()},
		{"http2", c.HTTP2.Validate()},
		{"cors", c.CORS.Validate()},
		{"csrf", c.CSRF.Validate()},
		{"compression", c.Compression.Validate()},
		{"inflation", c.Inflation.Validate()},
		{"headers", c.Headers.Validate()},
	} {
		problems = append(problems, below(section.key, section.err)...)
	}
	if c.Forwarded != "" && !c.Forwarded.Known() {
		problems = append(problems, fmt.Errorf("forwarded: is %q; it can be x-forwarded-for or forwarded", c.Forwarded))
	}
	return errors.Join(problems...)
}

// below puts a section's key before each of its problems.
func below(key string, err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{fmt.Errorf("%s.%w", key, err)}
	}
	var problems []error
	for _, each := range joined.Unwrap() {
		problems = append(problems, below(key, each)...)
	}
	return problems
}

// refuse answers in the shape of GraphQL's errors.
func refuse(w http.ResponseWriter, status int, kind fail.Kind, message string) {
	type extensions struct {
		Code string `json:"code"`
	}
	type entry struct {
		Message    string     `json:"message"`
		Extensions extensions `json:"extensions"`
	}
	body, _ := json.Marshal(map[string][]entry{"errors": {{message, extensions{kind.Code()}}}}) // texts are always JSON
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header["X-Content-Type-Options"] = nosniff
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client hung up
}
