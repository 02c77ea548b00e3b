package reuse_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// together runs n of them at once and waits.
func together(n int, do func(i int)) {
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wait.Wait()
}

func TestManyAtOnceOnAColdKeyAreOneCall(t *testing.T) {
	for _, c := range []struct {
		name   string
		config func(*reuse.Config)
		header string
	}{
		{"the service says for how long", func(*reuse.Config) {}, "max-age=60"},
		{"a ttl", func(c *reuse.Config) { c.TTL = time.Minute }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls atomic.Int32
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if c.header != "" {
					w.Header().Set("Cache-Control", c.header)
				}
				_, _ = w.Write([]byte("a"))
			})
			config := reuse.Default()
			c.config(&config)
			via := cacheOf(t, config, reuse.Options{}).Layer(carrier(t))
			together(100, func(int) {
				got, err := get(t.Context(), via, "GET", url, nil)
				if err != nil || got != "a" && got != "a @0" {
					t.Errorf("got %q, %v", got, err)
				}
			})
			if n := calls.Load(); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// An answer that says private may be used for the request that brought it, and for no other, though all of them wait.
func TestWhatIsNotForOthersIsNotShared(t *testing.T) {
	var calls atomic.Int32
	all := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			<-all
		}
		w.Header().Set("Cache-Control", "private, max-age=60")
		fmt.Fprint(w, r.Header.Get("X-Request-Id"))
	})
	via := cacheOf(t, reuse.Default(), reuse.Options{}).Layer(carrier(t))
	var started sync.WaitGroup
	started.Add(20)
	go func() { started.Wait(); close(all) }()
	together(20, func(i int) {
		started.Done()
		id := fmt.Sprint(i)
		got, err := get(t.Context(), via, "GET", url, http.Header{"X-Request-Id": {id}})
		if err != nil || got != id {
			t.Errorf("%d got %q, %v", i, got, err)
		}
	})
	if n := calls.Load(); n != 20 {
		t.Errorf("%d calls", n)
	}
}

// blocked is a RoundTripper that answers when it's let.
type blocked struct {
	began chan context.Context
	let   chan *http.Response
}

func newBlocked() *blocked {
	return &blocked{make(chan context.Context, 10), make(chan *http.Response, 10)}
}

