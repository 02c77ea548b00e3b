package discovery_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/discovery"
)

// cluster is a Kubernetes API server that knows EndpointSlices: list, watch from a version, bookmarks, 410, ends.
type cluster struct {
	server *httptest.Server

	mu      sync.Mutex // guards what follows
	version int
	slices  map[string]string // objects by name
	events  []clusterEvent
	oldest  int           // versions before it are forgotten
	changed chan struct{} // closed when there's an event or watches are to end
	ends    int           // how often watches were ended
	off     bool
	status  int // of watches, instead of 200
	token   string
	lists   int
	watches []string      // the versions they began at
	seen    chan struct{} // closed at the next list or watch
}

type clusterEvent struct {
	version int
	line    string
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{version: 100, slices: map[string]string{}, changed: make(chan struct{}), seen: make(chan struct{})}
	c.server = httptest.NewServer(c)
	t.Cleanup(func() {
		c.server.CloseClientConnections()
		c.server.Close()
	})
	return c
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	off, token := c.off, c.token
	c.mu.Unlock()
	query := r.URL.Query()
	switch {
	case off:
		panic(http.ErrAbortHandler)
	case token != "" && r.Header.Get("Authorization") != "Bearer "+token:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path != "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices" || query.Get("labelSelector") != "kubernetes.io/service-name=users":
		w.WriteHeader(http.StatusNotFound)
	case query.Get("watch") == "1":
		c.watch(w, r)
	default:
		c.list(w)
	}
}

func (c *cluster) list(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists++
	c.notice()
	items := []string{}
	for _, object := range c.slices {
		items = append(items, object)
	}
	_, _ = fmt.Fprintf(w, `{"kind":"EndpointSliceList","metadata":{"resourceVersion":"%d"},"items":[%s]}`, c.version, strings.Join(items, ","))
}

