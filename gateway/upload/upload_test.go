package upload_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/upload"
	forward "github.com/tributary-gateway/tributary/upstreams/multipart"
)

// parts writes a form: name, content, and a file's name when it has one.
type written struct{ name, text, file string }

func form(parts ...written) (contentType string, body []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q`, p.name)}}
		if p.file != "" {
			h.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename=%q`, p.name, p.file))
			h.Set("Content-Type", "text/plain")
		}
		part, _ := w.CreatePart(h)
		_, _ = io.WriteString(part, p.text)
	}
	_ = w.Close()
	return w.FormDataContentType(), b.Bytes()
}

func operations(variables string) written {
	return written{"operations", `{"query":"mutation($f: Upload) { add(f: $f) }","variables":` + variables + `}`, ""}
}

func open(t testing.TB, c upload.Config, contentType string, body io.Reader) (*upload.Form, *graphql.RawParams, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/graphql", body)
	r.Header.Set("Content-Type", contentType)
	f, err := upload.Open(httptest.NewRecorder(), r, c, 4096)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(f.Close)
	params := new(graphql.RawParams)
	if err := json.Unmarshal(f.Operations(), params); err != nil {
		return nil, nil, err
	}
	return f, params, f.Place(params)
}

func text(t testing.TB, value any) string {
	t.Helper()
	u, ok := value.(graphql.Upload)
	if !ok {
		t.Fatalf("%T is no file", value)
	}
	data, err := io.ReadAll(u.File)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOneFile(t *testing.T) {
	kind, body := form(operations(`{"f":null,"n":1}`), written{"map", `{"0":["variables.f"]}`, ""}, written{"0", "hello", "dir/../a.txt"})
	_, params, err := open(t, upload.Config{}, kind, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	u := params.Variables["f"].(graphql.Upload)
	if u.Filename != "a.txt" || u.ContentType != "text/plain" || u.Size != -1 {
		t.Errorf("%+v", u)
	}
	if got := text(t, u); got != "hello" {
		t.Errorf("%q", got)
	}
	if _, err := u.File.Seek(0, io.SeekStart); err == nil {
		t.Error("what was read as it came can be read again")
	}
	if _, err := graphql.UnmarshalUpload(params.Variables["f"]); err != nil {
		t.Error(err)
	}
}

func TestFilesInAnyOrder(t *testing.T) {
	big := strings.Repeat("0123456789", 20_000)
	for _, memory := range []int64{1, 100_000, 10 << 20} {
		for _, order := range [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b", "c", "a"}} {
			kind, body := form(operations(`{"a":null,"l":[null,{"c":null}]}`),
				written{"map", `{"x":["variables.a"],"y":["variables.l.0"],"z":["variables.l.1.c"]}`, ""},
				written{"x", "A" + big, "a"}, written{"y", "B" + big, "b"}, written{"z", "C" + big, "c"})
			folder := t.TempDir()
			f, params, err := open(t, upload.Config{MemoryBytes: memory, Folder: folder}, kind, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			list := params.Variables["l"].([]any)
			files := map[string]any{"a": params.Variables["a"], "b": list[0], "c": list[1].(map[string]any)["c"]}
			for _, name := range order {
				if got := text(t, files[name]); got != strings.ToUpper(name)+big {
					t.Errorf("%v: %s has %d bytes, %.5q", order, name, len(got), got)
				}
				if head, _, err := upload.Of(files[name].(graphql.Upload)).Head(); head != name || err != nil {
					t.Errorf("%s is named %q, %v", name, head, err)
				}
			}
			f.Close()
			if left, _ := os.ReadDir(folder); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		}
	}
}

// A file that several variables stand for is read by each from its beginning.
func TestOneFileForSeveralVariables(t *testing.T) {
	kind, body := form(operations(`{"a":null,"b":null}`), written{"map", `{"0":["variables.a","variables.b"]}`, ""}, written{"0", "hello", "a"})
	_, params, err := open(t, upload.Config{}, kind, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		u := params.Variables[name].(graphql.Upload)
		if got := text(t, u); got != "hello" || upload.Of(u).Size() != 5 {
			t.Errorf("%s: %q, %d", name, got, upload.Of(u).Size())
		}
	}
}

func TestSeek(t *testing.T) {
	kind, body := form(operations(`{"f":null}`), written{"map", `{"0":["variables.f"]}`, ""}, written{"0", "hello", "a"})
	_, params, err := open(t, upload.Config{}, kind, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	f := params.Variables["f"].(graphql.Upload).File
	if n, err := f.Seek(-2, io.SeekEnd); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	for _, want := range []string{"lo", "hello"} {
		got, err := io.ReadAll(f)
		if string(got) != want || err != nil {
			t.Errorf("%q %v", got, err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Error(err)
		}
	}
	if _, err := f.Seek(-1, io.SeekStart); err == nil {
		t.Error("before the beginning")
	}
}

// Readers that run beside each other get their own file each, whatever the order in which they ask.
func TestConcurrentReaders(t *testing.T) {
	const n = 8
	parts := []written{operations(`{"l":[` + strings.Repeat("null,", n-1) + `null]}`)}
	var entries []string
	for i := range n {
		entries = append(entries, fmt.Sprintf(`"%d":["variables.l.%d"]`, i, i))
	}
	parts = append(parts, written{"map", "{" + strings.Join(entries, ",") + "}", ""})
	for i := range n {
		parts = append(parts, written{fmt.Sprint(i), strings.Repeat(fmt.Sprint(i), 50_000+i), "f"})
	}
	kind, body := form(parts...)
	_, params, err := open(t, upload.Config{Folder: t.TempDir()}, kind, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i, value := range params.Variables["l"].([]any) {
		group.Go(func() {
			data, err := io.ReadAll(value.(graphql.Upload).File)
			if err != nil || string(data) != strings.Repeat(fmt.Sprint(i), 50_000+i) {
				t.Errorf("%d: %d bytes, %v", i, len(data), err)
			}
		})
	}
	group.Wait()
}

func TestRefusedAtOnce(t *testing.T) {
	ok := operations(`{"f":null,"l":[null],"s":"x","o":{}}`)
	file := written{"0", "x", "a"}
	m := func(text string) written { return written{"map", text, ""} }
	for name, c := range map[string]struct {
		parts []written
		kind  fail.Kind
	}{
		"nothing":            {nil, fail.BadRequest},
		"map first":          {[]written{m(`{"0":["variables.f"]}`), ok, file}, fail.BadRequest},
		"file first":         {[]written{file, ok, m(`{"0":["variables.f"]}`)}, fail.BadRequest},
		"no map":             {[]written{ok, file}, fail.BadRequest},
		"only operations":    {[]written{ok}, fail.BadRequest},
		"operations twice":   {[]written{ok, ok, m(`{}`)}, fail.BadRequest},
		"map is a list":      {[]written{ok, m(`[]`)}, fail.BadRequest},
		"map is cut":         {[]written{ok, m(`{"0":["variables.f"]`)}, fail.BadRequest},
		"map and more":       {[]written{ok, m(`{"0":["variables.f"]} 1`)}, fail.BadRequest},
		"paths no list":      {[]written{ok, m(`{"0":"variables.f"}`)}, fail.BadRequest},
		"no paths":           {[]written{ok, m(`{"0":[]}`)}, fail.BadRequest},
		"paths no texts":     {[]written{ok, m(`{"0":[1]}`)}, fail.BadRequest},
		"file twice":         {[]written{ok, m(`{"0":["variables.f"],"0":["variables.l.0"]}`)}, fail.BadRequest},
		"variable twice":     {[]written{ok, m(`{"0":["variables.f"],"1":["variables.f"]}`)}, fail.BadRequest},
		"not null":           {[]written{ok, m(`{"0":["variables.s"]}`), file}, fail.BadRequest},
		"an object":          {[]written{ok, m(`{"0":["variables.o"]}`), file}, fail.BadRequest},
		"not there":          {[]written{ok, m(`{"0":["variables.g"]}`), file}, fail.BadRequest},
		"prototype":          {[]written{ok, m(`{"0":["variables.__proto__.polluted"]}`), file}, fail.BadRequest},
		"constructor":        {[]written{ok, m(`{"0":["variables.o.constructor.prototype.x"]}`), file}, fail.BadRequest},
		"length":             {[]written{ok, m(`{"0":["variables.l.length"]}`), file}, fail.BadRequest},
		"beyond the list":    {[]written{ok, m(`{"0":["variables.l.1"]}`), file}, fail.BadRequest},
		"negative":           {[]written{ok, m(`{"0":["variables.l.-1"]}`), file}, fail.BadRequest},
		"an odd number":      {[]written{ok, m(`{"0":["variables.l.00"]}`), file}, fail.BadRequest},
		"a huge number":      {[]written{ok, m(`{"0":["variables.l.99999999999999999999"]}`), file}, fail.BadRequest},
		"below a text":       {[]written{ok, m(`{"0":["variables.s.0"]}`), file}, fail.BadRequest},
		"not variables":      {[]written{ok, m(`{"0":["query"]}`), file}, fail.BadRequest},
		"all variables":      {[]written{ok, m(`{"0":["variables"]}`), file}, fail.BadRequest},
		"extensions":         {[]written{ok, m(`{"0":["extensions.x"]}`), file}, fail.BadRequest},
		"a batch":            {[]written{ok, m(`{"0":["0.variables.f"]}`), file}, fail.BadRequest},
		"deep":               {[]written{ok, m(`{"0":["variables` + strings.Repeat(".a", 100) + `"]}`), file}, fail.BadRequest},
		"long":               {[]written{ok, m(`{"0":["variables.` + strings.Repeat("a", 1000) + `"]}`), file}, fail.BadRequest},
		"an empty step":      {[]written{ok, m(`{"0":["variables..f"]}`), file}, fail.BadRequest},
		"many paths":         {[]written{ok, m(`{"0":["` + strings.Repeat(`variables.f","`, 20) + `x"]}`)}, fail.TooLarge},
		"a huge map":         {[]written{ok, m(`{"0":["` + strings.Repeat("a", 40_000) + `"]}`)}, fail.TooLarge},
		"huge operations":    {[]written{{"operations", strings.Repeat(" ", 5000), ""}, m(`{}`)}, fail.TooLarge},
		"a huge head":        {[]written{{strings.Repeat("o", 100_000), "", ""}}, fail.TooLarge},
		"many null variable": {[]written{operations(`null`), m(`{"0":["variables.f"]}`), file}, fail.BadRequest},
	} {
		kind, body := form(c.parts...)
		_, _, err := open(t, upload.Config{}, kind, bytes.NewReader(body))
		var refused *fail.Error
		if !errors.As(err, &refused) || refused.Kind != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, kind := range []string{"", "multipart/form-data", "multipart/mixed; boundary=x", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + strings.Repeat("x", 100), "application/json"} {
		if _, _, err := open(t, upload.Config{}, kind, strings.NewReader("")); fail.KindOf(err) != fail.BadRequest {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// What is wrong with a file shows when it is read.
func TestRefusedWhileReading(t *testing.T) {
	m := written{"map", `{"0":["variables.a"],"1":["variables.b"]}`, ""}
	ops := operations(`{"a":null,"b":null}`)
	config := upload.Config{MaxFileBytes: 1000, MaxBytes: 1500}
	long := strings.Repeat("x", 1001)
	for name, c := range map[string]struct {
		parts []written
		cut   int
		a, b  string // errors of reading each; "" for none
	}{
		"fine":           {[]written{{"0", long[1:], "a"}, {"1", long[501:], "b"}}, 0, "", ""},
		"first too long": {[]written{{"0", long, "a"}, {"1", "x", "b"}}, 0, "over the limit of 1000", "over the limit of 1000"},
		"too much":       {[]written{{"0", long[1:], "a"}, {"1", long[500:], "b"}}, 0, "", "over the limit of 1500"},
		"one is missing": {[]written{{"0", "x", "a"}}, 0, "", "is missing"},
		"one too many":   {[]written{{"0", "x", "a"}, {"2", "x", "c"}, {"1", "x", "b"}}, 0, "", "doesn't name"},
		"twice":          {[]written{{"0", "x", "a"}, {"0", "x", "a"}, {"1", "x", "b"}}, 0, "", "there twice"},
		"cut":            {[]written{{"0", "x", "a"}, {"1", long[:900], "b"}}, 300, "", "in the middle"},
	} {
		kind, body := form(append([]written{ops, m}, c.parts...)...)
		_, params, err := open(t, config, kind, bytes.NewReader(body[:len(body)-c.cut]))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for variable, want := range map[string]string{"a": c.a, "b": c.b} {
			if variable == "b" {
				continue
			}
			_, err := io.ReadAll(params.Variables[variable].(graphql.Upload).File)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %s: %v, want %q", name, variable, err, want)
			}
		}
		_, err = io.ReadAll(params.Variables["b"].(graphql.Upload).File)
		if (err == nil) != (c.b == "") || err != nil && (!strings.Contains(err.Error(), c.b) || fail.KindOf(err) == fail.Internal) {
			t.Errorf("%s: b: %v, want %q", name, err, c.b)
		}
	}
}

func TestClosedFormsGiveNothing(t *testing.T) {
	kind, body := form(operations(`{"f":null}`), written{"map", `{"0":["variables.f"]}`, ""}, written{"0", "hello", "a"})
	f, params, err := open(t, upload.Config{}, kind, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := io.ReadAll(params.Variables["f"].(graphql.Upload).File); err == nil {
		t.Error("a file outlives its request")
	}
}

// A hundred megabytes pass without being kept anywhere, and as fast as the service reads.
func TestStreamsOnToAService(t *testing.T) {
	const size = 64 << 20
	received := make(chan int64, 1)
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reader, err := r.MultipartReader()
		if err != nil {
			t.Error(err)
			return
		}
		var n int64
		for {
			p, err := reader.NextPart()
			if err != nil {
				break
			}
			if p.FormName() == "file" && p.FileName() == "big.bin" {
				n, _ = io.Copy(io.Discard, p)
			}
		}
		received <- n
	}))
	defer service.Close()
	folder := t.TempDir()
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := upload.Open(w, r, upload.Config{MaxFileBytes: size, MaxBytes: size, Folder: folder}, 4096)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		params := new(graphql.RawParams)
		if err := errors.Join(json.Unmarshal(f.Operations(), params), f.Place(params)); err != nil {
			t.Error(err)
			return
		}
		body, err := forward.New(forward.FromArgs(map[string]any{"title": "T", "file": params.Variables["f"]}, []string{"title", "file"}))
		if err != nil || body.Length() != -1 {
			t.Error(err, body.Length())
			return
		}
		res, err := http.Post(service.URL, body.ContentType(), body)
		if err != nil {
			t.Error(err)
			return
		}
		res.Body.Close()
	}))
	defer gateway.Close()
	head, whole := form(operations(`{"f":null}`), written{"map", `{"0":["variables.f"]}`, ""}, written{"0", "@@", "big.bin"})
	before, after, _ := bytes.Cut(whole, []byte("@@"))
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	res, err := http.Post(gateway.URL, head, io.MultiReader(bytes.NewReader(before), io.LimitReader(zeros{}, size), bytes.NewReader(after)))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	runtime.ReadMemStats(&end)
	if n := <-received; n != size {
		t.Errorf("the service got %d bytes", n)
	}
	if used := end.TotalAlloc - start.TotalAlloc; used > 8<<20 {
		t.Errorf("%d bytes of memory for a file that passes", used)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestIs(t *testing.T) {
	for kind, want := range map[string]bool{"multipart/form-data; boundary=x": true, "Multipart/Form-Data; boundary=x": true, "multipart/mixed; boundary=x": false, "application/json": false, "": false} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Content-Type", kind)
		if upload.Is(r) != want {
			t.Errorf("%s: %v", kind, !want)
		}
		r.Method = http.MethodGet
		if upload.Is(r) {
			t.Errorf("GET %s", kind)
		}
	}
}

func TestConfig(t *testing.T) {
	if err := (upload.Config{}).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
	err := upload.Config{MaxFiles: -1, MaxFileBytes: 10, MaxBytes: 5, MemoryBytes: -1, Timeout: 1}.Validate()
	for _, key := range []string{"max_files: ", "max_file_bytes (10)", "memory_bytes: ", "timeout: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("no %q in %v", key, err)
		}
	}
	if n := (upload.Config{}).MaxRequestBytes(1000); n < 50<<20 || n > 51<<20 {
		t.Errorf("%d", n)
	}
}

func FuzzForm(f *testing.F) {
	for _, m := range []string{`{"0":["variables.f"]}`, `{"0":["variables.l.0","variables.f"]}`} {
		_, body := form(operations(`{"f":null,"l":[null]}`), written{"map", m, ""}, written{"0", "x", "a"})
		boundary, _, _ := bytes.Cut(body[2:], []byte("\r\n"))
		f.Add(bytes.ReplaceAll(body, boundary, []byte("x")))
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, body []byte) {
		form, params, err := open(t, upload.Config{MaxFileBytes: 1000, MaxBytes: 2000, MemoryBytes: 10, Folder: folder}, "multipart/form-data; boundary=x", bytes.NewReader(body))
		if err != nil {
			return
		}
		defer form.Close()
		total := 0
		var walk func(v any)
		walk = func(v any) {
			switch v := v.(type) {
			case graphql.Upload:
				data, err := io.ReadAll(v.File)
				if len(data) > 1000 {
					t.Errorf("a file of %d bytes, %v", len(data), err)
				}
				total++
			case []any:
				for _, item := range v {
					walk(item)
				}
			case map[string]any:
				for _, item := range v {
					walk(item)
				}
			}
		}
		walk(params.Variables)
		if total > 10 {
			t.Errorf("%d files", total)
		}
	})
}
