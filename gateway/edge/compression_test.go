package edge_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tributary-gateway/tributary/gateway/edge"
)

// serve starts a real server over a handler with middleware around it.
func serve(t testing.TB, h http.HandlerFunc, wraps ...edge.Middleware) string {
	t.Helper()
	var handler http.Handler = h
	for _, wrap := range wraps {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// plainClient adds and takes away nothing.
var plainClient = &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}

func ask(t testing.TB, method, url string, header map[string]string, body io.Reader) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := plainClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, data
}

func inflate(t testing.TB, coding string, data []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(data)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderConcurrency(1))
	case "br":
		r = brotli.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	return string(text)
}

func answerOf(n int) string {
	return `{"data":"` + strings.Repeat("orders and users, ", n/18+1)[:n-11] + `"}`
}

func TestCompressChoosesTheCoding(t *testing.T) {
	wrap := must(edge.Compress(edge.Compression{}))
	text := answerOf(20_000)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = io.WriteString(w, text)
	}, wrap)
	for accept, want := range map[string]string{
		"":                             "",
		"gzip":                         "gzip",
		"x-gzip":                       "gzip",
		"GZIP":                         "gzip",
		"br":                           "br",
		"zstd":                         "zstd",
		"gzip, deflate, br, zstd":      "zstd",
		"gzip, deflate, br":            "gzip",
		"gzip;q=0.5, br;q=0.6":         "br",
		"gzip;q=0, br;q=0":             "",
		"zstd;q=0, *":                  "gzip",
		"*":                            "zstd",
		"*;q=0":                        "",
		"identity":                     "",
		"deflate, compress":            "",
		"gzip;q=2, br;q=nan":           "",
		"gzip;q=":                      "",
		"gzip;q=1e0":                   "",
		"gzip;level=9":                 "",
		"gzip ; q=0.001":               "gzip",
		"zstd;q=0.1,gzip;Q=1.000":      "gzip",
		strings.Repeat("a,", 5000):     "",
		strings.Repeat("*;q=0,", 2000): "",
	} {
		res, data := ask(t, "GET", url, map[string]string{"Accept-Encoding": accept}, nil)
		coding := res.Header.Get("Content-Encoding")
		if coding != want {
			t.Errorf("%.30q: got %q, want %q", accept, coding, want)
		}
		if got := inflate(t, coding, data); got != text {
			t.Errorf("%.30q: the answer is another", accept)
		}
		if res.ContentLength != int64(len(data)) {
			t.Errorf("%.30q: Content-Length %d, came %d", accept, res.ContentLength, len(data))
		}
		if want != "" && len(data) > len(text)/5 {
			t.Errorf("%.30q: %d bytes of %d", accept, len(data), len(text))
		}
		if res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%.30q: Vary %q", accept, res.Header.Values("Vary"))
		}
	}
}

