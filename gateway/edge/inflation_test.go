package edge_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/tributary-gateway/tributary/gateway/edge"
)

func deflate(coding string, r io.Reader) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "zstd":
		w = must(zstd.NewWriter(&b, zstd.WithWindowSize(1<<20)))
	default:
		return must(io.ReadAll(r))
	}
	_, _ = io.Copy(w, r)
	_ = w.Close()
	return b.Bytes()
}

// echo answers with the body, or with why it can't be read.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case r.Header.Get("Content-Encoding") != "":
		w.WriteHeader(http.StatusTeapot)
	default:
		_, _ = w.Write(body)
	}
}

func TestInflate(t *testing.T) {
	const limit = 128 << 10
	url := serve(t, echo, must(edge.Inflate(edge.Inflation{}, limit)))
	text := `{"query":"{ posts { id } }"}`
	noise := strings.Repeat("0123456789abcdef-x", limit/18)
	for _, c := range []struct {
		name, header string
		body         []byte
		status       int
		want         string
	}{
		{"none", "", []byte(text), 200, text},
		{"identity", "identity", []byte(text), 200, text},
		{"gzip", "gzip", deflate("gzip", strings.NewReader(text)), 200, text},
		{"gzip again", "gzip", deflate("gzip", strings.NewReader(text)), 200, text},
		{"x-gzip", "X-GZIP", deflate("gzip", strings.NewReader(text)), 200, text},
		{"deflate", "deflate", deflate("deflate", strings.NewReader(text)), 200, text},
		{"zstd", "zstd", deflate("zstd", strings.NewReader(text)), 200, text},
		{"zstd again", "zstd", deflate("zstd", strings.NewReader(text)), 200, text},
		{"br", "br", []byte(text), 415, ""},
		{"two", "gzip, gzip", deflate("gzip", bytes.NewReader(deflate("gzip", strings.NewReader(text)))), 415, ""},
		{"nonsense", "gzip;q=1", deflate("gzip", strings.NewReader(text)), 415, ""},
		{"empty", "gzip", nil, 400, ""},
		{"a lie", "gzip", []byte(text), 400, ""},
		{"a lie", "zstd", []byte(text), 400, ""},
		{"a lie", "deflate", []byte(text), 400, ""},
		{"cut", "gzip", deflate("gzip", strings.NewReader(text))[:20], 400, ""},
		{"cut", "zstd", deflate("zstd", strings.NewReader(text))[:12], 400, ""},
		{"spoilt", "gzip", append(deflate("gzip", strings.NewReader(text))[:30], 1, 2, 3, 4, 5, 6, 7, 8, 9), 400, ""},
		{"ratio", "zstd", deflate("zstd", strings.NewReader(noise)), 413, ""},
		{"just fits", "gzip", deflate("gzip", strings.NewReader(noiseOf(limit))), 200, noiseOf(limit)},
		{"one too many", "gzip", deflate("gzip", strings.NewReader(noiseOf(limit+1))), 413, ""},
	} {
		res, data := ask(t, "POST", url, map[string]string{"Content-Encoding": c.header}, bytes.NewReader(c.body))
		if res.StatusCode != c.status {
			t.Errorf("%s %s: status %d, want %d: %.200s", c.name, c.header, res.StatusCode, c.status, data)
		}
		if c.status == 200 && string(data) != c.want {
			t.Errorf("%s %s: read %.80q", c.name, c.header, data)
		}
		if c.status == 415 && (res.Header.Get("Accept-Encoding") != "gzip, deflate, zstd" || !strings.Contains(string(data), "BAD_REQUEST")) {
			t.Errorf("%s: %v %s", c.name, res.Header, data)
		}
	}
}

// noiseOf is n bytes that don't get smaller, the same each time.
func noiseOf(n int) string {
	text, x := make([]byte, n), uint32(2463534242)
	for i := range text {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		text[i] = byte(x)
	}
	return string(text)
}

func TestInflateDisabled(t *testing.T) {
	url := serve(t, echo, must(edge.Inflate(edge.Inflation{Disabled: true}, 1000)))
	res, _ := ask(t, "POST", url, map[string]string{"Content-Encoding": "gzip"}, bytes.NewReader(deflate("gzip", strings.NewReader("x"))))
	if res.StatusCode != http.StatusUnsupportedMediaType || res.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A bomb costs what the limit allows and no more, whatever it would become.
func TestInflateHoldsBombs(t *testing.T) {
	for _, coding := range []string{"gzip", "deflate", "zstd"} {
		bomb := deflate(coding, io.LimitReader(zeros{}, 60<<20))
		url := serve(t, echo, must(edge.Inflate(edge.Inflation{}, 128<<10)))
		ask(t, "POST", url, map[string]string{"Content-Encoding": coding}, bytes.NewReader(bomb)) // what is made once
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		res, _ := ask(t, "POST", url, map[string]string{"Content-Encoding": coding}, bytes.NewReader(bomb))
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: status %d", coding, res.StatusCode)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%s: a bomb of %d bytes took %d bytes of memory", coding, len(bomb), used)
		}
		if took > 5*time.Second { // 2 ms on an idle machine; inflating all of it would take longer
			t.Errorf("%s: took %v", coding, took)
		}
	}
}

// A zstd frame that wants a window of 2 GB gets none.
func TestInflateHoldsWindows(t *testing.T) {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00}
	url := serve(t, echo, must(edge.Inflate(edge.Inflation{}, 128<<10)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, _ := ask(t, "POST", url, map[string]string{"Content-Encoding": "zstd"}, bytes.NewReader(frame))
	runtime.ReadMemStats(&after)
	if res.StatusCode != http.StatusBadRequest || after.TotalAlloc-before.TotalAlloc > 8<<20 {
		t.Errorf("status %d, %d bytes", res.StatusCode, after.TotalAlloc-before.TotalAlloc)
	}
}

func FuzzInflate(f *testing.F) {
	for _, coding := range []string{"gzip", "deflate", "zstd"} {
		f.Add(coding, deflate(coding, strings.NewReader("hello hello hello")))
	}
	const limit = 64 << 10
	wrap := must(edge.Inflate(edge.Inflation{}, limit))
	f.Fuzz(func(t *testing.T, coding string, body []byte) {
		h := wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if text, _ := io.ReadAll(r.Body); len(text) > limit {
				t.Errorf("%d bytes of %d", len(text), len(body))
			}
		}))
		r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, "/", io.LimitReader(bytes.NewReader(body), limit)))
		r.Header.Set("Content-Encoding", coding)
		h.ServeHTTP(&sink{header: http.Header{}}, r)
	})
}
