package cache_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

const patience = 30 * time.Second

const blog = `
type Post @cacheControl(maxAge: 60) { id: ID! title: String secret: String @cacheControl(scope: PRIVATE) }
type Query { post(id: ID, n: Int = 1): Post posts: [Post] live: Int }
type Mutation { rename(id: ID): Post }`

// rig is a cache with a clock that can be moved.
type rig struct {
	*cache.Responses
	store  *store.Store
	rules  *cache.Rules
	schema *ast.Schema

	mu   sync.Mutex // guards what follows
	skip time.Duration
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.skip)
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skip += d
}

func newRig(t testing.TB, c cache.Config, server *redistest.Server) *rig {
	t.Helper()
	r := &rig{}
	o := store.Options{Now: r.now}
	if server != nil {
		client, err := redisconn.New(redisconn.Config{Addresses: []string{server.Address}, Timeout: 10 * time.Second}, redisconn.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		o.Client = client
		c.Store.ReadTimeout, c.Store.PurgeTimeout = 10*time.Second, 20*time.Second
	}
	if c.Secret == "" {
		c.Secret = "0123456789abcdef"
	}
	if c.TTLJitter == 0 {
		c.TTLJitter = -1
	}
	var err error
	if r.store, err = store.New(c.Store, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = r.store.Close(ctx)
	})
	if r.Responses, err = cache.New(c, cache.Options{Store: r.store, Random: func() float64 { return 0.5 }}); err != nil {
		t.Fatal(err)
	}
	r.rules, r.schema = rules(t, blog, c)
	return r
}

func (r *rig) request(t testing.TB, query string) *cache.Request {
	t.Helper()
	return &cache.Request{Plan: planOf(t, r.rules, r.schema, query)}
}

func (r *rig) do(t testing.TB, q *cache.Request, run func(context.Context) cache.Response) cache.Answer {
	t.Helper()
	a, err := r.Do(t.Context(), q, run)
	if err != nil {
		t.Error(err)
	}
	return a
}

func data(text string) func(context.Context) cache.Response {
	return func(context.Context) cache.Response { return cache.Response{Data: []byte(text)} }
}

// counting answers with how many times it was asked.
func counting() (*atomic.Int32, func(context.Context) cache.Response) {
	var n atomic.Int32
	return &n, func(context.Context) cache.Response {
		return cache.Response{Data: fmt.Appendf(nil, `{"post":{"id":"5","title":"%d"}}`, n.Add(1))}
	}
}

func TestHit(t *testing.T) {
	r := newRig(t, cache.Config{}, nil)
	q := r.request(t, "{ post(id: 5) { id title } }")
	n, run := counting()
	first := r.do(t, q, run)
	if first.Origin != cache.Miss || !first.Stored || first.TTL <= 59*time.Second || first.TTL > time.Minute {
		t.Errorf("first: %+v", first)
	}
	r.pass(10 * time.Second)
	second := r.do(t, q, run)
	if second.Origin != cache.Hit || string(second.Data) != string(first.Data) || second.Age < 10*time.Second || second.TTL > 50*time.Second || second.ETag != first.ETag {
		t.Errorf("second: %+v", second)
	}
	if e := second.Explain(); !e.Hit || e.Status != "hit" || e.Age != 10 || e.TTL < 48 || e.TTL > 49 || e.Scope != "PUBLIC" || strings.Join(e.Tags, " ") != "Post:5 type:Post" {
		t.Errorf("explained as %+v", e)
	}
	// What makes no difference to the answer makes none to the key.
	same := r.request(t, "query Name { post(id: 5,), { # comment\n id title } }")
	if a := r.do(t, same, run); a.Origin != cache.Hit {
		t.Errorf("the same in other words: %+v", a)
	}
	r.pass(51 * time.Second)
	if a := r.do(t, q, run); a.Origin != cache.Miss || n.Load() != 2 {
		t.Errorf("after its time: %+v, %d runs", a, n.Load())
	}
}

