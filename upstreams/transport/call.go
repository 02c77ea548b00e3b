package transport

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/balance"
)

// Call is what the layers know of a call besides its request. The zero Call is right for most.
type Call struct {
	// Idempotent says that the request may be sent more than once. GET and HEAD always may.
	Idempotent bool
	// Key is what the policy hash balances by.
	Key string
	// AttemptTimeout bounds each attempt; 0 means the service's.
	AttemptTimeout time.Duration
	// MaxBody is the most bytes of an answer; 0 means the service's.
	MaxBody int64
}

type callKey struct{}

// WithCall puts a call into the context of its request. The Call isn't changed after that.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// Idempotent tells whether a request may be sent more than once: GET, HEAD, and calls that say so.
func Idempotent(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, "":
		return true
	default:
		return settingsOf(r.Context()).Idempotent
	}
}

// plain is the call of a context that has none.
var plain = &Call{}

func settingsOf(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok && c != nil {
		return c
	}
	return plain
}

// idempotencyKey is the header by which a service knows a request that it has seen before
// (draft-ietf-httpapi-idempotency-key-header).
const idempotencyKey = "Idempotency-Key"

// call is one RoundTrip on its way through the layers. It's one piece of memory with all that a call of one attempt needs.
type call struct {
	stack    *Transport
	outer    context.Context // the caller's
	original *http.Request   // the caller's
	settings *Call
	began    time.Time

	// idempotent: it may be sent again, and its body is there to be sent again.
	idempotent bool
	// key is the Idempotency-Key of all attempts, empty for none.
	key string

	// probed: an attempt was a probe and failed, which is not the caller's business.
	probed atomic.Bool

	mu       sync.Mutex // guards what follows and every scope; nothing blocks while it is held
	tried    []*balance.Instance
	attempts int

	root    scope
	flight  flight
	first   attempt
	pair    *pair                // nil when the service has no hedging
	initial [2]*balance.Instance // where tried begins
}

// hedged is a call that may be sent a second time, in one piece.
type hedged struct {
	call call
	pair pair
}

func newCall(t *Transport, r *http.Request) *call {
	var c *call
	if t.hedge != nil {
		both := &hedged{}
		c, both.call.pair = &both.call, &both.pair
	} else {
		c = &call{}
	}
	c.stack, c.outer, c.original, c.began = t, r.Context(), r, time.Now()
	c.settings = settingsOf(c.outer)
	c.tried = c.initial[:0]
	c.idempotent = Idempotent(r) && replayable(r)
	get := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == ""
	if !get && c.settings.Idempotent && r.Header.Get(idempotencyKey) == "" {
		c.key = rand.Text()
	}
	return c
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// replayable tells whether a request can be sent again.
func replayable(r *http.Request) bool { return !hasBody(r) || r.GetBody != nil }

// body is the body for an attempt. The first takes the request's own.
func (c *call) body(r *http.Request, attempt int) (io.ReadCloser, error) {
	if attempt == 1 || !hasBody(r) {
		return r.Body, nil
	}
	return r.GetBody()
}

// begin counts an attempt and gives the memory for it.
func (c *call) begin() (a *attempt, number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempts++
	if c.attempts == 1 {
		return &c.first, 1
	}
	return &attempt{}, c.attempts
}

// unsent tells whether there was no attempt at all.
func (c *call) unsent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.attempts == 0
}

// avoid are the instances that attempts went to. The slice isn't changed later.
func (c *call) avoid() []*balance.Instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tried[:len(c.tried):len(c.tried)]
}

func (c *call) try(i *balance.Instance) {
	if i == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried = append(c.tried, i)
}
