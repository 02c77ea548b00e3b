package multipart_test

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	stdmultipart "mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/upstreams/multipart"
)

func file(name, kind, text string) graphql.Upload {
	return graphql.Upload{File: strings.NewReader(text), Filename: name, ContentType: kind, Size: int64(len(text))}
}

// read gives the parts of a body as another implementation understands them: name|filename|type|text.
func read(t *testing.T, b *multipart.Body) []string {
	t.Helper()
	_, params, err := mime.ParseMediaType(b.ContentType())
	if err != nil {
		t.Fatal(err)
	}
	length := b.Length()
	text, err := io.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	if length >= 0 && length != int64(len(text)) {
		t.Errorf("the length is %d, not %d", len(text), length)
	}
	var parts []string
	for r := stdmultipart.NewReader(strings.NewReader(string(text)), params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		} else if err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		if len(p.Header) > 2 {
			t.Errorf("headers: %v", p.Header)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, strings.Join([]string{p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(content)}, "|"))
	}
}

func TestParts(t *testing.T) {
	args := map[string]any{
		"title": "A \"title\"\r\n--x", "count": json.Number("7"), "ratio": 1.5, "big": int64(1) << 60, "yes": true, "none": nil,
		"tags": []any{"a", "b", nil}, "size": map[string]any{"w": 1, "h": []any{2, "<"}}, "lists": []any{[]any{1, 2}},
		"photo": file("p.png", "image/png", "PNG"),
		"more":  []any{file("a.txt", "text/plain; charset=utf-8", "aa"), file("", "", "")},
		"input": map[string]any{"name": "n", "file": file("i", "x/y", "I")},
	}
	b, err := multipart.New(multipart.FromArgs(args, []string{"title", "count", "ratio", "big", "yes", "none", "absent", "tags", "size", "lists", "photo", "more", "input"}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"title|||A \"title\"\r\n--x", "count|||7", "ratio|||1.5", "big|||1152921504606846976", "yes|||true", "tags|||a", "tags|||b",
		`size||application/json|{"h":[2,"<"],"w":1}`, "lists||application/json|[1,2]",
		"photo|p.png|image/png|PNG", "more|a.txt|text/plain; charset=utf-8|aa", "more|file|application/octet-stream|",
		"input.file|i|x/y|I", "input.name|||n",
	}
	if got := read(t, b); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n, err := b.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d %v", n, err)
	}
}

// What a client calls its file stays one value of one header.
func TestNamesCannotBreakOut(t *testing.T) {
	for _, name := range []string{"a\"; name=\"admin", "a\r\nX-Injected: 1\r\n\r\nbody", "\x00", "a\nb", `a\"b`, "ü☃.txt", strings.Repeat("n", 300)} {
		b, err := multipart.New([]multipart.Field{{"f", file(name, "text/plain\r\nX-Injected: 1", "x")}, {"a\"\r\nb", "y"}})
		if err != nil {
			t.Fatal(err)
		}
		parts := read(t, b)
		if len(parts) != 2 || !strings.HasPrefix(parts[0], "f|") || !strings.HasSuffix(parts[0], "|application/octet-stream|x") || strings.Contains(parts[0], "Injected: 1\r\n") {
			t.Errorf("%q: %q", name, parts)
		}
	}
}

func TestEmptyForm(t *testing.T) {
	b, err := multipart.New(nil)
	if err != nil || len(read(t, b)) != 0 {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	if _, err := multipart.New([]multipart.Field{{"f", func() {}}}); err == nil || !strings.Contains(err.Error(), "field f") {
		t.Error(err)
	}
	broken := errors.New("cut")
	b, _ := multipart.New([]multipart.Field{{"f", graphql.Upload{File: seeker{iotest.ErrReader(broken)}, Size: -1}}})
	if b.Length() != -1 {
		t.Error("a length is known")
	}
	if _, err := io.ReadAll(b); !errors.Is(err, broken) {
		t.Error(err)
	}
	b, _ = multipart.New([]multipart.Field{{"f", "x"}})
	b.Close()
	if _, err := io.ReadAll(b); err == nil {
		t.Error("a closed body is read")
	}
}

type seeker struct{ io.Reader }

func (seeker) Seek(int64, int) (int64, error) { return 0, nil }

// Through a real exchange, in chunks, as a service sees it.
func TestServiceReadsIt(t *testing.T) {
	got := make(chan string, 1)
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		f, head, err := r.FormFile("photo")
		if err != nil {
			got <- err.Error()
			return
		}
		text, _ := io.ReadAll(f)
		got <- r.FormValue("title") + "|" + head.Filename + "|" + string(text)
	}))
	defer service.Close()
	u := file("p.png", "image/png", strings.Repeat("x", 100_000))
	u.Size = -1
	b, _ := multipart.New([]multipart.Field{{"title", "T"}, {"photo", u}})
	res, err := http.Post(service.URL, b.ContentType(), b)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if text := <-got; text != "T|p.png|"+strings.Repeat("x", 100_000) {
		t.Errorf("%.100s", text)
	}
}

func FuzzNames(f *testing.F) {
	f.Add("f", "a.txt", "text/plain", "text")
	f.Add("\x10", "a.txt", "text/plain", "text") // a control character, which net/http takes in no header
	f.Fuzz(func(t *testing.T, name, filename, kind, text string) {
		b, err := multipart.New([]multipart.Field{{name, file(filename, kind, text)}, {name, text}})
		if err != nil {
			return
		}
		if n := len(read(t, b)); n != 2 {
			t.Errorf("%d parts", n)
		}
	})
}
