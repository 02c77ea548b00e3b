package streams_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/internal/demo"
)

// process is the gateway as it's installed: a program, which is told to stop by a signal.
type process struct {
	running

	command *exec.Cmd
	said    chan string // the messages of its log
	ended   chan error
}

// launch builds the gateway and runs it before one service.
func launch(t *testing.T, service http.Handler, settings string) *process {
	t.Helper()
	backend := httptest.NewServer(service)
	t.Cleanup(backend.Close)
	folder := t.TempDir()
	program, file := filepath.Join(folder, "gateway"), filepath.Join(folder, "gateway.yaml")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/gateway").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := settings + "\nlisten: 127.0.0.1:0\nlog: {format: json}\nservices:\n"
	for _, name := range demo.Names {
		text += fmt.Sprintf("  %s: {url: %q}\n", name, backend.URL)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{command: exec.Command(program, "--config", file), said: make(chan string, 1000), ended: make(chan error, 1)}
	p.ctx = t.Context()
	log, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.command.Process.Kill() })
	address := make(chan string, 1)
	go func() {
		defer close(p.said)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var line struct{ Msg, Address string }
			_ = json.Unmarshal(lines.Bytes(), &line)
			if line.Msg == "serving" {
				address <- line.Address
			}
			if line.Msg != "request" {
				p.said <- line.Msg
			}
		}
		p.ended <- p.command.Wait()
	}()
	select {
	case p.address = <-address:
	case <-time.After(patience):
		t.Fatal("the gateway doesn't serve")
	}
	return p
}

// wait returns when the log says something.
func (p *process) wait(t *testing.T, message string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case got, more := <-p.said:
			if got == message {
				return
			}
			if !more {
				t.Fatalf("the gateway ended without %q", message)
			}
		case <-deadline:
			t.Fatalf("the log doesn't say %q", message)
		}
	}
}

// busy sends queries over one connection until the gateway closes it with an answer.
func (p *process) busy(t *testing.T, answered *atomic.Int64, warm chan<- struct{}) {
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	for i := 0; ; i++ {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.address+"/graphql",
			strings.NewReader(`{"query":"{ product(id: 1) { name } }"}`))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Errorf("request %d was lost: %v", i, err)
			return
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || string(body) != `{"data":{"product":{"name":"Cup"}}}` {
			t.Errorf("request %d: %v %s", i, err, body)
		}
		answered.Add(1)
		if i == 3 {
			warm <- struct{}{}
		}
		if res.Close {
			return
		}
	}
}

