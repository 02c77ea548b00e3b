// Package reuse keeps what services answered, and gives it again as long as that's right.
//
// A Cache belongs to one service. Its Layer stands before the service's transport and keeps whole answers to GET as a
// shared cache does by RFC 9111 and RFC 5861; package rfc9111 decides, this one does. Lookup keeps single items of
// batches, by their keys, so that a batch asks only for those that aren't there. What tells callers apart is in every
// key: all headers that a service sees, but those that name the single request. Nobody gets another's answer.
//
// Requests for one key that isn't there share one exchange, which lasts until the last of them has left. A service that
// can't answer, also because its breaker is open, is stood in for by a stale answer where that's allowed. The Store never
// fails; when it has nothing, the service is asked.
package reuse

import (
	"context"
	"errors"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// Store keeps entries; *store.Store is one. Get and GetMulti give what was put in by Set, unless it has ended or was
// purged since; they never fail and wait for no longer than a request can bear.
type Store interface {
	Now() time.Time
	Begin() store.Fetch
	Get(ctx context.Context, key string) *store.Entry
	GetMulti(ctx context.Context, keys []string, found []*store.Entry)
	Set(e *store.Entry, f store.Fetch, then func())
	Purge(ctx context.Context, tags ...string) (int, error)
	PurgedSince(t time.Time, concerns func(tag string) bool) bool
}

// Metrics are the measurements of this package. Implementations may be called concurrently and are quick.
type Metrics interface {
	// ServiceAnswer counts an answer, or n keys of a batch, by where it came from.
	ServiceAnswer(s State, n int)
}

type silent struct{}

func (silent) ServiceAnswer(State, int) {}

// Options are what a Cache works with besides its Config.
type Options struct {
	// Service is the name of the service. Required.
	Service string
	// Store keeps the entries of all services. Required.
	Store Store
	// Timeout bounds an exchange that nobody waits for, or somebody without a deadline. Default: 10s.
	Timeout time.Duration
	// MaxBody is the most bytes of an answer, for a next RoundTripper that doesn't read bodies itself. Default: 8 MiB.
	MaxBody int64
	// Check says what is wrong with an answer, so that it isn't kept: it's no JSON, or an error with status 200. It's called
	// for answers that would be kept. Nil means that nothing is.
	Check func(res *http.Response, body []byte) error
	// Ignore names further headers that name the single request, and neither tell callers apart nor change the answer.
	Ignore []string
	// Metrics counts.
	Metrics Metrics
}

// Cache is the kept answers of one service. It's safe for concurrent use.
type Cache struct {
	config   Config
	options  Options
	store    Store
	metrics  Metrics
	ignored  map[string]bool
	flights  flights
	refresh  refreshes
	renewing claims                       // keys
	loose    *lru.Cache[string, []string] // by URI, the fields that select where the answer says so
	barren   barren
	varied   flag // there has been something in loose
	nobody   Call // the call of requests that have none
}

// New makes the cache of a service.
func New(c Config, o Options) (*Cache, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Service == "" || o.Store == nil {
		return nil, errors.New("reuse: a service and a store are needed")
	}
	loose, err := lru.New[string, []string](4096)
	if err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 8 << 20
	}
	if o.Metrics == nil {
		o.Metrics = silent{}
	}
	k := &Cache{
		config: c.WithDefaults(), options: o, store: o.Store, metrics: o.Metrics, loose: loose,
		ignored: map[string]bool{"X-Request-Id": true, "Traceparent": true, "Tracestate": true},
	}
	k.barren.seed = maphash.MakeSeed()
	for _, name := range o.Ignore {
		k.ignored[http.CanonicalHeaderKey(name)] = true
	}
	return k, nil
}

// Layer puts the cache before a service's transport. The bodies of its answers are *body.Body.
func (c *Cache) Layer(next http.RoundTripper) http.RoundTripper { return &layer{Cache: c, next: next} }

// layer is the RoundTripper of a Cache.
type layer struct {
	*Cache

	next http.RoundTripper
}

// RoundTrip answers as http.RoundTripper does.
func (l *layer) RoundTrip(r *http.Request) (*http.Response, error) {
	call, x := carried(r.Context(), &l.nobody)
	if x != nil {
		return l.observe(r, x)
	}
	if !rfc9111.Safe(r.Method) && !call.Reads {
		return l.unsafe(r)
	}
	if !l.config.Enabled || call.Rule.Off {
		return l.plain(r, call, isOff)
	}
	if r.Method != http.MethodGet && r.Method != "" || r.Body != nil && r.Body != http.NoBody {
		return l.plain(r, call, string(rfc9111.MethodRefused))
	}
	if rfc9111.Special(r.Header) {
		return l.plain(r, call, "the request has a condition or a range")
	}
	if !call.worth.looking() && len(r.Header["Cache-Control"]) == 0 {
		return l.past(r, call)
	}
	a := &ask{layer: l, request: r, call: call, policy: l.config.policy(&call.Rule)}
	return a.answer()
}

