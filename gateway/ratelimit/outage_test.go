package ratelimit_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// What an outage is measured with: a budget that the load is well over.
const (
	capacity = 500
	restore  = 100
)

// fleet is gateways that share a Redis, with clients that ask all the time.
type fleet struct {
	t        *testing.T
	limiters []*ratelimit.Limiter
	started  time.Time

	stop chan struct{}
	wait sync.WaitGroup

	mu       sync.Mutex // guards what follows
	took     []time.Duration
	admitted map[string]int64 // points, by client
	failed   int
	probes   atomic.Int64
}

// startFleet starts so many gateways, each with its own connections and the timeouts of production, and a load of two
// goroutines each, of one operation in two milliseconds at most.
func startFleet(t *testing.T, c redisconn.Config, gateways int, clients ...string) *fleet {
	t.Helper()
	c.Timeout = 50 * time.Millisecond
	f := &fleet{t: t, stop: make(chan struct{}), admitted: map[string]int64{}}
	var stores []*ratelimit.Redis
	for range gateways {
		store := redisStore(t, c, ratelimit.RedisConfig{Lease: 10 * time.Second, Beat: time.Second})
		l, err := ratelimit.New(ratelimit.Config{Plans: map[string]ratelimit.PlanConfig{"plan": {Buckets: buckets(capacity, restore)}}}, ratelimit.Options{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		stores, f.limiters = append(stores, store), append(f.limiters, l)
	}
	redistest.Until(t, "gateways that know how many they are", func() bool {
		return !slices.ContainsFunc(stores, func(s *ratelimit.Redis) bool { return s.Instances() != gateways })
	})
	f.started = time.Now()
	for _, l := range f.limiters {
		for i := range 2 {
			f.wait.Go(func() { f.ask(l, clients[i%len(clients)]) })
		}
	}
	return f
}

func (f *fleet) ask(l *ratelimit.Limiter, id string) {
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-pace.C:
		}
		start := time.Now()
		r, err := l.Reserve(f.t.Context(), ratelimit.Client{ID: id, Plan: l.Plan("plan")}, 3)
		took := time.Since(start)
		f.mu.Lock()
		f.took = append(f.took, took)
		if err == nil {
			f.admitted[id] += 2
		} else if fail.KindOf(err) != fail.RateLimited {
			f.failed++
		}
		f.mu.Unlock()
		r.Settle(2)
	}
}

// asked waits until so many more operations were asked for.
func (f *fleet) asked(more int) {
	f.t.Helper()
	count := func() int { f.mu.Lock(); defer f.mu.Unlock(); return len(f.took) }
	until := count() + more
	redistest.Until(f.t, "load", func() bool { return count() >= until })
}

// counts says whether gateway i counts in Redis, on any of servers: a client that was never there leaves a key.
func (f *fleet) counts(i int, servers ...*redistest.Server) bool {
	keys := func() (n int64) {
		for _, s := range servers {
			if size, err := s.Try("DBSIZE"); err == nil {
				n += size.(int64)
			}
		}
		return n
	}
	before := keys()
	l := f.limiters[i]
	_, _ = l.Reserve(f.t.Context(), ratelimit.Client{ID: fmt.Sprint("probe", f.probes.Add(1)), Plan: l.Plan("plan")}, capacity/100)
	return keys() > before
}

// inStep waits until every gateway counts in Redis and says how long that took.
func (f *fleet) inStep(servers ...*redistest.Server) time.Duration {
	f.t.Helper()
	start := time.Now()
	for i := range f.limiters {
		redistest.Until(f.t, "gateways that count in Redis", func() bool { return f.counts(i, servers...) })
	}
	return time.Since(start)
}

// end stops the load and checks what must hold whatever happened to Redis.
func (f *fleet) end() {
	f.t.Helper()
	close(f.stop)
	f.wait.Wait()
	ran := time.Since(f.started)
	slices.Sort(f.took)
	p99, worst := f.took[len(f.took)*99/100], f.took[len(f.took)-1]
	f.t.Logf("%d operations in %v: %d failed, p50 %v, p99 %v, worst %v", len(f.took), ran.Round(time.Millisecond), f.failed, f.took[len(f.took)/2], p99, worst)
	if f.failed*1000 > 5*len(f.took) {
		f.t.Errorf("%d of %d operations failed", f.failed, len(f.took))
	}
	if p99 > 250*time.Millisecond {
		f.t.Errorf("p99 is %v", p99)
	}
	budget := capacity + restore*ran.Seconds()
	for id, points := range f.admitted {
		f.t.Logf("%s spent %.2f times its budget", id, float64(points)/budget)
		if float64(points) > 2.5*budget {
			f.t.Errorf("%s spent %d points, its budget was %.0f", id, points, budget)
		}
	}
}

// Redis stands still, dies, comes back: nobody notices but by the points, and soon they are right again.
func TestOutage(t *testing.T) {
	for _, test := range []struct {
		name        string
		stop, start func(*redistest.Server)
	}{
		{"paused", (*redistest.Server).Pause, (*redistest.Server).Continue},
		{"killed", (*redistest.Server).Kill, (*redistest.Server).Restart},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := redistest.Start(t)
			f := startFleet(t, configOf(server), 4, "a", "b")
			f.asked(1000)
			test.stop(server)
			f.asked(3000)
			test.start(server)
			if took := f.inStep(server); took > 2*time.Second {
				t.Errorf("back in step after %v", took)
			} else {
				t.Logf("back in step after %v", took)
			}
			f.asked(1000)
			f.end()
		})
	}
}

// One of three masters stands still: its clients are counted locally, the others aren't touched.
func TestClusterOutage(t *testing.T) {
	nodes := redistest.Cluster(t, 3)
	c := configOf(nodes...)
	c.Cluster = true
	f := startFleet(t, c, 4, "a", "b", "c", "d", "e", "f")
	f.asked(1000)
	nodes[1].Pause()
	f.asked(3000)
	nodes[1].Continue()
	redistest.Until(t, "a whole Cluster", func() bool {
		for _, node := range nodes {
			info := fmt.Sprint(node.Do("CLUSTER", "INFO"))
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:16384") {
				return false
			}
		}
		return true
	})
	if took := f.inStep(nodes...); took > 2*time.Second {
		t.Errorf("back in step after %v", took)
	}
	f.asked(1000)
	f.end()
}

// Sentinels make a replica the master, under load.
func TestFailover(t *testing.T) {
	master, replica, sentinels := redistest.Sentinels(t)
	c := configOf(sentinels...)
	c.Master = "main"
	f := startFleet(t, c, 4, "a", "b")
	f.asked(1000)
	master.Kill()
	redistest.Until(t, "a new master", func() bool {
		info, err := replica.Try("INFO", "replication")
		return err == nil && strings.Contains(fmt.Sprint(info), "role:master")
	})
	// Sentinels say so up to a second after it is one, and then a gateway tries twice a second.
	if took := f.inStep(replica); took > 3*time.Second {
		t.Errorf("in step with the new master after %v", took)
	} else {
		t.Logf("in step with the new master after %v", took)
	}
	f.asked(1000)
	f.end()
}
