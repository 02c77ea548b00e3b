package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// wire is a carrier in memory.
type wire func(r *http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

// answer makes a response with a body.
func answer(status int, text string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		StatusCode: status, Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(text)), Body: io.NopCloser(bytes.NewReader([]byte(text))),
	}
}

// after answers when so much time has passed, unless the request is over before.
func after(r *http.Request, d time.Duration, res *http.Response) (*http.Response, error) {
	select {
	case <-time.After(d):
		return res, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func newTransport(t testing.TB, c transport.Config, o transport.Options) *transport.Transport {
	t.Helper()
	o.Service = "users"
	tr, err := transport.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// newPool has instances at these addresses.
func newPool(t testing.TB, addresses ...string) *balance.Pool {
	t.Helper()
	p, err := balance.New(balance.Config{SlowStart: -1}, balance.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	update(t, p.Update, addresses)
	t.Cleanup(p.Close)
	return p
}

func update[T any](t testing.TB, to func([]T), addresses []string) {
	if len(addresses) == 0 {
		to(nil)
		return
	}
	t.Helper()
	var list []T
	text := `[{"URL": "` + strings.Join(addresses, `", "Weight": 1}, {"URL": "`) + `", "Weight": 1}]`
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	to(list)
}

var three = []string{"http://a.test:80", "http://b.test:80", "http://c.test:80"}

func newRequest(t testing.TB, ctx context.Context, method, address string, body string) *http.Request {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = bytes.NewReader([]byte(body))
	}
	r, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// get gives the status and the body of a GET; 0 and an empty text with an error, whose kind is given.
func get(t testing.TB, tr http.RoundTripper, ctx context.Context, address string, header ...string) (int, string, error) {
	t.Helper()
	r := newRequest(t, ctx, http.MethodGet, address, "")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return do(t, tr, r)
}

func do(t testing.TB, tr http.RoundTripper, r *http.Request) (int, string, error) {
	t.Helper()
	res, err := tr.RoundTrip(r)
	if err != nil {
		if res != nil {
			t.Error("an answer and an error")
		}
		var f *fail.Error
		if !errors.As(err, &f) {
			t.Errorf("%v is no *fail.Error", err)
		} else if f.Service != "users" || f.Public != "" {
			t.Errorf("%+v", f)
		}
		return 0, "", err
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	_ = res.Body.Close()
	return res.StatusCode, string(text), nil
}

func wantKind(t testing.TB, err error, want fail.Kind) {
	t.Helper()
	if err == nil || fail.KindOf(err) != want {
		t.Errorf("%v, want %v", err, want)
	}
}

// counter counts.
type counter struct {
	mu       sync.Mutex
	attempts int
	events   map[transport.Event]int
}

func (c *counter) Attempted(balance.Outcome, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempts++
}

func (c *counter) Count(e transport.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events == nil {
		c.events = map[transport.Event]int{}
	}
	c.events[e]++
}

func (c *counter) of(e transport.Event) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events[e]
}

// settled waits until there are no more goroutines than before.
func settled(t testing.TB, before int) {
	t.Helper()
	for range 2000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
		<-time.After(time.Millisecond)
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines, before %d\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

func newCancel(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}
