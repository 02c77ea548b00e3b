package subscription_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/tributary-gateway/tributary/gateway/subscription"
)

// virtual runs a test in a bubble, in which time passes when nobody has anything to do.
func virtual(t *testing.T, config subscription.Config, test func(t *testing.T, h *subscription.Handler, l *pipeListener)) {
	synctest.Test(t, func(t *testing.T) {
		h, err := subscription.New(config, subscription.Options{Runner: newScript(), Identify: identify})
		if err != nil {
			t.Fatal(err)
		}
		l := newPipeListener()
		// These times are those of the gateway: what lasts must outlive them.
		server := &http.Server{Handler: h, ReadTimeout: 15 * time.Second, WriteTimeout: time.Minute}
		go func() { _ = server.Serve(l) }()
		test(t, h, l)
		_ = h.Drain(cancelled(t))
		server.Close()
		synctest.Wait()
	})
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func virtualDial(t *testing.T, l *pipeListener, protocol string) *websocket.Conn {
	t.Helper()
	transport := &http.Transport{DialContext: l.dial, DisableKeepAlives: true}
	ws, _, err := websocket.Dial(t.Context(), "ws://gateway/graphql", &websocket.DialOptions{
		Subprotocols: []string{protocol}, HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// listen is hear without a deadline.
func listen(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	_, data, err := ws.Read(t.Context())
	if code := websocket.CloseStatus(err); code >= 0 {
		return fmt.Sprint("close ", int(code))
	}
	if err != nil {
		return "broken"
	}
	return string(data)
}

func TestInitTimeout(t *testing.T) {
	for name, first := range map[string]string{"silence": "", "pings only": `{"type":"ping"}`, "identifying hangs": `{"type":"connection_init","payload":{"token":"hang"}}`} {
		t.Run(name, func(t *testing.T) {
			virtual(t, subscription.Config{InitTimeout: 3 * time.Second}, func(t *testing.T, _ *subscription.Handler, l *pipeListener) {
				ws := virtualDial(t, l, transportWS)
				began := time.Now()
				want := "close 4408"
				if first != "" {
					say(t, ws, first)
				}
				if strings.Contains(first, "ping") {
					listen(t, ws)
				}
				if strings.Contains(first, "hang") { // two that wait for the same time: either may be first
					want += " close 1013"
				}
				if got := listen(t, ws); !strings.Contains(want, got) {
					t.Errorf("got %s", got)
				}
				if took := time.Since(began); took != 3*time.Second {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}

// A client that answers pings stays for as long as it likes; one that doesn't is gone after the interval and the timeout.
func TestPings(t *testing.T) {
	for _, protocol := range []string{transportWS, legacyWS} {
		virtual(t, subscription.Config{PingInterval: 20 * time.Second, PingTimeout: 5 * time.Second}, func(t *testing.T, _ *subscription.Handler, l *pipeListener) {
			ws := virtualDial(t, l, protocol)
			say(t, ws, `{"type":"connection_init"}`)
			listen(t, ws)
			heard := make(chan string, 1000)
			go func() { // reading answers pings
				for {
					got := listen(t, ws)
					heard <- got
					if got != `{"type":"ka"}` {
						return
					}
				}
			}()
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			want := 0
			if protocol == legacyWS {
				want = 31
			}
			if len(heard) != want {
				t.Errorf("%s: %d messages in ten minutes", protocol, len(heard))
			}
			ws.CloseNow()
		})
	}
	virtual(t, subscription.Config{PingInterval: 20 * time.Second, PingTimeout: 5 * time.Second}, func(t *testing.T, _ *subscription.Handler, l *pipeListener) {
		ws := virtualDial(t, l, transportWS)
		say(t, ws, `{"type":"connection_init"}`)
		listen(t, ws)
		began := time.Now()
		// Nobody reads here, so that no pong goes out; the ping itself must be taken off the pipe.
		time.Sleep(26 * time.Second)
		if got := listen(t, ws); got != "broken" {
			t.Errorf("got %s after %v", got, time.Since(began))
		}
	})
}

func TestCredentialsThatEnd(t *testing.T) {
	virtual(t, subscription.Config{}, func(t *testing.T, _ *subscription.Handler, l *pipeListener) {
		ws := virtualDial(t, l, transportWS)
		began := time.Now()
		say(t, ws, `{"type":"connection_init","payload":{"token":"brief"}}`)
		listen(t, ws)
		if got := listen(t, ws); got != "close 4403" || time.Since(began) != time.Minute {
			t.Errorf("got %s after %v", got, time.Since(began))
		}
	})
	virtual(t, subscription.Config{}, func(t *testing.T, _ *subscription.Handler, l *pipeListener) {
		e, began := virtualStream(t, l, "brief"), time.Now()
		e.want("event: next\ndata: {\"errors\":[{\"message\":\"The credentials have expired.\",\"extensions\":{\"code\":\"UNAUTHENTICATED\"}}]}", "event: complete\ndata:", "end")
		if took := time.Since(began); took != time.Minute {
			t.Errorf("after %v", took)
		}
	})
}

func virtualStream(t *testing.T, l *pipeListener, token string) events {
	t.Helper()
	conn, err := l.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	const body = `{"query":"subscription { events }"}`
	go fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Token: %s\r\n%s\r\n%s\r\nContent-Length: %d\r\n\r\n%s", token, wantsEvents, isJSON, len(body), body)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(err, res)
	}
	return events{t, bufio.NewReader(res.Body)}
}

// An event stream outlives the server's times for requests, and has a comment in each interval.
func TestEventStreamsLast(t *testing.T) {
	virtual(t, subscription.Config{PingInterval: 10 * time.Second}, func(t *testing.T, _ *subscription.Handler, l *pipeListener) {
		e := virtualStream(t, l, "")
		began := time.Now()
		for range 181 { // one at once
			for _, want := range []string{":\n", "\n"} {
				if line, err := e.r.ReadString('\n'); err != nil || line != want {
					t.Fatalf("after %v: %q %v", time.Since(began), line, err)
				}
			}
		}
		if took := time.Since(began); took != 30*time.Minute {
			t.Errorf("%v", took)
		}
	})
}

// A client that takes nothing off the wire is gone after the time for one write.
func TestWriteTimeout(t *testing.T) {
	virtual(t, subscription.Config{WriteTimeout: 4 * time.Second, PingInterval: time.Hour}, func(t *testing.T, h *subscription.Handler, l *pipeListener) {
		conn, err := l.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = conn.Write([]byte(rawHandshake(transportWS)))
			_, _ = conn.Write(frame(`{"type":"connection_init"}`))
		}()
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%v", took)
		}
		conn.Close()
	})
}

func TestReservationsEnd(t *testing.T) {
	virtual(t, subscription.Config{ReserveTimeout: 7 * time.Second, MaxConnections: 1}, func(t *testing.T, _ *subscription.Handler, l *pipeListener) {
		put := func() int {
			client := &http.Client{Transport: &http.Transport{DialContext: l.dial, DisableKeepAlives: true}}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://gateway/", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			return res.StatusCode
		}
		if got := put(); got != http.StatusCreated {
			t.Fatal(got)
		}
		time.Sleep(7*time.Second - time.Millisecond)
		if got := put(); got != http.StatusServiceUnavailable {
			t.Error(got)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := put(); got != http.StatusCreated {
			t.Error(got)
		}
	})
}
