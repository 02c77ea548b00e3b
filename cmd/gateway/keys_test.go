package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/identity"
)

// TestKeysOnTheCommandLine makes, lists and revokes keys, and holds them against who checks them.
func TestKeysOnTheCommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	made := gateway(t, "", nil, "keys", "create", "--client", "mobile app", "--plan", "gold", "--scopes", "read:a, read:b,", "--expires", "90d", "--file", file)
	text := strings.TrimSpace(made.out)
	if made.status != 0 || !regexp.MustCompile(`^trb_[a-z2-7]{10}_[0-9A-Za-z]{49}$`).MatchString(text) || strings.Contains(made.err, text) {
		t.Fatalf("got %+v", made)
	}
	kept, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(kept), text[15:]) {
		t.Fatalf("%s %v", kept, err)
	}
	a, err := identity.New(identity.Config{Keys: identity.Keys{File: file}}, identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("X-Api-Key", text)
	c, err := a.Identify(r)
	if err != nil || c.ID != "mobile app" || c.Plan != "gold" || strings.Join(c.Scopes, " ") != "read:a read:b" || time.Until(c.Expires).Round(time.Hour) != 90*24*time.Hour {
		t.Fatalf("%+v %v", c, err)
	}
	if second := gateway(t, "", nil, "keys", "create", "--client", "web", "--file", file); second.status != 0 || !strings.Contains(second.err, "has no end") {
		t.Errorf("got %+v", second)
	}
	listed := gateway(t, "", nil, "keys", "list", "--file", file)
	if lines := strings.Split(listed.out, "\n"); listed.status != 0 || len(lines) != 4 ||
		!regexp.MustCompile(`^`+c.Key+` +mobile app +gold +read:a,read:b +\S+ \S+ +\S+ \S+ +active$`).MatchString(lines[1]) || !strings.HasSuffix(lines[2], "active") {
		t.Errorf("got %+v", listed)
	}
	if only := gateway(t, "", nil, "keys", "list", "--client", "web", "--file", file); strings.Contains(only.out, "mobile") || strings.Count(only.out, "\n") != 2 {
		t.Errorf("got %+v", only)
	}
	if revoked := gateway(t, "", nil, "keys", "revoke", "--file", file, c.Key); revoked.status != 0 || revoked.out != c.Key+" is revoked\n" {
		t.Errorf("got %+v", revoked)
	}
	if listed := gateway(t, "", nil, "keys", "list", "--file", file); !strings.Contains(strings.Split(listed.out, "\n")[1], "revoked") {
		t.Errorf("got %+v", listed)
	}
}

func TestKeysWrongCommandLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{2, "say where the keys are", []string{"create", "--client", "x"}},
		{2, "say where the keys are", []string{"list", "--file", file, "--redis", "redis://localhost"}},
		{2, "say whose key it is", []string{"create", "--file", file}},
		{2, "give a time like 12h or 90d", []string{"create", "--client", "x", "--file", file, "--expires", "soon"}},
		{2, "give a time like 12h or 90d", []string{"create", "--client", "x", "--file", file, "--expires", "2001-01-01"}},
		{2, "give a time like 12h or 90d", []string{"create", "--client", "x", "--file", file, "--expires=-1h"}},
		{2, "no URL like redis://", []string{"list", "--redis", "http://user:hunter2@x"}},
		{2, "say which", []string{"revoke", "--file", file}},
		{1, "there is no key with this id", []string{"revoke", "--file", file, "abc"}},
		{1, "no such file", []string{"list", "--file", file + "x"}},
		{1, "white space", []string{"create", "--client", "x", "--scopes", "a b", "--file", file}},
		{2, "takes no argument", []string{"create", "x"}},
		{2, "has no command", []string{"creat"}},
	} {
		r := gateway(t, "", nil, append([]string{"keys"}, c.args...)...)
		if r.status != c.status || !strings.Contains(r.err, c.want) || strings.Contains(r.err, "hunter2") || r.out != "" {
			t.Errorf("%v: %+v", c.args, r)
		}
	}
	if r := gateway(t, "", nil, "keys"); r.status != 0 || !strings.Contains(r.out, "revoke") {
		t.Errorf("got %+v", r)
	}
}

// TestKeysInRedisThatIsNotThere: the address is no secret, the password is.
func TestKeysInRedisThatIsNotThere(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	app := newCommand(nil)
	var out, err strings.Builder
	app.Writer, app.ErrWriter = &out, &err
	status := execute(ctx, app, []string{"gateway", "keys", "create", "--client", "x", "--redis", "redis://u:hunter2@127.0.0.1:1"})
	if status != 1 || out.Len() > 0 || strings.Contains(err.String(), "hunter2") {
		t.Errorf("%d %s %s", status, out.String(), err.String())
	}
}