func (c *cluster) watch(w http.ResponseWriter, r *http.Request) {
	from, err := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	if err != nil || r.URL.Query().Get("allowWatchBookmarks") != "true" || r.URL.Query().Get("timeoutSeconds") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.watches = append(c.watches, strconv.Itoa(from))
	c.notice()
	status, ends := c.status, c.ends
	c.mu.Unlock()
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	for {
		c.mu.Lock()
		changed, ended, gone := c.changed, c.ends != ends, from < c.oldest
		lines := []string{}
		if gone {
			lines, ended = append(lines, `{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}`), true
		}
		for _, e := range c.events {
			if e.version > from && !gone {
				lines, from = append(lines, e.line), e.version
			}
		}
		c.mu.Unlock()
		_, _ = io.WriteString(w, strings.Join(append(lines, ""), "\n"))
		w.(http.Flusher).Flush()
		if ended {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func (c *cluster) change(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

// object writes a slice; ends and ports are JSON.
func object(name string, version int, kind, ends, ports string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"resourceVersion":"%d","labels":{"kubernetes.io/service-name":"users"}},"addressType":%q,"endpoints":[%s],"ports":[%s]}`,
		name, version, kind, ends, ports)
}

const httpPort = `{"name":"http","port":8080,"protocol":"TCP"}`

func (c *cluster) put(name, kind, ends, ports string) {
	c.change(func() {
		c.version++
		what := "MODIFIED"
		if c.slices[name] == "" {
			what = "ADDED"
		}
		c.slices[name] = object(name, c.version, kind, ends, ports)
		c.events = append(c.events, clusterEvent{c.version, `{"type":"` + what + `","object":` + c.slices[name] + `}`})
	})
}

func (c *cluster) remove(name string) {
	c.change(func() {
		c.version++
		gone := object(name, c.version, "IPv4", "", "")
		delete(c.slices, name)
		c.events = append(c.events, clusterEvent{c.version, `{"type":"DELETED","object":` + gone + `}`})
	})
}

// line sends what is no change of a slice.
func (c *cluster) line(text string) {
	c.change(func() {
		c.version++
		c.events = append(c.events, clusterEvent{c.version, strings.ReplaceAll(text, "VERSION", strconv.Itoa(c.version))})
	})
}

func (c *cluster) config() discovery.Config {
	return discovery.Config{Kubernetes: &discovery.Kubernetes{API: c.server.URL, Namespace: "shop", Service: "users"}}
}

// set has a slice per family.
func (c *cluster) set(hosts ...string) {
	families := map[string][]string{"IPv4": {}, "IPv6": {}}
	for _, host := range hosts {
		kind := "IPv6"
		if netip.MustParseAddr(host).Is4() {
			kind = "IPv4"
		}
		addresses, _ := json.Marshal([]string{host})
		families[kind] = append(families[kind], `{"addresses":`+string(addresses)+`,"conditions":{"ready":true}}`)
	}
	for kind, ends := range families {
		c.put("users-"+kind, kind, strings.Join(ends, ","), httpPort)
	}
}

func (c *cluster) down() {
	c.change(func() { c.off = true })
	c.server.CloseClientConnections()
}

func (c *cluster) up() { c.change(func() { c.off = false }) }

// notice tells those who wait; the mutex is held.
func (c *cluster) notice() {
	close(c.seen)
	c.seen = make(chan struct{})
}

func (c *cluster) asked() (lists int, watches []string, next <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lists, append([]string{}, c.watches...), c.seen
}

// waitFor waits until the cluster was asked for something.
func (c *cluster) waitFor(t *testing.T, what string, done func(lists int, watches []string) bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		lists, watches, next := c.asked()
		if done(lists, watches) {
			return
		}
		select {
		case <-next:
		case <-timeout:
			t.Fatalf("%s: %d lists, watches %v", what, lists, watches)
		}
	}
}

// TestEndpoints: who is ready, who is about to end, zones, families, slices that overlap.
func TestEndpoints(t *testing.T) {
	c := newCluster(t)
	c.put("a", "IPv4", `{"addresses":["10.0.0.1","10.6.6.6"],"conditions":{"ready":true},"zone":"z1"},
		{"addresses":["10.0.0.2"],"conditions":{}},
		{"addresses":["10.0.0.3"],"conditions":{"ready":false}},
		{"addresses":["10.0.0.4"],"conditions":{"ready":true,"serving":true,"terminating":true}},
		{"addresses":[]}`, httpPort)
	c.put("b", "IPv4", `{"addresses":["10.0.0.1"],"conditions":{"ready":true}},{"addresses":["10.0.0.5"]}`, httpPort)
	c.put("c", "IPv6", `{"addresses":["2001:db8::1"]}`, httpPort)
	c.put("d", "FQDN", `{"addresses":["users.example.com"]}`, httpPort)
	w := start(t, c.config(), discovery.Options{})
	w.expect(
		discovery.Instance{URL: "http://10.0.0.1:8080", Weight: 1, Zone: "z1"},
		discovery.Instance{URL: "http://10.0.0.2:8080", Weight: 1},
		discovery.Instance{URL: "http://10.0.0.5:8080", Weight: 1},
		discovery.Instance{URL: "http://[2001:db8::1]:8080", Weight: 1},
	)
	c.remove("a")
	w.expect(at("http://10.0.0.1:8080", "http://10.0.0.5:8080", "http://[2001:db8::1]:8080")...)
	c.remove("b")
	c.remove("c")
	w.expect()
}

func TestKubernetesPorts(t *testing.T) {
	two := `{"name":"http","port":8080,"protocol":"TCP"},{"name":"admin","port":9090,"protocol":"TCP"},{"name":"dns","port":53,"protocol":"UDP"}`
	for _, test := range []struct{ port, ports, want string }{
		{"", httpPort, "http://10.0.0.1:8080"},
		{"", `{"name":"","port":7000}`, "http://10.0.0.1:7000"},
		{"http", two, "http://10.0.0.1:8080"},
		{"9090", two, "http://10.0.0.1:9090"},
		{"", two, "kubernetes.port: is missing, and the service has more than one: http:8080, admin:9090"},
		{"grpc", two, "the service has no port"},
		{"dns", two, "the service has no port"},
		{"", ``, "the service has no TCP port"},
	} {
		c := newCluster(t)
		c.put("a", "IPv4", `{"addresses":["10.0.0.1"]}`, test.ports)
		config := c.config()
		config.Kubernetes.Port = test.port
		w := start(t, config, discovery.Options{})
		if strings.HasPrefix(test.want, "http") {
			w.expect(at(test.want)...)
		} else {
			w.log.wait(t, test.want, 1)
			w.quiet()
			c.put("a", "IPv4", `{"addresses":["10.0.0.1"]}`, `{"name":"`+test.port+`","port":1234}`) // put right
			w.expect(at("http://10.0.0.1:1234")...)
		}
		w.stop()
	}
}

// TestWatchGoesOn: an end of the watch costs no new list, and nothing that happened meanwhile is lost.
func TestWatchGoesOn(t *testing.T) {
	c := newCluster(t)
	c.set("10.0.0.1")
	w := start(t, c.config(), discovery.Options{})
	w.expect(at("http://10.0.0.1:8080")...)
	c.waitFor(t, "a watch", func(_ int, watches []string) bool { return len(watches) == 1 })
	c.line(`{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"VERSION"}}}`)
	c.change(func() { c.ends++ })
	c.waitFor(t, "the next watch", func(_ int, watches []string) bool { return len(watches) >= 2 })
	c.set("10.0.0.2")
	w.expect(at("http://10.0.0.2:8080")...)
	c.server.CloseClientConnections() // a watch that breaks is one that ends
	c.set("10.0.0.3")
	w.expect(at("http://10.0.0.3:8080")...)
	lists, watches, _ := c.asked()
	if lists != 1 || watches[1] == watches[0] || watches[2] == watches[1] {
		t.Errorf("%d lists, watches %v", lists, watches)
	}
}

// TestForgottenVersion: 410, as an event or as an answer, leads to a new list and is no trouble.
func TestForgottenVersion(t *testing.T) {
	for name, forget := range map[string]func(*cluster){
		"event":  func(c *cluster) { c.oldest, c.events = c.version, nil },
		"answer": func(c *cluster) { c.status = http.StatusGone; c.events = nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			c.set("10.0.0.1", "10.0.0.2")
			w := start(t, c.config(), discovery.Options{})
			w.expect(at("http://10.0.0.1:8080", "http://10.0.0.2:8080")...)
			c.waitFor(t, "a watch", func(_ int, watches []string) bool { return len(watches) == 1 })
			c.change(func() {
				c.version += 1000
				delete(c.slices, "users-IPv4") // nobody is told
				forget(c)
				c.ends++
			})
			c.waitFor(t, "a new list", func(lists int, _ []string) bool { return lists >= 2 })
			w.expect()
			c.change(func() { c.status = 0 })
			c.set("10.0.0.3")
			w.expect(at("http://10.0.0.3:8080")...)
			if n := w.log.count("discovery fails"); n != 0 {
				t.Errorf("%d lines of trouble:\n%s", n, w.log)
			}
		})
	}
}

// TestSenselessEvents: each leads to a new list, within bounds, and unknown types are passed over.
func TestSenselessEvents(t *testing.T) {
	for name, line := range map[string]string{
		"no JSON":       `{"type":`,
		"another shape": `{"type":"ADDED","object":[]}`,
		"an error":      `{"type":"ERROR","object":{"code":500}}`,
		"too long":      `{"type":"ADDED","object":"` + strings.Repeat("x", 5<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			c.set("10.0.0.1")
			w := start(t, c.config(), discovery.Options{})
			w.expect(at("http://10.0.0.1:8080")...)
			c.waitFor(t, "a watch", func(_ int, watches []string) bool { return len(watches) == 1 })
			c.line(line)
			c.waitFor(t, "a new list", func(lists int, _ []string) bool { return lists >= 2 })
			w.log.wait(t, "an event that can't be used", 1)
			c.set("10.0.0.2")
			w.expect(at("http://10.0.0.2:8080")...)
		})
	}
	t.Run("unknown type", func(t *testing.T) {
		c := newCluster(t)
		c.set("10.0.0.1")
		w := start(t, c.config(), discovery.Options{})
		w.expect(at("http://10.0.0.1:8080")...)
		c.line(`{"type":"LATER","object":{"metadata":{}}}`)
		c.set("10.0.0.2")
		w.expect(at("http://10.0.0.2:8080")...)
		if lists, _, _ := c.asked(); lists != 1 {
			t.Errorf("%d lists", lists)
		}
	})
}

