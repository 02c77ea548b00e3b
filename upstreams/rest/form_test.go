package rest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/multipart"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/transport"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// forms is a service that reads forms part by part, and answers with how many bytes there were.
func forms(t *testing.T, seen func(parts []string)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reader, err := r.MultipartReader()
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		total, buffer := int64(0), make([]byte, 32<<10)
		var parts []string
		for {
			part, err := reader.NextPart()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				panic(http.ErrAbortHandler)
			}
			n, start := int64(0), ""
			for {
				read, err := part.Read(buffer)
				if n += int64(read); len(start) < 40 {
					start += string(buffer[:read])
				}
				if errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					panic(http.ErrAbortHandler)
				}
			}
			total += n
			parts = append(parts, fmt.Sprintf("%s|%s|%s|%.40s", part.FormName(), part.FileName(), part.Header.Get("Content-Type"), start))
		}
		if seen != nil {
			seen(parts)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, total)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// stack is a client of a service with all that a transport has.
func stack(t *testing.T, address string) *rest.Client {
	t.Helper()
	c := transport.Default()
	c.Hedge.Enabled = true
	c.Breaker.Failures, c.Breaker.OpenFor = 3, time.Minute
	layers, err := transport.New(c, transport.Options{Service: "users", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(layers.Close)
	return newClient(t, address, func(s *rest.Service) { s.Transport, s.Timeout = layers, time.Minute })
}

// form is a request with a form.
func form(t *testing.T, change func(*rest.Request)) *rest.Request {
	t.Helper()
	r := &rest.Request{Method: http.MethodPost, Path: path(t, "/files"), Multipart: true}
	change(r)
	return r
}

func upload(name string, r io.ReadSeeker, size int64) graphql.Upload {
	return graphql.Upload{File: r, Filename: name, ContentType: "text/plain", Size: size}
}

func TestFieldsOfAForm(t *testing.T) {
	file := func(text string) graphql.Upload { return upload("a.txt", strings.NewReader(text), int64(len(text))) }
	for _, c := range []struct {
		name   string
		change func(*rest.Request)
		args   map[string]any
		want   []string
	}{
		{
			"arguments", func(r *rest.Request) { r.DefaultBody = []string{"title", "file", "none", "size"} },
			map[string]any{"file": file("x"), "title": "t", "none": nil, "size": int64(7)},
			[]string{"title|||t", "file|a.txt|text/plain|x", "size|||7"},
		},
		{
			"an input object", func(r *rest.Request) { r.BodyArg, r.BodyFields = "input", []string{"title", "files"} },
			map[string]any{"input": map[string]any{"files": []any{file("x"), file("y")}, "title": "t"}},
			[]string{"title|||t", "files|a.txt|text/plain|x", "files|a.txt|text/plain|y"},
		},
		{
			"a body", func(r *rest.Request) {
				body, err := template.NewValue(literal(t, `{a: "{file}", b: "{input.files.0}", c: {d: "{n}"}, e: "<{n}>", f: null, g: "{absent}", h: 1.50}`))
				if err != nil {
					t.Fatal(err)
				}
				r.Body = body
			},
			map[string]any{"file": file("x"), "n": int64(5), "input": map[string]any{"files": []any{file("y")}}},
			[]string{"a|a.txt|text/plain|x", "b|a.txt|text/plain|y", `c||application/json|{"d":5}`, "e|||<5>", "h|||1.50"},
		},
		{"nothing", func(r *rest.Request) { r.DefaultBody = []string{"file"} }, map[string]any{"file": nil}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			client := newClient(t, forms(t, func(parts []string) { got = parts }))
			_, err := client.Do(t.Context(), form(t, c.change), &template.Scope{Args: c.args}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatShouldBeAFile(t *testing.T) {
	client := newClient(t, forms(t, nil))
	r := form(t, func(r *rest.Request) { r.DefaultBody = []string{"file"} })
	_, err := client.Do(t.Context(), r, &template.Scope{Args: map[string]any{"file": multipart.NotFile{}}}, nil)
	if fail.KindOf(err) != fail.BadInput {
		t.Error(err)
	}
}

// coming is a file that comes from a client: how long it is nobody knows, and it can't be read again.
type coming struct {
	left int64
	end  error // instead of io.EOF
}

func (c *coming) Read(p []byte) (int, error) {
	if c.left == 0 {
		if c.end != nil {
			return 0, c.end
		}
		return 0, io.EOF
	}
	n := int(min(c.left, int64(len(p))))
	clear(p[:n])
	c.left -= int64(n)
	return n, nil
}

func (*coming) Seek(int64, int) (int64, error) { return 0, errors.New("it's gone") }
func (*coming) Head() (name, kind string, err error) {
	return "big.bin", "application/octet-stream", nil
}
func (*coming) Size() int64 { return -1 }

func TestAFileGoesOnAsItComes(t *testing.T) {
	const size = 64 << 20
	client := stack(t, forms(t, nil))
	r := form(t, func(r *rest.Request) { r.DefaultBody = []string{"file"} })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	v, err := client.Do(t.Context(), r, &template.Scope{Args: map[string]any{"file": upload("", &coming{left: size}, -1)}}, nil)
	runtime.ReadMemStats(&after)
	if n, _ := view.Int(v); err != nil || n != size {
		t.Errorf("got %d, %v", n, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("%d bytes of memory for a file of %d", used, size)
	}
}

// A form isn't sent again after an error, as what can be repeated is.
func TestAFormIsNeverRepeated(t *testing.T) {
	var requests atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(s.Close)
	r := form(t, func(r *rest.Request) { r.DefaultBody = []string{"file"} })
	_, err := stack(t, s.URL).Do(t.Context(), r, &template.Scope{Args: map[string]any{"file": upload("", &coming{left: 10}, -1)}}, nil)
	if fail.KindOf(err) != fail.UpstreamError || requests.Load() != 1 {
		t.Errorf("%d requests, %v", requests.Load(), err)
	}
}

// A client that breaks off, or sends too much, is no failure of the service's: its error is what the client gets, and the
// breaker stays closed.
func TestAFileThatDoesNotComeToItsEnd(t *testing.T) {
	client := stack(t, forms(t, nil))
	r := form(t, func(r *rest.Request) { r.DefaultBody = []string{"file"} })
	for range 10 {
		broken := upload("", &coming{left: 100 << 10, end: fail.New(fail.TooLarge, "The file is too large.")}, -1)
		_, err := client.Do(t.Context(), r, &template.Scope{Args: map[string]any{"file": broken}}, nil)
		if fail.KindOf(err) != fail.TooLarge {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := client.Do(t.Context(), r, &template.Scope{Args: map[string]any{"file": upload("", &coming{left: 10}, -1)}}, nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
