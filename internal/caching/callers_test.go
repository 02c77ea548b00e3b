package caching_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// TestNobodyGetsAnothersAnswer has two users, and one that nobody knows, ask two gateways for what is for each alone, side
// by side with what is for all: 10,000 requests, and no answer has a trace of somebody else.
func TestNobodyGetsAnothersAnswer(t *testing.T) {
	redis := redistest.Start(t)
	s := newService(t, true, nil)
	known, texts := keys(t, map[string][]string{"ada": nil, "bob": nil})
	processes := []*gateway{start(t, s, shared(redis)+known), start(t, s, shared(redis)+known)}
	queries := []string{
		`{ me { id email } }`,
		`{ me { id } item(id: 1) { id version } }`, // public by the schema: what the service is told makes the difference
		`{ item(id: 2) { id note { text } } }`,
		`query ($x: Boolean!) { item(id: 3) { id version note @include(if: $x) { text } } }`,
		`{ items { id note { text } } me { email } }`,
	}
	const requests, side = 10_000, 40
	var hits, private atomic.Int64
	var all sync.WaitGroup
	for range side {
		all.Go(func() {
			for range requests / side {
				user := []string{"ada", "bob", ""}[rand.IntN(3)]
				var headers []string
				if user != "" {
					headers = []string{"X-Api-Key", texts[user]}
				}
				query := queries[rand.IntN(len(queries))]
				var variables map[string]any
				if strings.Contains(query, "$x") {
					variables = map[string]any{"x": rand.IntN(2) == 0}
				}
				a, err := processes[rand.IntN(2)].try(context.Background(), query, variables, headers...)
				if err != nil {
					t.Error(err)
					return
				}
				for _, other := range []string{"ada", "bob"} {
					if other != user && strings.Contains(a.body, other) {
						t.Errorf("%q got what is %s's by %s: %s", user, other, query, a.body)
					}
				}
				if user != "" && !strings.Contains(a.body, user) && variables["x"] != false {
					t.Errorf("%s, %s: %s", user, query, a.body)
				}
				if strings.Contains(a.cacheStatus(), "hit") {
					hits.Add(1)
					if strings.Contains(a.header.Get("Cache-Control"), "private") {
						private.Add(1)
					}
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d hits of %d, %d of them private", hits.Load(), requests, private.Load())
	if private.Load() < requests/10 || hits.Load() == private.Load() {
		t.Errorf("%d hits, %d private: nothing was tried", hits.Load(), private.Load())
	}
	for _, key := range redis.Do("KEYS", "tributary:cache:e:*").([]any) {
		if name := fmt.Sprint(key); strings.Contains(name, "ada") || strings.Contains(name, "bob") {
			t.Errorf("a key in Redis names a caller: %s", name)
		}
	}
}
