package http1_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// soon is far more than anything here takes.
const soon = 20 * time.Second

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

func itoa(n int) string { return strconv.Itoa(n) }

func newClient(t testing.TB, c http1.Config) *http1.Client {
	t.Helper()
	client, err := http1.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// script is a service that is written out byte by byte.
type script struct {
	origin string
	mu     sync.Mutex
	opened int      // connections
	got    []string // first lines of requests
}

// peer is one connection of a script.
type peer struct {
	*script
	*net.TCPConn
	in    *bufio.Reader
	n     int    // which connection this is, from 0
	first string // line of the last request
}

// newScript runs act for each connection and closes the connection after it.
func newScript(t testing.TB, act func(p *peer)) *script {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{origin: "http://" + listener.Addr().String()}
	var group sync.WaitGroup
	var open sync.Map
	group.Go(func() {
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			open.Store(socket, true)
			s.mu.Lock()
			n := s.opened
			s.opened++
			s.mu.Unlock()
			group.Go(func() {
				defer open.Delete(socket)
				defer socket.Close()
				act(&peer{script: s, TCPConn: socket.(*net.TCPConn), in: bufio.NewReader(socket), n: n})
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		open.Range(func(socket, _ any) bool {
			socket.(net.Conn).Close()
			return true
		})
		group.Wait()
	})
	return s
}

// request reads the head of a request. False is the end of the connection.
func (p *peer) request() bool {
	for first := true; ; first = false {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return false
		}
		if first {
			p.first = strings.TrimSpace(line)
			p.mu.Lock()
			p.got = append(p.got, p.first)
			p.mu.Unlock()
		}
		if line == "\r\n" {
			return true
		}
	}
}

func (p *peer) say(text string) { _, _ = io.WriteString(p.TCPConn, text) }

// gone waits until the client closes the connection.
func (p *peer) gone() { _, _ = io.Copy(io.Discard, p.in) }

// reset makes Close send RST.
func (p *peer) reset() { _ = p.SetLinger(0) }

func (s *script) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

func (s *script) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func newRequest(t testing.TB, method, address string, body io.Reader) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// ask makes an exchange and reads the whole body.
func ask(rt http.RoundTripper, req *http.Request) (*http.Response, string, error) {
	res, err := rt.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

// mustAsk is ask for when all is well.
func mustAsk(t testing.TB, rt http.RoundTripper, method, address string) string {
	t.Helper()
	_, text, err := ask(rt, newRequest(t, method, address, nil))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// eventually waits for what other goroutines do after we are served.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
		time.Sleep(time.Millisecond)
	}
}

// files counts the open files of this process, or gives 0 where that isn't known.
func files() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

func isInvalid(err error) bool {
	var wrong *http1.InvalidError
	return errors.As(err, &wrong)
}
