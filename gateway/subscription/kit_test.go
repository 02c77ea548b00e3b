package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/subscription"
)

// script is a Runner that does what an operation's text says.
type script struct {
	mu      sync.Mutex
	running int
	events  chan string   // what "subscription { events }" delivers
	others  chan string   // what "subscription { others }" delivers
	release chan struct{} // what "{ slow }" waits for
}

func newScript() *script {
	return &script{events: make(chan string), others: make(chan string), release: make(chan struct{})}
}

func (s *script) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running += n
}

func (s *script) Run(ctx context.Context, params *graphql.RawParams, to subscription.Sink) gqlerror.List {
	s.count(1)
	defer s.count(-1)
	data := func(text string) *graphql.Response { return &graphql.Response{Data: []byte(text)} }
	switch query := params.Query; {
	case query == "{ hello }":
		to.Start(ast.Query)
		to.Deliver(data(`{"hello":"world"}`))
	case query == "{ lines }":
		to.Start(ast.Query)
		to.Deliver(data("{\"lines\":[1,\n2]}"))
	case query == "{ null }":
		to.Start(ast.Query)
		to.Deliver(&graphql.Response{Data: []byte("null"), Errors: gqlerror.List{{Message: "No."}}, Extensions: map[string]any{"cost": 1}})
	case query == "{ slow }":
		to.Start(ast.Query)
		select {
		case <-s.release:
			to.Deliver(data(`{"slow":1}`))
		case <-ctx.Done():
		}
	case query == "{ wrong }":
		return gqlerror.List{{Message: "Cannot query field.", Extensions: map[string]any{"code": "GRAPHQL_VALIDATION_FAILED"}}}
	case query == "{ wrong wronger }":
		return gqlerror.List{{Message: "One."}, {Message: "Two."}}
	case query == "{ panic }":
		panic("ouch")
	case query == "{ deferred }":
		to.Start(ast.Query)
		yes, no := true, false
		_ = to.Deliver(&graphql.Response{Data: []byte(`{"a":1}`), HasNext: &yes}) &&
			to.Deliver(&graphql.Response{Data: []byte(`{"b":2}`), Path: ast.Path{ast.PathName("x"), ast.PathIndex(1)}, Label: "late", HasNext: &no})
	case query == "{ broken }":
		to.Start(ast.Query)
		yes := true
		to.Deliver(&graphql.Response{Data: []byte(`{"a":1}`), HasNext: &yes})
		return gqlerror.List{{Message: "The operation took too long."}}
	case strings.HasPrefix(query, "subscription { count"):
		to.Start(ast.Subscription)
		var n int
		if _, err := fmt.Sscanf(query, "subscription { count(to: %d) }", &n); err != nil {
			return gqlerror.List{{Message: err.Error()}}
		}
		for i := range n {
			if !to.Deliver(data(fmt.Sprintf(`{"count":%d}`, i+1))) {
				break
			}
		}
	case query == "subscription { events }", query == "subscription { others }":
		to.Start(ast.Subscription)
		from := s.events
		if query == "subscription { others }" {
			from = s.others
		}
		for {
			select {
			case text := <-from:
				if !to.Deliver(data(text)) {
					return nil
				}
			case <-ctx.Done():
				return nil
			}
		}
	case query == "subscription { flood }":
		to.Start(ast.Subscription)
		for to.Deliver(data(`{"flood":"`+strings.Repeat("x", 4000)+`"}`)) && ctx.Err() == nil {
			continue
		}
	case query == "{ who }":
		to.Start(ast.Query)
		who, _ := ctx.Value(whoKey{}).(string)
		to.Deliver(data(fmt.Sprintf(`{"who":%q}`, who+params.Headers.Get("X-Extra"))))
	default:
		return gqlerror.List{{Message: "unknown script: " + query}}
	}
	return nil
}

type whoKey struct{}

// identify lets in who shows no token, "alice", "bob", or "brief" for a moment.
func identify(ctx context.Context, r *http.Request, payload map[string]any) (context.Context, subscription.Client, error) {
	token, _ := payload["token"].(string)
	if token == "" {
		token = r.Header.Get("X-Token")
	}
	c := subscription.Client{Account: token}
	switch token {
	case "brief":
		c.Expires = time.Now().Add(time.Minute)
	case "", "alice", "bob":
	case "panic":
		panic("identify")
	case "unsure":
		return nil, c, fail.New(fail.UpstreamUnavailable, "Credentials can't be checked now.")
	case "hang":
		<-ctx.Done()
		return nil, c, &fail.Error{Kind: fail.UpstreamUnavailable, Err: ctx.Err()}
	default:
		return nil, c, fail.New(fail.Unauthenticated, "The token is not valid.")
	}
	return context.WithValue(ctx, whoKey{}, token), c, nil
}

// place is a Handler behind a server.
type place struct {
	*subscription.Handler

	script *script
	server *httptest.Server
}

func newPlace(t testing.TB, config subscription.Config, change ...func(*subscription.Options)) *place {
	t.Helper()
	p := &place{script: newScript()}
	options := subscription.Options{Runner: p.script, Identify: identify}
	for _, c := range change {
		c(&options)
	}
	h, err := subscription.New(config, options)
	if err != nil {
		t.Fatal(err)
	}
	p.Handler = h
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.Handles(r) {
			http.Error(w, "not for subscriptions", http.StatusTeapot)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = h.Drain(ctx)
		p.server.Close()
	})
	return p
}

func (p *place) dial(t testing.TB, protocols ...string) *websocket.Conn {
	t.Helper()
	ws, res, err := websocket.Dial(t.Context(), p.server.URL, &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		t.Fatal(err, res)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

// say sends a message.
func say(t testing.TB, ws *websocket.Conn, text string) {
	t.Helper()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatalf("sending %s: %v", text, err)
	}
}

// hear is the next message, or "close" with code and reason.
func hear(t testing.TB, ws *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, data, err := ws.Read(ctx)
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		return fmt.Sprintf("close %d %s", closed.Code, closed.Reason)
	case err != nil:
		return "broken: " + err.Error()
	}
	return string(data)
}

// talk plays a conversation: lines of "> " are sent, lines of "< " must come.
func talk(t *testing.T, ws *websocket.Conn, lines []string) {
	t.Helper()
	for _, line := range lines {
		text, sent := strings.CutPrefix(line, "> ")
		if sent {
			say(t, ws, text)
			continue
		}
		if got, want := hear(t, ws), strings.TrimPrefix(line, "< "); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

// eventually waits for a condition that is about to become true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		<-tick.C
	}
}

// idle waits until no operation runs.
func (s *script) idle(t testing.TB) {
	t.Helper()
	eventually(t, "all operations ended", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.running == 0
	})
}

// pipeListener accepts in-memory connections, so that time can be virtual.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { l.once.Do(func() { close(l.done) }); return nil }

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
