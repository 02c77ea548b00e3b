package caching_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// folder is where the gateway's program is, for all tests.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "caching"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(folder) // nothing of ours is in it
	os.Exit(status)
}

// build makes the gateway's program, with the race detector where the tests have it.
var build = sync.OnceValues(func() (string, error) {
	program := filepath.Join(folder, "gateway")
	args := []string{"build", "-o", program}
	if raced {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "./gateway")...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return program, err
})

// gateway is a process.
type gateway struct {
	t         testing.TB
	cmd       *exec.Cmd
	address   string // http://…
	operators string
	client    *http.Client

	mu     sync.Mutex // guards logged
	logged []string   // what the access log says of requests to /graphql, but for times
}

// requests waits for so many lines of the access log.
func (g *gateway) requests(n int) (lines []string) {
	g.t.Helper()
	redistest.Until(g.t, "lines of the access log", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		lines = g.logged
		return len(lines) >= n
	})
	return lines
}

// start runs a gateway. settings are its gateway.yaml, without the service and the listeners.
func start(t testing.TB, s *service, settings string) *gateway {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nserver: {drain_grace: -1s}\nlog: {format: json}\n"+
		"services:\n  shop: {url: %q, cache: {enabled: %t}}\n%s\n", s.URL, s.kept, settings)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, cmd: exec.Command(program, file), client: &http.Client{
		Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 512},
	}}
	log, err := g.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listens := make(chan string, 2)
	var said lines
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(listens)
		for scanner := bufio.NewScanner(log); scanner.Scan(); {
			var line struct {
				Level, Msg, Address             string
				Method, Path, Client, Operation string
				Status, Bytes                   int
			}
			_ = json.Unmarshal(scanner.Bytes(), &line) // a panic is no JSON
			if line.Msg == "request" {
				g.mu.Lock()
				g.logged = append(g.logged, fmt.Sprint(line.Method, line.Path, line.Client, line.Operation, line.Status, line.Bytes))
				g.mu.Unlock()
			}
			if line.Level != "INFO" {
				said.add(scanner.Text())
			}
			if line.Address != "" && (line.Msg == "serving" || line.Msg == "admin") {
				listens <- line.Msg + " http://" + line.Address
			}
		}
	})
	t.Cleanup(func() {
		g.client.CloseIdleConnections()
		_ = g.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		reading.Wait()
		if err := g.cmd.Wait(); err != nil {
			t.Errorf("a gateway ended: %v\n%s", err, said.text())
		} else if t.Failed() {
			t.Logf("a gateway's log:\n%s", said.text())
		}
	})
	for g.address == "" || g.operators == "" {
		line, ok := <-listens
		if !ok {
			t.Fatalf("the gateway doesn't start:\n%s", said.text())
		}
		what, address, _ := strings.Cut(line, " ")
		if what == "serving" {
			g.address = address
		} else {
			g.operators = address
		}
	}
	return g
}

// lines are the last ones of a log.
type lines struct {
	mu   sync.Mutex // guards last
	last []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last = append(l.last, line); len(l.last) > 60 {
		l.last = l.last[1:]
	}
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, "\n")
}

// reply is what a client gets.
type reply struct {
	status int
	header http.Header
	body   string
}

// status is what Cache-Status says.
func (r reply) cacheStatus() string { return r.header.Get("Cache-Status") }

// try sends an operation by POST, with headers in pairs.
func (g *gateway) try(ctx context.Context, query string, variables map[string]any, headers ...string) (reply, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return reply{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.address+"/graphql", bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	return g.send(r, append(headers, "Content-Type", "application/json"))
}

func (g *gateway) send(r *http.Request, headers []string) (reply, error) {
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := g.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(text)}, err
}

// ask is try for what must be answered without errors.
func (g *gateway) ask(query string, variables map[string]any, headers ...string) reply {
	g.t.Helper()
	a, err := g.try(context.Background(), query, variables, headers...)
	if err != nil || a.status != http.StatusOK || strings.Contains(a.body, `"errors"`) {
		g.t.Errorf("%s %v: %d %s %v", query, variables, a.status, a.body, err)
	}
	return a
}

