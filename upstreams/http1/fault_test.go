package http1_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// faults are what a service does with a request that comes on a connection it has answered one on before.
var faults = map[string]func(p *peer){
	"closes":                   func(*peer) {},
	"resets":                   func(p *peer) { p.reset() },
	"half a status line":       func(p *peer) { p.say("HTTP/1.1 2") },
	"half a head":              func(p *peer) { p.say("HTTP/1.1 200 OK\r\nX: y\r\n") },
	"reset in the head":        func(p *peer) { p.say("HTTP/1.1 200 OK\r\nX: y\r\n"); p.reset() },
	"no HTTP":                  func(p *peer) { p.say("hello\r\n\r\n") },
	"only 100":                 func(p *peer) { p.say("HTTP/1.1 100 Continue\r\n\r\n") },
	"100 without end":          func(p *peer) { p.say(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 10_000)) },
	"header without end":       func(p *peer) { p.say("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20_000)) },
	"line without end":         func(p *peer) { p.say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 100_000)) },
	"101":                      func(p *peer) { p.say("HTTP/1.1 101 Switching Protocols\r\n\r\n") },
	"cut body":                 func(p *peer) { p.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok") },
	"reset in the body":        func(p *peer) { p.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"); p.reset() },
	"malformed chunk":          func(p *peer) { p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n") },
	"malformed trailer":        func(p *peer) { p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx\r\n\r\n") },
	"different lengths":        func(p *peer) { p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\nok") },
	"unknown encoding":         func(p *peer) { p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: br\r\n\r\nok") },
	"stops reading and closes": func(p *peer) { _ = p.CloseRead() },
}

// unanswered are the faults where no byte of an answer came.
var unanswered = map[string]bool{"closes": true, "resets": true, "stops reading and closes": true}

// TestSentAgain: over every fault, a request reaches services once. Only one that does nothing, and of whose answer no byte
// came, is sent once more, on a connection of its own.
func TestSentAgain(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, fault := range faults {
		for _, c := range []struct {
			method, body string
			again        bool
		}{
			{"GET", "", true}, {"HEAD", "", true}, {"OPTIONS", "", true},
			{"POST", "", false}, {"POST", "hello", false}, {"POST", long, false}, {"PUT", "hello", false},
			{"DELETE", "", false}, {"PATCH", "", false}, {"GET", "hello", false},
		} {
			t.Run(name+"/"+c.method+" "+itoa(len(c.body)), func(t *testing.T) {
				server := newScript(t, func(p *peer) {
					if p.request() && p.n == 0 {
						p.say(ok)
						p.request()
					}
					fault(p)
				})
				client := newClient(t, http1.Config{})
				mustAsk(t, client, "GET", server.origin+"/first")
				req := newRequest(t, c.method, server.origin, strings.NewReader(c.body))
				res, text, err := ask(client, req)
				if err == nil && (c.method != "HEAD" || res == nil) {
					t.Errorf("no error, but %q", text)
				}
				want := 2
				if c.again && unanswered[name] {
					want = 3
				}
				if got := server.requests(); len(got) != want {
					t.Errorf("%d requests: %q (%v)", len(got), got, err)
				}
			})
		}
	}
}

// TestFreshConnectionIsNotRepeated: a service that closes every connection is asked once.
func TestFreshConnectionIsNotRepeated(t *testing.T) {
	server := newScript(t, func(p *peer) { p.request() })
	_, _, err := ask(newClient(t, http1.Config{}), newRequest(t, "GET", server.origin, nil))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if got := server.requests(); len(got) != 1 {
		t.Error(got)
	}
}

// TestClosedWhileIdle: requests of all methods get through when the service has closed idle connections before.
func TestClosedWhileIdle(t *testing.T) {
	for name, end := range map[string]func(*peer){"closed": func(*peer) {}, "reset": func(p *peer) { p.reset() }} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan bool, 1)
			server := newScript(t, func(p *peer) {
				if p.request() {
					p.say(ok)
					end(p)
				}
				p.Close()
				gone <- true
			})
			client := newClient(t, http1.Config{})
			for _, method := range []string{"GET", "POST", "POST", "DELETE", "PUT"} {
				if text := mustAsk(t, client, method, server.origin); text != "ok" {
					t.Error(text)
				}
				<-gone
			}
		})
	}
}

// TestEarlyAnswer: a service may answer and close before it has read the body.
func TestEarlyAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		size    int
		unsized bool
	}{"small": {1000, false}, "big": {16 << 20, false}, "unknown": {16 << 20, true}} {
		t.Run(name, func(t *testing.T) {
			server := newScript(t, func(p *peer) {
				p.request()
				p.say("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
				_ = p.CloseWrite()
				_, _ = io.CopyN(io.Discard, p.in, 500) // and then RST, as there is more
			})
			var body io.Reader = strings.NewReader(strings.Repeat("x", c.size))
			if c.unsized {
				body = io.MultiReader(body)
			}
			times := make(chan bool, 5)
			req := newRequest(t, "POST", server.origin, closed{body, times})
			if !c.unsized {
				req.ContentLength = int64(c.size)
			}
			res, text, err := ask(newClient(t, http1.Config{}), req)
			if err != nil || res.StatusCode != http.StatusRequestEntityTooLarge || text != "big" {
				t.Errorf("%q %v", text, err)
			}
			<-times
			if n := len(server.requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestAnswerWithoutReading: a service that answers and lets the request's body lie gets its connection closed.
func TestAnswerWithoutReading(t *testing.T) {
	closing := make(chan bool)
	server := newScript(t, func(p *peer) {
		p.request()
		p.say(ok)
		<-closing
		p.gone()
		closing <- true
	})
	client := newClient(t, http1.Config{})
	times := make(chan bool, 5)
	req := newRequest(t, "POST", server.origin, closed{strings.NewReader(strings.Repeat("x", 64<<20)), times})
	if _, text, err := ask(client, req); err != nil || text != "ok" {
		t.Errorf("%q %v", text, err)
	}
	closing <- true
	<-closing
	<-times
}

// TestAnswerWhileSending: a service may answer while it reads, and the exchange ends with both.
func TestAnswerWhileSending(t *testing.T) {
	server := newScript(t, func(p *peer) {
		for p.request() {
			p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for line, err := p.in.ReadString('\n'); err == nil && line != "0\r\n"; line, err = p.in.ReadString('\n') {
				p.say("2\r\nok\r\n")
			}
			_, _ = p.in.ReadString('\n')
			p.say("0\r\n\r\n")
		}
	})
	client := newClient(t, http1.Config{})
	for range 2 {
		in, out := io.Pipe()
		res, err := func() (*http.Response, error) {
			return client.RoundTrip(newRequest(t, "POST", server.origin, in))
		}()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			_, _ = io.WriteString(out, "a")
			if _, err := io.ReadFull(res.Body, make([]byte, 4)); err != nil {
				t.Error(err)
			}
		}
		out.Close()
		if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
			t.Errorf("%q %v", rest, err)
		}
		res.Body.Close()
	}
	if n := server.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestErrors: what the layers above tell apart.
func TestErrors(t *testing.T) {
	for name, wrong := range map[string]bool{
		"closes": false, "resets": false, "half a head": false, "reset in the head": false, "cut body": false, "reset in the body": false,
		"no HTTP": true, "100 without end": true, "header without end": true, "line without end": true, "101": true,
		"malformed chunk": true, "malformed trailer": true, "different lengths": true, "unknown encoding": true,
	} {
		t.Run(name, func(t *testing.T) {
			server := newScript(t, func(p *peer) {
				p.request()
				faults[name](p)
				if wrong {
					p.gone()
				}
			})
			_, _, err := ask(newClient(t, http1.Config{}), newRequest(t, "GET", server.origin, nil))
			if err == nil || isInvalid(err) != wrong {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestHeaderLimit(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: \r\n\r\n"
	hints := "HTTP/1.1 103 Early Hints\r\nX: " + strings.Repeat("x", 100) + "\r\n\r\n"
	for name, c := range map[string]struct {
		before string
		limit  int
		fits   bool
	}{
		"exact":             {"", 30_000, true},
		"one over":          {"", 29_999, false},
		"with hints":        {hints, 30_000 + len(hints), true},
		"hints count":       {hints, 29_999 + len(hints), false},
		"line over a limit": {"", 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			value := strings.Repeat("x", 30_000-len(head))
			server := newScript(t, func(p *peer) {
				for p.request() {
					p.say(c.before + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: " + value + "\r\n\r\nok")
				}
			})
			client := newClient(t, http1.Config{MaxHeader: int64(c.limit)})
			res, text, err := ask(client, newRequest(t, "GET", server.origin, nil))
			if fits := err == nil; fits != c.fits {
				t.Fatal(err)
			}
			if !c.fits && !isInvalid(err) {
				t.Error(err)
			}
			if c.fits && (text != "ok" || res.Header.Get("X") != value) {
				t.Error(text)
			}
		})
	}
}

func TestDialError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	times := make(chan bool, 5)
	req := newRequest(t, "POST", "http://"+listener.Addr().String(), closed{strings.NewReader("x"), times})
	_, _, err = ask(newClient(t, http1.Config{}), req)
	var network *net.OpError
	if !errors.As(err, &network) || network.Op != "dial" {
		t.Error(err)
	}
	if len(times) != 1 {
		t.Errorf("the body was closed %d times", len(times))
	}
}

// TestTrailer: values of a trailer are there after the body.
func TestTrailer(t *testing.T) {
	server := newScript(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\nok\r\n0\r\nx-a: 1\r\nX-B: 2\r\n\r\n")
	})
	res, _, err := ask(newClient(t, http1.Config{}), newRequest(t, "GET", server.origin, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(http.Header{"X-A": {"1"}, "X-B": {"2"}}, res.Trailer); diff != "" {
		t.Error(diff)
	}
}
