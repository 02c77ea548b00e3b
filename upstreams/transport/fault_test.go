package transport_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/http1"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// instance is a service on a real socket that does wrong things below HTTP. It counts the requests whose head it read.
type instance struct {
	listener net.Listener
	does     func(c net.Conn, r *bufio.Reader, req *http.Request)
	early    func(c net.Conn) // instead of reading a request
	group    sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	count map[string]int // by method
	open  int            // connections so far
}

func start(t testing.TB, i *instance) *instance {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	i.listener, i.conns, i.count = listener, map[net.Conn]bool{}, map[string]int{}
	i.group.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			i.mu.Lock()
			i.conns[c] = true
			i.open++
			i.mu.Unlock()
			i.group.Go(func() { i.serve(c) })
		}
	})
	t.Cleanup(i.stop)
	return i
}

func (i *instance) stop() {
	_ = i.listener.Close()
	i.mu.Lock()
	for c := range i.conns {
		_ = c.Close()
	}
	i.mu.Unlock()
	i.group.Wait()
}

func (i *instance) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		i.mu.Lock()
		delete(i.conns, c)
		i.mu.Unlock()
	}()
	if i.early != nil {
		i.early(c)
		return
	}
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		i.mu.Lock()
		i.count[req.Method]++
		i.mu.Unlock()
		i.does(c, r, req)
	}
}

func (i *instance) url() string { return "http://" + i.listener.Addr().String() }

func (i *instance) seen(method string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count[method]
}

func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// says reads the request's body and answers with these bytes; then the connection is closed, or reset.
func says(text string, then func(net.Conn)) func(net.Conn, *bufio.Reader, *http.Request) {
	return func(c net.Conn, _ *bufio.Reader, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(c, text)
		if then != nil {
			then(c)
		} else {
			_ = c.Close()
		}
	}
}

func keep(net.Conn) {}

const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

// wrongs are the ways to fail, with what a GET that's sent once comes to.
var wrongs = []struct {
	name     string
	instance *instance
	kind     fail.Kind // the zero Kind: none
	status   int
}{
	{"closed at once", &instance{early: func(net.Conn) {}}, fail.UpstreamUnavailable, 0},
	{"reset at once", &instance{early: reset}, fail.UpstreamUnavailable, 0},
	{"closed after the request", &instance{does: says("", nil)}, fail.UpstreamUnavailable, 0},
	{"reset after the request", &instance{does: says("", reset)}, fail.UpstreamUnavailable, 0},
	{"reset before the body came", &instance{does: func(c net.Conn, _ *bufio.Reader, _ *http.Request) { reset(c) }}, fail.UpstreamUnavailable, 0},
	{"hangs", &instance{does: func(_ net.Conn, r *bufio.Reader, _ *http.Request) { _, _ = io.Copy(io.Discard, r) }}, fail.UpstreamTimeout, 0},
	{"500", &instance{does: says("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", keep)}, 0, 500},
	{"502", &instance{does: says("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", keep)}, 0, 502},
	{"503", &instance{does: says("HTTP/1.1 503 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", keep)}, 0, 503},
	{"504", &instance{does: says("HTTP/1.1 504 No\r\nContent-Length: 0\r\n\r\n", keep)}, 0, 504},
	{"429", &instance{does: says("HTTP/1.1 429 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", keep)}, 0, 429},
	{"408 and close", &instance{does: says("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", nil)}, 0, 408},
	{"closed in the head", &instance{does: says("HTTP/1.1 200 OK\r\n", nil)}, fail.UpstreamUnavailable, 0},
	{"reset in the head", &instance{does: says("HTTP/1.1 200 OK\r\n", reset)}, fail.UpstreamUnavailable, 0},
	{"closed in the body", &instance{does: says(head+"Content-Length: 100\r\n\r\n{\"a", nil)}, fail.UpstreamInvalidResponse, 0},
	{"reset in the body", &instance{does: says(head+"Content-Length: 100\r\n\r\n{\"a", reset)}, fail.UpstreamInvalidResponse, 0},
	{"closed in a chunk", &instance{does: says(head+"Transfer-Encoding: chunked\r\n\r\n64\r\n{\"a", nil)}, fail.UpstreamInvalidResponse, 0},
	{"no chunk", &instance{does: says(head+"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{\"a", nil)}, fail.UpstreamInvalidResponse, 0},
	{"no HTTP", &instance{does: says("SSH-2.0-OpenSSH_9.2\r\n\r\n", nil)}, fail.UpstreamInvalidResponse, 0},
	{"flood of 1xx", &instance{does: says(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 3000), nil)}, fail.UpstreamInvalidResponse, 0},
	{"endless head", &instance{does: says("HTTP/1.1 200 OK\r\nX-Big: "+strings.Repeat("x", 1<<20), nil)}, fail.UpstreamInvalidResponse, 0},
	{"too big", &instance{does: says(head+"Content-Length: 2000000\r\n\r\n"+strings.Repeat("x", 2000000), nil)}, fail.UpstreamInvalidResponse, 0},
	{"too big in chunks", &instance{does: says(head+"Transfer-Encoding: chunked\r\n\r\n"+strings.Repeat("8000\r\n"+strings.Repeat("x", 0x8000)+"\r\n", 60), nil)}, fail.UpstreamInvalidResponse, 0},
	{"drips", &instance{does: func(c net.Conn, _ *bufio.Reader, _ *http.Request) {
		_, _ = io.WriteString(c, head+"Content-Length: 100\r\n\r\n")
		for range 100 {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
			<-time.After(20 * time.Millisecond)
		}
	}}, fail.UpstreamTimeout, 0},
}

