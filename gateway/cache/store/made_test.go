package store_test

import (
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// TestMadeOfOthers: what is made of an entry that another process has purged, unheard here, isn't stored, though its own
// fetch began after the purge. Of one's own purges that isn't so.
func TestMadeOfOthers(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "default", "resetchannels")
	c := redisconn.Config{Addresses: []string{server.Address}}
	one := open(t, store.Config{}, store.Options{Client: connect(t, c)})
	deaf := open(t, store.Config{}, store.Options{Client: connect(t, c)})
	for try := 0; ; try++ {
		settle(t, deaf, entry("s:1", "old", "Post:1"))
		purge(t, one, "Post:1")
		purged := time.Now()
		time.Sleep(5 * time.Millisecond) // so that the fetch is later, by all that's known
		over, plain := deaf.BeginOver(), deaf.Begin()
		set(t, deaf, entry("r:1", "made of what is old", "Post:1"), over)
		set(t, deaf, entry("r:2", "made of nothing", "Post:1"), plain)
		got := get(t, deaf, "r:1") + " " + get(t, one, "r:1") + " " + get(t, one, "r:2")
		if time.Since(purged) > 800*time.Millisecond && try < 20 {
			continue // too busy here to say
		}
		if got != "- - made of nothing" {
			t.Errorf("got %s", got)
		}
		break
	}
	redistest.Until(t, "what's made after one's own purge", func() bool {
		purge(t, one, "Post:2")
		time.Sleep(5 * time.Millisecond)
		set(t, one, entry("r:3", "new", "Post:2"), one.BeginOver())
		return get(t, deaf, "r:3") == "new"
	})
}
