package rfc9111_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// TestNeverMoreThanTheRFCAllows holds the package against a model that is written the other way round: it lists what the
// RFC forbids, on whole seconds, for headers that were made and so needn't be parsed.
func TestNeverMoreThanTheRFCAllows(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	fresh, meanwhile, onError := 0, 0, 0
	for i := range 200_000 {
		m := random(rnd)
		terms, refusal := rfc9111.Read(m.request(), m.response(), rfc9111.Policy{Keep: time.Hour})
		if refusal != rfc9111.Kept {
			continue
		}
		if why := m.forbidsStoring(); why != "" {
			t.Fatalf("seed %d, %d: kept, but %s: %+v", seed, i, why, m)
		}
		for range 4 {
			after := rnd.IntN(150)
			s := terms.At(t0.Add(time.Duration(after)*time.Second), rfc9111.Asked(m.request().Header))
			stale := m.staleFor(after)
			switch {
			case s.Use == rfc9111.Fresh:
				fresh++
				if stale >= 0 || m.mustValidate() {
					t.Fatalf("seed %d, %d: fresh after %ds, but stale for %d: %+v", seed, i, after, stale, m)
				}
			case s.Use == rfc9111.StaleMeanwhile:
				meanwhile++
				if m.mustValidate() || m.strict() || stale > m.swr {
					t.Fatalf("seed %d, %d: stale after %ds: %+v", seed, i, after, m)
				}
			case s.IfError:
				onError++
				if m.mustValidate() || m.strict() || stale > m.sie {
					t.Fatalf("seed %d, %d: stale on error after %ds: %+v", seed, i, after, m)
				}
			}
		}
	}
	if fresh < 1000 || meanwhile < 100 || onError < 100 {
		t.Errorf("too few cases say anything: %d, %d, %d", fresh, meanwhile, onError)
	}
}

// TestSilentIsWhatReadSays: what is quick says nothing else than what is thorough.
func TestSilentIsWhatReadSays(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 2))
	policies := []rfc9111.Policy{{}, {Negative: time.Second}, {Negative: time.Second, Keep: time.Hour}, {TTL: time.Minute}, {StaleIfError: time.Minute}, {StaleWhileRevalidate: time.Minute}}
	silent, rest := 0, 0
	for i := range 100_000 {
		m := random(rnd)
		m.method = "GET"
		req, res := m.request(), m.response()
		for _, name := range []string{"Cache-Control", "Expires", "Vary", "Etag"} {
			if rnd.IntN(3) > 0 {
				delete(res.Header, name)
			}
		}
		if rnd.IntN(3) == 0 {
			res.Header.Set("Vary", []string{"Accept", " a ,\tb,", "a b", "*", "a*", "a\x00", "a, ,b", ""}[rnd.IntN(8)])
		}
		p := policies[rnd.IntN(len(policies))]
		terms, refusal := rfc9111.Read(req, res, p)
		if !rfc9111.Silent(req, res, p) {
			if refusal == rfc9111.NoLifetime {
				rest++ // it may say no
			}
			continue
		}
		silent++
		if refusal != rfc9111.NoLifetime || terms.Told || terms.Validate {
			t.Fatalf("seed %d, %d: silent, but %q, %+v: %+v %+v", seed, i, refusal, terms, m, p)
		}
	}
	if silent < 1000 {
		t.Errorf("%d are silent, and %d more could be", silent, rest)
	}
}

// made is an exchange. Numbers below 0 stand for what isn't there.
type made struct {
	method                                                         string
	status                                                         int
	authorized, askNoStore, askNoCache                             bool
	noStore, noCache, private, public, must, proxy, varyAll, quote bool
	maxAge, sMaxAge, swr, sie, expires, date, age                  int
}

func random(rnd *rand.Rand) made {
	maybe := func(one int) bool { return rnd.IntN(one) == 0 }
	number := func(one, most int) int {
		if maybe(one) {
			return rnd.IntN(most)
		}
		return -1
	}
	return made{
		method: []string{"GET", "GET", "GET", "GET", "HEAD", "POST"}[rnd.IntN(6)], status: []int{200, 200, 200, 301, 206, 404, 500}[rnd.IntN(7)],
		authorized: maybe(4), askNoStore: maybe(20), askNoCache: maybe(20),
		noStore: maybe(12), noCache: maybe(8), private: maybe(12), public: maybe(3), must: maybe(6), proxy: maybe(8), varyAll: maybe(20), quote: maybe(2),
		maxAge: number(2, 100), sMaxAge: number(4, 100), swr: number(3, 50), sie: number(3, 50),
		expires: number(3, 100), date: number(2, 50), age: number(3, 50),
	}
}

func (m *made) request() rfc9111.Request {
	h := http.Header{}
	if m.authorized {
		h.Set("Authorization", "x")
	}
	if m.askNoStore {
		h.Add("Cache-Control", "no-store")
	}
	if m.askNoCache {
		h.Add("Cache-Control", "no-cache")
	}
	return rfc9111.Request{Method: m.method, Header: h}
}

func (m *made) response() rfc9111.Response {
	h := http.Header{}
	var directives []string
	for name, set := range map[string]bool{
		"no-store": m.noStore, "no-cache": m.noCache, "private": m.private, "public": m.public,
		"must-revalidate": m.must, "Proxy-Revalidate": m.proxy, "x-other": true,
	} {
		if set {
			directives = append(directives, name)
		}
	}
	for name, n := range map[string]int{
		"max-age": m.maxAge, "S-MaxAge": m.sMaxAge, "stale-while-revalidate": m.swr, "stale-if-error": m.sie,
	} {
		if n >= 0 {
			value := strconv.Itoa(n)
			if m.quote {
				value = strconv.Quote(value)
			}
			directives = append(directives, name+"="+value)
		}
	}
	if m.quote {
		for _, d := range directives {
			h.Add("Cache-Control", d)
		}
	} else {
		h.Set("Cache-Control", strings.Join(directives, " ,"))
	}
	if m.varyAll {
		h.Set("Vary", "Accept, *")
	}
	if m.date >= 0 {
		h.Set("Date", t0.Add(-time.Duration(m.date)*time.Second).Format(http.TimeFormat))
	}
	if m.expires >= 0 {
		h.Set("Expires", t0.Add(time.Duration(m.expires-20)*time.Second).Format(http.TimeFormat))
	}
	if m.age >= 0 {
		h.Set("Age", fmt.Sprint(m.age))
	}
	h.Set("Etag", `"a"`)
	return rfc9111.Response{Status: m.status, Header: h, Requested: t0, Received: t0}
}

func (m *made) forbidsStoring() string {
	switch {
	case m.method != "GET":
		return "the method"
	case m.status == 206 || m.status == 500:
		return "the status"
	case m.noStore || m.askNoStore:
		return "no-store"
	case m.private:
		return "private"
	case m.varyAll:
		return "vary"
	case m.authorized && !m.public && !m.must && m.sMaxAge < 0:
		return "authorization"
	}
	return ""
}

func (m *made) mustValidate() bool { return m.noCache || m.askNoCache }
func (m *made) strict() bool       { return m.must || m.proxy || m.sMaxAge >= 0 }

// staleFor is for how many seconds it has been stale, below 0 when it isn't.
func (m *made) staleFor(after int) int {
	lifetime := 0
	switch {
	case m.sMaxAge >= 0:
		lifetime = m.sMaxAge
	case m.maxAge >= 0:
		lifetime = m.maxAge
	case m.expires >= 0:
		lifetime = m.expires - 20 + max(0, m.date)
	}
	return max(0, m.date, m.age) + after - lifetime
}
