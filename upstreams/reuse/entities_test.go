package reuse_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// people is a service that answers /users?id=1&id=2 with one line for each that it has, and a caller of it that does what
// a loader does.
type people struct {
	t     *testing.T
	now   *clock
	store *store.Store
	cache *reuse.Cache
	via   http.RoundTripper
	url   string
	call  *reuse.Call

	mu     sync.Mutex // guards what follows
	header http.Header
	status int
	gone   map[string]bool
	asked  []string
	during func()
	// matches is the tag that makes the answer a 304.
	matches string
}

func newPeople(t *testing.T, config reuse.Config, header string) *people {
	p := &people{t: t, now: newClock(), header: http.Header{}, gone: map[string]bool{}, call: &reuse.Call{Coordinate: "User", Tags: []string{"type:User"}, Reads: true}}
	p.say(header)
	p.url = serve(t, p.serve)
	p.store = memory(t, p.now)
	p.cache = cacheOf(t, config, reuse.Options{Store: p.store})
	p.via = p.cache.Layer(carrier(t))
	return p
}

func (p *people) say(header string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.header.Set("Cache-Control", header)
}

func (p *people) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := r.URL.Query()["id"]
	asked := strings.Join(ids, ",")
	condition := r.Header.Get("If-None-Match")
	if condition != "" {
		asked += " unless " + condition
	}
	p.asked = append(p.asked, asked)
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Date", p.now.Now().Format(http.TimeFormat))
	if condition != "" && condition == p.matches {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if p.during != nil {
		p.during()
	}
	if p.status != 0 {
		w.WriteHeader(p.status)
		return
	}
	for _, id := range ids {
		if !p.gone[id] {
			fmt.Fprintf(w, "%s:%q\n", id, id+r.Header.Get("X-User"))
		}
	}
}

func (p *people) request(ctx context.Context, user string, ids []string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/users?id="+strings.Join(ids, "&id="), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if user != "" {
		r.Header.Set("X-User", user)
	}
	return r
}

// fetch asks the service and keeps what comes.
func (p *people) fetch(ctx context.Context, l *reuse.Lookup, user string, ids []string, places []int) (map[string]string, error) {
	missing := make([]string, len(places))
	for i, place := range places {
		missing[i] = ids[place]
	}
	x := p.cache.Begin(ctx, p.call)
	l.Revalidate(x, places)
	res, err := p.via.RoundTrip(p.request(x, user, missing))
	if x.Confirmed() {
		got := map[string]string{}
		for _, place := range places {
			json := l.Kept(place)
			got[ids[place]] = string(json)
			l.Keep(ctx, x, place, json, "User:"+ids[place])
			l.Forget(x, place)
		}
		return got, nil
	}
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, &fail.Error{Kind: fail.UpstreamError, Status: res.StatusCode}
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	for line := range strings.Lines(string(text)) {
		id, json, _ := strings.Cut(strings.TrimSpace(line), ":")
		got[id] = json
	}
	for _, place := range places {
		var json []byte
		var tags []string
		if text, ok := got[ids[place]]; ok {
			json, tags = []byte(text), []string{"User:" + ids[place]}
		}
		if len(places) == 1 && x.Keeps() {
			tags = append(tags, x.Tag())
		}
		l.Keep(ctx, x, place, json, tags...)
		l.Forget(x, place)
	}
	return got, nil
}

// get gives what a caller gets: the JSON, none, or an error's code, by id.
func (p *people) get(ctx context.Context, user string, ids ...string) string {
	p.t.Helper()
	scope, err := p.cache.Scope(p.call, p.request(ctx, user, []string{"0"}))
	if err != nil {
		p.t.Fatal(err)
	}
	l := p.cache.Lookup(ctx, scope, ids)
	results := make([]string, len(ids))
	for i := range ids {
		results[i] = string(l.Found[i].JSON)
	}
	if len(l.Missing) > 0 {
		got, err := p.fetch(ctx, l, user, ids, l.Missing)
		for _, i := range l.Missing {
			results[i] = got[ids[i]]
			if err == nil {
				continue
			}
			if json, ok := l.OnError(ctx, i, err); ok {
				results[i] = string(json)
			} else {
				results[i] = fail.KindOf(err).Code()
			}
		}
	}
	l.Renew(ctx, func(ctx context.Context, places []int) { _, _ = p.fetch(ctx, l, user, ids, places) })
	for i := range results {
		if results[i] == "" {
			results[i] = "none"
		}
	}
	return strings.Join(results, " ")
}

func (p *people) want(want string, user string, ids ...string) {
	p.t.Helper()
	if got := p.get(p.t.Context(), user, ids...); got != want {
		p.t.Errorf("%v: got %s, want %s", ids, got, want)
	}
}

