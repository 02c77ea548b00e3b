package reuse_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// patience is how long anything may take, on a machine with more to do.
const patience = 30 * time.Second

// clock stands still until it's told.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// memory is a store in this process.
func memory(t testing.TB, c *clock) *store.Store {
	t.Helper()
	o := store.Options{}
	if c != nil {
		o.Now = c.Now
	}
	s, err := store.New(store.Config{}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// serve lets a service listen on loopback until the test ends.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func carrier(t testing.TB) http.RoundTripper {
	t.Helper()
	c := &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func cacheOf(t testing.TB, c reuse.Config, o reuse.Options) *reuse.Cache {
	t.Helper()
	if o.Service == "" {
		o.Service = "shop"
	}
	if o.Store == nil {
		o.Store = memory(t, nil)
	}
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	made, err := reuse.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// get makes a request and reads the answer: the body, with the status before it when it isn't 200, and the age behind it
// when it was kept.
func get(ctx context.Context, via http.RoundTripper, method, url string, h http.Header) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", err
	}
	for name, values := range h {
		r.Header[name] = values
	}
	before := fmt.Sprint(r.Header)
	res, err := via.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if after := fmt.Sprint(r.Header); after != before {
		return "", fmt.Errorf("the request's header was changed from %s to %s", before, after)
	}
	got := string(text)
	if res.StatusCode != http.StatusOK {
		got = strings.TrimSpace(fmt.Sprint(res.StatusCode, " ", got))
	}
	if age := res.Header.Get("Age"); age != "" {
		got += " @" + age
	}
	return got, nil
}

// eventually waits for something that another goroutine does.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			t.Fatal("not in time: " + what)
		}
		select {
		case <-t.Context().Done():
			t.Fatal("ended before: " + what)
		case <-time.After(time.Millisecond):
		}
	}
}