// send makes an exchange with the service. When its answer was on its way before the request was made, the operation's
// recorder hears of it.
func (l *layer) send(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err == nil {
		if b, ok := res.Body.(*body.Body); ok && !b.Began().IsZero() {
			recorderOf(r.Context()).older(b.Began())
		}
	}
	return res, err
}

// past asks the service without looking for what is kept: so far no answer of the call could be. One that can is kept.
func (l *layer) past(r *http.Request, call *Call) (*http.Response, error) {
	begun := l.store.Begin()
	res, err := l.send(r)
	switch {
	case err != nil:
		return nil, err
	case l.silent(call, r, res):
		l.quiet(r, call, string(rfc9111.NoLifetime))
		return res, nil
	}
	a := &ask{layer: l, request: r, call: call, policy: l.config.policy(&call.Rule)}
	if res, err = a.whole(res); err != nil {
		return nil, err
	}
	a.key = a.keyOf(r)
	o := a.fresh(nil, res, begun, begun.Start())
	a.tell(&o)
	return o.res, nil
}

// Reasons, beside those of package rfc9111.
const (
	isOff           = "the cache is off"
	meanwhileReason = "a new answer is being fetched"
	perRequest      = "it depends on what names the single request"
	oversized       = "it's over max_size"
	unsound         = "it's no sound answer"
)

// ask is a request that a kept answer may do for.
type ask struct {
	*layer

	request *http.Request
	call    *Call
	policy  rfc9111.Policy
	asked   rfc9111.Directives
	key     string
	had     *record // what is kept, and has to be renewed
}

func (a *ask) answer() (*http.Response, error) {
	a.key = a.keyOf(a.request)
	if a.barren.has(a.key, a.store.Now()) {
		return a.alone()
	}
	ctx := a.request.Context()
	a.asked = rfc9111.Asked(a.request.Header)
	mark := a.flights.mark()
	if res := a.kept(a.store.Get(ctx, a.key)); res != nil {
		return res, nil
	}
	if a.asked.OnlyIfCached {
		return a.unavailable(), nil
	}
	return a.shared(mark)
}

// unavailable is the answer to a request that wants what is kept and nothing else, when nothing is (section 5.2.1.7).
func (a *ask) unavailable() *http.Response {
	return &http.Response{
		Status: "504 Gateway Timeout", StatusCode: http.StatusGatewayTimeout, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: body.Wrap(nil), Request: a.request,
	}
}

// kept is the answer from an entry, when it may be given. When it may be given but should be renewed, that begins.
func (a *ask) kept(e *store.Entry) *http.Response {
	if e == nil {
		return nil
	}
	had := new(record)
	if !had.read(e) || had.kind != whole {
		return nil
	}
	a.had = had
	now := a.store.Now()
	s := had.terms.At(now, a.asked)
	switch s.Use {
	case rfc9111.Fresh:
		a.use(Hit, "", had, s)
		if early(e.Took, s.Left) {
			a.renew()
			return had.response(a.request, s.Age)
		}
		return had.handOver(a.request, s.Age)
	case rfc9111.StaleMeanwhile:
		a.renew()
		a.use(Stale, meanwhileReason, had, s)
		return had.response(a.request, s.Age)
	}
	return nil
}

// early says whether to renew an answer before it ends, so that nobody waits then: the likelier, the closer the end and
// the longer it takes (XFetch, Vattani et al. 2015).
func early(took, left time.Duration) bool {
	if took <= 0 || left > 20*took {
		return false
	}
	return float64(took)*-math.Log(1-rand.Float64()) >= float64(left) //nolint:gosec // nobody gains by guessing it
}

// use tells the operation's recorder of a kept answer.
func (a *ask) use(state State, reason string, had *record, s rfc9111.Standing) {
	a.metrics.ServiceAnswer(state, 1)
	if r := recorderOf(a.request.Context()); r != nil {
		u := Use{Service: a.options.Service, Call: a.call.Coordinate, State: state, Reason: reason, Known: true, Left: s.Left, Age: s.Age}
		if had.terms.Validate {
			u.Left = 0
		}
		u.Private = a.policy.Ignore && rfc9111.Parse(had.header["Cache-Control"]).Private
		r.add(u)
	}
}

