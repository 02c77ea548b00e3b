package edge_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// What one gateway learnt all know that share a Redis, and one whose Redis is gone knows what it learnt itself.
func TestGatewaysShareDocuments(t *testing.T) {
	redis := redistest.Start(t)
	yaml := fmt.Sprintf("redis: {addresses: [\"127.0.0.1:%s\"]}\n", redis.Port())
	one, other := start(t, yaml), start(t, yaml)
	const text = "query Shared { greeting }"
	hash := map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": sha(text)}}
	named := func(r *running) answer {
		return r.send(t, http.MethodPost, "/graphql", asJSON(map[string]any{"extensions": hash}))
	}
	named(other).check(t, "not known yet", 200, "PERSISTED_QUERY_NOT_FOUND")
	one.send(t, http.MethodPost, "/graphql", asJSON(map[string]any{"query": text, "extensions": hash})).check(t, "learnt", 200, "hello")
	named(other).check(t, "by another gateway", 200, "hello")
	redis.Kill()
	named(one).check(t, "without Redis", 200, "hello")
	named(other).check(t, "without Redis, the other", 200, "hello")
	named(start(t, yaml)).check(t, "without Redis, one that never saw it", 200, "PERSISTED_QUERY_NOT_FOUND")
}
