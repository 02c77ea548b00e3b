package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCachePurge: what the flags say is what the admin listener is asked, with its token.
func TestCachePurge(t *testing.T) {
	var got, authorization string
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, authorization = r.Method+" "+r.URL.Path+" "+string(body), r.Header.Get("Authorization")
		if strings.Contains(got, "Moon") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errors": [{"message": "the schema has no type Moon"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"purged": 3}`)
	}))
	defer listener.Close()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	text := "services: {users: {url: http://users}}\nadmin: {listen: '" + strings.TrimPrefix(listener.URL, "http://") + "', token: sesame}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args, asked, out string
		status           int
	}{
		{"--type Product --entity User:1", `POST /cache/purge {"purge":[{"kind":"type","name":"Product"},{"kind":"entity","name":"User:1"}]}`, "3 answers dropped", 0},
		{"--all", `POST /cache/purge {"purge":[{"kind":"all"}]}`, "3 answers dropped", 0},
		{"--list Moon", `POST /cache/purge {"purge":[{"kind":"list","name":"Moon"}]}`, "the schema has no type Moon", 1},
		{"", "", "nothing to purge", 1},
		{"--all --admin http://127.0.0.1:1", "", "doesn't answer", 1},
	} {
		got = ""
		var out bytes.Buffer
		app := newCommand(run)
		app.Writer, app.ErrWriter = &out, &out
		args := append([]string{"gateway", "--config", file, "cache", "purge"}, strings.Fields(c.args)...)
		if status := execute(t.Context(), app, args); status != c.status || !strings.Contains(out.String(), c.out) || got != c.asked {
			t.Errorf("%s: status %d, %s, asked %s", c.args, status, out.String(), got)
		}
		if got != "" && authorization != "Bearer sesame" {
			t.Errorf("%s: authorization %q", c.args, authorization)
		}
	}
}
