package config_test

import (
	"errors"
	"flag"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/secret"
	"github.com/tributary-gateway/tributary/upstreams/discovery"
	"github.com/tributary-gateway/tributary/upstreams/quota"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

var update = flag.Bool("update", false, "write the golden files")

// load parses text with variables given as NAME=value.
func load(t *testing.T, text string, environ ...string) *config.Config {
	t.Helper()
	c, err := config.Parse("gateway.yaml", []byte(text), config.Inputs{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestBad loads every file of testdata/bad and compares the message to the text beside it.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Parse("gateway.yaml", text, config.Inputs{Environ: []string{"EVIL=a\nlog: {level: debug}"}})
			if !config.IsProblem(err) {
				t.Fatalf("no Problems: %v", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the message tells a secret")
			}
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); go test -update writes it:\n%s", file, diff)
	}
}

// TestFull loads the example with every key. Where it says nothing of its own, its values are the defaults.
func TestFull(t *testing.T) {
	c, err := config.Load("testdata/full.yaml", config.Inputs{Environ: []string{"USERS_API_KEY=k"}})
	if err != nil {
		t.Fatal(err)
	}
	users := config.DefaultService()
	users.URL = "http://users:8080/api"
	users.Forward = []string{"Accept-Language"}
	users.Headers = map[string]secret.Text{"X-Api-Key": "k"}
	users.Errors = config.Errors{When: "/error", Message: "/error/title", Code: "/error/code"}
	users.AttemptTimeout = 4 * time.Second
	users.Cache.Enabled, users.Cache.TTL = true, 5*time.Second
	users.Cache.StaleWhileRevalidate, users.Cache.StaleIfError = 5*time.Second, time.Minute
	users.Quota = quota.Config{Rate: 500, Burst: 100}
	users.Connections = transport.Connections{
		DialTimeout: 2 * time.Second, MaxIdle: 256, MaxConns: 256, IdleTimeout: 90 * time.Second, MaxHeader: 64 << 10,
	}
	if diff := cmp.Diff(users, c.Services["users"]); diff != "" {
		t.Errorf("users (-want +got)\n%s", diff)
	}
	instances := []discovery.Instance{{URL: "http://10.0.0.1:8080"}, {URL: "http://10.0.0.2:8080", Weight: 2, Zone: "b"}}
	if diff := cmp.Diff(instances, c.Services["orders"].Instances); diff != "" {
		t.Errorf("orders (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(config.Default().Server, c.Server); diff != "" {
		t.Errorf("server (-want +got)\n%s", diff)
	}
	want := config.Playground{
		Enabled: true, Title: "Shop", Query: "{ products(first: 3) { name } }\n", Headers: map[string]string{"Accept-Language": "en"},
	}
	if diff := cmp.Diff(want, c.Playground); diff != "" {
		t.Errorf("playground (-want +got)\n%s", diff)
	}
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "log:\nserver:\nservices:\n", "{}", "\ufefflog:\n"} {
		if diff := cmp.Diff(config.Default(), load(t, text)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	}
}

func TestMissingFile(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "gateway.yaml"), config.Inputs{})
	if !errors.Is(err, fs.ErrNotExist) || config.IsProblem(err) {
		t.Errorf("got %v", err)
	}
}

func TestTooBigFile(t *testing.T) {
	_, err := config.Parse("big.yaml", make([]byte, config.MaxFile+1), config.Inputs{})
	if err == nil || err.Error() != "big.yaml: the file is over 256KiB" {
		t.Errorf("got %v", err)
	}
}

func TestNotTooManyProblems(t *testing.T) {
	_, err := config.Parse("many.yaml", []byte(strings.Repeat("nope: 1\n", 300)), config.Inputs{})
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) != 51 || problems[50].Error() != "many.yaml: and 250 more" {
		t.Errorf("got %.200v", err)
	}
}

