package reuse

import (
	"context"
	"sync/atomic"
)

// Call is what the layer can't see in a request. It's made once per call of the schema, for one Cache, and isn't changed or
// copied after that.
type Call struct {
	// Coordinate names it: "Post.author".
	Coordinate string
	// Rule is what the schema says of keeping its answers.
	Rule Rule
	// Tags are added to those of its answers: type:User, list:Post.
	Tags []string
	// Reads says that it changes nothing, whatever its method: then nothing that is kept is dropped after it. Fields of
	// Query, and types, have such calls.
	Reads bool

	worth worth
}

// worth says whether it pays to look for what is kept of a call. After an answer that may not be kept it doesn't, until there
// is one that may; from then on it always does. So calls of services that say nothing cost no keys and no look into the
// Store. Nothing wrong can come of not looking: the service is asked.
type worth struct{ state atomic.Uint32 }

const (
	unknown uint32 = iota
	barely         // no answer so far could be kept
	proven
)

func (w *worth) looking() bool { return w.state.Load() != barely }

// none notes an answer that couldn't be kept, for what it is and not for an error.
func (w *worth) none() {
	if w.state.Load() == unknown {
		w.state.CompareAndSwap(unknown, barely)
	}
}

// some notes one that could.
func (w *worth) some() {
	if w.state.Load() != proven {
		w.state.Store(proven)
	}
}

type callKey struct{}

// called is a context with a call.
type called struct {
	context.Context

	call *Call
}

// Value has the call.
func (c *called) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// WithCall puts a call into the context of its requests.
func WithCall(ctx context.Context, c *Call) context.Context { return &called{ctx, c} }

// carried are the call and the exchange in a context; nobody is the call of one that has none.
func carried(ctx context.Context, nobody *Call) (*Call, *Exchange) {
	switch c := ctx.Value(callKey{}).(type) {
	case *called:
		return c.call, nil
	case *Exchange:
		return c.call, c
	}
	return nobody, nil
}
