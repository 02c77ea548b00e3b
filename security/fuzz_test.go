package security_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/internal/demo"
)

// scripted is a connection whose client has sent everything already and reads all.
type scripted struct {
	mu       sync.Mutex // guards what follows
	in       *bytes.Reader
	out      bytes.Buffer
	deadline time.Time
	changed  chan struct{} // closed when the deadline changes or the connection ends
	ended    chan struct{} // closed by Close
	over     bool
}

func newScripted(input []byte) *scripted {
	return &scripted{in: bytes.NewReader(input), changed: make(chan struct{}), ended: make(chan struct{})}
}

// Read gives what was sent. While it answers, net/http waits with a buffer of one byte for what comes next or for the
// client to leave: this one stays. In any other place the end is the end.
func (c *scripted) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		n, err := c.in.Read(p)
		late := !c.deadline.IsZero() && !c.deadline.After(time.Now())
		over, changed := c.over, c.changed
		c.mu.Unlock()
		switch {
		case over:
			return 0, net.ErrClosed
		case late:
			return n, os.ErrDeadlineExceeded
		case n > 0 || len(p) != 1:
			return n, err
		}
		<-changed
	}
}

func (c *scripted) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return 0, net.ErrClosed
	}
	return c.out.Write(p)
}

// told is what was written to the client.
func (c *scripted) told() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.out.Bytes())
}

func (c *scripted) wake(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *scripted) Close() error {
	c.wake(func() {
		if !c.over {
			c.over = true
			close(c.ended)
		}
	})
	return nil
}

func (c *scripted) SetReadDeadline(t time.Time) error { c.wake(func() { c.deadline = t }); return nil }
func (c *scripted) SetDeadline(t time.Time) error     { return c.SetReadDeadline(t) }
func (*scripted) SetWriteDeadline(time.Time) error    { return nil }
func (*scripted) LocalAddr() net.Addr                 { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
func (*scripted) RemoteAddr() net.Addr                { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 4000} }

// door is a listener for scripted connections.
type door chan net.Conn

func (d door) Accept() (net.Conn, error) {
	conn, ok := <-d
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (d door) Close() error { return nil }
func (door) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// fuzzed is a gateway in this process, as fuzzing needs it, with the shop's services.
type fuzzed struct {
	shop    *recorder
	clients door
}

func newFuzzed(f *testing.F, profile string) *fuzzed {
	x := &fuzzed{shop: newRecorder(f), clients: make(door)}
	yaml := profiles[profile]
	for _, name := range demo.Names {
		yaml = strings.ReplaceAll(yaml, "ADDRESS-"+name, x.shop.address(name))
	}
	cfg, err := config.Parse("fuzzed", []byte(yaml+"log: {level: error}\n"), config.Inputs{})
	if err != nil {
		f.Fatal(err)
	}
	g, err := assemble.New(newSchema(), cfg, nil)
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = g.Serve(ctx, x.clients)
	}()
	f.Cleanup(func() {
		stop()
		close(x.clients)
		<-served
		g.Close()
	})
	return x
}

// suffer sends bytes. Whatever they are, the gateway lives, answers with whole HTTP responses, never fails in a way that
// isn't meant, tells nothing of its inside, asks services nothing that it shouldn't, and takes memory within bounds.
func (x *fuzzed) suffer(t *testing.T, input []byte) {
	t.Helper()
	if len(input) > 256<<10 {
		return
	}
	x.shop.begin(nil)
	before := measure().Allocated
	conn := newScripted(input)
	x.clients <- conn
	select {
	case <-conn.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the connection doesn't end")
	}
	allocated := measure().Allocated - before
	all, err := responses(conn.told())
	if err != nil {
		t.Fatalf("the answer isn't one: %v\n%q", err, conn.told())
	}
	for i := range all {
		if status := all[i].StatusCode; status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported {
			t.Errorf("status %d: %.500q", status, all[i].body)
		}
		if err := errors.Join(all[i].checkHeader(), all[i].checkInner(attack{want: verdict{errors: 1 << 20}})); err != nil && !strings.Contains(all[i].Header.Get("Content-Type"), "html") {
			t.Errorf("%v: %.500q", err, all[i].body)
		}
		for _, leak := range leaks(string(all[i].body), input) {
			t.Errorf("it tells %q: %.500q", leak, all[i].body)
		}
	}
	for _, r := range x.shop.received() {
		if err := x.shop.check(r); err != nil {
			t.Error(err)
		}
	}
	if most := int64(64<<20) * int64(1+len(all)) * slower; allocated > most {
		t.Errorf("%d MB for %d answers", allocated>>20, len(all))
	}
}