// What may make a difference to an answer makes one to its key.
func TestKeys(t *testing.T) {
	r := newRig(t, cache.Config{}, nil)
	v := func(query string, vars variables) *cache.Request {
		q := r.request(t, query)
		q.Variables = vars
		return q
	}
	const withID = "query ($id: ID, $n: Int) { post(id: $id, n: $n) { id } }"
	with := func(change func(*cache.Request)) *cache.Request {
		q := r.request(t, "{ post { id title } }")
		change(q)
		return q
	}
	for i, q := range []*cache.Request{
		r.request(t, "{ post { id } }"), r.request(t, "{ post { x: id } }"), r.request(t, `{ post(id: "1") { id } }`), r.request(t, "{ post(id: 2) { id } }"),
		r.request(t, "{ post { id title } }"), r.request(t, "{ post { title id } }"), r.request(t, "{ posts { id } }"),
		v(withID, nil), v(withID, variables{"id": nil}), v(withID, variables{"id": "null"}), v(withID, variables{"id": "1"}), v(withID, variables{"n": 1}),
		v(withID, variables{"id": "1", "n": nil}), v(withID, variables{"id": `1","n":null`}),
		with(func(q *cache.Request) { q.Vary = []cache.Header{{"A", "b"}} }), with(func(q *cache.Request) { q.Vary = []cache.Header{{"A", "b"}, {"C", ""}} }),
		with(func(q *cache.Request) { q.Vary = []cache.Header{{"Ab", ""}} }), with(func(q *cache.Request) { q.Inputs = []string{"A", "b"} }), with(func(q *cache.Request) { q.Inputs = []string{"Ab"} }),
		with(func(q *cache.Request) { q.Inputs = []string{"A", "b", ""} }),
		r.request(t, "{ post { id secret } }"), // no subject
	} {
		want := cache.Miss
		if i == 20 {
			want = cache.Bypassed
		}
		if a := r.do(t, q, data(`{"post":{"id":"1"}}`)); a.Origin != want {
			t.Errorf("%d: %+v", i, a)
		}
	}
	// The order of variables and of their members is none.
	a, b := v(withID, variables{"id": "7", "n": 3}), v("query ($n: Int, $id: ID) { post(id: $id, n: $n) { id } }", variables{"n": 3, "id": "7", "other": 1})
	r.do(t, a, data(`{"post":null}`))
	if got := r.do(t, b, data(`{"post":null}`)); got.Origin != cache.Hit {
		t.Errorf("%+v", got)
	}
}

func TestNotStored(t *testing.T) {
	r := newRig(t, cache.Config{Store: store.Config{MaxEntry: 1000}}, nil)
	for name, c := range map[string]struct {
		query    string
		response cache.Response
		change   func(*cache.Request)
		why      string
	}{
		"errors":         {response: cache.Response{Failed: true}, why: "there are errors"},
		"private":        {response: cache.Response{Private: true}, why: "a service says that its answer is private"},
		"unkeyed":        {response: cache.Response{Unkeyed: true}, why: "it depends on more than the key has"},
		"not fresh":      {response: cache.Response{Bounded: true}, why: "a service's answer may not be kept"},
		"too large":      {response: cache.Response{Data: []byte(`{"post":{"title":"` + strings.Repeat("x", 1000) + `"}}`)}, why: "the answer is too large"},
		"malformed":      {response: cache.Response{Data: []byte(`{`)}, why: "an answer isn't JSON of the operation"},
		"no-store":       {change: func(q *cache.Request) { q.NoStore = true }, why: "the client sent no-store"},
		"nobody":         {query: "{ post { id title secret } }", why: "Query.post.secret is PRIVATE and there is no subject"},
		"without a hint": {query: "{ live }", why: "Query.live has no maxAge"},
		"mutation":       {query: "mutation { rename { id } }", why: "mutations are not kept"},
	} {
		if c.query == "" {
			c.query = "{ post { id title } }"
		}
		q := r.request(t, c.query)
		if c.change != nil {
			c.change(q)
		}
		if c.response.Data == nil {
			c.response.Data = []byte(`{"post":{"id":"1"}}`)
		}
		for range 2 {
			a := r.do(t, q, func(context.Context) cache.Response { return c.response })
			if a.Origin != cache.Bypassed || a.Why != c.why || a.Stored || a.CacheControl() != "no-store" || a.ETag != "" || a.Explain().Reason != c.why {
				t.Errorf("%s: %+v", name, a)
			}
		}
	}
	if n, _ := r.store.Size(); n != 0 {
		t.Errorf("%d are kept", n)
	}
}

func TestBoundedByServices(t *testing.T) {
	r := newRig(t, cache.Config{}, nil)
	q := r.request(t, "{ post { id } }")
	a := r.do(t, q, func(context.Context) cache.Response {
		return cache.Response{Data: []byte(`{"post":{"id":"1"}}`), Bounded: true, Fresh: 5 * time.Second, Services: []string{"blog"}}
	})
	if a.TTL > 5*time.Second || a.TTL < 4*time.Second || strings.Join(a.Tags, " ") != "Post:1 service:blog type:Post" {
		t.Errorf("%+v", a)
	}
}

