package reuse

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// outcome is how an exchange for a key ended.
type outcome struct {
	res    *http.Response // what the service answered, for the one who asked; nil when rec is for him as well
	rec    *record        // for everybody who has the same key; nil when each has to ask himself
	state  State
	reason string
	err    error
	gone   bool // it ended before its answer, by its own deadline or because nobody waited
}

// shared asks the service together with all who want the same. mark is from before the store was asked.
func (a *ask) shared(mark uint64) (*http.Response, error) {
	ctx := a.request.Context()
	for {
		f, first := a.flights.join(a.key, a.store.Now(), a.overtaken)
		if first {
			if res := a.meanwhile(mark); res != nil {
				a.flights.leave(f)
				a.flights.land(f, outcome{gone: true})
				return res, nil
			}
			leader := *a // what it finds out is its own
			go leader.fly(ctx, f)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			a.flights.leave(f)
			return nil, a.ended(ctx)
		}
		switch o := &f.outcome; {
		case first && o.res != nil:
			a.tell(o)
			return o.res, nil
		case o.rec != nil:
			if !first {
				recorderOf(ctx).older(f.began)
			}
			s := o.rec.terms.At(a.store.Now(), rfc9111.Directives{})
			a.use(o.state, o.reason, o.rec, s)
			return o.rec.response(a.request, s.Age), nil
		case o.err != nil && (first || !o.gone):
			return nil, o.err
		case o.res != nil: // it wasn't for others
			return a.alone()
		}
		if ctx.Err() != nil {
			return nil, a.ended(ctx)
		}
		mark = a.flights.mark()
	}
}

// tell tells of an answer that the service gave to this request.
func (a *ask) tell(o *outcome) {
	if o.rec == nil {
		a.bypass(a.request, a.call, o.res, a.store.Now(), o.reason)
		return
	}
	a.use(o.state, o.reason, o.rec, o.rec.terms.At(a.store.Now(), rfc9111.Directives{}))
}

// meanwhile looks again when an exchange has ended since: it may have been for the same.
func (a *ask) meanwhile(mark uint64) *http.Response {
	if a.flights.mark() == mark {
		return nil
	}
	return a.kept(a.store.Get(a.request.Context(), a.key))
}

// overtaken says whether an exchange that began at t may bring what has been purged since.
func (a *ask) overtaken(t time.Time) bool {
	var tags []string
	return a.store.PurgedSince(t, func(tag string) bool {
		if tags == nil {
			tags = a.tags()
		}
		return slices.Contains(tags, tag)
	})
}

func (a *ask) tags() []string {
	return append([]string{store.ServiceTag(a.options.Service), a.uriTag(a.request.URL)}, a.call.Tags...)
}

// fly makes the exchange for all who wait. Its context has what the first one's has, but for its end.
func (a *ask) fly(ctx context.Context, f *flight) {
	o := outcome{gone: true, err: a.ended(ctx)}
	defer func() {
		if r := recover(); r != nil {
			o = outcome{err: &fail.Error{Kind: fail.Internal, Op: a.options.Service, Service: a.options.Service, Err: errPanic(r)}}
		}
		a.flights.land(f, o)
	}()
	ctx, cancel := detached(ctx, a.options.Timeout)
	defer cancel()
	if !a.flights.takeOff(f, cancel) {
		return
	}
	o = a.exchange(ctx, a.had)
	o.gone = o.err != nil && ctx.Err() != nil
}

// renew begins an exchange that nobody waits for, unless there is one for the same.
func (a *ask) renew() {
	f := a.flights.alone(a.key, a.store.Now())
	if f == nil {
		return
	}
	ctx := context.WithoutCancel(a.request.Context())
	own := *a
	if !a.refresh.begin(func() { own.fly(ctx, f) }) {
		a.flights.land(f, outcome{gone: true, err: a.ended(ctx)})
	}
}

// detached is a context with the values and the deadline of another one, or a timeout when that has none.
func detached(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	free := context.WithoutCancel(ctx)
	if at, ok := ctx.Deadline(); ok {
		return context.WithDeadline(free, at)
	}
	return context.WithTimeout(free, timeout)
}

// alone makes an exchange for this request only. Its answer is kept when it may be.
func (a *ask) alone() (*http.Response, error) {
	o := a.exchange(a.request.Context(), nil)
	if o.err != nil {
		return nil, o.err
	}
	a.tell(&o)
	return o.res, nil
}

// exchange asks the service: whether had still holds, if that can be asked.
func (a *ask) exchange(ctx context.Context, had *record) outcome {
	begun, requested := a.store.Begin(), a.store.Now()
	r := a.request
	if ctx != r.Context() {
		r = r.WithContext(ctx)
	}
	conditional := had != nil && rfc9111.HasValidator(had.header)
	if conditional {
		r = r.WithContext(ctx) // its own
		r.Header = rfc9111.Condition(r.Header, had.header)
	}
	res, err := a.read(r) //nolint:bodyclose // it was read; the body is one that nothing has to close
	if err == nil && conditional && res.StatusCode == http.StatusNotModified {
		if rfc9111.Confirms(had.header, res.Header) {
			return a.confirmed(had, res, begun, requested)
		}
		begun, requested = a.store.Begin(), a.store.Now()
		res, err = a.read(a.request.WithContext(ctx)) //nolint:bodyclose // as above
	}
	now := a.store.Now()
	if had != nil && (err != nil && outage(err) || err == nil && rfc9111.IsError(res.StatusCode)) {
		if had.terms.At(now, a.asked).IfError {
			return outcome{rec: had, state: Stale, reason: why(err)}
		}
	}
	if err != nil {
		return outcome{err: err}
	}
	return a.fresh(had, res, begun, requested)
}

