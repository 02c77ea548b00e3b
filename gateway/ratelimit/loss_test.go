package ratelimit_test

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// lossy passes connections on to a server, and cuts one of eight answers off, so that nobody knows whether what was asked
// was done.
type lossy struct {
	net.Listener

	server string
	fair   atomic.Bool // no more losses
	lost   atomic.Int64
	wait   sync.WaitGroup
}

func startLossy(t *testing.T, server string) *lossy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &lossy{Listener: listener, server: server}
	l.wait.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			l.wait.Go(func() { l.pass(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.wait.Wait()
	})
	return l
}

func (l *lossy) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.server)
	if err != nil {
		return
	}
	defer server.Close()
	l.wait.Go(func() {
		_, _ = io.Copy(server, client) // until one of them is closed
		_ = server.Close()
	})
	buffer := make([]byte, 64<<10)
	for answers := 0; ; answers++ {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if answers > 1 && !l.fair.Load() && rand.IntN(8) == 0 { // the first are for making the connection
			l.lost.Add(1)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// Answers get lost on the way, and no point does: what a client was told to have spent is what it has spent.
func TestLostAnswers(t *testing.T) {
	server := redistest.Start(t)
	between := startLossy(t, server.Address)
	c := redisconn.Config{Addresses: []string{between.Addr().String()}, Timeout: 5 * time.Second, BreakAfter: 1000}
	store := redisStore(t, c, ratelimit.RedisConfig{})
	const points = 20_000
	plan := ratelimit.PlanConfig{OnLimiterDown: ratelimit.Closed, MaxConcurrent: 1000, Buckets: buckets(points, 0.0001)}
	l, client := limiter(t, plan, ratelimit.Options{Store: store})
	var spent, refused atomic.Int64
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for n := range int64(200) {
				r, err := l.Reserve(t.Context(), client("a"), 10+n%5)
				if err != nil {
					refused.Add(1)
					continue
				}
				used := (n + int64(worker)) % 15 // some more than they said
				spent.Add(used)
				r.Settle(used)
			}
		})
	}
	wait.Wait()
	between.fair.Store(true)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, client := limiter(t, plan, ratelimit.Options{Store: redisStore(t, configOf(server), ratelimit.RedisConfig{})})
	r, code := take(t, other, client("a"), 0)
	if got, want := r.Levels()[0].Available, points-spent.Load(); code != "" || got != want {
		t.Errorf("%s: %d points are left, want %d", code, got, want)
	}
	if lost := between.lost.Load(); lost < 5 || refused.Load() == 0 {
		t.Errorf("only %d answers got lost, %d operations had none", lost, refused.Load())
	}
}
