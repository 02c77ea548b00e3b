package discovery_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/discovery"
)

// consul is /v1/health/service of a Consul agent, as its documentation has it, blocking included.
type consul struct {
	server *httptest.Server

	mu      sync.Mutex // guards what follows
	index   uint64
	entries string
	changed chan struct{} // closed at the next change
	off     bool
	token   string // that it wants
	asked   []string
}

func newConsul(t *testing.T) *consul {
	c := &consul{index: 10, entries: "[]", changed: make(chan struct{})}
	c.server = httptest.NewServer(c)
	t.Cleanup(func() {
		c.server.CloseClientConnections()
		c.server.Close()
	})
	return c
}

func (c *consul) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.asked = append(c.asked, r.URL.RequestURI())
	off, index, changed, token := c.off, c.index, c.changed, c.token
	c.mu.Unlock()
	if off {
		panic(http.ErrAbortHandler)
	}
	if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "Permission denied: token with AccessorID '0000' lacks permission 'service:read' on \"users\"")
		return
	}
	var wanted uint64
	_, _ = fmt.Sscan(r.URL.Query().Get("index"), &wanted)
	if wanted >= index && wanted > 0 {
		wait, err := time.ParseDuration(r.URL.Query().Get("wait"))
		if err != nil {
			http.Error(w, "Invalid wait time", http.StatusBadRequest)
			return
		}
		select {
		case <-changed:
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
	}
	c.mu.Lock()
	index, entries, off := c.index, c.entries, c.off
	c.mu.Unlock()
	if off {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Consul-Index", fmt.Sprint(index))
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, entries)
}

func (c *consul) change(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *consul) config() discovery.Config {
	return discovery.Config{Consul: &discovery.Consul{Address: c.server.URL, Service: "users"}}
}

func (c *consul) set(hosts ...string) {
	entries := []map[string]any{}
	for _, host := range hosts {
		entries = append(entries, map[string]any{
			"Node": map[string]any{"Node": "n", "Address": "10.99.0.1"}, "Checks": []any{},
			"Service": map[string]any{"ID": host, "Address": host, "Port": 8080, "Weights": map[string]int{"Passing": 1, "Warning": 1}},
		})
	}
	text, err := json.Marshal(entries)
	must(err)
	c.change(func() { c.index++; c.entries = string(text) })
}

func (c *consul) down() {
	c.change(func() { c.off = true })
	c.server.CloseClientConnections()
}

func (c *consul) up() { c.change(func() { c.off = false }) }

// TestConsulEntries: addresses of nodes, weights, zones, what to ask for.
func TestConsulEntries(t *testing.T) {
	c := newConsul(t)
	c.change(func() {
		c.token = "s3cr3t"
		c.entries = `[
{"Node": {"Address": "10.0.0.1", "Meta": {"zone": "node-zone"}}, "Service": {"Address": "", "Port": 8080, "Weights": {"Passing": 10, "Warning": 1}}},
{"Node": {"Address": "10.0.0.1"}, "Service": {"Address": "10.0.0.2", "Port": 8081, "Meta": {"zone": "z2"}}},
{"Node": {"Address": "10.0.0.1"}, "Service": {"Address": "2001:db8::1", "Port": 8082}},
{"Node": {"Address": "10.0.0.1"}, "Service": {"Address": "users.example.com", "Port": 8083}},
{"Node": {"Address": "10.0.0.1"}, "Service": {"Address": "/run/users.sock", "Port": 0}}]`
	})
	path := filepath.Join(t.TempDir(), "token")
	replace(path, "wrong\n")
	config := discovery.Config{Consul: &discovery.Consul{
		Address: c.server.URL + "/", Service: "users/a", Tag: "v 2", Datacenter: "dc2", TokenFile: path, Scheme: "https",
	}}
	w := start(t, config, discovery.Options{})
	w.log.wait(t, "answered 403: the token may not read this", 1)
	replace(path, "s3cr3t\n")
	w.expect(
		discovery.Instance{URL: "https://10.0.0.1:8080", Weight: 10, Zone: "node-zone"},
		discovery.Instance{URL: "https://10.0.0.2:8081", Weight: 1, Zone: "z2"},
		discovery.Instance{URL: "https://[2001:db8::1]:8082", Weight: 1},
		discovery.Instance{URL: "https://users.example.com:8083", Weight: 1},
	)
	w.log.wait(t, "instances left out", 1)
	w.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if want := "/v1/health/service/users%2Fa?dc=dc2&passing=1&tag=v+2"; c.asked[0] != want {
		t.Errorf("asked %s, want %s", c.asked[0], want)
	}
	if strings.Contains(w.log.String()+strings.Join(c.asked, ""), "s3cr3t") {
		t.Error("the token is in the log or in an address")
	}
}

