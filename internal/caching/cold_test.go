package caching_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// TestColdKey: 100 requests at once for what nobody has yet, at two gateways with one Redis, are 3 calls of the service at
// most.
func TestColdKey(t *testing.T) {
	for _, kept := range []bool{false, true} {
		redis := redistest.Start(t)
		s := newService(t, kept, func(*http.Request) { time.Sleep(50 * time.Millisecond) }) // it takes its time
		processes := []*gateway{start(t, s, shared(redis)), start(t, s, shared(redis))}
		for _, g := range processes { // connections are there
			g.ask(`{ __typename }`, nil)
		}
		ready, all := make(chan struct{}), sync.WaitGroup{}
		for i := range 100 {
			all.Go(func() {
				<-ready
				if a := processes[i%2].ask(`{ item(id: 7) { id version } }`, nil); version(a) != 0 {
					t.Error(a.body)
				}
			})
		}
		close(ready)
		all.Wait()
		if got := s.asked.Load(); got < 1 || got > 3 {
			t.Errorf("service answers kept %t: %d calls", kept, got)
		}
	}
}
