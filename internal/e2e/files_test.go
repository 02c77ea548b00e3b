package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// sendFiles sends a request of the multipart request specification: files are name and content in turn, the map's places
// are those of the files.
func sendFiles(t *testing.T, address, query, variables string, places []string, files ...string) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	operations, err := json.Marshal(map[string]any{"query": query, "variables": json.RawMessage(variables)})
	if err != nil {
		t.Fatal(err)
	}
	where := map[string][]string{}
	for i, place := range places {
		where[fmt.Sprint(i)] = []string{place}
	}
	index, err := json.Marshal(where)
	if err != nil {
		t.Fatal(err)
	}
	_ = form.WriteField("operations", string(operations))
	_ = form.WriteField("map", string(index))
	for i := 0; i < len(files); i += 2 {
		part, err := form.CreateFormFile(fmt.Sprint(i/2), files[i])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, files[i+1])
	}
	_ = form.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/graphql", &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Apollo-Require-Preflight", "1")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFilesReachTheService(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		parts, err := r.MultipartReader()
		if err != nil {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		all := []string{r.Method + " " + r.URL.Path}
		for {
			part, err := parts.NextPart()
			if err != nil {
				break
			}
			content, _ := io.ReadAll(part)
			all = append(all, fmt.Sprintf("%s|%s|%s", part.FormName(), part.FileName(), content))
		}
		text, _ := json.Marshal(all)
		_, _ = w.Write(text)
	}))
	t.Cleanup(service.Close)
	addresses := map[string]string{}
	for _, name := range serviceNames {
		addresses[name] = service.URL
	}
	cfg := readConfig(t, addresses)
	cfg.Uploads.Enabled = true
	address := serve(t, newSchema(), cfg)
	for _, c := range []struct {
		name, query, variables string
		places, files          []string
		want                   string
	}{
		{
			"arguments", `mutation($f: Upload!) {send(title: "a\"b", file: $f)}`, `{"f": null}`, []string{"variables.f"}, []string{"a.txt", "hello"},
			`{"data":{"send":["POST /files","title||a\"b","file|a.txt|hello"]}}`,
		},
		{
			"an input object", `mutation($i: FileInput!) {sendInput(input: $i)}`, `{"i": {"files": [null, null], "tags": ["x", "y"]}}`,
			[]string{"variables.i.files.0", "variables.i.files.1"}, []string{"a.txt", "one", "b.txt", "two"},
			`{"data":{"sendInput":["POST /files","tags||x","tags||y","files|a.txt|one","files|b.txt|two"]}}`,
		},
		{
			"a body, in another order than the files come", `mutation($a: Upload, $b: [Upload!]) {sendTo(id: "x/1", first: $a, others: $b)}`, `{"a": null, "b": [null]}`,
			[]string{"variables.a", "variables.b.0"}, []string{"a.txt", "one", "b.txt", "two"},
			`{"data":{"sendTo":["PUT /files/x/1","others|b.txt|two","first|a.txt|one","source||graph","about||{\"id\":\"x/1\"}"]}}`,
		},
		{
			"a name that would end its header", `mutation($f: Upload!) {send(file: $f)}`, `{"f": null}`, []string{"variables.f"}, []string{"a\"\r\nX: y", "z"},
			`{"data":{"send":["POST /files","file|a%22%0D%0AX: y|z"]}}`,
		},
	} {
		if got := sendFiles(t, address, c.query, c.variables, c.places, c.files...); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	_, answer := ask(t, address, &testCase{Query: `mutation($f: Upload!) {send(file: $f)}`, Variables: []byte(`{"f": "no file"}`)})
	if !strings.Contains(string(answer), `"code":"BAD_USER_INPUT"`) {
		t.Errorf("a text for a file: %s", answer)
	}
}
