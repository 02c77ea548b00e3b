package reuse

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// Scope is what keys belong to: a call with all that the service sees of it, but the keys. It's comparable; two callers
// that a service could tell apart never have the same.
type Scope struct {
	sum  [sha256.Size]byte
	call *Call
}

// Scope makes the scope of a call's keys. sample is a request of the call for some key that is always the same.
func (c *Cache) Scope(call *Call, sample *http.Request) (Scope, error) {
	var room [1024]byte
	b := c.uri(append(room[:0], 'i', 1), sample.URL)
	b = part(part(b, call.Coordinate), sample.Method)
	b = c.all(b, sample.Header)
	if sample.GetBody != nil {
		r, err := sample.GetBody()
		if err != nil {
			return Scope{}, err
		}
		text, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			return Scope{}, err
		}
		b = part(b, string(text))
	}
	return Scope{sum: sha256.Sum256(b), call: call}, nil
}

// Found is what is kept for a key.
type Found struct {
	// State is Hit, or Stale; empty when there is nothing that may be given.
	State State
	// JSON is the item, nil when it's known that there is none. It's shared and must not be changed.
	JSON []byte

	rec *record
}

// Lookup is what is kept for some keys of one scope.
type Lookup struct {
	// Found has what may be given, by the places of the keys.
	Found []Found
	// Missing are the places of the keys that the service has to be asked for.
	Missing []int

	cache   *Cache
	scope   Scope
	keys    []string // in the Store
	renewed []int    // stale ones that may be given while they're renewed
}

// Keeping says whether answers of a call may be kept at all.
func (c *Cache) Keeping(call *Call) bool { return c.config.Enabled && !call.Rule.Off }

// Looking says whether it pays to look for what is kept of a call. When it says no, nobody needs a Lookup before there is
// something to keep.
func (c *Cache) Looking(call *Call) bool { return c.Keeping(call) && call.worth.looking() }

// Lookup looks for keys, all at once.
func (c *Cache) Lookup(ctx context.Context, scope Scope, keys []string) *Lookup {
	if !c.Looking(scope.call) {
		return c.Blind(scope, keys)
	}
	l := &Lookup{cache: c, scope: scope, keys: scope.keys(keys), Found: make([]Found, len(keys))}
	entries := make([]*store.Entry, len(keys))
	c.store.GetMulti(ctx, l.keys, entries)
	now := c.store.Now()
	hits := Use{Service: c.options.Service, Call: scope.call.Coordinate, State: Hit, Known: true}
	stale := hits
	stale.State, stale.Reason = Stale, meanwhileReason
	records := make([]record, len(keys))
	for i, e := range entries {
		if rec := &records[i]; e == nil || !rec.read(e) || rec.kind != item && rec.kind != absent {
			l.Missing = append(l.Missing, i)
		} else {
			l.look(i, rec, now, &hits, &stale)
		}
	}
	l.tell(ctx, hits)
	l.tell(ctx, stale)
	return l
}

// Blind is a Lookup that hasn't looked: for what an exchange brought, to be kept.
func (c *Cache) Blind(scope Scope, keys []string) *Lookup {
	return &Lookup{cache: c, scope: scope, keys: scope.keys(keys), Found: make([]Found, len(keys)), Missing: every(len(keys))}
}

// keys are the keys in the Store, in one piece of memory.
func (s *Scope) keys(keys []string) []string {
	const prefix = "i:"
	size := len(prefix) + base64.RawURLEncoding.EncodedLen(sha256.Size)
	text := make([]byte, 0, size*len(keys))
	room := make([]byte, 0, 128)
	for _, key := range keys {
		room = part(append(room[:0], s.sum[:]...), key)
		text = seal(text, prefix, room)
	}
	all := make([]string, len(keys))
	for i, whole := 0, string(text); i < len(keys); i++ {
		all[i] = whole[i*size : (i+1)*size]
	}
	return all
}

func (l *Lookup) look(i int, rec *record, now time.Time, hits, stale *Use) {
	f := &l.Found[i]
	f.rec = rec
	switch s := rec.terms.At(now, rfc9111.Directives{}); s.Use {
	case rfc9111.Fresh:
		f.State = Hit
		hits.and(s)
	case rfc9111.StaleMeanwhile:
		f.State = Stale
		stale.and(s)
		l.renewed = append(l.renewed, i)
	default:
		l.Missing = append(l.Missing, i)
		return
	}
	f.JSON = rec.json()
}

// and adds a key.
func (u *Use) and(s rfc9111.Standing) {
	if u.Keys == 0 || s.Left < u.Left {
		u.Left = s.Left
	}
	u.Age = max(u.Age, s.Age)
	u.Keys++
}

func (l *Lookup) tell(ctx context.Context, u Use) {
	if u.Keys > 0 {
		l.cache.metrics.ServiceAnswer(u.State, u.Keys)
		recorderOf(ctx).add(u)
	}
}

