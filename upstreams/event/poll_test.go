package event_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/event"
)

const priceQuery = `subscription { price(id: "7") }`

// A thousand subscribers of one key cost one request per tick, and get each change once.
func TestThousandSubscribersOfOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ticks, many = 10, 1000
		s := &service{answer: func(n int, _ *http.Request) *http.Response { return priceOf((n + 1) / 2) }} // changes at each second
		g := newGate(t, s, event.Config{})
		var heard atomic.Int64
		all := make([]*subscriber, many)
		for i := range all {
			all[i] = g.subscribe(t, priceQuery)
			go func() {
				for all[i].hear() != "end" {
					heard.Add(1)
				}
			}()
		}
		synctest.Wait()
		for s.count() < ticks {
			time.Sleep(time.Second / 10)
		}
		synctest.Wait()
		if n := s.count(); n != ticks || g.Feeds() != 1 {
			t.Errorf("%d requests of %d feeds", n, g.Feeds())
		}
		if n := heard.Load(); n != many*ticks/2 {
			t.Errorf("%d events, not %d", n, many*ticks/2)
		}
		for _, one := range all[1:] {
			one.leave()
		}
		synctest.Wait()
		if g.Feeds() != 1 {
			t.Error("the feed ended before its last subscriber left")
		}
		all[0].leave()
		synctest.Wait()
		n := s.count()
		time.Sleep(time.Hour)
		if g.Feeds() != 0 || s.count() != n {
			t.Errorf("%d feeds and %d requests after the last has left", g.Feeds(), s.count()-n)
		}
	})
}

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.answer = func(n int, _ *http.Request) *http.Response {
			switch n {
			case 1, 2:
				return priceOf(`{"a":1,"b":2}`)
			case 3:
				return priceOf(`{ "b": 2, "a": 1 }`) // says the same
			case 4, 5:
				return answer(500, "application/json", "{}")
			case 6:
				return answer(403, "application/json", "{}")
			case 7:
				return priceOf(`{"a":1,"b":2}`) // as before the failure
			case 8:
				return priceOf("null")
			default:
				return priceOf(n)
			}
		}
		g := newGate(t, s, event.Config{})
		began := time.Now()
		one := g.subscribe(t, `subscription { p: price(id: "7") }`)
		one.want(t, `{"p":{"a":1,"b":2}}`)
		if time.Since(began) != 0 {
			t.Error("the first value had to be waited for")
		}
		late := g.subscribe(t, `subscription { p: price(id: 7) }`)
		late.want(t, `{"p":{"a":1,"b":2}}`)
		if time.Since(began) != 0 || s.count() != 1 {
			t.Error("a late subscriber had to wait, or was asked for")
		}
		one.want(t, `{"p":null} UPSTREAM_ERROR at p (1:16)`)
		if s.count() != 4 {
			t.Errorf("what hasn't changed was sent: %d", s.count())
		}
		failed := time.Now()
		one.want(t, `{"p":null} FORBIDDEN at p (1:16)`, `{"p":{"a":1,"b":2}}`, `{"p":null}`, `{"p":9}`)
		if took := time.Since(failed); took < 2*time.Second+4*time.Second/2+8*time.Second/2 {
			t.Errorf("no backoff: %v", took)
		}
		sure := g.subscribe(t, `subscription { sure(id: 8) }`)
		sure.want(t, `{"sure":10}`)
		s.mu.Lock()
		s.answer = func(int, *http.Request) *http.Response { return nil }
		s.mu.Unlock()
		sure.want(t, `null UPSTREAM_UNAVAILABLE at sure (1:16)`)
	})
}

// Nobody gets what was fetched with another's credentials, and other arguments are another request.
func TestPollKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: func(_ int, r *http.Request) *http.Response {
			return priceOf(`"` + r.URL.Path + r.Header.Get("Authorization") + `"`)
		}}
		g := newGate(t, s, event.Config{})
		for i, c := range []struct {
			query, header, want string
			feeds               int
		}{
			{priceQuery, "Authorization: a", `{"price":"/v1/prices/7a"}`, 1},
			{priceQuery, "Authorization: a", `{"price":"/v1/prices/7a"}`, 1},
			{priceQuery, "X-Other: a", `{"price":"/v1/prices/7"}`, 2},
			{priceQuery, "Authorization: b", `{"price":"/v1/prices/7b"}`, 3},
			{`subscription { price(id: "8") }`, "Authorization: b", `{"price":"/v1/prices/8b"}`, 4},
			{`subscription { sure(id: "8") }`, "Authorization: b", `{"sure":"/v1/prices/8b"}`, 5},
		} {
			g.subscribe(t, c.query, c.header).want(t, c.want)
			if g.Feeds() != c.feeds || s.count() != c.feeds {
				t.Errorf("%d: %d feeds, %d requests", i, g.Feeds(), s.count())
			}
		}
	})
}

// A subscriber that doesn't read misses values in between and gets the newest; it holds nobody back.
func TestSlowSubscriberOfAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: func(n int, _ *http.Request) *http.Response { return priceOf(min(n, 50)) }}
		g := newGate(t, s, event.Config{Queue: 2})
		slow, quick := g.subscribe(t, priceQuery), g.subscribe(t, priceQuery)
		for range 50 {
			quick.hear()
		}
		if s.count() != 50 {
			t.Errorf("%d requests", s.count())
		}
		slow.want(t, `{"price":1}`, `{"price":2}`, `{"price":50}`)
	})
}