// purge drops by hand. The error is that of a gateway whose Redis doesn't know yet.
func (g *gateway) purge(kind, name string) error {
	body := fmt.Sprintf(`{"purge":[{"kind":%q,"name":%q}]}`, kind, name)
	res, err := g.client.Post(g.operators+"/cache/purge", "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		return fmt.Errorf("%d %s", res.StatusCode, text)
	}
	return nil
}

// version reads the version of the item in a reply; -1 when there is none.
func version(a reply) int {
	_, text, _ := strings.Cut(a.body, `"version":`)
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		return -1
	}
	n, err := strconv.Atoi(text[:end])
	if err != nil {
		return -1
	}
	return n
}

// service has items with versions.
type service struct {
	*httptest.Server

	kept  bool // its answers, as they say: for a minute
	asked atomic.Int64
	// pause is called with every read after its version was read.
	pause func(r *http.Request)

	mu       sync.Mutex // guards what follows
	versions map[string]int
	paths    map[string]int // how often each was asked for
}

func newService(t testing.TB, kept bool, pause func(*http.Request)) *service {
	s := &service{kept: kept, pause: pause, versions: map[string]int{}, paths: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *service) version(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.versions[id]
}

// change makes a new version.
func (s *service) change(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions[id]++
	return s.versions[id]
}

// count is how often a path was asked for.
func (s *service) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paths[path]
}

func (s *service) item(id string) map[string]any {
	return map[string]any{"id": id, "version": s.version(id)}
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	s.mu.Lock()
	s.paths[r.URL.Path]++
	s.mu.Unlock()
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	user := r.Header.Get("X-User")
	var answer any
	switch {
	case r.Method == http.MethodPost && parts[0] == "reset":
		answer = true
	case r.Method == http.MethodPost:
		s.change(parts[1])
		answer = true
	case r.Method == http.MethodPut:
		answer = map[string]any{"id": parts[1], "version": s.change(parts[1])}
	case parts[0] == "me":
		answer = map[string]any{"id": user, "email": user + "@example.com"}
	case parts[0] == "news":
		answer = map[string]any{"text": strconv.FormatInt(s.asked.Load(), 10)}
	case parts[0] == "find" && r.URL.Query().Get("word") == "conflict":
		http.Error(w, "{}", http.StatusConflict)
		return
	case parts[0] == "find" && r.URL.Query().Get("word") == "long":
		answer = []any{s.item(strings.Repeat("x", 2000))}
	case len(parts) == 3:
		answer = map[string]any{"text": parts[1] + " for " + user}
	case len(parts) == 2:
		answer = s.item(parts[1])
	default:
		ids := r.URL.Query()["id"]
		if len(ids) == 0 {
			ids = []string{"1", "2", "3"}
		}
		list := []any{}
		for _, id := range ids {
			list = append(list, s.item(id))
		}
		answer = list
	}
	if r.Method == http.MethodGet && s.pause != nil {
		s.pause(r)
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method != http.MethodGet:
	case user != "":
		w.Header().Set("Cache-Control", "private, max-age=60")
	case s.kept:
		w.Header().Set("Cache-Control", "max-age=60")
	}
	_ = json.NewEncoder(w).Encode(answer) // a gateway that hung up is no news
}

const secret = "a secret for tests, long enough"

// shared are the settings of gateways with one Redis.
func shared(r *redistest.Server) string {
	return fmt.Sprintf("redis: {addresses: [%q]}\ncache: {secret: %q}", r.Address, secret)
}

// keys makes API keys of clients with these scopes, and the settings that know them.
func keys(t testing.TB, clients map[string][]string) (settings string, texts map[string]string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	texts = map[string]string{}
	for client, scopes := range clients {
		text, key, err := identity.NewKey(client, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		key.Scopes = scopes
		if err := identity.NewKeyFile(file).Create(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		texts[client] = text
	}
	return fmt.Sprintf("\nidentity: {keys: {file: %q}}", file), texts
}
