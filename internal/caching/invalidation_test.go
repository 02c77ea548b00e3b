package caching_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

var raceFor = flag.Duration("race-for", 5*time.Second, "how long TestNothingInvalidatedComesBack plays")

// model knows which versions nobody may be given any more.
type model struct {
	mu    sync.Mutex // guards acked
	acked map[string][]ack
}

// ack is a purge that was acknowledged.
type ack struct {
	version, process int
	at               time.Time
}

func (m *model) ack(id string, version, process int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acked[id] = append(m.acked[id], ack{version, process, time.Now()})
}

// least is the oldest version of an item that who begins to read now in a process may get: what was purged there is gone
// at once, what was purged elsewhere 1 s later.
func (m *model) least(id string, process int) (version int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, a := range m.acked[id] {
		if a.version > version && (a.process == process || now.Sub(a.at) > time.Second) {
			version = a.version
		}
	}
	return version
}

// TestNothingInvalidatedComesBack has readers, mutations and purges at random against two processes with one Redis, whose
// connections for messages break again and again, while the service answers late with what it had read before.
func TestNothingInvalidatedComesBack(t *testing.T) {
	if testing.Short() {
		t.Skip("plays for seconds")
	}
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprintf("service answers kept: %t", kept), func(t *testing.T) { play(t, kept, *raceFor/2) })
	}
}

func play(t *testing.T, kept bool, length time.Duration) {
	redis := redistest.Start(t)
	s := newService(t, kept, func(*http.Request) {
		switch n := rand.IntN(1000); {
		case n < 5:
			time.Sleep(1300 * time.Millisecond) // longer than an answer is trusted
		case n < 200:
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		}
	})
	settings := shared(redis)
	settings = strings.TrimSuffix(settings, "}") + ", stale: 5s}"
	processes := []*gateway{start(t, s, settings), start(t, s, settings)}
	const items = 100
	m := &model{acked: map[string][]ack{}}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var reads, hits, purges atomic.Int64
	var all sync.WaitGroup
	for i := range 24 {
		process := i % 2
		g := processes[process]
		all.Go(func() {
			for ctx.Err() == nil {
				id := strconv.Itoa(rand.IntN(items))
				query, variables, ids := `query ($id: ID!) { item(id: $id) { id version } }`, map[string]any{"id": id}, []string{id}
				if rand.IntN(10) == 0 {
					query, variables, ids = `{ items { id version } }`, nil, []string{"1", "2", "3"}
				}
				least := make([]int, len(ids))
				for i, id := range ids {
					least[i] = m.least(id, process)
				}
				a := g.ask(query, variables)
				for i, id := range ids {
					_, text, _ := strings.Cut(a.body, fmt.Sprintf(`{"id":%q,`, id))
					if got := version(reply{body: text}); got < least[i] {
						t.Errorf("process %d, item %s: version %d, want %d or later; %s, Age %s", process, id, got, least[i], a.cacheStatus(), a.header.Get("Age"))
					}
				}
				reads.Add(1)
				if strings.Contains(a.cacheStatus(), "hit") {
					hits.Add(1)
				}
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
			}
		})
	}
	for process, g := range processes {
		all.Go(func() {
			for ctx.Err() == nil {
				id := strconv.Itoa(rand.IntN(items))
				switch n := rand.IntN(30); {
				case n < 10: // the item stands in the mutation's answer
					m.ack(id, version(g.ask(`mutation ($id: ID!) { set(id: $id) { id version } }`, map[string]any{"id": id})), process)
				case n < 20: // and here by a tag
					least := s.version(id) + 1
					g.ask(`mutation ($id: ID!) { touch(id: $id) }`, map[string]any{"id": id})
					m.ack(id, least, process)
				case n < 29: // the service changes by itself
					made := s.change(id)
					if err := g.purge("entity", "Item:"+id); err != nil {
						t.Error(err)
						return
					}
					m.ack(id, made, process)
				default:
					made := s.change(id)
					kind := []string{"type Item", "list Item", "service shop", "all "}[rand.IntN(4)]
					kind, name, _ := strings.Cut(kind, " ")
					if err := g.purge(kind, name); err != nil {
						t.Error(err)
						return
					}
					if kind != "list" { // of which one item is no part
						m.ack(id, made, process)
					}
				}
				purges.Add(1)
				time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
			}
		})
	}
	all.Go(func() {
		client := redis.Client()
		defer client.Close()
		for ctx.Err() == nil {
			_ = client.Do(ctx, "CLIENT", "KILL", "TYPE", "pubsub").Err() // at the end, it's ours that ends
			time.Sleep(time.Duration(rand.IntN(800)) * time.Millisecond)
		}
	})
	all.Wait()
	t.Logf("%d reads, %d of them hits; %d purges; %d requests to the service", reads.Load(), hits.Load(), purges.Load(), s.asked.Load())
	if hits.Load() == 0 || purges.Load() == 0 {
		t.Error("nothing was played")
	}
}