func (p *people) requests(want ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if diff := cmp.Diff(want, p.asked); diff != "" {
		p.t.Errorf("the service was asked for: %s", diff)
	}
}

func (p *people) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

func TestABatchAsksForWhatIsMissing(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60")
	p.want(`"1" "2"`, "", "1", "2")
	p.want(`"2" "3" "1"`, "", "2", "3", "1")
	p.want(`"3" "1" "2"`, "", "3", "1", "2")
	p.now.add(60 * time.Second)
	p.want(`"1"`, "", "1")
	p.requests("1,2", "3", "1")
}

func TestItemsAreKeptByWhoAsks(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60")
	p.want(`"1ada"`, "ada", "1")
	p.want(`"1bob"`, "bob", "1")
	p.want(`"1ada"`, "ada", "1")
	p.requests("1", "1")
}

func TestItemsOfAnswersThatAreNotKept(t *testing.T) {
	for _, header := range []string{"", "no-store", "private, max-age=60", "max-age=0", "no-cache", "max-age=60, x=\""} {
		t.Run(header, func(t *testing.T) {
			p := newPeople(t, reuse.Default(), header)
			p.want(`"1"`, "", "1")
			p.want(`"1"`, "", "1")
			p.requests("1", "1")
		})
	}
}

func TestATTLForItems(t *testing.T) {
	config := reuse.Default()
	config.TTL = time.Minute
	p := newPeople(t, config, "")
	p.want(`"1"`, "", "1")
	p.now.add(59 * time.Second)
	p.want(`"1"`, "", "1")
	p.now.add(time.Second)
	p.want(`"1"`, "", "1")
	p.requests("1", "1")
}

func TestWhatIsNotThereIsKeptForLess(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60")
	p.gone["2"] = true
	p.want(`"1" none`, "", "1", "2")
	p.now.add(9 * time.Second)
	p.want(`"1" none`, "", "1", "2")
	p.now.add(time.Second)
	p.change(func() { delete(p.gone, "2") })
	p.want(`"1" "2"`, "", "1", "2")
	p.requests("1,2", "2")
}

func TestWhatIsNotThereIsNotKept(t *testing.T) {
	config := reuse.Default()
	config.NegativeTTL = -1
	p := newPeople(t, config, "max-age=60")
	p.gone["2"] = true
	p.want(`"1" none`, "", "1", "2")
	p.want(`"1" none`, "", "1", "2")
	p.requests("1,2", "2")
}

func TestStaleItemsWhileTheyAreRenewed(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60, stale-while-revalidate=30")
	p.want(`"1" "2"`, "", "1", "2")
	p.now.add(70 * time.Second)
	p.change(func() { p.gone["1"] = true })
	p.want(`"1" "3"`, "", "1", "3")
	eventually(t, "the renewal", func() bool { return p.get(t.Context(), "", "1") == "none" })
	p.mu.Lock()
	asked := slices.Clone(p.asked)
	p.mu.Unlock()
	if diff := cmp.Diff([]string{"1,2", "3", "1"}, asked); diff != "" {
		t.Error(diff)
	}
}

// A hundred who find the same stale keys have them renewed once.
func TestOneRenewalForAll(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60, stale-while-revalidate=30")
	p.want(`"1" "2"`, "", "1", "2")
	p.now.add(70 * time.Second)
	let := make(chan struct{})
	p.change(func() { p.during = func() { <-let } })
	together(100, func(int) { p.want(`"1" "2"`, "", "1", "2") })
	close(let)
	eventually(t, "the renewal", func() bool {
		scope, err := p.cache.Scope(p.call, p.request(t.Context(), "", []string{"0"}))
		return err == nil && p.cache.Lookup(t.Context(), scope, []string{"1"}).Found[0].State == reuse.Hit
	})
	p.requests("1,2", "1,2")
}

func TestStaleItemsWhenTheServiceFails(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60, stale-if-error=30")
	p.want(`"1"`, "", "1")
	p.now.add(70 * time.Second)
	p.change(func() { p.status = 503 })
	p.want(`"1" UPSTREAM_ERROR`, "", "1", "2")
	ctx, rec := reuse.WithRecorder(t.Context())
	if got := p.get(ctx, "", "1"); got != `"1"` {
		t.Errorf("got %s", got)
	}
	if s := rec.Summary(); !s.Stale || !s.Known || s.Left != 0 || s.Age != 70*time.Second {
		t.Errorf("got %+v", s)
	}
	p.now.add(20 * time.Second)
	p.want(`UPSTREAM_ERROR`, "", "1")
	p.change(func() { p.status = 429 })
	p.want(`UPSTREAM_ERROR`, "", "1")
}