// TestDeepNesting: fifty thousand open brackets would otherwise be as many calls of the parser.
func TestDeepNesting(t *testing.T) {
	for _, open := range []string{"[", "{a: ", "- ", "? "} {
		_, err := config.Parse("deep.yaml", []byte("log: "+strings.Repeat(open, 50_000)), config.Inputs{})
		if err == nil || !strings.Contains(err.Error(), "nested too deep") {
			t.Errorf("%q: got %.100v", open, err)
		}
	}
}

func TestExpansion(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`plain`, "plain"},
		{`"${A}"`, "one"},
		{`${A}`, "one"},
		{`'x-${A}-${B}-y'`, "x-one-two words-y"},
		{`${EMPTY}x`, "x"},
		{`${EMPTY:-d}`, "d"},
		{`${UNSET:-d}`, "d"},
		{`x${UNSET:-}`, "x"},
		{`${UNSET:-a:-b}`, "a:-b"},
		{`$${A}`, "${A}"},
		{`$${A} ${A}`, "${A} one"},
		{`$A $ $$ 5$`, "$A $ $$ 5$"},
		{`${NESTED}`, "${A}"},
		{`${YAML}`, "x: [1, 2] # no"},
		{`${NUMBER}`, "42"},
		{"|-\n      ${A}\n      ${B}", "one\n      two words"},
	} {
		text := "services:\n  s:\n    url: http://s\n    errors: {}\n    user_agent: " + tt.text + "\n"
		want := strings.ReplaceAll(tt.want, "\n      ", "\n")
		c, err := config.Parse("gateway.yaml", []byte(text), config.Inputs{Environ: []string{
			"A=one", "B=two words", "EMPTY=", "NESTED=${A}", "YAML=x: [1, 2] # no", "NUMBER=42", "A=second",
		}})
		if strings.Contains(want, "\n") { // a header has one line, and says so
			if err == nil || !strings.Contains(err.Error(), "control character") {
				t.Errorf("%s: got %v", tt.text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got := c.Services["s"].UserAgent; got != want {
			t.Errorf("%s: got %q, want %q", tt.text, got, want)
		}
	}
}

func TestExpansionOfEveryKind(t *testing.T) {
	c := load(t, "server: {max_body_bytes: '${SIZE}', access_log: '${L}', operation: {cache_entries: '${N}'}}\nservices: {s: {url: '${URL}', timeout: '${D}'}}\nlog: {level: '${L}'}",
		"N=7", "SIZE=1KiB", "URL=http://s", "D=3s", "L=warn")
	if c.Server.Operation.CacheEntries != 7 || c.Server.MaxBodyBytes != 1024 || c.Server.AccessLog != slog.LevelWarn || c.Services["s"].Timeout != 3*time.Second || c.Log.Level != "warn" {
		t.Errorf("got %+v", c)
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	c := load(t, `
services:
  users: &base
    url: http://users
    timeout: 3s
    headers: &headers {X-Key: k}
  orders:
    url: http://orders
    headers: *headers
    <<: *base
`)
	orders := c.Services["orders"]
	if orders.URL != "http://orders" || orders.Timeout != 3*time.Second || orders.Headers["X-Key"].Reveal() != "k" {
		t.Errorf("got %+v", orders)
	}
}

func TestOrder(t *testing.T) {
	const file = "services: {my-users: {url: http://file, timeout: 1s}}\nlog: {level: debug, format: json}\n"
	c, err := config.Parse("gateway.yaml", []byte(file), config.Inputs{
		Environ: []string{
			"TRIBUTARY_LOG_LEVEL=warn", "TRIBUTARY_LOG_FORMAT=", "TRIBUTARY_SERVICE_MY_USERS_URL=http://env/${X}",
			"TRIBUTARY_SERVICE_MY_USERS_MAX_BODY=1MiB",
		},
		Flags: []config.Override{{Source: "--log-level", Path: "log.level", Value: "error"}},
	})
	if err != nil {
		// a URL from the environment is taken as it is: ${ is no host's business
		t.Fatal(err)
	}
	s := c.Services["my-users"]
	if c.Log.Level != "error" || c.Log.Format != "json" || s.URL != "http://env/${X}" || s.Timeout != time.Second || s.MaxBody != 1<<20 {
		t.Errorf("got %+v", c)
	}
}

func TestBadOverrides(t *testing.T) {
	const file = "services: {users: {url: http://file}}\n"
	for _, tt := range []struct{ variable, want string }{
		{"TRIBUTARY_LOG_LEVEL=loud", "TRIBUTARY_LOG_LEVEL: log.level: unknown value \"loud\"\n  known: debug, info, warn, error"},
		{"TRIBUTARY_LOG_LEVL=info", "TRIBUTARY_LOG_LEVL: no such variable\n  did you mean TRIBUTARY_LOG_LEVEL?"},
		{"TRIBUTARY_SERVICE_USER_URL=http://x", "TRIBUTARY_SERVICE_USER_URL: no service of the file is named so\n  variables of the file's services begin with TRIBUTARY_SERVICE_USERS_"},
		{"TRIBUTARY_SERVICE_USERS_TIMEOUT=5", "TRIBUTARY_SERVICE_USERS_TIMEOUT: services.users.timeout: a duration needs a unit\n  write 5ms for milliseconds, 5s for seconds"},
		{"TRIBUTARY_SERVICE_USERS_URL=users:80", "TRIBUTARY_SERVICE_USERS_URL: services.users.url: begins with neither http:// nor https://"},
	} {
		_, err := config.Parse("gateway.yaml", []byte(file), config.Inputs{Environ: []string{tt.variable}})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n%v\nwant\n%s", tt.variable, err, tt.want)
		}
	}
}

// TestKubernetesVariables: a Kubernetes Service named tributary, and one named tributary-service-users, put these into
// every container of their namespace.
func TestKubernetesVariables(t *testing.T) {
	load(t, "services: {users: {url: http://file}}",
		"TRIBUTARY_PORT=tcp://10.0.0.1:80", "TRIBUTARY_SERVICE_HOST=10.0.0.1", "TRIBUTARY_SERVICE_PORT=80",
		"TRIBUTARY_SERVICE_PORT_HTTP=80", "TRIBUTARY_PORT_80_TCP=tcp://10.0.0.1:80", "TRIBUTARY_PORT_80_TCP_ADDR=10.0.0.1",
		"TRIBUTARY_SERVICE_USERS_SERVICE_HOST=10.0.0.2", "TRIBUTARY_SERVICE_USERS_PORT=tcp://10.0.0.2:80",
		"TRIBUTARY_CONFIG=gateway.yaml")
}

func TestVariablesNameSettings(t *testing.T) {
	c := load(t, "services: {name: {url: http://s}}")
	for _, v := range config.Variables() {
		path := strings.ReplaceAll(v.Path, "<name>", "name")
		_, err := config.Parse("gateway.yaml", []byte("services: {name: {url: http://s}}"), config.Inputs{
			Flags: []config.Override{{Source: "flag", Path: path, Value: "\x00"}},
		})
		if err == nil || strings.Contains(err.Error(), "no such setting") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %s: %v", v.Name, v.Path, err)
		}
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateWithoutFile(t *testing.T) {
	c := config.Default()
	c.Services = map[string]config.Service{"users": {URL: "http://users"}}
	want := "configuration: services.users.timeout: a request needs some time\n  give 1ms or more\n\n" +
		"configuration: services.users.max_body: an answer needs some room\n  give 1KiB or more"
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// TestVariablesAreDocumented: the page's table has every variable beside its setting.
func TestVariablesAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range config.Variables() {
		if !strings.Contains(string(page), "| `"+v.Name+"` | `"+v.Path+"` |") {
			t.Errorf("%s for %s is missing", v.Name, v.Path)
		}
	}
}