func TestCompressLeavesAloneWhatItShould(t *testing.T) {
	wrap := must(edge.Compress(edge.Compression{}))
	long := answerOf(5000)
	for name, c := range map[string]struct {
		method  string
		header  map[string]string
		status  int
		text    string
		coded   bool
		varying bool
	}{
		"short":              {text: answerOf(1023), varying: true},
		"long enough":        {text: answerOf(1024), coded: true, varying: true},
		"error":              {text: long, status: 400, coded: true, varying: true},
		"a picture":          {text: long, header: map[string]string{"Content-Type": "image/png"}},
		"no type":            {text: long, header: map[string]string{"Content-Type": ""}},
		"compressed already": {text: long, header: map[string]string{"Content-Encoding": "br"}},
		"no-transform":       {text: long, header: map[string]string{"Cache-Control": "max-age=5, No-Transform"}},
		"a range":            {text: long, status: 206, header: map[string]string{"Content-Range": "bytes 0-4999/10000"}},
		"events":             {text: long, header: map[string]string{"Content-Type": "text/event-stream"}},
		"head":               {method: "HEAD", text: long, varying: true},
		"graphql":            {text: long, header: map[string]string{"Content-Type": "application/graphql-response+json"}, coded: true, varying: true},
	} {
		for _, sized := range []bool{true, false} {
			t.Run(fmt.Sprint(name, sized), func(t *testing.T) {
				url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					for name, value := range c.header {
						w.Header().Set(name, value)
					}
					if sized {
						w.Header().Set("Content-Length", strconv.Itoa(len(c.text)))
					}
					if c.status != 0 {
						w.WriteHeader(c.status)
					}
					for i := 0; i < len(c.text); i += 700 {
						_, _ = io.WriteString(w, c.text[i:min(i+700, len(c.text))])
					}
				}, wrap)
				method := "GET"
				if c.method != "" {
					method = c.method
				}
				res, data := ask(t, method, url, map[string]string{"Accept-Encoding": "gzip"}, nil)
				if coded := res.Header.Get("Content-Encoding") == "gzip"; coded != c.coded {
					t.Errorf("compressed: %v", coded)
				}
				if varying := res.Header.Get("Vary") != ""; varying != c.varying {
					t.Errorf("Vary %q", res.Header.Values("Vary"))
				}
				if c.coded {
					data = []byte(inflate(t, "gzip", data))
				}
				if method == "GET" && string(data) != c.text {
					t.Errorf("the answer is another: %d bytes of %d", len(data), len(c.text))
				}
				if method == "HEAD" && sized && res.ContentLength != int64(len(c.text)) {
					t.Errorf("Content-Length %d", res.ContentLength)
				}
				if c.status != 0 && res.StatusCode != c.status {
					t.Errorf("status %d", res.StatusCode)
				}
			})
		}
	}
}

func TestCompressWithoutBody(t *testing.T) {
	wrap := must(edge.Compress(edge.Compression{}))
	for _, status := range []int{204, 304} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
		}, wrap)
		res, data := ask(t, "GET", url, map[string]string{"Accept-Encoding": "gzip"}, nil)
		if res.StatusCode != status || len(data) != 0 || res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%d: %d %v", status, res.StatusCode, res.Header)
		}
	}
}

func TestCompressWeakensETags(t *testing.T) {
	wrap := must(edge.Compress(edge.Compression{}))
	text := answerOf(4000)
	for given, want := range map[string]string{`"x"`: `W/"x"`, `W/"x"`: `W/"x"`} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("ETag", given)
			_, _ = io.WriteString(w, text)
		}, wrap)
		res, _ := ask(t, "GET", url, map[string]string{"Accept-Encoding": "br"}, nil)
		if got := res.Header.Get("ETag"); got != want {
			t.Errorf("%s became %s", given, got)
		}
		res, _ = ask(t, "GET", url, nil, nil)
		if got := res.Header.Get("ETag"); got != given {
			t.Errorf("%s became %s", given, got)
		}
	}
}

// A deferred part must reach the client when it is flushed, not when the answer ends.
func TestCompressSendsPartsAsTheyAreFlushed(t *testing.T) {
	wrap := must(edge.Compress(edge.Compression{}))
	for _, coding := range []string{"gzip", "br", "zstd"} {
		got := make(chan struct{})
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", `multipart/mixed; boundary="-"`)
			for range 2 {
				_, _ = io.WriteString(w, "part;")
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
				select {
				case <-got:
				case <-r.Context().Done():
					return
				}
			}
		}, wrap)
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		r.Header.Set("Accept-Encoding", coding)
		res, err := plainClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if res.Header.Get("Content-Encoding") != coding {
			t.Fatalf("%v", res.Header)
		}
		var from io.Reader
		switch coding {
		case "gzip":
			from = must(gzip.NewReader(res.Body))
		case "zstd":
			from = must(zstd.NewReader(res.Body, zstd.WithDecoderConcurrency(1)))
		case "br":
			from = brotli.NewReader(res.Body)
		}
		for range 2 {
			part := make([]byte, len("part;"))
			if _, err := io.ReadFull(from, part); err != nil || string(part) != "part;" {
				t.Fatalf("%s: %q %v", coding, part, err)
			}
			got <- struct{}{}
		}
		if rest, err := io.ReadAll(from); err != nil || len(rest) > 0 {
			t.Errorf("%s: %q %v", coding, rest, err)
		}
		res.Body.Close()
	}
}