func (b *blocked) RoundTrip(r *http.Request) (*http.Response, error) {
	b.began <- r.Context()
	select {
	case res := <-b.let:
		return res, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func fresh() *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Cache-Control": {"max-age=60"}}, Body: http.NoBody}
}

func TestACallGoesOnWhenItsFirstCallerLeaves(t *testing.T) {
	b := newBlocked()
	via := cacheOf(t, reuse.Default(), reuse.Options{}).Layer(b)
	ctx, leave := context.WithCancel(t.Context())
	first, second := make(chan error), make(chan error)
	go func() { _, err := get(ctx, via, "GET", "http://a.test/", nil); first <- err }()
	flight := <-b.began
	joining, joined := watched(t.Context())
	go func() { _, err := get(joining, via, "GET", "http://a.test/", nil); second <- err }()
	<-joined // it looks at its context only when it waits
	leave()
	if err := <-first; fail.KindOf(err) != fail.Canceled {
		t.Errorf("the first got %v", err)
	}
	if flight.Err() != nil {
		t.Error("the call was ended")
	}
	b.let <- fresh()
	if err := <-second; err != nil {
		t.Errorf("the second got %v", err)
	}
}

// watched is a context that tells when somebody waits for it.
func watched(ctx context.Context) (context.Context, <-chan struct{}) {
	w := &watching{Context: ctx, waits: make(chan struct{})}
	return w, w.waits
}

type watching struct {
	context.Context

	once  sync.Once
	waits chan struct{}
}

func (w *watching) Done() <-chan struct{} {
	w.once.Do(func() { close(w.waits) })
	return w.Context.Done()
}

func TestACallEndsWhenItsLastCallerLeaves(t *testing.T) {
	b := newBlocked()
	via := cacheOf(t, reuse.Default(), reuse.Options{}).Layer(b)
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := get(ctx, via, "GET", "http://a.test/", nil); done <- err }()
	flight := <-b.began
	leave()
	<-flight.Done()
	if err := <-done; fail.KindOf(err) != fail.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestAPanicIsAnErrorOfThoseWhoWait(t *testing.T) {
	via := cacheOf(t, reuse.Default(), reuse.Options{}).Layer(tripper(func(*http.Request) (*http.Response, error) { panic("no") }))
	if _, err := get(t.Context(), via, "GET", "http://a.test/", nil); fail.KindOf(err) != fail.Internal || err == nil {
		t.Errorf("got %v", err)
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A request that comes after a purge doesn't get what an exchange brings that began before it.
func TestAPurgeIsNotOvertaken(t *testing.T) {
	b := newBlocked()
	s := memory(t, nil)
	via := cacheOf(t, reuse.Default(), reuse.Options{Store: s}).Layer(b)
	call := reuse.WithCall(t.Context(), &reuse.Call{Tags: []string{store.TypeTag("Post")}})
	first := make(chan error)
	go func() { _, err := get(call, via, "GET", "http://a.test/", nil); first <- err }()
	<-b.began
	if _, err := s.Purge(t.Context(), store.TypeTag("Post")); err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	go func() { _, err := get(call, via, "GET", "http://a.test/", nil); second <- err }()
	<-b.began // its own exchange
	b.let <- fresh()
	b.let <- fresh()
	if err := errors.Join(<-first, <-second); err != nil {
		t.Fatal(err)
	}
}

// Below the cache requests share exchanges as well: who asks after a purge gets none that began before it.
func TestAPurgeIsNotOvertakenBelow(t *testing.T) {
	b := newBlocked()
	stack, err := transport.New(transport.Default(), transport.Options{Service: "shop", Carrier: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stack.Close)
	s := memory(t, nil)
	t.Cleanup(s.OnPurge(func([]string) { stack.Separate() }))
	via := cacheOf(t, reuse.Default(), reuse.Options{Store: s}).Layer(stack)
	results := make(chan error)
	ask := func() {
		_, err := get(t.Context(), via, "GET", "http://a.test/", nil)
		results <- err
	}
	go ask()
	<-b.began
	if _, err := s.Purge(t.Context(), store.ServiceTag("shop")); err != nil {
		t.Fatal(err)
	}
	go ask()
	<-b.began // an exchange of its own
	b.let <- fresh()
	b.let <- fresh()
	if err := errors.Join(<-results, <-results); err != nil {
		t.Fatal(err)
	}
}

// An answer that was waited for with others is as old as their exchange: it isn't kept when something was purged since, and
// the recorder says so.
func TestAnswersOfOthersAreOlder(t *testing.T) {
	now := newClock()
	s := memory(t, now)
	began := now.Now()
	now.add(time.Second)
	if _, err := s.Purge(t.Context(), store.ServiceTag("shop")); err != nil {
		t.Fatal(err)
	}
	now.add(time.Second)
	calls := 0
	via := cacheOf(t, reuse.Default(), reuse.Options{Store: s}).Layer(tripper(func(*http.Request) (*http.Response, error) {
		calls++
		res := fresh()
		res.Body = body.WrapOf([]byte("1"), began)
		if calls > 2 {
			res.Body = body.Wrap([]byte("2"))
		}
		return res, nil
	}))
	for i, want := range []string{"1", "1", "2", "2 @0"} {
		ctx, rec := reuse.WithRecorder(t.Context())
		got, err := get(ctx, via, "GET", "http://a.test/", nil)
		if err != nil || got != want {
			t.Errorf("%d: got %q, %v", i, got, err)
		}
		if old := rec.Summary().Began; old.Equal(began) != (i < 2) {
			t.Errorf("%d: as old as %v", i, old)
		}
	}
}

// Two users with private data, and what isn't private, from one service; nobody ever gets the other's.
func TestUsersNeverMix(t *testing.T) {
	kinds := []struct{ path, control, vary string }{
		{"/private", "private, max-age=60", ""},
		{"/no-store", "no-store", ""},
		{"/plain", "max-age=60", ""},
		{"/public", "public, max-age=60", ""},
		{"/vary", "public, max-age=60", "Accept-Language"},
		{"/shared", "s-maxage=60", "Accept-Language, X-User"},
		{"/none", "", ""},
		{"/stale", "max-age=0, stale-while-revalidate=60, stale-if-error=60", ""},
	}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, k := range kinds {
			if k.path == r.URL.Path {
				w.Header().Set("Cache-Control", k.control)
				w.Header().Set("Vary", k.vary)
			}
		}
		user := r.Header.Get("X-User") + r.Header.Get("Authorization") + r.Header.Get("Cookie")
		w.Header().Set("ETag", `"`+user+`"`)
		if r.Header.Get("If-None-Match") == `"`+user+`"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, user)
	})
	config := reuse.Default()
	config.TTL, config.StaleIfError = time.Minute, time.Minute
	ignoring := config
	ignoring.Respect = false
	s := memory(t, nil)
	layers := []http.RoundTripper{
		cacheOf(t, config, reuse.Options{Store: s}).Layer(carrier(t)),
		cacheOf(t, ignoring, reuse.Options{Store: s, Service: "other"}).Layer(carrier(t)),
	}
	var requests atomic.Int32
	together(20, func(g int) {
		rnd := rand.New(rand.NewPCG(uint64(g), 7))
		for range 500 {
			user := fmt.Sprint("user", rnd.IntN(2))
			kind := kinds[rnd.IntN(len(kinds))]
			header := []string{"X-User", "Authorization", "Cookie"}[rnd.IntN(3)]
			if header == "X-User" && kind.path == "/vary" {
				header = "Cookie" // the service says that X-User doesn't matter there
			}
			h := http.Header{header: {user}, "Accept-Language": {[]string{"en", "de"}[rnd.IntN(2)]}}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+kind.path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header = h
			res, err := layers[rnd.IntN(2)].RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			got := make([]byte, 10)
			n, _ := res.Body.Read(got)
			if string(got[:n]) != user {
				t.Errorf("%s got %q at %s", user, got[:n], kind.path)
			}
			requests.Add(1)
		}
	})
	if requests.Load() != 10_000 {
		t.Errorf("%d requests", requests.Load())
	}
}

// An open breaker is an error for which a stale answer stands in, where that's allowed, and nowhere else.
func TestAnOpenBreakerServesStale(t *testing.T) {
	now := newClock()
	var down atomic.Bool
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Date", now.Now().Format(http.TimeFormat))
		w.Header().Set("Cache-Control", r.URL.Query().Get("say"))
		_, _ = w.Write([]byte("a"))
	})
	c := transport.Default()
	c.Breaker.Failures, c.Breaker.OpenFor = 2, time.Minute
	c.Retry.Attempts = 1
	stack, err := transport.New(c, transport.Options{Service: "shop", Carrier: carrier(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stack.Close)
	via := cacheOf(t, reuse.Default(), reuse.Options{Store: memory(t, now)}).Layer(stack)
	lenient, strict := url+"/?say=max-age=60,stale-if-error=600", url+"/?say=max-age=60,stale-if-error=600,must-revalidate"
	for _, address := range []string{lenient, strict} {
		if got, err := get(t.Context(), via, "GET", address, nil); err != nil || got != "a" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	now.add(70 * time.Second)
	down.Store(true)
	for range 3 {
		if got, err := get(t.Context(), via, "GET", lenient, nil); err != nil || got != "a @70" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	before := calls.Load()
	ctx, rec := reuse.WithRecorder(t.Context())
	if got, err := get(ctx, via, "GET", lenient, nil); err != nil || got != "a @70" {
		t.Errorf("got %q, %v", got, err)
	}
	uses := rec.Uses()
	if len(uses) != 1 || uses[0].State != reuse.Stale || uses[0].Reason != "UPSTREAM_UNAVAILABLE" || !rec.Summary().Stale {
		t.Errorf("got %+v", uses)
	}
	if _, err := get(t.Context(), via, "GET", strict, nil); fail.KindOf(err) != fail.UpstreamUnavailable || err == nil {
		t.Errorf("must-revalidate: got %v", err)
	}
	if calls.Load() != before {
		t.Error("the breaker isn't open")
	}
	now.add(700 * time.Second)
	if _, err := get(t.Context(), via, "GET", lenient, nil); fail.KindOf(err) != fail.UpstreamUnavailable || err == nil {
		t.Errorf("after stale-if-error: got %v", err)
	}
}

func TestAWriteThatNobodyKnowsTheEndOfInvalidates(t *testing.T) {
	b := newBlocked()
	via := cacheOf(t, reuse.Default(), reuse.Options{}).Layer(tripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			return nil, &fail.Error{Kind: fail.UpstreamTimeout}
		}
		return b.RoundTrip(r)
	}))
	ask := func() {
		b.let <- fresh()
		if _, err := get(t.Context(), via, "GET", "http://a.test/", nil); err != nil {
			t.Fatal(err)
		}
		<-b.began
	}
	ask()
	if _, err := get(t.Context(), via, "POST", "http://a.test/", nil); fail.KindOf(err) != fail.UpstreamTimeout {
		t.Fatal(err)
	}
	ask() // it would hang on began if it were kept
}

// What the store has under a key may be anything: it's no answer then.
func TestForeignEntriesAreMissing(t *testing.T) {
	for name, spoil := range map[string]func(*store.Entry){
		"no meta":         func(e *store.Entry) { e.Meta = nil },
		"another version": func(e *store.Entry) { e.Meta = append([]byte{99}, e.Meta[1:]...) },
		"cut":             func(e *store.Entry) { e.Meta = e.Meta[:len(e.Meta)-3] },
		"cut early":       func(e *store.Entry) { e.Meta = e.Meta[:5] },
		"text":            func(e *store.Entry) { e.Meta = []byte("hello, this is something else") },
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				w.Header().Set("Cache-Control", "max-age=60")
				_, _ = w.Write([]byte("a"))
			})
			via := cacheOf(t, reuse.Default(), reuse.Options{Store: &spoiled{memory(t, nil), spoil}}).Layer(carrier(t))
			for range 2 {
				if got, err := get(t.Context(), via, "GET", url, nil); err != nil || got != "a" {
					t.Errorf("got %q, %v", got, err)
				}
			}
			if calls.Load() != 2 {
				t.Errorf("%d calls", calls.Load())
			}
		})
	}
}

// spoiled changes what is put in.
type spoiled struct {
	*store.Store

	spoil func(*store.Entry)
}

func (s *spoiled) Set(e *store.Entry, f store.Fetch, then func()) {
	s.spoil(e)
	s.Store.Set(e, f, then)
}

// An error with status 200, or what is no JSON, isn't given again for as long as its headers say.
func TestWhatIsNotSoundIsNotKept(t *testing.T) {
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if calls.Add(1) == 1 {
			fmt.Fprint(w, "oops")
			return
		}
		fmt.Fprint(w, "fine")
	})
	via := cacheOf(t, reuse.Default(), reuse.Options{Check: func(res *http.Response, body []byte) error {
		if string(body) == "oops" {
			return errors.New("no")
		}
		return nil
	}}).Layer(carrier(t))
	for _, want := range []string{"oops", "fine", "fine @0"} {
		if got, err := get(t.Context(), via, "GET", url, nil); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

// An answer that took long and is about to end is renewed before it does.
func TestAnAnswerIsRenewedBeforeItEnds(t *testing.T) {
	now := newClock()
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			now.add(10 * time.Second)
		}
		w.Header().Set("Cache-Control", "max-age=20")
	})
	counted := &counted{}
	via := cacheOf(t, reuse.Default(), reuse.Options{Store: memory(t, now), Metrics: counted}).Layer(carrier(t))
	for _, step := range []struct {
		then time.Duration
		want string
	}{{0, ""}, {10*time.Second - 2*time.Microsecond, " @19"}} {
		now.add(step.then)
		if got, err := get(t.Context(), via, "GET", url, nil); err != nil || got != step.want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	eventually(t, "the renewal", func() bool { return calls.Load() == 2 })
	if counted.miss.Load() != 1 || counted.hit.Load() != 1 {
		t.Errorf("counted %d and %d", counted.miss.Load(), counted.hit.Load())
	}
}

type counted struct{ hit, miss atomic.Int32 }

func (c *counted) ServiceAnswer(s reuse.State, n int) {
	switch s {
	case reuse.Hit:
		c.hit.Add(int32(n))
	case reuse.Miss:
		c.miss.Add(int32(n))
	}
}
