package server

import (
	"net"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/edge"
)

// A request finds the connection that gathers, also where connections are counted: what wraps it must not hide it.
func TestGatheringIsFound(t *testing.T) {
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	e, err := edge.New(edge.Config{}, edge.Options{MaxBodyBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := e.Listen(gathering{inner})
	if err != nil {
		t.Fatal(err)
	}
	client, err := new(net.Dialer).DialContext(t.Context(), "tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, ok := withGathering(t.Context(), conn).Value(connKey{}).(*gatheringConn); !ok {
		t.Errorf("a %T doesn't gather", conn)
	}
}
