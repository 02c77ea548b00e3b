package edge_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func inflated(t *testing.T, coding, body string) string {
	t.Helper()
	var from io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		from, err = gzip.NewReader(from)
	case "zstd":
		from, err = zstd.NewReader(from)
	case "br":
		from = brotli.NewReader(from)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func deflated(t testing.TB, coding string, body io.Reader) string {
	t.Helper()
	var b bytes.Buffer
	var to io.WriteCloser
	switch coding {
	case "gzip":
		to = gzip.NewWriter(&b)
	case "deflate":
		to = zlib.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		to = z
	}
	if _, err := io.Copy(to, body); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCompression(t *testing.T) {
	r := start(t, "")
	const long = "{ long(bytes: 20000) }"
	want := r.post(t, long).body
	for accept, coding := range map[string]string{
		"zstd": "zstd", "gzip": "gzip", "br": "br", "gzip, deflate, br, zstd": "zstd", "gzip;q=1, zstd;q=0.5, br;q=0": "gzip",
		"*": "zstd", "identity": "", "deflate": "", "": "",
	} {
		for name, got := range map[string]answer{
			"POST":                 r.post(t, long, "Accept-Encoding", accept),
			"GET":                  r.send(t, http.MethodGet, "/graphql?query=%7Blong(bytes:20000)%7D", "", "Accept-Encoding", accept),
			"the other media type": r.post(t, long, "Accept-Encoding", accept, "Accept", "application/graphql-response+json"),
		} {
			if got.Header.Get("Content-Encoding") != coding {
				t.Errorf("%s, %q: %q", name, accept, got.Header.Get("Content-Encoding"))
				continue
			}
			if text := inflated(t, coding, got.body); text != want {
				t.Errorf("%s, %q: another answer: %.60s", name, accept, text)
			}
			if coding != "" && len(got.body) > 2000 {
				t.Errorf("%s, %q: %d bytes", name, accept, len(got.body))
			}
			if vary := strings.Join(got.Header.Values("Vary"), ", "); vary != "Accept, Accept-Encoding" {
				t.Errorf("%s, %q: Vary %s", name, accept, vary)
			}
		}
	}
	if got := r.post(t, "{ greeting }", "Accept-Encoding", "gzip"); got.Header.Get("Content-Encoding") != "" {
		t.Error("a short answer is compressed")
	}
	if got := r.post(t, long, "Accept-Encoding", "gzip", "Accept", "text/event-stream"); got.Header.Get("Content-Encoding") != "" || !strings.Contains(got.body, "event: complete") {
		t.Errorf("an event stream: %v %.80s", got.Header, got.body)
	}
	if got := start(t, "edge: {compression: {disabled: true}}\n").post(t, long, "Accept-Encoding", "gzip"); got.Header.Get("Content-Encoding") != "" {
		t.Error("compressed all the same")
	}
}

// The access log counts the bytes that are sent.
func TestCompressedBytesAreLogged(t *testing.T) {
	r := start(t, "")
	got := r.post(t, "{ long(bytes: 20000) }", "Accept-Encoding", "gzip")
	if want := " bytes=" + got.Header.Get("Content-Length") + " "; !strings.Contains(r.log.String(), want) || got.Header.Get("Content-Length") == "" {
		t.Errorf("the log has no %q:\n%s", want, r.log)
	}
}

func TestCompressedBodies(t *testing.T) {
	r := start(t, "batching: {enabled: true}\n")
	body := `{"query":"{ greeting }"}`
	for _, coding := range []string{"gzip", "deflate", "zstd"} {
		text := deflated(t, coding, strings.NewReader(body))
		r.send(t, http.MethodPost, "/graphql", text, "Content-Encoding", coding).check(t, coding, 200, "hello")
		r.send(t, http.MethodPost, "/graphql", text, "Content-Encoding", coding, "Accept", "text/event-stream").check(t, coding+", events", 200, "hello")
		r.send(t, http.MethodPost, "/graphql", text[:len(text)/2], "Content-Encoding", coding).check(t, coding+", cut", 400, "BAD_REQUEST")
		twice := deflated(t, coding, strings.NewReader(text))
		got := r.send(t, http.MethodPost, "/graphql", twice, "Content-Encoding", coding+", "+coding)
		got.check(t, coding+", twice", 415, "BAD_REQUEST")
		if got.Header.Get("Accept-Encoding") != "gzip, deflate, zstd" {
			t.Errorf("%v", got.Header)
		}
	}
	r.send(t, http.MethodPost, "/graphql", body, "Content-Encoding", "identity").check(t, "identity", 200, "hello")
	r.send(t, http.MethodPost, "/graphql", body, "Content-Encoding", "br").check(t, "br", 415, "BAD_REQUEST")
	r = start(t, "edge: {inflation: {disabled: true}}\n")
	got := r.send(t, http.MethodPost, "/graphql", deflated(t, "gzip", strings.NewReader(body)), "Content-Encoding", "gzip")
	got.check(t, "off", 415, "BAD_REQUEST")
}

// zeros is a body that gets very short.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Bodies that get longer than they may are refused on every road, and cost little.
func TestBombs(t *testing.T) {
	r := start(t, "batching: {enabled: true}\nuploads: {enabled: true}\n")
	for _, coding := range []string{"gzip", "deflate", "zstd"} {
		bomb := deflated(t, coding, io.LimitReader(zeros{}, 64<<20))
		if len(bomb) > 128<<10 {
			t.Fatalf("%s: %d bytes", coding, len(bomb))
		}
		for name, header := range map[string][]string{
			"POST":   nil,
			"events": {"Accept", "text/event-stream"},
			"parts":  {"Accept", "multipart/mixed"},
			"files":  {"Content-Type", "multipart/form-data; boundary=x", "Apollo-Require-Preflight", "1"},
		} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := r.send(t, http.MethodPost, "/graphql", bomb, append([]string{"Content-Encoding", coding}, header...)...)
			runtime.ReadMemStats(&after)
			if name == "files" {
				got.check(t, coding+", "+name, 400, "is missing")
			} else {
				got.check(t, coding+", "+name, 413, "REQUEST_TOO_LARGE")
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 12<<20 {
				t.Errorf("%s, %s: %d bytes of memory", coding, name, used)
			}
		}
	}
}
