package edge_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"
)

// form writes a request with files.
func form(t testing.TB, operations, paths string, files ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	field := func(name, text string) {
		if err := w.WriteField(name, text); err != nil {
			t.Fatal(err)
		}
	}
	field("operations", operations)
	field("map", paths)
	for i, text := range files {
		part, err := w.CreateFormFile(fmt.Sprint(i), fmt.Sprintf("file%d.txt", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

const (
	storeOne = `{"query":"mutation($file: Upload!) { store(file: $file) }","variables":{"file":null}}`
	oneFile  = `{"0":["variables.file"]}`
)

func TestUploads(t *testing.T) {
	r := start(t, `
server: {max_body_bytes: 10KiB}
uploads: {enabled: true, max_files: 3, max_file_bytes: 1MiB, max_bytes: 2MiB}
batching: {enabled: true}
documents: {trusted: {manifests: [`+write(t, "m.json", `{"known":"mutation($file: Upload!) { store(file: $file) }"}`)+`]}}
`)
	long := strings.Repeat("0123456789abcdef", 50_000)
	told := func(name, text string) string {
		sum := sha256.Sum256([]byte(text))
		return fmt.Sprintf("%s application/octet-stream %d %x", name, len(text), sum[:4])
	}
	for _, c := range []struct {
		name, operations, paths string
		files                   []string
		status                  int
		want                    string
	}{
		{"a file", storeOne, oneFile, []string{"hello"}, 200, told("file0.txt", "hello")},
		{"a long one", storeOne, oneFile, []string{long}, 200, told("file0.txt", long)},
		{"of a known document", `{"documentId":"known","variables":{"file":null}}`, oneFile, []string{"hello"}, 200, told("file0.txt", "hello")},
		{"two", `{"query":"mutation($files: [Upload!]!) { storeAll(files: $files) }","variables":{"files":[null,null]}}`,
			`{"0":["variables.files.0"],"1":["variables.files.1"]}`, []string{"a", "b"}, 200, told("file0.txt", "a")},
		{"missing", storeOne, oneFile, nil, 200, "is missing"},
		{"too long", storeOne, oneFile, []string{long + long}, 200, "over the limit of 1048576"},
		{"too many", `{"query":"mutation($files: [Upload!]!) { storeAll(files: $files) }","variables":{"files":[null,null,null,null]}}`,
			`{"0":["variables.files.0"],"1":["variables.files.1"],"2":["variables.files.2"],"3":["variables.files.3"]}`, []string{"a", "b", "c", "d"}, 413, "more than 3 files"},
		{"no file where one must be", storeOne, `{}`, nil, 200, "must not be null"},
		{"in a query", `{"query":"query($file: Upload) { hidden(file: $file) }","variables":{"file":null}}`, oneFile, []string{"x"}, 200, "can't be sent this way"},
		{"in place of a value", strings.Replace(storeOne, `"file":null`, `"file":"x"`, 1), oneFile, []string{"x"}, 400, "no variable that is null"},
		{"elsewhere", storeOne, `{"0":["query"]}`, []string{"x"}, 400, "must lead to variables"},
		{"operations that are too long", storeOne + strings.Repeat(" ", 11<<10), oneFile, []string{"x"}, 413, "over the limit"},
		{"operations with a member twice", strings.Replace(storeOne, "{", `{"query":"x",`, 1), oneFile, []string{"x"}, 400, "twice"},
		{"a batch", "[" + storeOne + "]", `{"0":["0.variables.file"]}`, []string{"x"}, 400, "BAD_REQUEST"},
	} {
		body, kind := form(t, c.operations, c.paths, c.files...)
		got := r.send(t, http.MethodPost, "/graphql", body, "Content-Type", kind, "Apollo-Require-Preflight", "1")
		got.check(t, c.name, c.status, c.want)
		// Clients that take answers in parts, and event streams, send files in the same way.
		got = r.send(t, http.MethodPost, "/graphql", body, "Content-Type", kind, "Apollo-Require-Preflight", "1", "Accept", "multipart/mixed, application/json")
		got.check(t, c.name+", parts", c.status, c.want)
		r.send(t, http.MethodPost, "/graphql", body, "Content-Type", kind).check(t, c.name+", without the header", 400, "Apollo-Require-Preflight")
	}
	r.send(t, http.MethodPost, "/graphql", strings.Repeat(" ", 11<<10)).check(t, "a body without files", 413, "10240")
	body, kind := form(t, storeOne, oneFile, "x")
	off := start(t, "").send(t, http.MethodPost, "/graphql", body, "Content-Type", kind, "Apollo-Require-Preflight", "1")
	off.check(t, "uploads are off", 415, "application/json")
}

// Where only trusted documents run, a form is no way around it.
func TestUploadsAreTrustedOnly(t *testing.T) {
	r := start(t, withDocuments(t, "    mode: enforce")+"uploads: {enabled: true}\n")
	body, kind := form(t, storeOne, oneFile, "x")
	got := r.send(t, http.MethodPost, "/graphql", body, "Content-Type", kind, "Apollo-Require-Preflight", "1")
	got.check(t, "a stranger", 200, "QUERY_NOT_IN_SAFELIST")
}

// A file that comes slowly has longer than a request without one.
func TestSlowUpload(t *testing.T) {
	r := start(t, "uploads: {enabled: true}\nserver: {read_header_timeout: 100ms, read_timeout: 100ms, operation_timeout: 100ms}\n")
	body, kind := form(t, storeOne, oneFile, strings.Repeat("x", 1000))
	reader, writer := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.address+"/graphql", reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Apollo-Require-Preflight", "1")
	go func() {
		_, _ = io.WriteString(writer, body[:len(body)/2])
		for range 3 { // as long as it takes until who sends no more than half a request is cut off
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.address)
			if err != nil {
				break
			}
			_, _ = io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nContent-Type: application/json\r\n\r\n12345")
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
		_, _ = io.WriteString(writer, body[len(body)/2:])
		_ = writer.Close()
	}()
	res, err := plain.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if !strings.Contains(string(text), "1000") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}
