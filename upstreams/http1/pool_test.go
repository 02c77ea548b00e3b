package http1_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

func TestMistakes(t *testing.T) {
	_, err := http1.New(http1.Config{DialTimeout: -1, MaxIdle: -1, MaxConns: -1, IdleTimeout: -1, MaxHeader: -1})
	want := strings.Join([]string{
		"dial_timeout: can't be negative", "max_idle: can't be negative", "max_conns: can't be negative",
		"idle_timeout: can't be negative", "max_header: can't be negative",
	}, "\n")
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	for _, c := range []http1.Config{{MaxIdle: 5, MaxConns: 4}, {MaxIdle: 257}} {
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "max_idle: ") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := (http1.Config{}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestDefaults(t *testing.T) {
	want := http1.Config{DialTimeout: 2 * time.Second, MaxIdle: 256, MaxConns: 256, IdleTimeout: 90 * time.Second, MaxHeader: 64 << 10}
	if diff := cmp.Diff(want, http1.Config{}.WithDefaults()); diff != "" {
		t.Error(diff)
	}
	if c := (http1.Config{MaxConns: 8}).WithDefaults(); c.MaxIdle != 8 {
		t.Error(c.MaxIdle)
	}
}

// keeping answers every request of a connection with ok.
func keeping(p *peer) {
	for p.request() {
		p.say(ok)
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	server := newScript(t, keeping)
	client := newClient(t, http1.Config{})
	for range 20 {
		if text := mustAsk(t, client, "GET", server.origin); text != "ok" {
			t.Fatal(text)
		}
	}
	if n := server.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestWhatIsUsedAgain has for each way to end an exchange whether the next request uses its connection.
func TestWhatIsUsedAgain(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\n"
	chunks := head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
	whole := func(res *http.Response) { _, _ = io.ReadAll(res.Body) }
	exact := func(res *http.Response) { _, _ = io.ReadFull(res.Body, make([]byte, 2)) }
	one := func(res *http.Response) { _, _ = io.ReadFull(res.Body, make([]byte, 1)) }
	nothing := func(*http.Response) {}
	for name, c := range map[string]struct {
		method, raw string
		read        func(*http.Response)
		again       bool
	}{
		"length":                     {"GET", ok, whole, true},
		"length, exactly":            {"GET", ok, exact, true},
		"length, partly":             {"GET", ok, one, false},
		"length, not read":           {"GET", ok, nothing, false},
		"no body":                    {"GET", head + "Content-Length: 0\r\n\r\n", nothing, true},
		"204":                        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", nothing, true},
		"304 with length":            {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", nothing, true},
		"HEAD with length":           {"HEAD", head + "Content-Length: 5\r\n\r\n", nothing, true},
		"HEAD with a body":           {"HEAD", ok, nothing, false},
		"chunks":                     {"GET", chunks + "\r\n", whole, true},
		"chunks, exactly":            {"GET", chunks + "\r\n", exact, true},
		"chunks, partly":             {"GET", chunks + "\r\n", one, false},
		"trailer":                    {"GET", chunks + "X: y\r\n\r\n", whole, true},
		"chunks and length":          {"GET", head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", whole, false},
		"gzip":                       {"GET", head + "Content-Encoding: gzip\r\nContent-Length: " + itoa(len(gzipped("ok"))) + "\r\n\r\n" + gzipped("ok"), whole, true},
		"bytes over":                 {"GET", ok + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", whole, false},
		"bytes over without body":    {"GET", head + "Content-Length: 0\r\n\r\nx", nothing, false},
		"close":                      {"GET", head + "Connection: close\r\nContent-Length: 2\r\n\r\nok", whole, false},
		"1.0":                        {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", whole, false},
		"1.0, keep-alive":            {"GET", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", whole, true},
		"1.0, keep-alive, chunks":    {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok", whole, false},
		"malformed chunk":            {"GET", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n", whole, false},
		"error":                      {"GET", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nok", whole, true},
		"100 before the answer":      {"GET", "HTTP/1.1 100 Continue\r\n\r\n" + ok, whole, true},
		"POST":                       {"POST", ok, whole, true},
		"malformed head":             {"GET", "HTTP/1.1 OK\r\n\r\n", nothing, false},
		"another protocol after 101": {"GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", nothing, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := newScript(t, func(p *peer) {
				for p.request() {
					p.say(c.raw)
				}
			})
			client := newClient(t, http1.Config{})
			for range 2 {
				res, err := client.RoundTrip(newRequest(t, c.method, server.origin, nil))
				if err == nil {
					c.read(res)
					res.Body.Close()
					if _, err := res.Body.Read(make([]byte, 1)); err == nil {
						t.Error("read after Close")
					}
				}
			}
			if again := server.connections() == 1; again != c.again {
				t.Errorf("used again: %v", again)
			}
		})
	}
}

// TestUnaskedAnswer: what a service sends on an idle connection is no answer to the next request.
func TestUnaskedAnswer(t *testing.T) {
	said := make(chan bool, 1)
	server := newScript(t, func(p *peer) {
		for p.request() {
			p.say(ok)
			if p.n == 0 {
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
				said <- true
			}
		}
	})
	client := newClient(t, http1.Config{})
	for range 2 {
		if text := mustAsk(t, client, "GET", server.origin); text != "ok" {
			t.Error(text)
		}
		if len(server.requests()) == 1 {
			<-said
		}
	}
	if n := server.connections(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestMaxIdle(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(4)
	server := newScript(t, func(p *peer) {
		for first := true; p.request(); first = false {
			if first && p.n < 4 {
				arrived.Done()
				arrived.Wait()
			}
			p.say(ok)
		}
	})
	client := newClient(t, http1.Config{MaxIdle: 1})
	var group sync.WaitGroup
	before := files()
	for range 4 {
		group.Go(func() { mustAsk(t, client, "GET", server.origin) })
	}
	group.Wait()
	eventually(t, "more than one connection was kept", func() bool { return files() <= before+2 }) // both ends
	mustAsk(t, client, "GET", server.origin)
	if n := server.connections(); n != 4 {
		t.Errorf("%d connections", n)
	}
}

// TestIdleTimeout: a connection that nothing uses is closed, without anybody asking.
func TestIdleTimeout(t *testing.T) {
	gone := make(chan bool, 1)
	server := newScript(t, func(p *peer) {
		keeping(p)
		gone <- true
	})
	client := newClient(t, http1.Config{IdleTimeout: 20 * time.Millisecond})
	mustAsk(t, client, "GET", server.origin)
	<-gone
	mustAsk(t, client, "GET", server.origin)
	<-gone
	if n := server.connections(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestClose(t *testing.T) {
	gone := make(chan bool, 1)
	server := newScript(t, func(p *peer) {
		keeping(p)
		gone <- true
	})
	client := newClient(t, http1.Config{})
	mustAsk(t, client, "GET", server.origin)
	client.CloseIdleConnections()
	<-gone
	res, err := client.RoundTrip(newRequest(t, "GET", server.origin, nil))
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	if text, err := io.ReadAll(res.Body); err != nil || string(text) != "ok" {
		t.Errorf("%q %v", text, err)
	}
	<-gone
	if _, _, err := ask(client, newRequest(t, "GET", server.origin, nil)); !errors.Is(err, http1.ErrClosed) {
		t.Error(err)
	}
}

// TestWaiting: requests over MaxConns wait in their order, and those whose context ends leave the line.
func TestWaiting(t *testing.T) {
	release := make(chan bool)
	server := newScript(t, func(p *peer) {
		for p.request() {
			<-release
			p.say(ok)
		}
	})
	client := newClient(t, http1.Config{MaxConns: 1})
	var group sync.WaitGroup
	group.Go(func() { mustAsk(t, client, "GET", server.origin+"/0") })
	eventually(t, "the first request", func() bool { return len(server.requests()) == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	waits := func(address string, ask func()) {
		before := runtime.NumGoroutine()
		group.Go(ask)
		eventually(t, address, func() bool { return runtime.NumGoroutine() > before && waiting("http1.(*Client).wait") > 0 })
	}
	for i := 1; i <= 5; i++ {
		n := waiting("http1.(*Client).wait")
		waits(itoa(i), func() {
			if i == 3 {
				_, _, err := ask(client, newRequest(t, "GET", server.origin+"/3", nil).WithContext(ctx))
				gaveUp <- err
				return
			}
			mustAsk(t, client, "GET", server.origin+"/"+itoa(i))
		})
		eventually(t, "not in line", func() bool { return waiting("http1.(*Client).wait") == n+1 })
	}
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for range 5 {
		release <- true
	}
	group.Wait()
	want := []string{"GET /0 HTTP/1.1", "GET /1 HTTP/1.1", "GET /2 HTTP/1.1", "GET /4 HTTP/1.1", "GET /5 HTTP/1.1"}
	if diff := cmp.Diff(want, server.requests()); diff != "" {
		t.Error(diff)
	}
	if n := server.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// waiting counts the goroutines of this process that are in a function.
func waiting(function string) int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), function+"(")
}

// TestSlotOfAFailure: a connection that failed, or couldn't be made, makes room for the next request.
func TestSlotOfAFailure(t *testing.T) {
	server := newScript(t, func(p *peer) {
		if p.request() && p.n%2 == 1 {
			p.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	client := newClient(t, http1.Config{MaxConns: 1})
	var failed atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, _, err := ask(client, newRequest(t, "POST", server.origin, nil)); err != nil {
				failed.Add(1)
			}
		})
	}
	group.Wait()
	if failed.Load() != 10 {
		t.Errorf("%d failed", failed.Load())
	}
	nobody := newScript(t, func(*peer) {})
	nobody.origin = "http://127.0.0.1:1"
	for range 3 {
		if _, _, err := ask(client, newRequest(t, "GET", nobody.origin, nil)); err == nil {
			t.Error("somebody listens on port 1")
		}
	}
}

// TestCanceledInLine: requests that leave the line at any moment, also when it is their turn, take no connection along.
func TestCanceledInLine(t *testing.T) {
	var together sync.WaitGroup
	together.Add(2)
	server := newScript(t, func(p *peer) {
		for p.request() {
			if strings.Contains(p.first, "/together") {
				together.Done()
				together.Wait()
			}
			p.say(ok)
		}
	})
	client := newClient(t, http1.Config{MaxConns: 2})
	var group sync.WaitGroup
	for i := range 400 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%40)*100*time.Microsecond)
			defer cancel()
			_, text, err := ask(client, newRequest(t, "GET", server.origin, nil).WithContext(ctx))
			if err == nil && text != "ok" || err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%q %v", text, err)
			}
		})
	}
	group.Wait()
	for range 2 {
		group.Go(func() { mustAsk(t, client, "GET", server.origin+"/together") })
	}
	group.Wait()
}

// TestClosedAfterEach: a service that keeps no connection and doesn't say so is served with GETs all the same.
func TestClosedAfterEach(t *testing.T) {
	server := newScript(t, func(p *peer) {
		if p.request() {
			p.say(ok)
		}
	})
	client := newClient(t, http1.Config{MaxConns: 2})
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if text := mustAsk(t, client, "GET", server.origin); text != "ok" {
				t.Error(text)
			}
		})
	}
	group.Wait()
}

// TestMany sends 1,000 requests at once over 16 connections, to a real server, and leaves nothing behind.
func TestMany(t *testing.T) {
	goroutines, before := runtime.NumGoroutine(), files()
	var open, most atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := open.Add(1)
		defer open.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		text, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.URL.Path+string(text))
	}))
	client := newClient(t, http1.Config{MaxConns: 16})
	var group sync.WaitGroup
	for i := range 1000 {
		group.Go(func() {
			method, body := "GET", ""
			if i%3 == 0 {
				method, body = "POST", strings.Repeat(itoa(i), 1+i%7*10_000)
			}
			_, text, err := ask(client, newRequest(t, method, server.URL+"/"+itoa(i), strings.NewReader(body)))
			if err != nil || text != "/"+itoa(i)+body {
				t.Errorf("%d: %.50q %v", i, text, err)
			}
		})
	}
	group.Wait()
	if most.Load() > 16 {
		t.Errorf("%d at once", most.Load())
	}
	client.Close()
	server.Close()
	eventually(t, "goroutines are left", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "files are left", func() bool { return files() <= before })
}
