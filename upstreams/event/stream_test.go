package event_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/event"
)

const mineQuery = `subscription { mine(id: "7 8") }`

func stream(body string) *http.Response { return answer(200, "text/event-stream", body) }

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		var header http.Header
		joined := make(chan struct{}) // events before are for who was there
		s.answer = func(n int, r *http.Request) *http.Response {
			switch n {
			case 1:
				<-joined
				header = r.Header
				return stream("retry: 2000\nid: 4\nevent: order\ndata: {\"order\":\ndata: 1}\n\nevent: other\ndata: {\"order\": 2}\n\nid: 5\n\n")
			case 2:
				return stream("event: order\ndata: {\"order\": 3}\n\nevent: order\ndata: no JSON\n\n")
			case 3, 4, 5, 6: // three of which nobody is told of
				return answer(503, "text/plain", "")
			case 7:
				return answer(200, "text/html", "")
			case 8:
				return stream("event: order\ndata: " + strings.Repeat("x", 2000) + "\n\n")
			case 9:
				return stream("event: order\ndata: {\"order\":7}\n\n")
			case 10: // failures count anew
				return answer(503, "text/plain", "")
			default:
				return answer(204, "", "")
			}
		}
		g := newGate(t, s, event.Config{MaxEventBytes: 1000})
		began := time.Now()
		one, two := g.subscribe(t, mineQuery, "X-Client: me", "Authorization: a"), g.subscribe(t, mineQuery, "X-Client: me", "Authorization: a")
		close(joined)
		one.want(t, `{"mine":1}`)
		two.want(t, `{"mine":1}`)
		if header.Get("Accept") != "text/event-stream" || header.Get("Authorization") != "a" || header.Get("X-Key") != "k" {
			t.Errorf("headers %v", header)
		}
		one.want(t, `{"mine":3}`)
		if took := time.Since(began); took < 1800*time.Millisecond || took > 2*time.Second {
			t.Errorf("opened again after %v", took)
		}
		const at = " at mine (1:16)"
		one.want(t, `{"mine":null} UPSTREAM_INVALID_RESPONSE`+at, `{"mine":null} UPSTREAM_ERROR`+at, `{"mine":null} UPSTREAM_INVALID_RESPONSE`+at,
			`{"mine":7}`, "end") // the event that is too long looks like the failure before it, and is told once
		if got := s.requests[:2]; got[0] != "GET /v1/events/7%208?of=me" || got[1] != "GET /v1/events/7%208?of=me 5" {
			t.Errorf("requests %q", got)
		}
	})
}

// 204 is a stream's end in good order; a refusal that won't change is its end with an error.
func TestStreamEnds(t *testing.T) {
	for status, want := range map[int]string{204: "end", 404: " NOT_FOUND at mine (1:16)", 401: " UNAUTHENTICATED at mine (1:16)", 410: " UPSTREAM_ERROR at mine (1:16)"} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{answer: func(int, *http.Request) *http.Response { return answer(status, "", "") }}
			g := newGate(t, s, event.Config{})
			one := g.subscribe(t, mineQuery)
			one.want(t, want, "end")
			synctest.Wait()
			time.Sleep(time.Hour)
			if s.count() != 1 || g.Feeds() != 0 {
				t.Errorf("%d: %d requests, %d feeds", status, s.count(), g.Feeds())
			}
		})
	}
}

// A service's stream is closed when the last subscriber has left, and a slow one is ended without holding back others.
func TestStreamAndSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		s := &service{answer: func(_ int, r *http.Request) *http.Response {
			res := stream("")
			res.Body, res.ContentLength = read, -1
			go func() { <-r.Context().Done(); read.CloseWithError(r.Context().Err()) }()
			return res
		}}
		g := newGate(t, s, event.Config{Queue: 2})
		slow, quick := g.subscribe(t, mineQuery), g.subscribe(t, mineQuery)
		for range 5 {
			if _, err := io.WriteString(write, "event: order\ndata: {\"order\":1}\n\n"); err != nil {
				t.Fatal(err)
			}
			quick.want(t, `{"mine":1}`)
		}
		slow.want(t, `{"mine":1}`, `{"mine":1}`, " CANCELED at mine (1:16)", "end")
		slow.leave()
		quick.leave()
		synctest.Wait()
		if _, err := io.WriteString(write, "x"); err == nil {
			t.Error("the stream is still read")
		}
	})
}
