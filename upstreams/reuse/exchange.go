package reuse

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// Exchange is one request for keys. It learns from the answer, on its way through the Layer, for how long its items may
// be kept. It's the context of its request.
type Exchange struct {
	context.Context //nolint:containedctx // it is one

	call *Call
	had  *source // of items that are kept, if they all came with one answer; set before the request is made

	mu        sync.Mutex // guards what follows
	begun     store.Fetch
	keeps     bool
	confirmed bool
	terms     rfc9111.Terms
	requested time.Time
	took      time.Duration
	source    []byte // what its items have of it
	tag       string // of its address
}

// Begin is called before one request for keys of a call; the request is made with the Exchange as its context. What is
// purged from now on isn't kept. The answer as a whole isn't kept either.
func (c *Cache) Begin(ctx context.Context, call *Call) *Exchange {
	return &Exchange{Context: ctx, call: call, begun: c.store.Begin()}
}

// Value has the Exchange.
func (x *Exchange) Value(key any) any {
	if key == (callKey{}) {
		return x
	}
	return x.Context.Value(key)
}

// Keeps says whether what the request has brought may be kept.
func (x *Exchange) Keeps() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.keeps
}

// Confirmed says that the service was asked whether what is kept still holds, and that it does. The request has failed
// then: what is kept is the answer.
func (x *Exchange) Confirmed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.confirmed
}

// Tag is the tag of the request's address, when what it brought may be kept. An item that came alone has it: a write to the
// address ends it (RFC 9111, section 4.4).
func (x *Exchange) Tag() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tag
}

// errConfirmed is the error of a request that brought nothing because all that it would have is kept.
var errConfirmed = errors.New("not modified")

// observe makes an exchange for keys. When it's redirected, the last answer counts.
func (l *layer) observe(r *http.Request, x *Exchange) (*http.Response, error) {
	requested := x.begun.Start()
	asking := x.had.condition(l.Cache, r)
	res, err := l.send(asking)
	if err == nil && asking != r && res.StatusCode == http.StatusNotModified {
		release(res)
		if rfc9111.Confirms(x.had.header, res.Header) {
			l.confirm(r, x, res, requested)
			return nil, errConfirmed
		}
		res, err = l.send(r)
	}
	if err != nil {
		return nil, err
	}
	call := x.call
	if l.silent(call, r, res) {
		call.worth.none()
		x.learn(lesson{})
		l.quiet(r, call, string(rfc9111.NoLifetime))
		return res, nil
	}
	now := l.store.Now()
	terms, refusal := l.read(r, call, res, res.StatusCode, res.Header, requested, now)
	reason := string(refusal)
	if reason == "" && l.perRequest(res.Header) {
		reason = perRequest
	}
	if reason != "" {
		x.learn(lesson{})
		if refusal != rfc9111.StatusRefused { // an error says nothing of other answers
			call.worth.none()
		}
		l.bypass(r, call, res, requested, reason)
		return res, nil
	}
	call.worth.some()
	x.learn(lesson{begun: since(x.begun, res), terms: terms, took: now.Sub(requested), source: l.sourceOf(r, res.Header), tag: l.uriTag(r.URL)})
	l.brought(r, call, Miss, &terms, now)
	return res, nil
}

// confirm notes that what is kept still holds, on the terms that the service says now (section 4.3.4).
func (l *layer) confirm(r *http.Request, x *Exchange, res *http.Response, requested time.Time) {
	now := l.store.Now()
	header := rfc9111.Update(x.had.header, rfc9111.Dated(res.Header, now))
	said := header
	if cookies := res.Header["Set-Cookie"]; len(cookies) > 0 {
		said = header.Clone()
		said["Set-Cookie"] = cookies
	}
	terms, refusal := l.read(r, x.call, res, http.StatusOK, said, requested, now)
	learnt := lesson{confirmed: true}
	if refusal == rfc9111.Kept {
		learnt = lesson{
			confirmed: true, begun: since(x.begun, res), terms: terms, took: now.Sub(requested), source: l.sourceOf(r, header), tag: l.uriTag(r.URL),
		}
	}
	x.learn(learnt)
	l.brought(r, x.call, Revalidated, &terms, now)
}

// read says on which terms an answer may be kept for its items. Without a source nothing can be revalidated.
func (l *layer) read(
	r *http.Request, call *Call, res *http.Response, status int, header http.Header, requested, now time.Time,
) (rfc9111.Terms, rfc9111.Refusal) {
	p := l.config.policy(&call.Rule)
	if !revalidates(r) {
		p.Keep = 0
	}
	began := requested
	if b, ok := res.Body.(*body.Body); ok && !b.Began().IsZero() && b.Began().Before(began) {
		began = b.Began()
	}
	return rfc9111.Read(rfc9111.Request{Method: http.MethodGet, Header: r.Header}, rfc9111.Response{
		Status: status, Header: header, Requested: began, Received: now,
	}, p)
}

// perRequest says that an answer depends on what names the single request.
func (c *Cache) perRequest(h http.Header) bool {
	names, _ := rfc9111.Vary(h)
	return slices.ContainsFunc(names, func(name string) bool { return c.ignored[name] })
}

// brought tells of an answer whose items are kept.
func (l *layer) brought(r *http.Request, call *Call, state State, t *rfc9111.Terms, now time.Time) {
	l.metrics.ServiceAnswer(state, 1)
	s := t.At(now, rfc9111.Directives{})
	if t.Validate {
		s.Left = 0
	}
	recorderOf(r.Context()).add(Use{Service: l.options.Service, Call: call.Coordinate, State: state, Known: true, Left: s.Left, Age: s.Age})
}

func release(res *http.Response) {
	if b, ok := res.Body.(*body.Body); ok {
		b.Release()
	} else {
		_ = res.Body.Close()
	}
}

// lesson is what an Exchange learns of its answer. The zero lesson is of one that isn't kept.
type lesson struct {
	begun     store.Fetch
	confirmed bool
	terms     rfc9111.Terms
	took      time.Duration
	source    []byte
	tag       string // not empty when it's kept
}

func (x *Exchange) learn(a lesson) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.keeps, x.confirmed = a.tag != "", a.confirmed
	if x.keeps {
		x.requested = x.begun.Start()
		x.begun, x.terms, x.took, x.source, x.tag = a.begun, a.terms, a.took, a.source, a.tag
	}
}

// kept gives the terms of the items, and whether they may be kept.
func (x *Exchange) kept() (begun store.Fetch, requested time.Time, a record, took time.Duration, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.begun, x.requested, record{terms: x.terms, source: x.source}, x.took, x.keeps
}
