package edge_test

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/address"
	"github.com/tributary-gateway/tributary/gateway/edge"
	"github.com/tributary-gateway/tributary/internal/journal"
)

// listen starts a server that says "hi" to each connection and keeps it open until its peer closes it.
func listen(t *testing.T, c edge.Connections, exempt []string, logger *slog.Logger) (*edge.Listener, string) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := must(edge.Limit(inner, c, must(address.New(exempt, "")), logger))
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.WriteString(conn, "hi")
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
				_ = conn.Close() // a second time doesn't count
			}()
		}
	}()
	return l, inner.Addr().String()
}

// dial says whether the server lets a connection in.
func dial(t *testing.T, address string) (net.Conn, bool) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, false // reset before it was told that it is connected
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	_, err = io.ReadFull(conn, make([]byte, 2))
	return conn, err == nil
}

func TestLimitPerAddress(t *testing.T) {
	var log journal.Journal
	l, address := listen(t, edge.Connections{MaxPerAddress: 3, CountLoopback: true}, nil, slog.New(slog.NewTextHandler(&log, nil)))
	var conns []net.Conn
	for i := range 3 {
		conn, ok := dial(t, address)
		if !ok {
			t.Fatalf("connection %d is refused", i)
		}
		conns = append(conns, conn)
	}
	for range 3 {
		if _, ok := dial(t, address); ok {
			t.Fatal("one too many is let in")
		}
	}
	if n := strings.Count(log.String(), "connections are refused"); n != 1 {
		t.Errorf("%d lines in the log: %s", n, log.String())
	}
	conns[0].Close()
	for { // the server notices when it does
		if _, ok := dial(t, address); ok {
			break
		}
	}
	if l.Open() != 3 {
		t.Errorf("%d are open", l.Open())
	}
}

func TestLimitInAll(t *testing.T) {
	_, address := listen(t, edge.Connections{Max: 2}, nil, nil)
	for range 2 {
		if _, ok := dial(t, address); !ok {
			t.Fatal("refused")
		}
	}
	if _, ok := dial(t, address); ok {
		t.Error("one too many is let in")
	}
}

func TestLimitExempts(t *testing.T) {
	for name, c := range map[string]struct {
		config edge.Connections
		exempt []string
	}{
		"this machine": {edge.Connections{MaxPerAddress: 1}, nil},
		"proxies":      {edge.Connections{MaxPerAddress: 1, CountLoopback: true}, []string{"127.0.0.0/8"}},
	} {
		_, address := listen(t, c.config, c.exempt, nil)
		for range 4 {
			if _, ok := dial(t, address); !ok {
				t.Fatalf("%s: refused", name)
			}
		}
	}
}

func TestLimitUnderNetHTTP(t *testing.T) {
	inner := must(net.Listen("tcp", "127.0.0.1:0"))
	l := must(edge.Limit(inner, edge.Connections{MaxPerAddress: 1, CountLoopback: true}, address.Proxies{}, nil))
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })}
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	url := "http://" + inner.Addr().String()
	for range 20 { // one after the other on one connection
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	server.Close()
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	if l.Open() != 0 {
		t.Errorf("%d are still counted", l.Open())
	}
}