// script answers by a function, in virtual time.
type script func(n int, query url.Values) (index string, body string, after time.Duration)

// asked is one question that a script got.
type asked struct {
	at    time.Duration
	index string
}

// run lets a script answer for so long and returns what it was asked.
func run(t *testing.T, long time.Duration, s script) (questions []asked, log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		carrier := carrierFunc(func(r *http.Request) (*http.Response, error) {
			query := r.URL.Query()
			questions = append(questions, asked{time.Since(began), query.Get("index")})
			index, body, after := s(len(questions), query)
			select {
			case <-time.After(after):
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
			res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
			if index != "" {
				res.Header.Set("X-Consul-Index", index)
			}
			return res, nil
		})
		w := start(t, discovery.Config{Consul: &discovery.Consul{Service: "users"}}, discovery.Options{Carrier: carrier, Pause: 500 * time.Millisecond})
		time.Sleep(long)
		w.stop()
		log = w.log.String()
	})
	return questions, log
}

type carrierFunc func(*http.Request) (*http.Response, error)

func (c carrierFunc) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

const oneEntry = `[{"Service": {"Address": "10.0.0.1", "Port": 8080}}]`

// TestConsulIndex is what Consul's documentation asks of whoever blocks.
func TestConsulIndex(t *testing.T) {
	indexes := func(questions []asked) []string {
		list := []string{}
		for _, q := range questions {
			list = append(list, q.index)
		}
		return list
	}
	t.Run("goes on", func(t *testing.T) {
		got, _ := run(t, 10*time.Minute, func(n int, _ url.Values) (string, string, time.Duration) {
			return fmt.Sprint(100 + n), oneEntry, time.Duration(min(n-1, 1)) * 3 * time.Minute
		})
		if diff := cmp.Diff([]string{"", "101", "102", "103", "104"}, indexes(got)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("backwards", func(t *testing.T) {
		got, _ := run(t, 4*time.Minute, func(n int, _ url.Values) (string, string, time.Duration) {
			return []string{"", "100", "7", "7", "8", "8"}[n], oneEntry, time.Duration(n/4) * 3 * time.Minute
		})
		if diff := cmp.Diff([]string{"", "100", "", "7", "8"}, indexes(got)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("zero", func(t *testing.T) {
		got, _ := run(t, 4*time.Minute, func(n int, _ url.Values) (string, string, time.Duration) {
			return "0", oneEntry, time.Duration(n/2) * 5 * time.Minute
		})
		if diff := cmp.Diff([]string{"", "1"}, indexes(got)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("none", func(t *testing.T) {
		got, _ := run(t, time.Minute, func(int, url.Values) (string, string, time.Duration) { return "", oneEntry, 0 })
		if len(got) != 6 && len(got) != 7 || got[1].at != 10*time.Second || got[1].index != "" {
			t.Error(got)
		}
	})
	t.Run("changes all the time", func(t *testing.T) {
		got, _ := run(t, 10*time.Second, func(n int, _ url.Values) (string, string, time.Duration) { return fmt.Sprint(n), oneEntry, 0 })
		if len(got) > 101 {
			t.Errorf("%d questions in ten seconds", len(got))
		}
	})
	t.Run("hangs", func(t *testing.T) {
		got, log := run(t, 12*time.Minute, func(n int, _ url.Values) (string, string, time.Duration) {
			return "5", oneEntry, time.Duration(n/2) * time.Hour
		})
		if len(got) != 4 || got[2].index != "" || got[2].at > 6*time.Minute || !strings.Contains(log, "discovery fails") {
			t.Errorf("%v\n%s", got, log)
		}
	})
	t.Run("says nonsense", func(t *testing.T) {
		got, log := run(t, 10*time.Minute, func(int, url.Values) (string, string, time.Duration) { return "5", `{"error": 1}`, 0 })
		if len(got) < 20 || len(got) > 50 || strings.Count(log, "\n") != 1 {
			t.Errorf("%d questions in ten minutes, log:\n%s", len(got), log)
		}
	})
	t.Run("says too much", func(t *testing.T) {
		_, log := run(t, time.Second, func(int, url.Values) (string, string, time.Duration) {
			return "5", "[" + strings.Repeat(" ", 17<<20) + "]", 0
		})
		if !strings.Contains(log, "an answer of more than 16777216 bytes") {
			t.Error(log)
		}
	})
}
