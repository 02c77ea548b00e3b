package reuse

import "context"

// Call is what the layer can't see in a request. It's made once per call of the schema and isn't changed after that.
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
}

type callKey struct{}

// WithCall puts a call into the context of its requests.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// plain is the call of a context that has none.
var plain = &Call{}

func callOf(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok && c != nil {
		return c
	}
	return plain
}
