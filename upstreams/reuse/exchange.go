package reuse

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// Exchange is one request for keys. It learns from the answer, on its way through the Layer, for how long its items may
// be kept.
type Exchange struct {
	cache *Cache
	begun store.Fetch
	call  *Call

	mu        sync.Mutex // guards what follows
	seen      bool
	terms     rfc9111.Terms
	refusal   string
	requested time.Time
	took      time.Duration
}

type exchangeKey struct{}

// Begin is called before one request for keys that a Lookup misses; the request is made with the context that it gives.
// What is purged from now on isn't kept. The answer as a whole isn't kept either.
func (c *Cache) Begin(ctx context.Context) (context.Context, *Exchange) {
	x := &Exchange{cache: c, begun: c.store.Begin()}
	return context.WithValue(ctx, exchangeKey{}, x), x
}

// observe makes an exchange for keys. When it's redirected, the last answer counts.
func (l *layer) observe(r *http.Request, call *Call, x *Exchange) (*http.Response, error) {
	requested := l.store.Now()
	res, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	now := l.store.Now()
	terms, refusal := rfc9111.Read(rfc9111.Request{Method: http.MethodGet, Header: r.Header}, rfc9111.Response{
		Status: res.StatusCode, Header: res.Header, Requested: requested, Received: now,
	}, l.config.policy(&call.Rule))
	terms.Keep = 0 // what a batch's ETag is of isn't a single item
	reason := string(refusal)
	names, _ := rfc9111.Vary(res.Header)
	for _, name := range names {
		if l.ignored[name] {
			reason = perRequest
		}
	}
	switch {
	case !l.config.Enabled || call.Rule.Off:
		reason = isOff
	case reason == "" && terms.At(now, rfc9111.Directives{}).Use == rfc9111.Ask:
		reason = string(rfc9111.UselessRefused)
	}
	x.mu.Lock()
	x.seen, x.call, x.terms, x.refusal, x.requested, x.took = true, call, terms, reason, requested, now.Sub(requested)
	x.mu.Unlock()
	if reason != "" {
		l.bypass(r, call, res, requested, reason)
		return res, nil
	}
	l.metrics.ServiceAnswer(Miss, 1)
	s := terms.At(now, rfc9111.Directives{})
	recorderOf(r.Context()).add(Use{Service: l.options.Service, Call: call.Coordinate, State: Miss, Known: true, Left: s.Left, Age: s.Age})
	return res, nil
}

// kept gives the terms of the items, and whether they may be kept.
func (x *Exchange) kept() (t rfc9111.Terms, requested time.Time, took time.Duration, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.terms, x.requested, x.took, x.seen && x.refusal == ""
}