// carriers are all there are for http.
func carriers(t testing.TB) map[string]func() http.RoundTripper {
	return map[string]func() http.RoundTripper{
		"net/http": func() http.RoundTripper {
			c, err := transport.NewNetHTTP(transport.Connections{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.CloseIdleConnections)
			return c
		},
		"http1": func() http.RoundTripper {
			c, err := http1.New(http1.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.CloseIdleConnections)
			return c
		},
	}
}

// TestFaults: each fault is one clear failure, in time, and nothing stays behind. A POST is sent once whatever happens: of
// the requests that instances saw, also of those that were lost, none came twice.
func TestFaults(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("all", func(t *testing.T) {
		for _, w := range wrongs {
			for name, carrier := range carriers(t) {
				t.Run(w.name+" over "+name, func(t *testing.T) {
					t.Parallel()
					one := start(t, &instance{does: w.instance.does, early: w.instance.early})
					two := start(t, &instance{does: w.instance.does, early: w.instance.early})
					c := everything()
					c.AttemptTimeout = 800 * time.Millisecond // what fails at once may take some of it on a busy machine
					c.Retry.Attempts = 1
					o := transport.Options{Carrier: carrier(), Balancer: newPool(t, one.url(), two.url()), MaxBody: 1 << 20, Timeout: 2 * time.Second}
					status, _, err := get(t, newTransport(t, c, o), t.Context(), "http://users/1")
					if w.kind != 0 {
						wantKind(t, err, w.kind)
					} else if status != w.status || err != nil {
						t.Errorf("%d %v", status, err)
					}

					// With retries, and without and with a body, over connections that are new and that were used.
					c.Retry.Attempts = 3
					tr := newTransport(t, c, o)
					for n, text := range []string{"", "body", strings.Repeat("body", 1<<16)} {
						_, _, _ = do(t, tr, newRequest(t, t.Context(), http.MethodPost, "http://users/1", text))
						if seen := one.seen("POST") + two.seen("POST"); seen > n+1 {
							t.Errorf("%d POSTs came as %d", n+1, seen)
						}
					}
				})
			}
		}
	})
	settled(t, before)
}

// TestPOSTOverAKeptConnection that the service closes as the request comes: it's lost, or comes once.
func TestPOSTOverAKeptConnection(t *testing.T) {
	for name, carrier := range carriers(t) {
		for _, end := range []func(net.Conn){reset, func(c net.Conn) { _ = c.Close() }} {
			i := start(t, &instance{does: func(c net.Conn, _ *bufio.Reader, req *http.Request) {
				if req.Method == http.MethodPost {
					end(c)
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}})
			tr := newTransport(t, everything(), transport.Options{Carrier: carrier(), Balancer: newPool(t, i.url()), Timeout: time.Second})
			for n := range 5 {
				if status, _, err := get(t, tr, t.Context(), "http://users/1"); status != 200 {
					t.Fatal(name, err)
				}
				_, _, err := do(t, tr, newRequest(t, t.Context(), http.MethodPost, "http://users/1", "body"))
				wantKind(t, err, fail.UpstreamUnavailable)
				if seen := i.seen("POST"); seen != n+1 {
					t.Errorf("%s: %d POSTs came as %d", name, n+1, seen)
				}
			}
		}
	}
}

// TestRefused: nobody listens, at one instance or at all of them.
func TestRefused(t *testing.T) {
	for name, carrier := range carriers(t) {
		i := start(t, &instance{does: says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", keep)})
		const nowhere = "http://127.0.0.1:1"
		tr := newTransport(t, everything(), transport.Options{Carrier: carrier(), Balancer: newPool(t, nowhere, i.url()), Timeout: time.Second})
		for range 20 {
			if status, _, err := get(t, tr, t.Context(), "http://users/1"); status != 200 {
				t.Errorf("%s: %v", name, err)
			}
		}
		tr = newTransport(t, everything(), transport.Options{Carrier: carrier(), Balancer: newPool(t, nowhere), Timeout: time.Second})
		_, _, err := get(t, tr, t.Context(), "http://users/1")
		wantKind(t, err, fail.UpstreamUnavailable)
	}
}

// TestBadConnectionsAreNotUsedAgain: after an answer that wasn't read to its end there's a new connection.
func TestBadConnectionsAreNotUsedAgain(t *testing.T) {
	for name, carrier := range carriers(t) {
		for _, text := range []string{
			head + "Content-Length: 4000000\r\n\r\n" + strings.Repeat("x", 100000),
			"HTTP/1.1 404 No\r\nContent-Length: 4000000\r\n\r\n" + strings.Repeat("x", 100000),
		} {
			i := start(t, &instance{does: says(text, keep)})
			c := everything()
			c.Retry.Attempts = 1
			tr := newTransport(t, c, transport.Options{Carrier: carrier(), Balancer: newPool(t, i.url()), Timeout: time.Second, MaxBody: 1 << 20})
			for range 3 {
				_, _, _ = tr2(tr.RoundTrip(newRequest(t, t.Context(), http.MethodGet, "http://users/1", "")))
			}
			i.mu.Lock()
			if i.open != 3 {
				t.Errorf("%s: %d connections for 3 requests, after %.60q", name, i.open, text)
			}
			i.mu.Unlock()
		}
	}
}

// TestHangUpReachesTheService: it sees the connection closed well within 0.4 s.
func TestHangUpReachesTheService(t *testing.T) {
	for name, carrier := range carriers(t) {
		arrived, gone := make(chan struct{}), make(chan struct{})
		i := start(t, &instance{does: func(_ net.Conn, r *bufio.Reader, _ *http.Request) {
			close(arrived)
			_, _ = io.Copy(io.Discard, r)
			close(gone)
		}})
		tr := newTransport(t, everything(), transport.Options{Carrier: carrier(), Balancer: newPool(t, i.url()), Timeout: 10 * time.Second})
		ctx, cancel := newCancel(t)
		done := make(chan error)
		go func() {
			_, _, err := get(t, tr, ctx, "http://users/1")
			done <- err
		}()
		<-arrived
		began := time.Now()
		cancel()
		wantKind(t, <-done, fail.Canceled)
		<-gone
		if took := time.Since(began); took > 400*time.Millisecond {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// TestMemoryIsBounded: eight answers of 100 MB at once, of which the gateway wants 8 MiB each at most.
func TestMemoryIsBounded(t *testing.T) {
	block := make([]byte, 1<<20)
	for name, carrier := range carriers(t) {
		for framing, most := range map[string]uint64{
			"Content-Length: " + strconv.Itoa(100<<20): 16,
			// 8 MiB each until they are known to be too big.
			"Transfer-Encoding: chunked": 96,
			"Connection: close":          96,
		} {
			i := start(t, &instance{does: func(c net.Conn, _ *bufio.Reader, _ *http.Request) {
				_, _ = io.WriteString(c, head+framing+"\r\n\r\n")
				chunked := strings.HasSuffix(framing, "chunked")
				for range 100 {
					if chunked {
						_, _ = io.WriteString(c, "100000\r\n")
					}
					if _, err := c.Write(block); err != nil {
						return
					}
					if chunked {
						_, _ = io.WriteString(c, "\r\n")
					}
				}
				_ = c.Close()
			}})
			tr := newTransport(t, transport.Config{}, transport.Options{Carrier: carrier(), Balancer: newPool(t, i.url()), Timeout: time.Minute, MaxBody: 8 << 20})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					_, _, err := get(t, tr, t.Context(), "http://users/1")
					wantKind(t, err, fail.UpstreamInvalidResponse)
				})
			}
			group.Wait()
			runtime.ReadMemStats(&after)
			if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > most {
				t.Errorf("%s, %s: %d MiB", name, framing, grown)
			}
			i.stop()
		}
	}
}
