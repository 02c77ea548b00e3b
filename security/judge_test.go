package security_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

const (
	// dear is what a refused request may cost.
	dearCPU, dearMemory = 250 * time.Millisecond, 16 << 20
	// dearLog is how much may be logged of one attack.
	dearLog = 64 << 10
	// patience is how long an attack may take altogether.
	patience = 30 * time.Second
)

// suffer attacks, and holds what comes of it against the verdict.
func (g *gateway) suffer(t *testing.T, a attack) (cost usage) {
	t.Helper()
	g.services.begin(a.service)
	before, _ := g.used(t)
	raw, err := g.converse(a)
	if err != nil {
		t.Errorf("connection: %v", err)
	}
	after, alive := g.used(t)
	got := g.services.received()
	g.services.begin(nil)
	if !alive {
		return cost
	}
	answers, err := parse(raw, bytes.HasPrefix(a.send, []byte("HEAD ")))
	if err != nil {
		t.Errorf("the answer isn't one: %v\n%.600q", err, raw)
		return cost
	}
	g.judge(t, a, answers, got)
	cost = usage{CPU: after.CPU - before.CPU, Allocated: after.Allocated - before.Allocated, Logged: after.Logged - before.Logged}
	if most := orElse(a.want.cpu, dearCPU) * slower; cost.CPU > most {
		t.Errorf("it cost %v of processor time, over %v", cost.CPU, most)
	}
	if most := orElse(a.want.memory, dearMemory) * slower; cost.Allocated > most {
		t.Errorf("it took %d KB of memory, over %d", cost.Allocated>>10, most>>10)
	}
	if cost.Logged > dearLog {
		t.Errorf("%d KB were logged", cost.Logged>>10)
	}
	g.answersStill(t)
	if t.Failed() || testing.Verbose() {
		t.Logf("cost %v, %d KB; %d answers, %d requests to services\nsent %.300q\ngot  %.600q", cost.CPU, cost.Allocated>>10, len(answers), len(got), a.send, raw)
	}
	return cost
}

func orElse[T time.Duration | int64](given, otherwise T) T {
	if given == 0 {
		return otherwise
	}
	return given
}

// answersStill asks an ordinary query.
func (g *gateway) answersStill(t testing.TB) {
	t.Helper()
	ask, want := document(`{ user(id: "1") { name } }`), `{"data":{"user":{"name":"`
	if g.unable || strings.Contains(g.yaml, "required: true") || strings.Contains(g.yaml, "timeout: 300ms}") {
		ask, want = get("/healthz"), `"ok"`
	}
	raw, err := g.exchange(ask, 0)
	if err != nil || !bytes.Contains(raw, []byte(want)) {
		t.Errorf("afterwards it answers an ordinary request with %q, %v", raw, err)
	}
}

// exchange sends over a connection of its own and reads until the gateway closes it. The error is a gateway that can't be
// reached or doesn't come to an end.
func (g *gateway) exchange(send []byte, slow time.Duration) ([]byte, error) {
	return g.converse(attack{send: send, slow: slow})
}

func (g *gateway) converse(a attack) ([]byte, error) {
	conn, err := net.Dial("tcp", g.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		// The gateway may refuse before all is sent: what it answers then is what counts.
		if a.slow == 0 {
			_, _ = conn.Write(a.send)
			return
		}
		for piece := range slices.Chunk(a.send, max(1, len(a.send)/50)) {
			if _, err := conn.Write(piece); err != nil {
				return
			}
			time.Sleep(a.slow)
		}
	}()
	var got []byte
	waiting := a.until != "" // for what a client waits for before it goes on
	answered := false        // the gateway's close
	for buffer := make([]byte, 32<<10); err == nil; {
		var n int
		n, err = conn.Read(buffer)
		got = append(got, buffer[:n]...)
		switch {
		case err != nil:
		case !answered && hungUp(got):
			answered, waiting = true, false
			_, err = conn.Write(goodbye)
		case waiting && slices.ContainsFunc(strings.Split(a.until, "|"), func(text string) bool { return bytes.Contains(got, []byte(text)) }):
			waiting = false
			<-written
			_, err = conn.Write(a.then)
		}
	}
	conn.Close()
	<-written
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return got, fmt.Errorf("nothing ended within %v", patience)
	}
	return got, nil // a reset is an end, too
}

