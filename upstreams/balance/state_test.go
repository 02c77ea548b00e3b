package balance_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/health"
)

// counter counts what a pool tells.
type counter struct {
	mu      sync.Mutex
	picked  map[balance.State]int
	told    []string
	ejected chan string
}

func (c *counter) Picked(state balance.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.picked == nil {
		c.picked = map[balance.State]int{}
	}
	c.picked[state]++
}

func (c *counter) Ejected(instance string, cause health.Cause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, "ejected "+instance+" "+string(cause))
	if c.ejected != nil {
		select {
		case c.ejected <- instance + " " + string(cause):
		default:
		}
	}
}

func (c *counter) Returned(instance string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, "returned "+instance)
}

// TestStory walks an instance through its states and reads what operators see of it.
func TestStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		metrics := &counter{}
		w := newWorld(t, balance.Config{Policy: balance.RoundRobin}, balance.Options{
			Metrics: metrics,
			Logger:  slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
		}, three()...)
		var story []string
		tell := func() {
			w.group.Wait()
			state := w.state("b:80")
			state.Latency = math.Floor(state.Latency)
			text, err := json.Marshal(state)
			if err != nil {
				t.Fatal(err)
			}
			story = append(story, string(text))
		}
		tell()
		w.run(100, second)
		w.set("b:80", broken)
		w.run(100, second)
		tell()
		time.Sleep(2 * second)
		tell()
		w.run(100, second)
		w.set("b:80", well)
		tell()
		time.Sleep(3 * second)
		w.run(100, second)
		tell()
		w.run(100, 12*second)
		tell()
		want := []string{
			`{"url":"http://b:80","weight":1,"state":"healthy","in_flight":0,"latency_ms":0}`,
			`{"url":"http://b:80","weight":1,"state":"ejected","reason":"3 failures in a row: 503, 503, 503","since":"2000-01-01T00:00:01.061Z","until":"2000-01-01T00:00:03.061Z","in_flight":0,"latency_ms":2}`,
			`{"url":"http://b:80","weight":1,"state":"probing","reason":"was out for: 3 failures in a row: 503, 503, 503","since":"2000-01-01T00:00:04Z","in_flight":0,"latency_ms":2}`,
			`{"url":"http://b:80","weight":1,"state":"ejected","reason":"probe failed: 503","since":"2000-01-01T00:00:04.001Z","until":"2000-01-01T00:00:08.001Z","in_flight":0,"latency_ms":2}`,
			`{"url":"http://b:80","weight":1,"state":"slow_start","reason":"was out for: probe failed: 503","since":"2000-01-01T00:00:08.112Z","in_flight":0,"latency_ms":2}`,
			`{"url":"http://b:80","weight":1,"state":"healthy","since":"2000-01-01T00:00:08.112Z","in_flight":0,"latency_ms":2}`,
		}
		if diff := cmp.Diff(want, story); diff != "" {
			t.Error(diff)
		}
		wantLog := `level=WARN msg="instance ejected" instance=b:80 reason="3 failures in a row: 503, 503, 503"
level=WARN msg="instance ejected" instance=b:80 reason="probe failed: 503"
level=INFO msg="instance back in service" instance=b:80 reason="well again after: probe failed: 503"
`
		if diff := cmp.Diff(wantLog, logged.String()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"ejected b:80 failures", "ejected b:80 probe", "returned b:80"}, metrics.told); diff != "" {
			t.Error(diff)
		}
		sum := 0
		for _, n := range metrics.picked {
			sum += n
		}
		if sum != w.sent || metrics.picked[balance.Probing] != 3 || metrics.picked[balance.SlowStart] == 0 {
			t.Errorf("%d sent, %v", w.sent, metrics.picked)
		}
	})
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestNew(t *testing.T) {
	for name, test := range map[string]struct {
		config balance.Config
		health health.Config
		want   []string
	}{
		"zero":     {want: nil},
		"policy":   {config: balance.Config{Policy: "best"}, want: []string{`balance: policy: "best" is unknown; give p2c, round_robin, weighted or hash`}},
		"no key":   {config: balance.Config{Policy: balance.Hash}, want: []string{"balance: hash: is missing, and policy is hash"}},
		"key":      {config: balance.Config{Hash: "{id}"}, want: []string{"balance: hash: is for policy hash only, and policy is p2c"}},
		"both":     {config: balance.Config{Policy: "x"}, health: health.Config{FailureRate: 101}, want: []string{"balance: policy", "health: failure_rate: is 101 percent, over 100"}},
		"no check": {health: checks(), want: []string{"health: check: there is nothing to carry it"}},
	} {
		_, err := balance.New(test.config, balance.Options{Health: test.health})
		if (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", name, err, want)
			}
		}
	}
	if c := (balance.Config{}).WithDefaults(); c.Policy != balance.P2C || c.SlowStart != 10*second {
		t.Errorf("%+v", c)
	}
}
