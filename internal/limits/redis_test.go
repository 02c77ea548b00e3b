package limits_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// shared is a gateway.yaml for gateways that share a Redis and a keys file.
func shared(server *redistest.Server, timeout time.Duration, keys, plan string) string {
	return fmt.Sprintf(`
redis: {addresses: [%q], timeout: %s, dial_timeout: 30s}
identity: {keys: {file: %s}}
limits:
  secret: a secret of the tests
  plans:
    default: {%s}
`, server.Address, timeout, keys, plan)
}

// patience is a timeout of Redis for tests that are about points and not about time.
const patience = 10 * time.Second

// TestSharedPoints: two gateways and one client with many requests at once spend its points exactly, and what operations
// didn't use is back in both.
func TestSharedPoints(t *testing.T) {
	server := redistest.Start(t)
	file := filepath.Join(t.TempDir(), "keys.yaml")
	key, _ := newKey(t, file, "mobile", "")
	s := startServices(t, nil)
	const passing = 100
	settings := shared(server, patience, file, fmt.Sprintf("buckets: [{name: burst, capacity: %d, restore: 0.0001}]", 3*passing))
	gateways := []*gateway{s.start(t, settings), s.start(t, settings)}
	var passed, refused atomic.Int64
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for range 20 {
				a, err := gateways[worker%2].try(t.Context(), threePoints, "X-Api-Key", key)
				switch {
				case err != nil:
					t.Error(err)
				case a.status == 200 && a.Errors == nil:
					passed.Add(1)
				case a.code() == "RATE_LIMITED":
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.status, a.text)
				}
			}
		})
	}
	all.Wait()
	if passed.Load() != passing || refused.Load() != 16*20-passing {
		t.Errorf("%d passed and %d were refused, want %d to pass", passed.Load(), refused.Load(), passing)
	}

	// Another client: 22 reserved, 3 used.
	other, _ := newKey(t, file, "tablet", "")
	redistest.Until(t, "the new key", func() bool { return gateways[1].ask(`{ __typename }`, "X-Api-Key", other).status == 200 })
	const refunding = `{ usersById(ids: [1, 999999]) { id } }`
	redistest.Until(t, "the new key at the other", func() bool { return gateways[0].ask(refunding, "X-Api-Key", other).status == 200 })
	redistest.Until(t, "points given back", func() bool {
		a := gateways[1].ask(threePoints, "X-Api-Key", other, "GraphQL-Cost", "validate")
		b := gateways[0].ask(threePoints, "X-Api-Key", other, "GraphQL-Cost", "validate")
		return left(t, a) == left(t, b)+1
	})
}

// left is how many points a client was told to have.
func left(t testing.TB, a answer) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(a.header.Get("RateLimit"), `"burst";r=%d;`, &n); err != nil {
		t.Fatalf("RateLimit %q", a.header.Get("RateLimit"))
	}
	return n
}

// TestRedisTellsNobody: who reads Redis learns no client, no address, no key and no plan.
func TestRedisTellsNobody(t *testing.T) {
	server := redistest.Start(t)
	file := filepath.Join(t.TempDir(), "keys.yaml")
	key, record := newKey(t, file, "mobile-of-ada", "golden")
	g := startServices(t, nil).start(t, shared(server, patience, file,
		"max_concurrent: 9, buckets: [{name: burst, capacity: 100, restore: 0.001}]")+
		"    golden: {buckets: [{name: burst, capacity: 100, restore: 0.001}]}\n"+
		"    anonymous: {buckets: [{name: burst, capacity: 100, restore: 0.001}]}\n")
	g.ask(threePoints, "X-Api-Key", key)
	g.ask(threePoints)
	var dump strings.Builder
	redistest.Until(t, "both clients in Redis", func() bool {
		dump.Reset()
		names, _ := server.Do("KEYS", "*").([]any)
		for _, name := range names {
			content := any("?")
			switch server.Do("TYPE", name) {
			case "hash":
				content = server.Do("HGETALL", name)
			case "zset":
				content = server.Do("ZRANGE", name, 0, -1, "WITHSCORES")
			case "string":
				content = server.Do("GET", name)
			}
			fmt.Fprintln(&dump, name, content)
		}
		return strings.Count(dump.String(), "} [") == 3 // and the gateways
	})
	for _, secret := range []string{"mobile", "ada", key, record.ID, record.Hash.String()[7:], "127.0.0.1", "golden", "anonymous", "client:", "address:", "user("} {
		if strings.Contains(dump.String(), secret) {
			t.Errorf("Redis knows %q:\n%s", secret, dump.String())
		}
	}
}

// TestRedisDies under load, and comes back: clients notice nothing but their points.
func TestRedisDies(t *testing.T) {
	for _, c := range []struct {
		name       string
		stop, back func(*redistest.Server)
	}{
		{"killed", (*redistest.Server).Kill, (*redistest.Server).Restart},
		{"paused", (*redistest.Server).Pause, (*redistest.Server).Continue},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := redistest.Start(t)
			file := filepath.Join(t.TempDir(), "keys.yaml")
			key, _ := newKey(t, file, "mobile", "")
			s := startServices(t, nil)
			settings := shared(server, 50*time.Millisecond, file, "buckets: [{name: burst, capacity: 300, restore: 100}]")
			l := &load{t: t, key: key, stop: make(chan struct{})}
			l.start(s.start(t, settings), s.start(t, settings))
			l.asked(300)
			c.stop(server)
			l.asked(900)
			c.back(server)
			l.asked(300)
			redistest.Until(t, "points that are counted in Redis again", func() bool {
				names, err := server.Try("KEYS", "*}")
				all, _ := names.([]any)
				return err == nil && len(all) == 2 // the client, and the gateways
			})
			l.end()
		})
	}
}

// load asks gateways all the time.
type load struct {
	t    testing.TB
	key  string
	stop chan struct{}
	wait sync.WaitGroup

	mu     sync.Mutex // guards what follows
	took   []time.Duration
	failed []string
}

func (l *load) start(gateways ...*gateway) {
	for worker := range 4 {
		l.wait.Go(func() {
			pace := time.NewTicker(4 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-l.stop:
					return
				case <-pace.C:
				}
				begun := time.Now()
				a, err := gateways[worker%len(gateways)].try(l.t.Context(), threePoints, "X-Api-Key", l.key)
				took := time.Since(begun)
				l.mu.Lock()
				l.took = append(l.took, took)
				if err != nil || a.status >= 500 || a.status == 200 && a.Errors != nil || a.status != 200 && a.code() != "RATE_LIMITED" {
					l.failed = append(l.failed, fmt.Sprint(err, a.status, a.text))
				}
				l.mu.Unlock()
			}
		})
	}
}

// asked waits until so many more were answered.
func (l *load) asked(more int) {
	l.t.Helper()
	count := func() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.took) }
	until := count() + more
	redistest.Until(l.t, "load", func() bool { return count() >= until })
}

func (l *load) end() {
	l.t.Helper()
	close(l.stop)
	l.wait.Wait()
	slices.Sort(l.took)
	p99 := l.took[len(l.took)*99/100]
	l.t.Logf("%d requests, %d failed, p50 %v, p99 %v, worst %v", len(l.took), len(l.failed), l.took[len(l.took)/2], p99, l.took[len(l.took)-1])
	if 1000*len(l.failed) > 5*len(l.took) {
		l.t.Errorf("%d of %d failed: %v", len(l.failed), len(l.took), l.failed[:min(3, len(l.failed))])
	}
	if p99 > 250*time.Millisecond {
		l.t.Errorf("p99 is %v", p99)
	}
}
