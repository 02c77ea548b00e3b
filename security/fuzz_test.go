package security_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/internal/demo"
)

// scripted is a connection whose client has sent everything already and reads all.
type scripted struct {
	mu       sync.Mutex // guards what follows
	in       *bytes.Reader
	out      bytes.Buffer
	deadline time.Time
	changed  chan struct{} // closed when the deadline changes or the connection ends
	ended    chan struct{} // closed by Close
	over     bool
}

func newScripted(input []byte) *scripted {
	return &scripted{in: bytes.NewReader(input), changed: make(chan struct{}), ended: make(chan struct{})}
}

// Read gives what was sent. While it answers, net/http waits with a buffer of one byte for what comes next or for the
// client to leave: this one stays. In any other place the end is the end.
func (c *scripted) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		n, err := c.in.Read(p)
		late := !c.deadline.IsZero() && !c.deadline.After(time.Now())
		over, changed := c.over, c.changed
		c.mu.Unlock()
		switch {
		case over:
			return 0, net.ErrClosed
		case late:
			return n, os.ErrDeadlineExceeded
		case n > 0 || len(p) != 1:
			return n, err
		}
		<-changed
	}
}

func (c *scripted) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return 0, net.ErrClosed
	}
	return c.out.Write(p)
}

func (c *scripted) wake(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *scripted) Close() error {
	c.wake(func() {
		if !c.over {
			c.over = true
			close(c.ended)
		}
	})
	return nil
}

func (c *scripted) SetReadDeadline(t time.Time) error { c.wake(func() { c.deadline = t }); return nil }
func (c *scripted) SetDeadline(t time.Time) error     { return c.SetReadDeadline(t) }
func (*scripted) SetWriteDeadline(time.Time) error    { return nil }
func (*scripted) LocalAddr() net.Addr                 { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
func (*scripted) RemoteAddr() net.Addr                { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 4000} }

// door is a listener for scripted connections.
type door chan net.Conn

func (d door) Accept() (net.Conn, error) {
	conn, ok := <-d
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (d door) Close() error { return nil }
func (door) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// Whatever bytes a client sends, the gateway lives, answers with whole HTTP responses, never fails in a way that isn't meant,
// and takes memory within bounds. Its services are the shop's.
func FuzzConnection(f *testing.F) {
	for _, c := range classes() {
		for _, a := range c.attacks {
			if len(a.send) <= 4<<10 && a.against() == "open" && a.service == nil {
				f.Add(a.send)
			}
		}
	}
	shop := newRecorder(f)
	yaml := profiles["open"]
	for _, name := range demo.Names {
		yaml = strings.ReplaceAll(yaml, "ADDRESS-"+name, shop.address(name))
	}
	cfg, err := config.Parse("fuzzed", []byte(yaml+"log: {level: error}\n"), config.Inputs{})
	if err != nil {
		f.Fatal(err)
	}
	g, err := assemble.New(newSchema(), cfg, nil)
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	clients, served := make(door), make(chan struct{})
	go func() {
		defer close(served)
		_ = g.Serve(ctx, clients)
	}()
	f.Cleanup(func() {
		stop()
		close(clients)
		<-served
		g.Close()
	})

	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 256<<10 {
			return
		}
		shop.begin(nil)
		before := measure().Allocated
		conn := newScripted(input)
		clients <- conn
		select {
		case <-conn.ended:
		case <-time.After(20 * time.Second):
			t.Fatal("the connection doesn't end")
		}
		allocated := measure().Allocated - before
		all, err := responses(conn.out.Bytes())
		if err != nil {
			t.Fatalf("the answer isn't one: %v\n%q", err, conn.out.Bytes())
		}
		for i := range all {
			if status := all[i].StatusCode; status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported {
				t.Errorf("status %d: %.500q", status, all[i].body)
			}
			if err := errors.Join(all[i].checkHeader(), all[i].checkInner(attack{want: verdict{errors: 1 << 20}})); err != nil && !strings.Contains(all[i].Header.Get("Content-Type"), "html") {
				t.Errorf("%v: %.500q", err, all[i].body)
			}
			for _, leak := range leaks(string(all[i].body), input) {
				t.Errorf("it tells %q: %.500q", leak, all[i].body)
			}
		}
		for _, r := range shop.received() {
			if err := shop.check(r); err != nil {
				t.Error(err)
			}
		}
		if most := int64(64<<20) * int64(1+len(all)) * slower; allocated > most {
			t.Errorf("%d MB for %d answers", allocated>>20, len(all))
		}
	})
}

// checkInner is checkJSON of what has a body of JSON.
func (x *answer) checkInner(a attack) error {
	if len(x.body) == 0 || !strings.Contains(x.Header.Get("Content-Type"), "json") {
		return nil
	}
	return x.checkJSON(a)
}

// responses reads the answers on a connection. What a HEAD got has no body, whatever its length says.
func responses(raw []byte) ([]answer, error) {
	var all []answer
	for len(raw) > 0 {
		end := bytes.Index(raw, []byte("\r\n\r\n"))
		if end < 0 {
			return all, io.ErrUnexpectedEOF
		}
		end += len("\r\n\r\n")
		in := bufio.NewReader(bytes.NewReader(raw))
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			return all, err
		}
		x := answer{Response: response}
		if rest := raw[end:]; len(rest) > 0 && !bytes.HasPrefix(rest, []byte("HTTP/1.")) { // no body of ours begins like that
			if x.body, err = io.ReadAll(response.Body); err != nil {
				return all, err
			}
			left, err := io.ReadAll(in)
			if err != nil {
				return all, err
			}
			end = len(raw) - len(left)
		}
		if response.StatusCode >= http.StatusOK {
			all = append(all, x)
		}
		raw = raw[end:]
	}
	return all, nil
}
