package discovery_test

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/discovery"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// capture is a log that can be waited for.
type capture struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{}
}

func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
	return c.buf.Write(p)
}

func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}

func (c *capture) count(text string) int { return strings.Count(c.String(), text) }

// wait returns when the log has text so many times.
func (c *capture) wait(t *testing.T, text string, times int) {
	t.Helper()
	timeout := time.After(patience)
	for {
		c.mu.Lock()
		if strings.Count(c.buf.String(), text) >= times {
			c.mu.Unlock()
			return
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("%q isn't there %d times:\n%s", text, times, c.String())
		}
	}
}

// watch is one Watch under way.
type watch struct {
	t     *testing.T
	log   *capture
	lists chan []discovery.Instance
	end   context.CancelFunc
	done  chan error
}

func start(t *testing.T, c discovery.Config, o discovery.Options) *watch {
	t.Helper()
	w := &watch{t: t, log: &capture{}, lists: make(chan []discovery.Instance, 1000), done: make(chan error, 1)}
	o.Service, o.Logger = "users", slog.New(slog.NewTextHandler(w.log, nil))
	if o.Pause == 0 {
		o.Pause = 5 * time.Millisecond
	}
	source, err := discovery.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.end = cancel
	var inside atomic.Int32
	go func() {
		w.done <- source.Watch(ctx, func(list []discovery.Instance) {
			if inside.Add(1) != 1 {
				t.Error("update was called twice at once")
			}
			w.lists <- list
			inside.Add(-1)
		})
	}()
	t.Cleanup(w.stop)
	return w
}

// stop ends the Watch and waits for it. It does no harm twice.
func (w *watch) stop() {
	w.t.Helper()
	w.end()
	select {
	case err, first := <-w.done:
		if first {
			close(w.done)
		}
		if err != nil {
			w.t.Errorf("Watch: %v", err)
		}
	case <-time.After(5 * time.Second):
		w.t.Error("Watch goes on after its context ended")
	}
}

// next waits for the next list.
func (w *watch) next() []discovery.Instance {
	w.t.Helper()
	select {
	case list := <-w.lists:
		return list
	case <-time.After(patience):
		w.t.Fatalf("no list; log:\n%s", w.log)
		return nil
	}
}

// expect waits for the list, whatever comes before it.
func (w *watch) expect(want ...discovery.Instance) {
	w.t.Helper()
	for {
		select {
		case list := <-w.lists:
			if len(list) == len(want) && cmp.Equal(list, append([]discovery.Instance{}, want...)) {
				return
			}
			w.t.Logf("on the way: %v", list)
		case <-time.After(patience):
			w.t.Fatalf("never got %v; log:\n%s", want, w.log)
		}
	}
}

// quiet checks that no list has come.
func (w *watch) quiet() {
	w.t.Helper()
	select {
	case list := <-w.lists:
		w.t.Errorf("got %v; log:\n%s", list, w.log)
	default:
	}
}

// at makes instances of addresses, all of weight 1.
func at(urls ...string) []discovery.Instance {
	list := make([]discovery.Instance, len(urls))
	for i, url := range urls {
		list[i] = discovery.Instance{URL: url, Weight: 1}
	}
	return list
}

// place is somewhere that tells of instances, for the promises that every source keeps.
type place interface {
	config() discovery.Config
	// set changes what it tells: addresses that all have port 8080.
	set(hosts ...string)
	down()
	up()
}

func places(t *testing.T) map[string]place {
	return map[string]place{
		"dns":        newZone(t),
		"srv":        &srvZone{newZone(t)},
		"file":       newFolder(t, "targets.yaml"),
		"json":       newFolder(t, "targets.json"),
		"configmap":  newConfigMap(t),
		"consul":     newConsul(t),
		"kubernetes": newCluster(t),
	}
}

// TestPromises is what every source owes its callers.
func TestPromises(t *testing.T) {
	for name, p := range places(t) {
		t.Run(name, func(t *testing.T) {
			p.set("10.0.0.2", "10.0.0.1")
			w := start(t, p.config(), discovery.Options{})
			if diff := cmp.Diff(at("http://10.0.0.1:8080", "http://10.0.0.2:8080"), w.next()); diff != "" {
				t.Fatalf("the first list: %s", diff)
			}
			p.set("10.0.0.1", "10.0.0.2", "10.0.0.3")
			w.expect(at("http://10.0.0.1:8080", "http://10.0.0.2:8080", "http://10.0.0.3:8080")...)
			p.set("10.0.0.3", "2001:db8::7", "10.0.0.3")
			w.expect(at("http://10.0.0.3:8080", "http://[2001:db8::7]:8080")...)

			p.down()
			w.log.wait(t, "discovery fails, the last instances stay", 1)
			w.quiet()
			p.set("10.0.0.9")
			p.up()
			w.expect(at("http://10.0.0.9:8080")...)
			w.log.wait(t, "discovery works again", 1)
			if n := w.log.count("discovery fails"); n != 1 {
				t.Errorf("%d lines for one change of state:\n%s", n, w.log)
			}

			p.set()
			if name == "srv" || name == "dns" {
				w.log.wait(t, "discovery fails", 2) // and is believed after a while
			}
			w.expect()
			p.set("10.0.0.4")
			w.expect(at("http://10.0.0.4:8080")...)
			w.stop()
			nothingLeft(t)
		})
	}
}

// TestDownFromTheStart: the first list comes when the place is there.
func TestDownFromTheStart(t *testing.T) {
	for name, p := range places(t) {
		t.Run(name, func(t *testing.T) {
			p.set("10.0.0.1")
			p.down()
			w := start(t, p.config(), discovery.Options{})
			w.log.wait(t, "discovery fails", 1)
			w.quiet()
			p.up()
			w.expect(at("http://10.0.0.1:8080")...)
			p.down()
			w.log.wait(t, "discovery fails", 2)
			w.stop() // while it waits for the next attempt
			nothingLeft(t)
		})
	}
}

// nothingLeft waits until no goroutine of the package or its libraries is left.
func nothingLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "upstreams/discovery.") && !strings.Contains(stacks, "fsnotify.") && !strings.Contains(stacks, "http.(*persistConn)") {
			return
		}
	}
	t.Errorf("goroutines are left:\n%s", stacks)
}

func TestFixedList(t *testing.T) {
	w := start(t, discovery.Config{Instances: []discovery.Instance{
		{URL: "http://b.internal:8080/"}, {URL: "https://A.internal", Weight: 3, Zone: "z1"}, {URL: "http://B.internal:8080", Weight: 2},
	}}, discovery.Options{})
	w.expect(discovery.Instance{URL: "http://b.internal:8080", Weight: 2}, discovery.Instance{URL: "https://a.internal:443", Weight: 3, Zone: "z1"})
	w.stop()
	w.quiet()
	nothingLeft(t)
}