// The gateway is told to stop while it has all kinds of work: nothing that was sent is lost, what lasts gets the end that
// its protocol has, and the process ends with status 0.
func TestSignalUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the gateway")
	}
	release, slow := make(chan struct{}), make(chan string, 10)
	p := launch(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/stock/A-1":
			_, _ = io.WriteString(w, `{"available": 7, "reserved": 0, "warehouses": []}`)
		case "/stock":
			slow <- r.URL.Query().Get("sku")
			<-release
			_, _ = io.WriteString(w, `{"A-1": {"available": 3}, "A-2": {"available": 4}}`)
		default:
			product := `{"id": "1", "sku": "A-1", "name": "Cup"}`
			if strings.Contains(r.URL.String(), "2") {
				product = `{"id": "2", "sku": "A-2", "name": "Pot"}`
			}
			if r.URL.RawQuery != "" {
				product = "[" + product + "]"
			}
			_, _ = io.WriteString(w, `{"data": `+product+`}`)
		}
	}), "server: {drain_grace: 500ms}")

	const subscription = `{"query":"subscription { stock(sku: \"A-1\") { available } }"}`
	const event = `{"data":{"stock":{"available":7}}}`
	fresh, old := p.dial(t, "graphql-transport-ws"), p.dial(t, "graphql-ws")
	say(t, fresh, `{"id":"1","type":"subscribe","payload":`+subscription+`}`)
	say(t, old, `{"id":"1","type":"start","payload":`+subscription+`}`)
	expect(t, on(fresh), `{"id":"1","type":"next","payload":`+event+`}`)
	expect(t, on(old), `{"id":"1","type":"data","payload":`+event+`}`)
	distinct := p.post(t, eventStream, subscription)
	expect(t, distinct.next, "event: next", "data: "+event)
	single, enter := p.reserve(t)
	if status := enter(`{"query":"subscription { stock(sku: \"A-1\") { available } }","extensions":{"operationId":"1"}}`); status != http.StatusAccepted {
		t.Fatalf("status %d", status)
	}
	expect(t, single.next, "event: next", `data: {"id":"1","payload":`+event+`}`)

	// Answers in parts, of which one is still to come, over each protocol; a query whose service is slow.
	const deferring = `{"query":"{ product(id: 1) { name ... @defer { stock { available } } } }"}`
	const first, second = `{"data":{"product":{"name":"Cup"}},"hasNext":true}`, `{"incremental":[{"data":{"stock":{"available":3}},"path":["product"]}],"hasNext":false}`
	parts, events := p.post(t, "multipart/mixed", deferring), p.post(t, eventStream, deferring)
	expect(t, parts.next, "---", "Content-Type: application/json; charset=utf-8", first)
	expect(t, events.next, "event: next", "data: "+first)
	late := p.dial(t, "graphql-transport-ws")
	say(t, late, `{"id":"1","type":"subscribe","payload":`+deferring+`}`)
	expect(t, on(late), `{"id":"1","type":"next","payload":`+first+`}`)
	whole := make(chan string, 1)
	go func() {
		whole <- p.post(t, "*/*", `{"query":"{ product(id: 2) { stock { available } } }"}`).next(t)
	}()
	for seen := map[string]bool{}; len(seen) < 2; { // what is asked for the same way is asked once
		select {
		case sku := <-slow:
			seen[sku] = true
		case <-time.After(patience):
			t.Fatal("the slow service isn't asked")
		}
	}

	const clients = 8
	var answered atomic.Int64
	var load sync.WaitGroup
	warm := make(chan struct{}, clients)
	for range clients {
		load.Go(func() { p.busy(t, &answered, warm) })
	}
	for range clients {
		select {
		case <-warm:
		case <-time.After(patience):
			t.Fatal("the gateway isn't warm")
		}
	}

	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wait(t, "draining")
	if status := p.get(t, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readiness while draining: %d", status)
	}
	load.Wait()
	expect(t, on(fresh), `{"id":"1","type":"complete"}`, "close 1001")
	expect(t, on(old), `{"id":"1","type":"complete"}`, "close 1001")
	expect(t, distinct.next, "event: complete", "data:", "end")
	expect(t, single.next, "event: complete", `data: {"id":"1"}`, "end")
	close(release)
	expect(t, parts.next, "---", "Content-Type: application/json; charset=utf-8", second, "-----", "end")
	expect(t, events.next, "event: next", "data: "+second, "event: complete", "data:", "end")
	expect(t, on(late), `{"id":"1","type":"next","payload":`+second+`}`, `{"id":"1","type":"complete"}`, "close 1001")
	if got := <-whole; got != `{"data":{"product":{"stock":{"available":4}}}}` {
		t.Errorf("got %s", got)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("the gateway ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("the gateway doesn't end")
	}
	t.Logf("%d answers", answered.Load())
}

func (r *running) get(t *testing.T, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, "http://"+r.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// reserve opens an event stream for many operations. enter begins one, and gives the status of the answer.
func (r *running) reserve(t *testing.T) (stream *listen, enter func(body string) int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	t.Cleanup(cancel)
	send := func(method, token, body string) *http.Response {
		req, err := http.NewRequestWithContext(ctx, method, "http://"+r.address+"/graphql", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if req.Header.Set("Content-Type", "application/json"); method == http.MethodGet {
			req.Header.Set("Accept", eventStream)
		}
		if token != "" {
			req.Header.Set("X-GraphQL-Event-Stream-Token", token)
		}
		res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	res := send(http.MethodPut, "", "")
	token, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatal(errors.Join(err, errors.New(res.Status)))
	}
	opened := send(http.MethodGet, string(token), "")
	return &listen{opened, bufio.NewReader(opened.Body)}, func(body string) int {
		return send(http.MethodPost, string(token), body).StatusCode
	}
}
