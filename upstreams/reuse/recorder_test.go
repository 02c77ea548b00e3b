package reuse_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

func TestWhatARecorderHears(t *testing.T) {
	for _, c := range []struct {
		name, header, request string
		config                func(*reuse.Config)
		first, second         reuse.Use
	}{
		{name: "an answer that's kept", header: "max-age=60",
			first:  reuse.Use{State: reuse.Miss, Known: true, Left: 60 * time.Second},
			second: reuse.Use{State: reuse.Hit, Known: true, Left: 50 * time.Second, Age: 10 * time.Second}},
		{name: "one that nobody says anything of", header: "",
			first:  reuse.Use{State: reuse.Bypass, Reason: "the service doesn't say for how long, and no ttl is configured"},
			second: reuse.Use{State: reuse.Bypass, Reason: "the service doesn't say for how long, and no ttl is configured"}},
		{name: "no-store", header: "no-store",
			first:  reuse.Use{State: reuse.Bypass, Known: true, Reason: "the service says no-store"},
			second: reuse.Use{State: reuse.Bypass, Known: true, Reason: "the service says no-store"}},
		{name: "private", header: "private, max-age=60",
			first:  reuse.Use{State: reuse.Bypass, Known: true, Left: 60 * time.Second, Private: true, Reason: "the service says private"},
			second: reuse.Use{State: reuse.Bypass, Known: true, Left: 60 * time.Second, Private: true, Reason: "the service says private"}},
		{name: "private without a time", header: "private",
			first:  reuse.Use{State: reuse.Bypass, Private: true, Reason: "the service says private"},
			second: reuse.Use{State: reuse.Bypass, Private: true, Reason: "the service says private"}},
		{name: "private, and nobody listens", header: "private", config: func(c *reuse.Config) { c.TTL, c.Respect = time.Minute, false },
			first:  reuse.Use{State: reuse.Miss, Known: true, Left: 60 * time.Second, Private: true},
			second: reuse.Use{State: reuse.Hit, Known: true, Left: 50 * time.Second, Age: 10 * time.Second, Private: true}},
		{name: "authorized", header: "max-age=60", request: "Authorization",
			first:  reuse.Use{State: reuse.Bypass, Known: true, Left: 60 * time.Second, Private: true, Reason: "the request is authorized and the service doesn't say public, s-maxage or must-revalidate"},
			second: reuse.Use{State: reuse.Bypass, Known: true, Left: 60 * time.Second, Private: true, Reason: "the request is authorized and the service doesn't say public, s-maxage or must-revalidate"}},
		{name: "a condition", header: "max-age=60", request: "If-None-Match",
			first:  reuse.Use{State: reuse.Bypass, Known: true, Left: 60 * time.Second, Reason: "the request has a condition or a range"},
			second: reuse.Use{State: reuse.Bypass, Known: true, Left: 60 * time.Second, Reason: "the request has a condition or a range"}},
		{name: "off, but it still says for how long it holds", header: "max-age=60", config: func(c *reuse.Config) { c.Enabled = false },
			first:  reuse.Use{State: reuse.Bypass, Known: true, Left: 60 * time.Second, Reason: "the cache is off"},
			second: reuse.Use{State: reuse.Bypass, Known: true, Left: 60 * time.Second, Reason: "the cache is off"}},
		{name: "always to be revalidated", header: "no-cache, max-age=60",
			first:  reuse.Use{State: reuse.Miss, Known: true},
			second: reuse.Use{State: reuse.Revalidated, Known: true}},
		{name: "stale, a new one is on its way", header: "max-age=5, stale-while-revalidate=60",
			first:  reuse.Use{State: reuse.Miss, Known: true, Left: 5 * time.Second},
			second: reuse.Use{State: reuse.Stale, Known: true, Age: 10 * time.Second, Reason: "a new answer is being fetched"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := newClock()
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", now.Now().Format(http.TimeFormat))
				w.Header().Set("Etag", `"1"`)
				if c.header != "" {
					w.Header().Set("Cache-Control", c.header)
				}
				if r.Header.Get("If-None-Match") != "" && c.request == "" {
					w.WriteHeader(http.StatusNotModified)
				}
			})
			config := reuse.Default()
			if c.config != nil {
				c.config(&config)
			}
			via := cacheOf(t, config, reuse.Options{Store: memory(t, now)}).Layer(carrier(t))
			h := http.Header{}
			if c.request != "" {
				h.Set(c.request, "x")
			}
			for _, want := range []reuse.Use{c.first, c.second} {
				ctx, rec := reuse.WithRecorder(reuse.WithCall(t.Context(), &reuse.Call{Coordinate: "Query.a"}))
				if _, err := get(ctx, via, "GET", url, h); err != nil {
					t.Fatal(err)
				}
				want.Service, want.Call = "shop", "Query.a"
				if diff := cmp.Diff([]reuse.Use{want}, rec.Uses()); diff != "" {
					t.Error(diff)
				}
				now.add(10 * time.Second)
			}
		})
	}
}

func TestWhatUsesMeanTogether(t *testing.T) {
	now := newClock()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", now.Now().Format(http.TimeFormat))
		w.Header().Set("Cache-Control", r.URL.Query().Get("say"))
	})
	s := memory(t, now)
	shop := cacheOf(t, reuse.Default(), reuse.Options{Store: s, Service: "shop"}).Layer(carrier(t))
	blog := cacheOf(t, reuse.Default(), reuse.Options{Store: s, Service: "blog"}).Layer(carrier(t))
	ctx, rec := reuse.WithRecorder(t.Context())
	ask := func(via http.RoundTripper, say string) {
		t.Helper()
		if _, err := get(ctx, via, "GET", url+"?say="+say, nil); err != nil {
			t.Fatal(err)
		}
	}
	want := func(want reuse.Summary) {
		t.Helper()
		if diff := cmp.Diff(want, rec.Summary()); diff != "" {
			t.Error(diff)
		}
	}
	want(reuse.Summary{})
	ask(shop, "")
	want(reuse.Summary{Services: []string{"shop"}})
	ask(shop, "max-age=60")
	now.add(20 * time.Second)
	ask(shop, "max-age=60")
	ask(blog, "max-age=50")
	want(reuse.Summary{Services: []string{"blog", "shop"}, Known: true, Left: 40 * time.Second, Age: 20 * time.Second})
	ask(blog, "private")
	want(reuse.Summary{Services: []string{"blog", "shop"}, Known: true, Left: 40 * time.Second, Age: 20 * time.Second, Private: true})
	ask(blog, "no-store")
	want(reuse.Summary{Services: []string{"blog", "shop"}, Known: true, Age: 20 * time.Second, Private: true})
}

func TestWhatARecorderHearsOfABatch(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60")
	p.gone["9"] = true
	p.get(t.Context(), "", "1", "2")
	p.now.add(20 * time.Second)
	ctx, rec := reuse.WithRecorder(t.Context())
	p.get(ctx, "", "1", "2", "3", "9")
	want := []reuse.Use{
		{Service: "shop", Call: "User", State: reuse.Hit, Known: true, Left: 40 * time.Second, Age: 20 * time.Second, Keys: 2},
		{Service: "shop", Call: "User", State: reuse.Miss, Known: true, Left: 60 * time.Second},
		{Service: "shop", Call: "User", State: reuse.Miss, Known: true, Left: 10 * time.Second, Keys: 1},
	}
	if diff := cmp.Diff(want, rec.Uses()); diff != "" {
		t.Error(diff)
	}
}