func TestWishesOfClients(t *testing.T) {
	r := newRig(t, cache.Config{}, nil)
	q := r.request(t, "{ post { id } }")
	n, run := counting()
	r.do(t, q, run)
	q.NoCache = true
	if a := r.do(t, q, run); a.Origin != cache.Miss || n.Load() != 2 {
		t.Errorf("no-cache: %+v", a)
	}
	q.NoCache, q.NoStore = false, true
	if a := r.do(t, q, run); a.Origin != cache.Hit || n.Load() != 2 {
		t.Errorf("no-store: %+v", a)
	}
	other := r.request(t, "{ post { id title } }")
	other.NoCache, other.NoStore = true, true
	if a := r.do(t, other, run); a.Origin != cache.Bypassed || a.Why != "the client sent no-store" {
		t.Errorf("both: %+v", a)
	}
	q.NoStore = false
	if a := r.do(t, q, run); a.Origin != cache.Hit || !strings.Contains(string(a.Data), `"title":"2"`) {
		t.Errorf("after it: %+v %s", a, a.Data)
	}
	for header, want := range map[string][2]bool{
		"":                               {false, false},
		"no-store":                       {true, false},
		"No-Cache":                       {false, true},
		"max-age=0":                      {false, true},
		"foo=\"x\", no-store , no-cache": {true, true},
		"max-age=10":                     {false, false},
	} {
		h := http.Header{}
		if header != "" {
			h.Set("Cache-Control", header)
		}
		if store, fresh := cache.Wishes(h); store != want[0] || fresh != want[1] {
			t.Errorf("%q: %v %v", header, store, fresh)
		}
	}
}

func TestHeaders(t *testing.T) {
	r := newRig(t, cache.Config{}, nil)
	q := r.request(t, "{ post { id } }")
	q.Vary = []cache.Header{{"Accept-Language", "de"}}
	first := r.do(t, q, data(`{"post":{"id":"1"}}`))
	r.pass(10*time.Second + 100*time.Millisecond)
	second := r.do(t, q, data(``))
	show := func(a cache.Answer, exact bool) string {
		h := http.Header{}
		a.SetHeaders(h, exact)
		return fmt.Sprintf("%s|%s|%s|%s|%v", h.Get("Cache-Control"), h.Get("Age"), h.Get("Vary"), h.Get("Cache-Status"), h.Get("ETag") != "")
	}
	for got, want := range map[string]string{
		strings.Replace(show(first, true), "=60", "=59", 1): "max-age=59, public||Accept-Language|tributary; fwd=uri-miss; stored|true",
		show(second, false): "max-age=49, public|10|Accept-Language|tributary; hit; ttl=49|false",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for header, want := range map[string]bool{
		"": false, "*": true, first.ETag: true, "W/" + first.ETag: true, `"a", ` + first.ETag: true, `"a"`: false, "x" + first.ETag: false, `"a`: false,
	} {
		if second.NotModified(header) != want {
			t.Errorf("If-None-Match: %s: not %v", header, want)
		}
	}
	if !strings.HasPrefix(first.ETag, `"`) || !strings.HasSuffix(first.ETag, `"`) {
		t.Errorf("ETag %s", first.ETag)
	}
}

func TestScopes(t *testing.T) {
	r := newRig(t, cache.Config{}, nil)
	for i := range 10_000 {
		subject := []string{"anna", "bert", ""}[i%3]
		q := r.request(t, []string{"{ post { secret } }", "{ live }"}[i%2])
		q.Subject = subject
		a := r.do(t, q, data(`{"post":{"secret":"`+subject+`"}}`))
		if !strings.Contains(string(a.Data), `"`+subject+`"`) {
			t.Fatalf("%q got %s", subject, a.Data)
		}
		if i == 9 && (a.Origin != cache.Bypassed || subject != "anna") || i == 12 && (a.Origin != cache.Hit || a.CacheControl() != "max-age=59, private") {
			t.Fatalf("%d %q: %+v", i, subject, a)
		}
	}
}

// Of identical queries that come together one is executed, kept or not, but never one for two callers where it isn't for all.
func TestCoalesce(t *testing.T) {
	for _, c := range []struct {
		name, query string
		config      cache.Config
		subjects    []string
		failed      bool
		runs        int32
	}{
		{name: "kept, for all", query: "{ post { id } }", subjects: []string{"a", "b"}, runs: 1},
		{name: "kept, for one", query: "{ post { id secret } }", subjects: []string{"a", "b"}, runs: 2},
		{name: "not kept", query: "{ live }", subjects: []string{"a"}, runs: 1},
		{name: "not kept, of two", query: "{ live }", subjects: []string{"a", "b", ""}, runs: 3},
		{name: "errors aren't for all", query: "{ post { id } }", subjects: []string{"a", "b"}, failed: true, runs: 3},
		{name: "off", query: "{ live }", config: cache.Config{Coalesce: "off"}, subjects: []string{"a"}, runs: 100},
		{name: "mutations", query: "mutation { rename { id } }", subjects: []string{"a"}, runs: 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.config, nil)
			var runs, under atomic.Int32
			gate := make(chan struct{})
			var wg sync.WaitGroup
			var shared atomic.Int32
			for i := range 100 {
				q := r.request(t, c.query)
				q.Subject = c.subjects[i%len(c.subjects)]
				wg.Go(func() {
					under.Add(1)
					a := r.do(t, q, func(context.Context) cache.Response {
						runs.Add(1)
						<-gate
						return cache.Response{Data: []byte(`{"post":{"id":"1","secret":"` + q.Subject + `"}}`), Failed: c.failed, Payload: q.Subject}
					})
					if (c.runs > 1 || c.failed) && !c.failed && a.Payload != q.Subject {
						t.Errorf("%s got what is for %v", q.Subject, a.Payload)
					}
					if a.Origin == cache.Shared {
						shared.Add(1)
					}
				})
			}
			redistest.Until(t, "all of them", func() bool { return under.Load() == 100 && runs.Load() >= min(c.runs, 1) })
			time.Sleep(50 * time.Millisecond) // for those that are on their way; a late one is a hit or another run
			close(gate)
			wg.Wait()
			if c.failed { // another caller that waited for it executes for itself
				if runs.Load() > 51 { // half of them have the same subject
					t.Errorf("%d runs", runs.Load())
				}
				return
			}
			if runs.Load() != c.runs {
				t.Errorf("%d runs, want %d", runs.Load(), c.runs)
			}
		})
	}
}