// TestInCluster: the address from the environment and TLS with the cluster's authority; the token changes its file's
// content as it does in a pod.
func TestInCluster(t *testing.T) {
	c := newCluster(t)
	c.set("10.0.0.1")
	c.token = "first"
	secured := httptest.NewTLSServer(c)
	defer secured.Close()
	host, port, _ := net.SplitHostPort(secured.Listener.Addr().String())
	t.Setenv("KUBERNETES_SERVICE_HOST", host)
	t.Setenv("KUBERNETES_SERVICE_PORT", port)
	dir := t.TempDir()
	token, ca := filepath.Join(dir, "token"), filepath.Join(dir, "ca.crt")
	replace(token, "first")
	replace(ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secured.Certificate().Raw})))
	config := discovery.Config{Kubernetes: &discovery.Kubernetes{Namespace: "shop", Service: "users", TokenFile: token, CAFile: ca}}
	w := start(t, config, discovery.Options{})
	w.expect(at("http://10.0.0.1:8080")...)
	replace(token, "second")
	c.change(func() { c.token = "second"; c.ends++ })
	c.set("10.0.0.2")
	w.expect(at("http://10.0.0.2:8080")...)
	secured.CloseClientConnections()
	w.stop()
	if strings.Contains(w.log.String(), "second") {
		t.Error("the token is in the log")
	}

	config.Kubernetes.CAFile = ""
	if _, err := discovery.New(config, discovery.Options{}); err == nil || !strings.Contains(err.Error(), "ca.crt") {
		t.Errorf("outside of a pod: %v", err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := discovery.New(config, discovery.Options{}); err == nil || !strings.Contains(err.Error(), "kubernetes.api: is missing") {
		t.Errorf("without an environment: %v", err)
	}
}

// TestABusyOrSilentServer, in virtual time: how often it is asked when watches end at once, and that a watch which never
// ends is given up.
func TestABusyOrSilentServer(t *testing.T) {
	for name, test := range map[string]struct {
		body          func(ctx context.Context) io.Reader
		atLeast, most int // watches in an hour
	}{
		"ends at once": {func(context.Context) io.Reader { return strings.NewReader("") }, 110, 300},
		"a bookmark each": {func(context.Context) io.Reader {
			return strings.NewReader(`{"type":"BOOKMARK","object":{"metadata":{}}}`)
		}, 30_000, 36_001},
		"says nothing at all": {func(ctx context.Context) io.Reader { return silent{ctx} }, 6, 12},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				watches := 0
				carrier := carrierFunc(func(r *http.Request) (*http.Response, error) {
					var body io.Reader = strings.NewReader(`{"metadata":{"resourceVersion":"1"},"items":[]}`)
					if r.URL.Query().Get("watch") == "1" {
						watches++
						body = test.body(r.Context())
					}
					return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(body)}, nil
				})
				config := discovery.Config{Kubernetes: &discovery.Kubernetes{API: "http://api", Namespace: "shop", Service: "users"}}
				w := start(t, config, discovery.Options{Carrier: carrier, Pause: 500 * time.Millisecond})
				time.Sleep(time.Hour)
				w.stop()
				if watches < test.atLeast || watches > test.most {
					t.Errorf("%d watches in an hour", watches)
				}
				if n := w.log.count("\n"); n > 2 {
					t.Errorf("%d lines:\n%s", n, w.log)
				}
			})
		})
	}
}

// silent is a body from which nothing comes until the request ends.
type silent struct{ ctx context.Context }

func (s silent) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}