func (rec *record) json() []byte {
	if rec.kind == absent {
		return nil
	}
	return rec.body
}

// Keep keeps what an exchange brought for the key at a place: its JSON, which is copied, or nil when there is nothing.
// Nothing else may come from an answer that was an error. tags are those of the item itself: User:1.
func (l *Lookup) Keep(ctx context.Context, x *Exchange, i int, json []byte, tags ...string) {
	begun, requested, had, took, ok := x.kept()
	if !ok || int64(len(json)) > l.cache.config.MaxSize {
		return
	}
	c := l.cache
	rec := &had
	rec.kind = item
	if json == nil {
		rec.kind = absent
		t := &rec.terms
		t.Lifetime = min(t.Lifetime, t.Age+max(0, c.config.NegativeTTL))
		t.StaleWhileRevalidate, t.StaleIfError = 0, 0
		s := t.At(t.Received, rfc9111.Directives{})
		recorderOf(ctx).add(Use{Service: c.options.Service, Call: l.scope.call.Coordinate, State: Miss, Known: true, Left: s.Left, Age: s.Age, Keys: 1})
		if s.Left <= 0 {
			return
		}
	}
	all := make([]string, 0, 1+len(l.scope.call.Tags)+len(tags))
	all = append(append(append(all, store.ServiceTag(c.options.Service)), l.scope.call.Tags...), tags...)
	c.store.Set(&store.Entry{
		Key: strings.Clone(l.keys[i]), Tags: all, Body: slices.Clone(json), Meta: rec.meta(), Created: requested,
		Expires: rec.terms.Received.Add(max(0, rec.terms.Lifetime-rec.terms.Age)), StaleUntil: rec.terms.Until(), Took: took,
	}, begun, nil)
}

// Forget takes away what is kept for the key at a place, when an exchange brought something that isn't to be kept: what was
// there no longer holds. Keep does nothing then, so call it for each key that Found something stale for.
func (l *Lookup) Forget(x *Exchange, i int) {
	if begun, _, _, _, ok := x.kept(); !ok && l.Found[i].rec != nil {
		l.cache.forget(strings.Clone(l.keys[i]), begun)
	}
}

// OnError is what may stand in for the key at a place when the service couldn't be asked, because of err.
func (l *Lookup) OnError(ctx context.Context, i int, err error) (json []byte, ok bool) {
	rec := l.Found[i].rec
	if rec == nil || !outage(err) {
		return nil, false
	}
	s := rec.terms.At(l.cache.store.Now(), rfc9111.Directives{})
	if s.Use == rfc9111.Ask && !s.IfError {
		return nil, false
	}
	u := Use{Service: l.cache.options.Service, Call: l.scope.call.Coordinate, State: Stale, Reason: why(err), Known: true}
	u.and(s)
	l.tell(ctx, u)
	return rec.json(), true
}

// Renew has fetch ask in the background for the stale keys that were given, unless somebody does already. fetch gets their
// places, keeps what it gets, and has a context of its own, with the values of ctx and a deadline.
func (l *Lookup) Renew(ctx context.Context, fetch func(ctx context.Context, places []int)) {
	mine := l.cache.renewing.claim(l.keys, l.renewed)
	if len(mine) == 0 {
		return
	}
	free := func() { l.cache.renewing.free(l.keys, mine) }
	begun := l.cache.refresh.begin(func() {
		defer free()
		defer func() { _ = recover() }() // the stale ones stay until their end; whoever asks then sees what's wrong
		ctx, cancel := context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), recorderKey{}, (*Recorder)(nil)), l.cache.options.Timeout)
		defer cancel()
		if still := l.stale(ctx, mine); len(still) > 0 {
			fetch(ctx, still)
		}
	})
	if !begun {
		free()
	}
}

// stale are the places whose items weren't renewed by another since they were found.
func (l *Lookup) stale(ctx context.Context, places []int) []int {
	keys := make([]string, len(places))
	for i, place := range places {
		keys[i] = l.keys[place]
	}
	entries := make([]*store.Entry, len(keys))
	l.cache.store.GetMulti(ctx, keys, entries)
	now := l.cache.store.Now()
	still := places[:0:0]
	for i, e := range entries {
		var rec record
		if e == nil || !rec.read(e) || rec.terms.At(now, rfc9111.Directives{}).Use != rfc9111.Fresh {
			still = append(still, places[i])
		}
	}
	return still
}

// claims are keys that somebody renews.
type claims struct {
	mu   sync.Mutex // guards keys
	keys map[string]bool
}

// claim gives the places of those that nobody renews yet.
func (c *claims) claim(keys []string, places []int) []int {
	if len(places) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[string]bool{}
	}
	mine := make([]int, 0, len(places))
	for _, i := range places {
		if !c.keys[keys[i]] {
			c.keys[keys[i]] = true
			mine = append(mine, i)
		}
	}
	return mine
}

func (c *claims) free(keys []string, places []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range places {
		delete(c.keys, keys[i])
	}
}

func every(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
