package cache_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

var raceFor = flag.Duration("race-for", 4*time.Second, "how long TestNothingInvalidatedComesBack plays")

// model is a service's data, and which of its versions nobody may be given any more.
type model struct {
	mu       sync.Mutex // guards what follows
	versions []int
	acked    []ack
}

// ack is a purge that was acknowledged.
type ack struct {
	entity, version, process int
	at                       time.Time
}

// least is the oldest version of an entity that a read beginning now in a process may get.
func (m *model) least(entity, process int, bound time.Duration) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, least := time.Now(), 0
	for i := len(m.acked) - 1; i >= 0 && now.Sub(m.acked[i].at) < 10*time.Second; i-- {
		a := m.acked[i]
		if a.entity == entity && a.version > least && (a.process == process || now.Sub(a.at) > bound) {
			least = a.version
		}
	}
	return least
}

// TestNothingInvalidatedComesBack has readers, mutations and purges at random against two processes with one Redis: what
// was purged is not seen again by who asks in the same process after, nor anywhere 1 s after. The listeners lose their
// connections meanwhile, or never had any, and services answer late with what they had read before.
func TestNothingInvalidatedComesBack(t *testing.T) {
	if testing.Short() {
		t.Skip("plays for seconds")
	}
	for _, kind := range []string{"listening", "deaf"} {
		t.Run(kind, func(t *testing.T) { play(t, kind == "deaf") })
	}
}

func play(t *testing.T, deaf bool) {
	const entities = 300
	server := redistest.Start(t)
	if deaf {
		server.Do("ACL", "SETUSER", "default", "resetchannels")
	}
	processes := []*rig{newRig(t, cache.Config{Stale: 5 * time.Second}, server), newRig(t, cache.Config{Stale: 5 * time.Second}, server)}
	m := &model{versions: make([]int, entities)}
	q := processes[0].request(t, "query ($id: ID) { post(id: $id) { id title } }")
	ctx, cancel := context.WithTimeout(t.Context(), *raceFor)
	defer cancel()
	var hits, reads, purges, late atomic.Int64
	var wg sync.WaitGroup
	for i := range 48 {
		process := i % 2
		wg.Go(func() {
			r := processes[process]
			for ctx.Err() == nil {
				entity := rand.IntN(entities)
				q := *q
				q.Variables = variables{"id": strconv.Itoa(entity)}
				run := func(context.Context) cache.Response {
					key := fmt.Sprint("s:", entity) // the service's answer is kept, too
					if e := r.store.Get(context.Background(), key); e != nil {
						return cache.Response{Data: e.Body}
					}
					f := r.store.Begin()
					m.mu.Lock()
					version := m.versions[entity]
					m.mu.Unlock()
					switch n := rand.IntN(1000); {
					case n < 20:
						time.Sleep(1300 * time.Millisecond) // longer than an answer is trusted
						late.Add(1)
					case n < 300:
						time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
					}
					text := fmt.Appendf(nil, `{"post":{"id":"%d","title":"%d"}}`, entity, version)
					until := f.Start().Add(time.Minute)
					r.store.Set(&store.Entry{
						Key: key, Tags: []string{fmt.Sprint("Post:", entity), "type:Post"}, Body: text, Created: f.Start(), Expires: until, StaleUntil: until,
					}, f, nil)
					return cache.Response{Data: text}
				}
				if rand.IntN(2) == 0 {
					q.Refresh = run
				}
				least := m.least(entity, process, time.Second)
				a, err := r.Do(context.Background(), &q, run)
				if err != nil {
					t.Error(err)
					return
				}
				_, text, _ := strings.Cut(string(a.Data), `"title":"`)
				version, _ := strconv.Atoi(strings.TrimSuffix(text, `"}}`))
				if version < least {
					t.Errorf("process %d, entity %d: %s with version %d, aged %v, want %d or later", process, entity, a.Origin, version, a.Age, least)
				}
				reads.Add(1)
				if a.Origin == cache.Hit {
					hits.Add(1)
				}
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			}
		})
	}
	for process, r := range processes {
		wg.Go(func() {
			for ctx.Err() == nil {
				entity := rand.IntN(entities)
				m.mu.Lock()
				m.versions[entity]++
				version := m.versions[entity]
				m.mu.Unlock()
				tags := []string{fmt.Sprint("Post:", entity)}
				if rand.IntN(200) == 0 {
					tags = []string{"type:Post"}
				}
				if _, err := r.Purge(context.Background(), tags); err != nil {
					t.Error(err)
					return
				}
				m.mu.Lock()
				m.acked = append(m.acked, ack{entity, version, process, time.Now()})
				m.mu.Unlock()
				purges.Add(1)
				time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
			}
		})
	}
	wg.Go(func() {
		client := server.Client()
		defer client.Close()
		for ctx.Err() == nil {
			_ = client.Do(ctx, "CLIENT", "KILL", "TYPE", "pubsub").Err() // at the end, it's ours that ends
			time.Sleep(time.Duration(rand.IntN(600)) * time.Millisecond)
		}
	})
	wg.Wait()
	t.Logf("%d reads, %d of them hits; %d purges, %d late answers", reads.Load(), hits.Load(), purges.Load(), late.Load())
	if hits.Load() == 0 || purges.Load() == 0 {
		t.Error("nothing was played")
	}
}