// seeds are the attacks of the list that aren't long, for what is fuzzed: of each class the first ones, since all of them
// are run as attacks anyway.
func seeds(add func(a attack)) {
	for _, c := range classes() {
		for _, a := range c.attacks[:min(len(c.attacks), 25)] {
			if len(a.send) <= 4<<10 && a.against() == "open" && a.service == nil && a.slow == 0 {
				add(a)
			}
		}
	}
}

// Bytes on a connection.
func FuzzConnection(f *testing.F) {
	seeds(func(a attack) { f.Add(a.send) })
	x := newFuzzed(f, "open")
	f.Fuzz(func(t *testing.T, input []byte) { x.suffer(t, input) })
}

// Bodies of every type, in every coding, for every kind of answer.
func FuzzPost(f *testing.F) {
	seeds(func(a attack) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(a.send)))
		if err != nil || r.Method != http.MethodPost {
			return
		}
		if body, err := io.ReadAll(r.Body); err == nil {
			f.Add(body, r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"), r.Header.Get("Accept"))
			f.Add(body, r.Header.Get("Content-Type"), "", "text/event-stream")
			f.Add(body, r.Header.Get("Content-Type"), "", "multipart/mixed")
		}
	})
	x := newFuzzed(f, "wide")
	f.Fuzz(func(t *testing.T, body []byte, kind, coding, accept string) {
		for _, text := range []*string{&kind, &coding, &accept} {
			*text = onLine(*text)
		}
		x.suffer(t, post(string(body), "Content-Type", kind, "Content-Encoding", coding, "Accept", accept, "Apollo-Require-Preflight", "1"))
	})
}

// onLine makes a text one that can stand in a line of a head.
func onLine(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '\r' || c == '\n' {
			return ' '
		}
		return c
	}, text)
}

// Requests with files: operations, map and what follows them, as it is.
func FuzzUpload(f *testing.F) {
	for _, a := range uploads() {
		if r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(a.send))); err == nil {
			if body, err := io.ReadAll(r.Body); err == nil && len(body) < 4<<10 {
				f.Add("", "", body)
			}
		}
	}
	const file = "--x\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n"
	f.Add(`{"query":"mutation($f:String){cancelOrder(id:$f)}","variables":{"f":null}}`, `{"0":["variables.f"]}`, []byte(file))
	f.Add(`{"query":"{__typename}","variables":{"f":[null,{"a":null}]}}`, `{"0":["variables.f.0","variables.f.1.a"]}`, []byte(file))
	x := newFuzzed(f, "wide")
	f.Fuzz(func(t *testing.T, operations, variables string, rest []byte) {
		body := string(rest)
		if operations != "" || variables != "" {
			body = "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" + operations +
				"\r\n--x\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n" + variables + "\r\n" + body
		}
		x.suffer(t, post(body, "Content-Type", "multipart/form-data; boundary=x", "Apollo-Require-Preflight", "1"))
	})
}

// Batches: operations, a line each, and what stands around them.
func FuzzBatch(f *testing.F) {
	f.Add(plainBody+"\n"+`{"query":"{user(id:1){id}}"}`, "[", "]")
	f.Add(plainBody+"\n"+plainBody, " [", "] x")
	f.Add("null\n[]\n{}\n1", "[[", "]]")
	seeds(func(a attack) {
		if doc := textOf(a.send); doc != "" && len(doc) < 500 {
			_, body, _ := bytes.Cut(a.send, []byte("\r\n\r\n"))
			f.Add(string(body)+"\n"+plainBody, "[", "]")
		}
	})
	x := newFuzzed(f, "wide")
	f.Fuzz(func(t *testing.T, operations, before, after string) {
		x.suffer(t, post(before+strings.ReplaceAll(operations, "\n", ",")+after))
	})
}