// plain makes an exchange that no kept answer does for, nor will.
func (l *layer) plain(r *http.Request, call *Call, reason string) (*http.Response, error) {
	requested := l.store.Now()
	res, err := l.send(r)
	switch {
	case err != nil:
	case l.silent(call, r, res):
		l.quiet(r, call, reason)
	default:
		l.bypass(r, call, res, requested, reason)
	}
	return res, err
}

// silent says that nothing speaks of keeping an answer: it isn't kept, and what is made of it isn't bounded by it.
func (l *layer) silent(call *Call, r *http.Request, res *http.Response) bool {
	return rfc9111.Silent(
		rfc9111.Request{Method: http.MethodGet, Header: r.Header},
		rfc9111.Response{Status: res.StatusCode, Header: res.Header}, l.config.policy(&call.Rule))
}

// quiet tells of such an answer.
func (l *layer) quiet(r *http.Request, call *Call, reason string) {
	l.metrics.ServiceAnswer(Bypass, 1)
	if rec := recorderOf(r.Context()); rec != nil {
		rec.add(Use{Service: l.options.Service, Call: call.Coordinate, State: Bypass, Reason: reason})
	}
}

// bypass tells the operation's recorder of an answer that isn't kept.
func (l *layer) bypass(r *http.Request, call *Call, res *http.Response, requested time.Time, reason string) {
	l.metrics.ServiceAnswer(Bypass, 1)
	if rec := recorderOf(r.Context()); rec != nil {
		rec.add(l.bypassed(call, r, res, requested, reason))
	}
}

// bypassed is the Use of an answer that isn't kept: it still says for how long it holds.
func (l *layer) bypassed(call *Call, r *http.Request, res *http.Response, requested time.Time, reason string) Use {
	p := l.config.policy(&call.Rule)
	t, refusal := rfc9111.Read(rfc9111.Request{Method: http.MethodGet, Header: r.Header}, rfc9111.Response{
		Status: res.StatusCode, Header: res.Header, Requested: requested, Received: l.store.Now(),
	}, p)
	u := Use{Service: l.options.Service, Call: call.Coordinate, State: Bypass, Reason: reason, Age: t.Age}
	switch refusal {
	case rfc9111.NoLifetime:
	case rfc9111.PrivateRefused, rfc9111.AuthorizedOnly:
		u.Private, u.Known, u.Left = true, t.Told || t.Validate, t.Lifetime-t.Age
	case rfc9111.Kept:
		u.Known, u.Left = t.Told || p.TTL > 0, t.Lifetime-t.Age
	default:
		u.Known = true
	}
	if t.Validate {
		u.Known, u.Left = true, 0
	}
	return u
}

// unsafe makes an exchange that may change something, and drops what's kept of the addresses that it concerns.
func (l *layer) unsafe(r *http.Request) (*http.Response, error) {
	res, err := l.send(r)
	if !l.config.Enabled {
		return res, err
	}
	status, header := http.StatusOK, http.Header(nil)
	if err == nil {
		status, header = res.StatusCode, res.Header
	} // else nobody knows whether it was done
	var tags []string
	for _, u := range rfc9111.Invalidates(r.Method, r.URL, status, header) {
		tags = append(tags, l.uriTag(u))
	}
	if len(tags) > 0 {
		_, _ = l.store.Purge(r.Context(), tags...) // it goes on trying, and serves nothing of this until it's done
	}
	return res, err
}

// outage says whether an error is one that a stale answer may stand in for: the service couldn't be asked, or its answer
// couldn't be read.
func outage(err error) bool {
	var failure *fail.Error
	if !errors.As(err, &failure) {
		return !errors.Is(err, context.Canceled)
	}
	switch failure.Kind {
	case fail.UpstreamUnavailable, fail.UpstreamTimeout, fail.UpstreamInvalidResponse:
		return true
	case fail.UpstreamRateLimited:
		return failure.Status == 0 // the gateway's own limit, not the service's word
	case fail.UpstreamError:
		return rfc9111.IsError(failure.Status)
	}
	return false
}

// why is an outage in a word that everybody may read; nil stands for a status.
func why(err error) string {
	if err == nil {
		return fail.UpstreamError.Code()
	}
	var failure *fail.Error
	if errors.As(err, &failure) {
		return failure.Kind.Code()
	}
	return fail.UpstreamUnavailable.Code()
}
