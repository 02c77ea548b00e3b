package edge_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/edge"
)

// All pieces together, in the order that the package asks for.
func TestAllTogether(t *testing.T) {
	e, err := edge.New(edge.Config{CORS: edge.CORS{Origins: []string{"https://app.example.com"}}}, edge.Options{
		TrustedProxies: []string{"127.0.0.1"}, MaxBodyBytes: 1000, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	var from netip.Addr
	h := e.Secure(e.CrossOrigin(e.Inflate(e.Compress(e.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from = e.Proxies.Of(r)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"data":"%s%s"}`, body, strings.Repeat("x", 2000))
	}))))))
	inner := must(net.Listen("tcp", "127.0.0.1:0"))
	server := &http.Server{Handler: h}
	e.Apply(server)
	l, err := e.Listen(inner)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	defer func() { server.Close(); <-done }()
	res, data := ask(t, http.MethodPost, "http://"+inner.Addr().String(), map[string]string{
		"Content-Type": "application/json", "Content-Encoding": "gzip", "Accept-Encoding": "gzip", "Origin": "https://app.example.com", "X-Forwarded-For": "203.0.113.9",
	}, strings.NewReader(string(deflate("gzip", strings.NewReader("hello")))))
	if text := inflate(t, res.Header.Get("Content-Encoding"), data); !strings.HasPrefix(text, `{"data":"helloxx`) {
		t.Errorf("%d %v %.40q", res.StatusCode, res.Header, text)
	}
	if res.Header.Get("Access-Control-Allow-Origin") == "" || res.Header.Get("Content-Security-Policy") == "" || from.String() != "203.0.113.9" {
		t.Errorf("%v %v", res.Header, from)
	}
	for name, c := range map[string]edge.Config{"cors": {CORS: edge.CORS{Origins: []string{"x"}}}, "tls": {TLS: edge.TLS{KeyFile: "x"}}, "connections": {Connections: edge.Connections{Max: -1}}} {
		if _, err := edge.New(c, edge.Options{MaxBodyBytes: 1}); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	if _, err := edge.New(edge.Config{}, edge.Options{}); err == nil {
		t.Error("bodies without bound")
	}
}