// What stands behind the question mark of a GET.
func FuzzGet(f *testing.F) {
	seeds(func(a attack) {
		line, _, _ := strings.Cut(string(a.send), "\r\n")
		if _, rest, ok := strings.Cut(line, "/graphql?"); ok && strings.HasPrefix(line, "GET ") {
			f.Add(strings.TrimSuffix(rest, " HTTP/1.1"), false)
			f.Add(strings.TrimSuffix(rest, " HTTP/1.1"), true)
		}
		if doc := textOf(a.send); doc != "" && len(doc) < 1<<10 {
			f.Add("query="+url.QueryEscape(doc), false)
			f.Add("query="+url.QueryEscape(doc)+"&variables="+url.QueryEscape(`{"id":"1","a":[1,{"b":null}]}`), true)
		}
	})
	x := newFuzzed(f, "open")
	f.Fuzz(func(t *testing.T, query string, events bool) {
		accept := "application/json"
		if events {
			accept = "text/event-stream"
		}
		x.suffer(t, get("/graphql?"+strings.ReplaceAll(onLine(query), " ", "+"), "Accept", accept))
	})
}

// Lines of a head, before a body that is right.
func FuzzHeaders(f *testing.F) {
	seeds(func(a attack) {
		head, _, _ := strings.Cut(string(a.send), "\r\n\r\n")
		if _, lines, ok := strings.Cut(head, "\r\n"); ok {
			f.Add(lines)
		}
	})
	x := newFuzzed(f, "open")
	const body = `{"query":"{user(id:\"1\"){id}}"}`
	f.Fuzz(func(t *testing.T, lines string) {
		x.suffer(t, fmt.Appendf(nil, "POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n\r\n%s", len(body), lines, body))
	})
}

// Messages of a WebSocket, a line each, and the bytes that follow them.
func FuzzWebSocket(f *testing.F) {
	seeds(func(a attack) {
		if doc := textOf(a.send); doc != "" && len(doc) < 1<<10 {
			body := string(a.send[bytes.Index(a.send, []byte("\r\n\r\n"))+4:])
			f.Add(initialise+"\n"+`{"id":"1","type":"subscribe","payload":`+body+"}", goodbye, false)
		}
	})
	for _, a := range append(frames(), conversations()...) {
		if _, bytes, ok := bytes.Cut(a.send, []byte("\r\n\r\n")); ok && len(bytes) < 4<<10 {
			f.Add("", bytes, strings.Contains(a.name, "old"))
			f.Add(initialise, bytes, false)
		}
	}
	x := newFuzzed(f, "open")
	f.Fuzz(func(t *testing.T, texts string, rest []byte, old bool) {
		protocol := transportWS
		if old {
			protocol = legacy
		}
		input := socket(protocol)
		for i, text := range strings.Split(texts, "\n") {
			if i == 20 {
				break
			}
			if text != "" {
				input = append(input, message(text)...)
			}
		}
		x.suffer(t, append(input, rest...))
	})
}

// checkInner looks at the GraphQL responses in an answer. What a HEAD got has none.
func (x *answer) checkInner(a attack) error {
	inner, err := x.inner()
	for _, body := range inner {
		err = errors.Join(err, (&answer{Response: x.Response, body: body}).checkJSON(a))
	}
	return err
}

// responses reads the answers on a connection. What a HEAD got has no body, whatever its length says.
func responses(raw []byte) ([]answer, error) {
	var all []answer
	for len(raw) > 0 {
		end := bytes.Index(raw, []byte("\r\n\r\n"))
		if end < 0 {
			return all, io.ErrUnexpectedEOF
		}
		end += len("\r\n\r\n")
		in := bufio.NewReader(bytes.NewReader(raw))
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			return all, err
		}
		x := answer{Response: response}
		if response.StatusCode == http.StatusSwitchingProtocols {
			x.body, x.close, err = unframed(raw[end:])
			return append(all, x), err
		}
		if rest := raw[end:]; len(rest) > 0 && !bytes.HasPrefix(rest, []byte("HTTP/1.")) { // no body of ours begins like that
			if x.body, err = io.ReadAll(response.Body); err != nil {
				return all, err
			}
			left, err := io.ReadAll(in)
			if err != nil {
				return all, err
			}
			end = len(raw) - len(left)
		}
		if response.StatusCode >= http.StatusOK {
			all = append(all, x)
		}
		raw = raw[end:]
	}
	return all, nil
}
