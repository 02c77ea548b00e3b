package edge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/edge"
)

func TestDefaultsAreValid(t *testing.T) {
	for name, c := range map[string]edge.Config{"zero": {}, "full": edge.Config{}.WithDefaults(), "few": edge.Config{Connections: edge.Connections{Max: 5}}.WithDefaults()} {
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateNamesEverything(t *testing.T) {
	err := edge.Config{
		Connections: edge.Connections{Max: 10, MaxPerAddress: 20},
		TLS:         edge.TLS{CertFile: "x", MinVersion: "2"},
		HTTP2:       edge.HTTP2{MaxStreams: -1, PingAfter: -1},
		CORS:        edge.CORS{Origins: []string{"*", "x"}, Credentials: true, Methods: []string{"*"}, Headers: []string{"a b"}, Expose: []string{""}, MaxAge: 48 * time.Hour},
		CSRF:        edge.CSRF{Headers: []string{}},
		Compression: edge.Compression{Codings: []string{"lzw", "gzip", "gzip"}, MinBytes: -1, Level: "best"},
		Inflation:   edge.Inflation{Codings: []string{"br"}, MaxRatio: -1},
		Headers:     edge.Headers{HSTSSubdomains: true},
		Forwarded:   "x-real-ip",
	}.Validate()
	if err == nil {
		t.Fatal("it is taken")
	}
	var keys []string
	for line := range strings.Lines(err.Error()) {
		key, _, _ := strings.Cut(line, ": ")
		keys = append(keys, key)
	}
	want := []string{
		"connections.max_per_address (20) is over max (10)\n", "tls.cert_file", "tls.min_version", "http2.max_streams", "http2.ping_after",
		"cors.origins[1]", "cors.credentials", "cors.methods[0]", "cors.headers[0]", "cors.expose[0]", "cors.max_age",
		"csrf.headers", "compression.codings[0]", "compression.codings[2]", "compression.min_bytes", "compression.level",
		"inflation.codings[0]", "inflation.max_ratio", "headers.hsts_subdomains", "forwarded",
	}
	if got := strings.Join(keys, "|"); got != strings.Join(want, "|") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "|"))
	}
}