// An answer that a handler leaves unfinished must not look whole because it was compressed.
func TestCompressCutsOffWhatIsNotWhole(t *testing.T) {
	wrap := must(edge.Compress(edge.Compression{}))
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "5000")
		_, _ = io.WriteString(w, answerOf(4000))
	}, wrap)
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := plainClient.Do(r)
	if err == nil {
		defer res.Body.Close()
		if _, err = io.ReadAll(res.Body); err == nil {
			t.Error("the answer looks whole")
		}
	}
}

// What answers for a panic must not be announced as compressed.
func TestCompressLeavesNothingBehindInAPanic(t *testing.T) {
	wrap := must(edge.Compress(edge.Compression{}))
	rescue := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					w.Header().Set("Content-Length", "4")
					w.WriteHeader(http.StatusInternalServerError)
					_, _ = io.WriteString(w, "oops")
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "5000")
		_, _ = io.WriteString(w, answerOf(4000))
		panic("broken")
	}, wrap, rescue)
	res, data := ask(t, "GET", url, map[string]string{"Accept-Encoding": "gzip"}, nil)
	if res.StatusCode != http.StatusInternalServerError || string(data) != "oops" || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("%d %q %v", res.StatusCode, data, res.Header)
	}
}

func TestCompressDisabled(t *testing.T) {
	wrap := must(edge.Compress(edge.Compression{Disabled: true}))
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answerOf(4000))
	}, wrap)
	if res, _ := ask(t, "GET", url, map[string]string{"Accept-Encoding": "gzip"}, nil); res.Header.Get("Content-Encoding") != "" {
		t.Error("compressed")
	}
}

// Whatever a client writes there, the answer can be read by the rule that it was sent by.
func FuzzAcceptEncoding(f *testing.F) {
	for _, seed := range []string{"gzip", "br;q=0.1, *", "zstd;q=0,gzip;;q=1", ",,;", "*;q=0.0001", "x-gzip;q=1.0;q=0"} {
		f.Add(seed)
	}
	wrap := must(edge.Compress(edge.Compression{MinBytes: 1}))
	h := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data":1}`)
	}))
	f.Fuzz(func(t *testing.T, accept string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		coding := w.Header().Get("Content-Encoding")
		if got := inflate(t, coding, w.Body.Bytes()); got != `{"data":1}` {
			t.Errorf("%s: %q", coding, got)
		}
		if coding != "" && !strings.Contains(strings.ToLower(accept), coding) && !strings.Contains(accept, "*") {
			t.Errorf("%q was answered in %s", accept, coding)
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"data":{"posts":[`)
	for i := range 200 {
		var id [6]byte
		_, _ = rand.Read(id[:])
		fmt.Fprintf(&text, `{"id":"%x","title":"Post number %d","author":{"id":"%d","name":"User %x"},"likes":%d},`, id, i, i*7, id[:2], i*i)
	}
	text.WriteString(`null]}}`)
	body := []byte(text.String())
	for _, level := range []edge.Level{edge.Fast, edge.Balanced} {
		for _, coding := range []string{"identity", "gzip", "zstd", "br"} {
			wrap := must(edge.Compress(edge.Compression{Level: level}))
			length := strconv.Itoa(len(body))
			h := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Length", length)
				_, _ = w.Write(body)
			}))
			b.Run(string(level)+"/"+coding, func(b *testing.B) {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.Header.Set("Accept-Encoding", coding)
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				sent := 0
				for b.Loop() {
					w := &sink{header: http.Header{}}
					h.ServeHTTP(w, r)
					sent = w.n
				}
				b.ReportMetric(float64(sent), "sent")
			})
		}
	}
}

type sink struct {
	header http.Header
	n      int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }
