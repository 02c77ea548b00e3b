package http1_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// hangs is a service that says something and then nothing more. It tells when it does.
func hangs(t *testing.T, raw string) (*script, chan bool) {
	stuck := make(chan bool, 1)
	return newScript(t, func(p *peer) {
		p.request()
		p.say(raw)
		stuck <- true
		p.gone()
	}), stuck
}

// itself is a context that calls functions at its end itself.
type itself struct{ context.Context }

func (i itself) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(i.Context, f) }

var errWhy = errors.New("the client hung up")

// TestCancel: wherever a request is stuck, the end of its context ends it, and its connection.
func TestCancel(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		body int
	}{
		"before the answer":  {"", 0},
		"in the status line": {"HTTP/1.1 2", 0},
		"in the head":        {"HTTP/1.1 200 OK\r\nX: y\r\n", 0},
		"after 100":          {"HTTP/1.1 100 Continue\r\n\r\n", 0},
		"in the body":        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", 0},
		"in a chunk":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", 0},
		"before a trailer":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", 0},
		"to the end":         {"HTTP/1.1 200 OK\r\n\r\nok", 0},
		"in gzip":            {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzipped("hello")[:10], 0},
		"POST":               {"", 1000},
		"big POST":           {"", 1 << 20},
	} {
		for kind, end := range map[string]func(context.Context) (context.Context, func(), error){
			"canceled": func(ctx context.Context) (context.Context, func(), error) {
				ctx, cancel := context.WithCancel(ctx)
				return ctx, cancel, context.Canceled
			},
			"with a cause": func(ctx context.Context) (context.Context, func(), error) {
				ctx, cancel := context.WithCancelCause(ctx)
				return ctx, func() { cancel(errWhy) }, errWhy
			},
			"by itself": func(ctx context.Context) (context.Context, func(), error) {
				ctx, cancel := context.WithCancel(ctx)
				return itself{ctx}, cancel, context.Canceled
			},
			"deadline": func(ctx context.Context) (context.Context, func(), error) {
				ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
				t.Cleanup(cancel)
				return ctx, func() {}, context.DeadlineExceeded
			},
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				goroutines := runtime.NumGoroutine()
				t.Run("", func(t *testing.T) {
					server, stuck := hangs(t, c.raw)
					client := newClient(t, http1.Config{MaxConns: 1})
					method := "GET"
					if c.body > 0 {
						method = "POST"
					}
					ctx, cancel, want := end(t.Context())
					req := newRequest(t, method, server.origin, strings.NewReader(strings.Repeat("x", c.body))).WithContext(ctx)
					go func() {
						<-stuck
						cancel()
					}()
					_, _, err := ask(client, req)
					if !errors.Is(err, want) {
						t.Error(err)
					}
					if kind == "with a cause" {
						if !errors.Is(err, context.Canceled) {
							t.Error(err)
						}
					}
					if n := server.connections(); n != 1 {
						t.Errorf("%d connections", n)
					}
				})
				eventually(t, "goroutines are left", func() bool { return runtime.NumGoroutine() <= goroutines })
			})
		}
	}
}

// TestCancelWriting: a service that reads nothing holds nobody up, whether the body comes from memory or never comes.
func TestCancelWriting(t *testing.T) {
	ended := make(chan bool)
	defer close(ended)
	for name, body := range map[string]func() io.Reader{
		"full sockets": func() io.Reader { return strings.NewReader(strings.Repeat("x", 64<<20)) },
		"body stuck":   func() io.Reader { return stuckBody(ended) },
	} {
		t.Run(name, func(t *testing.T) {
			got, end := make(chan bool), make(chan bool)
			server := newScript(t, func(p *peer) {
				p.request()
				got <- true
				<-end
			})
			defer close(end)
			ctx, cancel := context.WithCancel(t.Context())
			times := make(chan bool, 5)
			req := newRequest(t, "POST", server.origin, closed{body(), times}).WithContext(ctx)
			go func() {
				<-got
				cancel()
			}()
			_, _, err := ask(newClient(t, http1.Config{}), req)
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			<-times
		})
	}
}

// stuckBody has nothing to give until it is closed.
type stuckBody chan bool

func (b stuckBody) Read([]byte) (int, error) {
	<-b
	return 0, io.EOF
}

// TestDrip: a body that comes byte by byte ends with its deadline.
func TestDrip(t *testing.T) {
	server := newScript(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for {
			if _, err := io.WriteString(p, "1\r\nx\r\n"); err != nil {
				return
			}
			time.Sleep(time.Millisecond) // what a drip is
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, _, err := ask(newClient(t, http1.Config{}), newRequest(t, "GET", server.origin, nil).WithContext(ctx))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestCanceledBefore: nothing is sent, and the body is closed.
func TestCanceledBefore(t *testing.T) {
	server := newScript(t, keeping)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	times := make(chan bool, 5)
	req := newRequest(t, "POST", server.origin, closed{strings.NewReader("x"), times}).WithContext(ctx)
	if _, _, err := ask(newClient(t, http1.Config{}), req); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if server.connections() != 0 || len(times) != 1 {
		t.Errorf("%d connections, closed %d times", server.connections(), len(times))
	}
}

// TestCancelAfterTheEnd: a context that ends after its exchange leaves the connection alone.
func TestCancelAfterTheEnd(t *testing.T) {
	server := newScript(t, keeping)
	client := newClient(t, http1.Config{})
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		if _, _, err := ask(client, newRequest(t, "GET", server.origin, nil).WithContext(ctx)); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	if n := server.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestCancelDuringReuse: contexts that end at any moment never disturb another exchange.
func TestCancelDuringReuse(t *testing.T) {
	server := newScript(t, keeping)
	client := newClient(t, http1.Config{MaxConns: 2})
	for i := range 500 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan bool)
		go func() {
			for range i % 50 {
				runtime.Gosched()
			}
			cancel()
			close(done)
		}()
		_, text, err := ask(client, newRequest(t, "GET", server.origin, nil).WithContext(ctx))
		if err == nil && text != "ok" || err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%q %v", text, err)
		}
		if text := mustAsk(t, client, "POST", server.origin); text != "ok" {
			t.Error(text)
		}
		<-done
	}
}

// TestCloseWhileReading: closing a body frees the one who reads it.
func TestCloseWhileReading(t *testing.T) {
	server, stuck := hangs(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
	client := newClient(t, http1.Config{MaxConns: 1})
	res, err := client.RoundTrip(newRequest(t, "GET", server.origin, nil))
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := io.ReadAll(res.Body)
		read <- err
	}()
	<-stuck
	eventually(t, "nobody reads", func() bool { return waiting("http1.(*body).next") == 1 })
	res.Body.Close()
	if err := <-read; !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Error(err)
	}
	req := newRequest(t, "GET", server.origin, nil).WithContext(t.Context())
	go func() { _, _, _ = ask(client, req) }()
	eventually(t, "the slot is lost", func() bool { return server.connections() == 2 })
}