func TestCancelAndPanic(t *testing.T) {
	r := newRig(t, cache.Config{}, nil)
	for _, query := range []string{"{ post { id } }", "{ live }", "mutation { rename { id } }"} {
		q := r.request(t, query)
		_, err := r.Do(t.Context(), q, func(context.Context) cache.Response { panic("secret") })
		var told *fail.Error
		if !errors.As(err, &told) || told.Kind != fail.Internal || strings.Contains(told.Message(), "secret") {
			t.Errorf("got %v", err)
		}
		if strings.HasPrefix(query, "mutation") { // executed by its caller, whoever leaves
			continue
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		_, err = r.Do(ctx, q, func(ctx context.Context) cache.Response {
			cancel()
			<-ctx.Done()
			close(ended)
			return cache.Response{Data: []byte(`{"post":{"id":"1"}}`)}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		<-ended
		if a := r.do(t, q, data(`{"post":{"id":"2"}}`)); string(a.Data) != `{"post":{"id":"2"}}` {
			t.Errorf("after it: %+v", a)
		}
	}
}

// Who has changed something doesn't get what was read before.
func TestReadAfterWrite(t *testing.T) {
	for _, query := range []string{"{ post { id } }", "{ live }"} {
		r := newRig(t, cache.Config{}, nil)
		q := r.request(t, query)
		gate, begun := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			r.do(t, q, func(context.Context) cache.Response {
				close(begun)
				<-gate
				return cache.Response{Data: []byte(`{"post":{"id":"old"}}`)}
			})
		})
		<-begun
		if _, err := r.Purge(t.Context(), []string{"Post:old"}); err != nil {
			t.Fatal(err)
		}
		if a := r.do(t, q, data(`{"post":{"id":"new"}}`)); !strings.Contains(string(a.Data), "new") {
			t.Errorf("%s: %s", query, a.Data)
		}
		close(gate)
		wg.Wait()
		a := r.do(t, q, data(`{"post":{"id":"new"}}`))
		if !strings.Contains(string(a.Data), "new") {
			t.Errorf("%s, later: %s", query, a.Data)
		}
	}
}

// A purge of what doesn't concern a query leaves what is under way for it to be shared.
func TestPurgeOfOthers(t *testing.T) {
	r := newRig(t, cache.Config{}, nil)
	q := r.request(t, "{ post { id } }")
	gate, begun := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		r.do(t, q, func(context.Context) cache.Response {
			close(begun)
			<-gate
			return cache.Response{Data: []byte(`{"post":{"id":"1"}}`)}
		})
	})
	<-begun
	if _, err := r.store.Purge(t.Context(), "User:1", "type:User", "orders:4"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // who would have to execute it would do so; who joins finds that its time is over
	if _, err := r.Do(ctx, q, func(context.Context) cache.Response { t.Error("executed"); return cache.Response{} }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(gate)
	wg.Wait()
}

func TestStaleAndEarly(t *testing.T) {
	r := newRig(t, cache.Config{Stale: 30 * time.Second}, nil)
	q := r.request(t, "{ post { id title } }")
	n, run := counting()
	q.Refresh = func(ctx context.Context) cache.Response {
		if ctx.Err() != nil {
			t.Error(ctx.Err())
		}
		return run(ctx)
	}
	slow := func(ctx context.Context) cache.Response {
		r.pass(100 * time.Millisecond) // so long it takes
		return run(ctx)
	}
	r.do(t, q, slow)
	r.pass(70 * time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	a, err := r.Do(ctx, q, run)
	cancel()
	if err != nil || a.Origin != cache.Stale || a.TTL > 0 || !strings.Contains(string(a.Data), `"1"`) || !strings.HasPrefix(a.CacheStatus(), "tributary; hit; ttl=-") || a.CacheControl() != "max-age=0, public" {
		t.Errorf("stale: %+v %s", a, a.CacheStatus())
	}
	redistest.Until(t, "the refresh", func() bool {
		a := r.do(t, q, run)
		return a.Origin == cache.Hit && strings.Contains(string(a.Data), `"2"`)
	})
	r.pass(91 * time.Second)
	if a := r.do(t, q, slow); a.Origin != cache.Miss || n.Load() != 3 {
		t.Errorf("beyond it: %+v", a)
	}
	r.pass(59*time.Second + 990*time.Millisecond) // 10 ms are left, and it took 100
	if a := r.do(t, q, run); a.Origin != cache.Hit {
		t.Errorf("early: %+v", a)
	}
	redistest.Until(t, "the early refresh", func() bool {
		a := r.do(t, q, run)
		return a.Origin == cache.Hit && !strings.Contains(string(a.Data), `"3"`)
	})
	// A refresh that fails leaves the answer there is.
	r.pass(70 * time.Second)
	q.Refresh = func(context.Context) cache.Response { return cache.Response{Failed: true} }
	for range 10 {
		if a := r.do(t, q, run); a.Origin != cache.Stale {
			t.Errorf("while refreshes fail: %+v", a)
		}
	}
}

// 100 requests at once on one cold key, over two processes with one Redis.
func TestOneFetchForAllProcesses(t *testing.T) {
	server := redistest.Start(t)
	for i := range 10 {
		one, two := newRig(t, cache.Config{}, server), newRig(t, cache.Config{}, server)
		var runs atomic.Int32
		var wg sync.WaitGroup
		for j := range 100 {
			r := []*rig{one, two}[j%2]
			q := r.request(t, "{ post(id: "+strconv.Itoa(i)+") { id } }")
			wg.Go(func() {
				a := r.do(t, q, func(context.Context) cache.Response {
					runs.Add(1)
					time.Sleep(20 * time.Millisecond) // a service
					return cache.Response{Data: []byte(`{"post":{"id":"1"}}`)}
				})
				if string(a.Data) != `{"post":{"id":"1"}}` {
					t.Errorf("got %+v", a)
				}
			})
		}
		wg.Wait()
		if n := runs.Load(); n > 3 {
			t.Errorf("%d fetches", n)
		}
	}
}

func TestRefuses(t *testing.T) {
	err := cache.Config{Stale: -1, Coalesce: "no", TTLJitter: 91, Secret: "short", Lease: time.Millisecond, Store: store.Config{L1TTL: time.Minute, Namespace: "{", MaxTags: 1, Queue: -1}}.Validate()
	want := `stale: can't be negative
coalesce: "no"; give on or off
ttl_jitter: 91; give 1 to 90, or -1 for none
secret: has 5 characters; give 16 or more
lease_wait (1s) is over lease (1ms): the lease would be over first
store: queue: can't be negative
l1_ttl: 1m0s is over 500ms: an answer could outlive a purge by more than 1s
max_tags: give 8 to 1024
namespace: "{" has something else than letters, digits and signs, or braces`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v", err)
	}
	if err := (cache.Config{}).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
	if _, err := cache.New(cache.Config{}, cache.Options{}); err == nil {
		t.Error("no store, no error")
	}
}
