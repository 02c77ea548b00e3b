package cache

import (
	"context"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
)

// Key is where the answer to a request is kept; ok is false when it isn't kept for this caller.
func (r *Responses) Key(q *Request) (key string, ok bool) {
	policy := q.Plan.Policy(q.Variables)
	if r.refusal(q, policy) != "" {
		return "", false
	}
	w := everybody
	if policy.Private {
		w = oneself
	}
	return r.keys.of("r:", q, w)
}

// soon is how many times as long as its fetch took before an answer's end it may be time to refresh it; the chance that it
// is earlier is one in 150,000.
const soon = 12

// Find gives the entry that is kept under a key, without an execution at hand: one that Do would answer with and do nothing
// else for. Where this process has a memory of its own it's looked for in that alone.
func (r *Responses) Find(ctx context.Context, key string) (e *store.Entry, now time.Time) {
	if e = r.store.Peek(ctx, key); e == nil {
		return nil, now
	}
	now = r.store.Now()
	if left := e.Expires.Sub(now); left <= 0 || left <= soon*min(e.Took, time.Hour) {
		return nil, now
	}
	if r.metrics != nil {
		r.metrics.CacheAnswered(Hit)
	}
	return e, now
}

// AnswerOf is what clients are told of an entry, as far as it's said by that alone.
func AnswerOf(e *store.Entry, now time.Time) Answer {
	return Answer{Response: Response{Data: e.Body}, Origin: Hit, ETag: string(e.Meta), Age: e.Age(now), TTL: e.Expires.Sub(now)}
}
