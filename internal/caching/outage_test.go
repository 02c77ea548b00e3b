package caching_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// load asks gateways until it's stopped, and knows how that went.
type load struct {
	mu     sync.Mutex // guards what follows
	times  []time.Duration
	failed []string
	stop   context.CancelFunc
	all    sync.WaitGroup
}

const one = `query ($id: ID!) { item(id: $id) { id version } }`

func id(n int) map[string]any { return map[string]any{"id": strconv.Itoa(n)} }

// begin has clients ask for items of which many are asked for often and some seldom.
func begin(gateways []*gateway) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel}
	for i := range 12 {
		g := gateways[i%len(gateways)]
		l.all.Go(func() {
			for ctx.Err() == nil {
				n := rand.IntN(20)
				if rand.IntN(5) == 0 {
					n = 1000 + rand.IntN(1_000_000)
				}
				began := time.Now()
				a, err := g.try(context.Background(), one, id(n))
				took := time.Since(began)
				l.mu.Lock()
				l.times = append(l.times, took)
				if err != nil || a.status != http.StatusOK || version(a) != 0 {
					l.failed = append(l.failed, fmt.Sprintf("%d %s %v", a.status, a.body, err))
				}
				l.mu.Unlock()
				time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
			}
		})
	}
	return l
}

// end says what clients noticed.
func (l *load) end(t *testing.T, p99 time.Duration) {
	t.Helper()
	l.stop()
	l.all.Wait()
	slices.Sort(l.times)
	got := l.times[len(l.times)*99/100]
	t.Logf("%d requests, %d failed, p50 %v, p99 %v, the longest %v", len(l.times), len(l.failed), l.times[len(l.times)/2], got, l.times[len(l.times)-1])
	if len(l.failed)*200 > len(l.times) {
		t.Errorf("%d of %d failed: %s", len(l.failed), len(l.times), l.failed[0])
	}
	if got > p99 {
		t.Errorf("p99 is %v, want %v at most", got, p99)
	}
}

// together says that what one gateway fetches another has from Redis: it's asked for by both, and the service is asked once.
func together(t *testing.T, s *service, gateways []*gateway, n int) bool {
	gateways[0].ask(one, id(n))
	asked := s.count("/items/" + strconv.Itoa(n))
	if asked == 0 {
		t.Fatal("the service wasn't asked for what is new")
	}
	time.Sleep(20 * time.Millisecond) // Redis gets it beside the answer
	gateways[1].ask(one, id(n))
	return s.count("/items/"+strconv.Itoa(n)) == asked
}

// TestRedisInTrouble has Redis killed, stopped, and there again, under load: few requests fail, none takes long, and two
// seconds after it's back the gateways share answers again. What was purged meanwhile stays away.
func TestRedisInTrouble(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	p99 := 250 * time.Millisecond
	if raced {
		p99 *= 4
	}
	for _, kind := range []string{"killed", "stopped"} {
		t.Run(kind, func(t *testing.T) {
			redis := redistest.Start(t)
			s := newService(t, false, nil)
			gateways := []*gateway{start(t, s, shared(redis)), start(t, s, shared(redis))}
			redistest.Until(t, "gateways that share", func() bool { return together(t, s, gateways, 10_000_000+rand.IntN(1e6)) })
			l := begin(gateways)
			time.Sleep(time.Second)
			if kind == "killed" {
				redis.Kill()
			} else {
				redis.Pause()
			}
			time.Sleep(time.Second)
			made := s.change("5000") // nobody else asks for it
			if err := gateways[0].purge("entity", "Item:5000"); err == nil || !strings.Contains(err.Error(), "503") {
				t.Errorf("a purge that Redis doesn't know of: %v", err)
			}
			if got := version(gateways[0].ask(one, id(5000))); got != made {
				t.Errorf("after its purge: version %d, want %d", got, made)
			}
			time.Sleep(time.Second)
			if kind == "killed" {
				redis.Restart()
			} else {
				redis.Continue()
			}
			back := time.Now()
			redistest.Until(t, "gateways that share again", func() bool { return together(t, s, gateways, 20_000_000+rand.IntN(1e6)) })
			if took := time.Since(back); took > 2*time.Second && !raced {
				t.Errorf("back in step after %v", took)
			} else {
				t.Logf("back in step after %v", took)
			}
			for _, g := range gateways {
				if got := version(g.ask(one, id(5000))); got != made {
					t.Errorf("with Redis again: version %d, want %d", got, made)
				}
			}
			l.end(t, p99)
		})
	}
}

// TestPoisonedRedis has everything in Redis cut, overwritten or exchanged while gateways run: no client gets an error or a
// wrong answer.
func TestPoisonedRedis(t *testing.T) {
	redis := redistest.Start(t)
	s := newService(t, true, nil)
	settings := strings.Replace(shared(redis), "cache: {", "cache: {lease_wait: 50ms, store: {no_l1: true}, ", 1)
	gateways := []*gateway{start(t, s, settings), start(t, s, settings)}
	const items = 30
	for n := range items {
		for range n {
			s.change(strconv.Itoa(n))
		}
	}
	client := redis.Client()
	defer client.Close()
	ctx := t.Context()
	poisoned := 0
	for round := range 40 {
		for n := range items {
			if a := gateways[(n+round)%2].ask(one, id(n)); version(a) != n {
				t.Fatalf("item %d: %s, %s", n, a.body, a.cacheStatus())
			}
		}
		names, err := client.Keys(ctx, "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			value, _ := client.Get(ctx, name).Result() // "" for a set
			other, _ := client.Get(ctx, names[rand.IntN(len(names))]).Result()
			switch rand.IntN(12) {
			case 0:
				client.Set(ctx, name, value[:len(value)/2], time.Minute)
			case 1:
				client.Set(ctx, name, "", time.Minute)
			case 2:
				client.Set(ctx, name, other, time.Minute) // another's answer under this key
			case 3:
				if value != "" {
					b := []byte(value)
					b[rand.IntN(len(b))] ^= byte(1 + rand.IntN(255))
					client.Set(ctx, name, b, time.Minute)
				}
			case 4:
				client.Del(ctx, name)
				client.RPush(ctx, name, "foreign")
			case 5:
				client.Set(ctx, name, `{"data":{"item":{"id":"0","version":99}}}`, time.Minute)
			default:
				continue
			}
			poisoned++
		}
		if round%10 == 5 { // purges meet it too
			if err := gateways[0].purge("type", "Item"); err != nil {
				t.Errorf("a purge: %v", err)
			}
		}
	}
	t.Logf("%d values poisoned", poisoned)
	if poisoned < 100 {
		t.Error("nothing was tried")
	}
}