// read makes an exchange and reads the answer to its end.
func (a *ask) read(r *http.Request) (*http.Response, error) {
	res, err := a.send(r)
	if err != nil {
		return nil, err
	}
	return a.whole(res)
}

// whole is an answer that was read to its end.
func (a *ask) whole(res *http.Response) (*http.Response, error) {
	if _, ok := res.Body.(*body.Body); ok {
		return res, nil
	}
	b, err := body.Read(res, a.options.MaxBody)
	if err != nil {
		return nil, &fail.Error{Kind: fail.UpstreamInvalidResponse, Op: a.options.Service, Service: a.options.Service, Err: err}
	}
	res.Body = b
	return res, nil
}

// fresh is the outcome of a new answer, which replaces what was kept.
func (a *ask) fresh(had *record, res *http.Response, begun store.Fetch, requested time.Time) outcome {
	now := a.store.Now()
	data := res.Body.(*body.Body).Bytes()
	terms, refusal := rfc9111.Read(rfc9111.Request{Method: a.request.Method, Header: a.request.Header}, rfc9111.Response{
		Status: res.StatusCode, Header: res.Header, Requested: requested, Received: now,
	}, a.policy)
	reason := string(refusal)
	switch names, _ := rfc9111.Vary(res.Header); {
	case reason != "":
	case slices.ContainsFunc(names, func(name string) bool { return a.ignored[name] }):
		reason = perRequest
	case int64(len(data)) > a.config.MaxSize:
		reason = oversized
	case a.options.Check != nil:
		if a.options.Check(res, data) != nil {
			reason = unsound
		}
	}
	if reason != "" {
		if had != nil && !rfc9111.IsError(res.StatusCode) { // it no longer holds
			a.forget(a.key, begun)
		}
		if had == nil && refusal != rfc9111.StatusRefused { // an error says nothing of other answers
			a.barren.add(a.key, now)
			a.call.worth.none()
		}
		return outcome{res: res, state: Bypass, reason: reason}
	}
	header := rfc9111.Dated(rfc9111.Stored(res.Header), now)
	rec := &record{kind: whole, terms: terms, status: res.StatusCode, header: header, body: slices.Clone(data)}
	a.place(terms, res.Header)
	a.keep(rec, since(begun, res), requested)
	return outcome{res: res, rec: rec, state: Miss}
}

// confirmed is the outcome of a 304: the kept answer with what the 304 says of it now.
func (a *ask) confirmed(had *record, res *http.Response, begun store.Fetch, requested time.Time) outcome {
	now := a.store.Now()
	begun = since(begun, res)
	res.Body.(*body.Body).Release()
	merged := rfc9111.Update(had.header, rfc9111.Dated(res.Header, now))
	read := merged.Clone()
	if cookies := res.Header["Set-Cookie"]; len(cookies) > 0 {
		read["Set-Cookie"] = cookies
	}
	terms, refusal := rfc9111.Read(rfc9111.Request{Method: a.request.Method, Header: a.request.Header}, rfc9111.Response{
		Status: had.status, Header: read, Requested: requested, Received: now,
	}, a.policy)
	rec := &record{kind: whole, terms: terms, status: had.status, header: merged, body: had.body}
	if refusal != rfc9111.Kept {
		a.forget(a.key, begun)
		return outcome{res: rec.response(a.request, terms.Age), state: Bypass, reason: string(refusal)} //nolint:bodyclose // as above
	}
	a.place(terms, merged)
	a.keep(rec, begun, requested)
	return outcome{rec: rec, state: Revalidated}
}

// place finds the key under which an answer belongs: when the answer says that it's for everybody, and which fields it
// depends on, these are in it, and else all.
func (a *ask) place(terms rfc9111.Terms, h http.Header) {
	names, _ := rfc9111.Vary(h)
	uri := a.uriTag(a.request.URL)
	if terms.Shared && len(names) > 0 && !a.policy.Ignore {
		a.varied.set()
		a.loose.Add(uri, names)
	} else if a.varied.get() {
		a.loose.Remove(uri)
	}
	a.key = a.keyOf(a.request)
}

func (a *ask) keep(rec *record, begun store.Fetch, requested time.Time) {
	a.call.worth.some()
	a.barren.remove(a.key)
	now := a.store.Now()
	a.store.Set(&store.Entry{
		Key: a.key, Tags: a.tags(), Body: rec.body, Meta: rec.meta(), Created: requested,
		Expires: now.Add(max(0, rec.terms.Lifetime-rec.terms.Age)), StaleUntil: rec.terms.Until(), Took: now.Sub(requested),
	}, begun, nil)
}

// since is a fetch as old as the exchange that brought an answer: it may have been under way for another request.
func since(f store.Fetch, res *http.Response) store.Fetch {
	if b, ok := res.Body.(*body.Body); ok && !b.Began().IsZero() {
		return f.From(b.Began())
	}
	return f
}

// forget takes away what's kept under a key. Something that says so stands there for a moment.
func (c *Cache) forget(key string, begun store.Fetch) {
	now := c.store.Now()
	c.store.Set(&store.Entry{
		Key: key, Tags: []string{store.ServiceTag(c.options.Service)}, Meta: (&record{kind: gone}).meta(), Created: now,
		Expires: now, StaleUntil: now.Add(time.Second),
	}, begun, nil)
}

// ended is the failure of one who doesn't wait any longer.
func (a *ask) ended(ctx context.Context) error {
	kind := fail.Canceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		kind = fail.UpstreamTimeout
	}
	return &fail.Error{Kind: kind, Op: a.options.Service, Service: a.options.Service, Err: context.Cause(ctx)}
}