// answer is one answer on the wire.
type answer struct {
	*http.Response

	body  []byte
	told  told
	close string // with which code a WebSocket was closed, "none" when it wasn't
}

// told is a GraphQL response.
type told struct {
	Data   json.RawMessage `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
}

// parse reads the answers that came over a connection.
func parse(raw []byte, head bool) ([]answer, error) {
	var all []answer
	for in := bufio.NewReader(bytes.NewReader(raw)); ; {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return all, nil
		}
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		response, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return all, err
		}
		if response.StatusCode == http.StatusSwitchingProtocols {
			x := answer{Response: response}
			rest, _ := io.ReadAll(in)
			x.body, x.close, err = unframed(rest)
			return append(all, x), err
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return all, err
		}
		if response.StatusCode == http.StatusContinue {
			continue
		}
		all = append(all, answer{Response: response, body: body})
	}
}

func (g *gateway) judge(t *testing.T, a attack, answers []answer, got []received) {
	if len(answers) == 0 && !a.want.silence {
		t.Error("there is no answer")
	}
	if most := max(a.want.answers, 1); len(answers) > most {
		t.Errorf("there are %d answers, at most %d were due", len(answers), most)
	}
	for i := range answers {
		if err := answers[i].check(a); err != nil {
			t.Errorf("answer %d: %v", i+1, err)
		}
	}
	asked := []string{}
	for _, r := range got {
		asked = append(asked, r.String())
		if err := g.services.check(r); err != nil {
			t.Error(err)
		}
	}
	want := slices.Sorted(slices.Values(a.want.asked))
	if slices.Sort(asked); (a.want.asked != nil || a.want.refused) && !slices.Equal(asked, want) {
		t.Errorf("services were asked %.600q, want %q", asked, want)
	}
	if a.want.services != nil {
		if err := a.want.services(got); err != nil {
			t.Error(err)
		}
	}
}

// check says what is wrong with an answer.
func (x *answer) check(a attack) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if status := strconv.Itoa(x.StatusCode); !slices.Contains(a.want.status, status) {
		wrong("status %s, want one of %v", status, a.want.status)
	}
	var head bytes.Buffer
	_ = x.Header.Write(&head)
	text := head.String() + "\n" + string(x.body)
	for _, want := range a.want.has {
		if !strings.Contains(text, want) {
			wrong("there is no %q", want)
		}
	}
	for _, never := range a.want.hasNot {
		if strings.Contains(strings.ToLower(text), strings.ToLower(never)) {
			wrong("there is %q", never)
		}
	}
	for _, leak := range leaks(text, a.send) {
		wrong("it tells %q", leak)
	}
	if x.close != "" && len(a.want.closed) > 0 && !slices.Contains(a.want.closed, x.close) {
		wrong("closed with %s, want one of %v", x.close, a.want.closed)
	}
	errs = append(errs, x.checkHeader())
	inner, err := x.inner()
	errs = append(errs, err)
	for _, body := range inner {
		errs = append(errs, (&answer{Response: x.Response, body: body}).checkJSON(a))
	}
	return errors.Join(errs...)
}

// checkHeader looks for what an answer must never have.
func (x *answer) checkHeader() error {
	for _, name := range list("Set-Cookie Server X-Powered-By Access-Control-Allow-Origin Access-Control-Allow-Credentials Location X-Api-Key") {
		if value := x.Header.Get(name); value != "" {
			return fmt.Errorf("there is a header %s: %s", name, value)
		}
	}
	if kind := x.Header.Get("Content-Type"); strings.Contains(kind, "json") {
		if x.Header.Get("X-Content-Type-Options") != "nosniff" {
			return errors.New("browsers may guess its type")
		}
		if !strings.Contains(kind, "charset=utf-8") {
			return fmt.Errorf("it has the type %s", kind)
		}
	}
	return nil
}

// checkJSON looks at a GraphQL response, or at what has the shape of one.
func (x *answer) checkJSON(a attack) error {
	if err := json.Unmarshal(x.body, &x.told); err != nil {
		return fmt.Errorf("it isn't JSON: %w", err)
	}
	if bytes.HasPrefix(x.body, []byte(`{"status":`)) {
		return nil
	}
	if x.told.Data == nil && len(x.told.Errors) == 0 {
		return errors.New("it has neither data nor errors")
	}
	if a.want.refused && x.told.Data != nil {
		return errors.New("it has data")
	}
	if most := max(a.want.errors, 11); len(x.told.Errors) > most {
		return fmt.Errorf("it has %d errors, over %d", len(x.told.Errors), most)
	}
	for _, e := range x.told.Errors {
		code, _ := e.Extensions["code"].(string)
		switch {
		case len(e.Message) == 0 || len(e.Message) > 2<<10:
			return fmt.Errorf("a message has %d bytes", len(e.Message))
		case !slices.ContainsFunc(fail.Kinds(), func(k fail.Kind) bool { return k.Code() == code }):
			return fmt.Errorf("there is no code %q", code)
		case code == "INTERNAL" && !slices.Contains(a.want.codes, code):
			return errors.New("the gateway failed: INTERNAL")
		case len(a.want.codes) > 0 && !slices.Contains(a.want.codes, code):
			return fmt.Errorf("code %s (%.100s), want one of %v", code, e.Message, a.want.codes)
		}
	}
	return nil
}

// inside are the texts that only the gateway, its makers and its services may read. EOF ends a word: one request id in 32,768
// begins with it.
var inside = regexp.MustCompile(strings.Join([]string{
	`127\.0\.0\.1`, `\[::1\]`, `localhost:\d`, `https?://[^\s"]+`, `ADDRESS-`, sesame, signing, upstreamSecret,
	`\.go:\d+`, `goroutine \d+`, `runtime error`, `panic`, `nil pointer`, `0xc0[0-9a-f]{6,}`, `/usr/`, `/home/`, `/root/`, `/work/`, `/tmp/`,
	`github\.com/`, `gqlgen`, `gqlparser`, `net/http`, `encoding/json`, `go1\.\d+`,
	`\*?\b(json|fail|http|url|rest|transport|view|gqlerror|graphql|model|ast|context|errors|os|net|syscall|strconv|time|mime)\.[A-Z][A-Za-z]+`,
	`map\[string\]`, `interface \{\}`, `\[\]uint8`, `\[\]interface`,
	`dial tcp`, `connection re(fused|set)`, `no such host`, `broken pipe`, `i/o timeout`, `unexpected EOF`, `: EOF\b`, `TLS handshake`, `x509`, `tls: `, `lookup `, `\.invalid\b`,
	`invalid character '`, `cannot unmarshal`, `json:`, `strconv`, `context (deadline exceeded|canceled)`, `syntax error at byte`,
}, "|"))

// upstreamSecret stands in what hostile services answer.
const upstreamSecret = "upstream-secret-5d8e"

// leaks finds what an answer tells of the inside; what the client sent itself is no news to it.
func leaks(text string, sent []byte) []string {
	if strings.Contains(text, "<!doctype html>") || strings.Contains(text, "<!DOCTYPE html>") {
		return nil // GraphiQL is a page of its own
	}
	// What a megabyte tells it tells at its beginning.
	text = text[:min(len(text), 256<<10)]
	var all []string
	for _, found := range inside.FindAllString(text, 10) {
		if !bytes.Contains(sent, []byte(found)) {
			all = append(all, found)
		}
	}
	return all
}