// What the service no longer lets anybody keep is gone, though it would have been good for when it fails.
func TestItemsThatNoLongerHold(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60, stale-if-error=600")
	p.want(`"1"`, "", "1")
	p.now.add(70 * time.Second)
	p.say("no-store")
	p.want(`"1"`, "", "1")
	p.change(func() { p.status = 503 })
	p.want(`UPSTREAM_ERROR`, "", "1")
}

func TestItemsArePurged(t *testing.T) {
	for _, tag := range []string{"User:1", "type:User", "service:shop", store.All} {
		t.Run(tag, func(t *testing.T) {
			p := newPeople(t, reuse.Default(), "max-age=60")
			p.want(`"1"`, "", "1")
			if n, err := p.store.Purge(t.Context(), tag); err != nil || n < 1 {
				t.Errorf("%d, %v", n, err)
			}
			p.want(`"1"`, "", "1")
			p.requests("1", "1")
		})
	}
	p := newPeople(t, reuse.Default(), "max-age=60")
	p.want(`"1"`, "", "1")
	if _, err := p.store.Purge(t.Context(), "User:2", "type:Post"); err != nil {
		t.Error(err)
	}
	p.want(`"1"`, "", "1")
	p.requests("1")
}

// A purge while a batch is under way: what the batch brings isn't kept.
func TestABatchDoesNotOvertakeAPurge(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60")
	p.during = func() { _, _ = p.store.Purge(context.Background(), "User:1") }
	p.want(`"1"`, "", "1")
	p.change(func() { p.during = nil })
	p.now.add(time.Second)
	p.want(`"1"`, "", "1")
	p.want(`"1"`, "", "1")
	p.requests("1", "1")
}

func TestItemsHaveOneRequestInTheStore(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60")
	counting := &counting{Store: p.store}
	p.cache = cacheOf(t, reuse.Default(), reuse.Options{Store: counting})
	p.via = p.cache.Layer(carrier(t))
	var ids []string
	for i := range 50 {
		ids = append(ids, fmt.Sprint(i))
	}
	p.get(t.Context(), "", ids[:40]...)
	p.get(t.Context(), "", ids...)
	if counting.multi != 2 || counting.single != 0 {
		t.Errorf("%d and %d requests", counting.multi, counting.single)
	}
	p.requests(strings.Join(ids[:40], ","), strings.Join(ids[40:], ","))
}

type counting struct {
	reuse.Store

	single, multi int
}

func (c *counting) Get(ctx context.Context, key string) *store.Entry {
	c.single++
	return c.Store.Get(ctx, key)
}

func (c *counting) GetMulti(ctx context.Context, keys []string, found []*store.Entry) {
	c.multi++
	c.Store.GetMulti(ctx, keys, found)
}

func TestScopesDiffer(t *testing.T) {
	p := newPeople(t, reuse.Default(), "")
	other := reuse.Call{Coordinate: "Post", Tags: p.call.Tags, Reads: true}
	request := func(change func(r *http.Request)) *http.Request {
		r := p.request(t.Context(), "ada", []string{"0"})
		change(r)
		return r
	}
	body := func(text string) func(r *http.Request) {
		return func(r *http.Request) {
			r.Method = "POST"
			r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		}
	}
	seen := map[reuse.Scope]int{}
	for i, c := range []struct {
		call   *reuse.Call
		sample *http.Request
	}{
		{p.call, request(func(*http.Request) {})},
		{&other, request(func(*http.Request) {})},
		{p.call, request(func(r *http.Request) { r.Header.Set("X-User", "bob") })},
		{p.call, request(func(r *http.Request) { r.Header.Set("Authorization", "x") })},
		{p.call, request(func(r *http.Request) { r.Header.Del("X-User") })},
		{p.call, request(func(r *http.Request) { r.URL.RawQuery = "id=0&lang=de" })},
		{p.call, request(func(r *http.Request) { r.URL.Path = "/people" })},
		{p.call, request(body(`{"a":1}`))},
		{p.call, request(body(`{"a":2}`))},
	} {
		scope, err := p.cache.Scope(c.call, c.sample)
		if err != nil {
			t.Fatal(err)
		}
		if other, taken := seen[scope]; taken {
			t.Errorf("%d and %d have one scope", other, i)
		}
		seen[scope] = i
	}
	same, err := p.cache.Scope(p.call, request(func(r *http.Request) { r.Header.Set("X-Request-Id", "1") }))
	if err != nil || seen[same] != 0 {
		t.Errorf("the request's name makes another scope: %v", err)
	}
}
