package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"github.com/tributary-gateway/tributary/gateway/config"
)

// result is what a command line did.
type result struct {
	status   int
	out, err string
	served   *config.Config // nil when nothing was served
}

// gateway runs a command line in an empty folder that holds the given gateway.yaml, if any. Serving returns end at once.
func gateway(t *testing.T, file string, end error, args ...string) result {
	t.Helper()
	t.Chdir(t.TempDir())
	if file != "" {
		if err := os.WriteFile("gateway.yaml", []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var r result
	app := newCommand(func(_ context.Context, cfg *config.Config, logger *slog.Logger) error {
		r.served = cfg
		logger.Info("serving")
		return end
	})
	var out, err strings.Builder
	app.Writer, app.ErrWriter = &out, &err
	r.status = execute(context.Background(), app, append([]string{"gateway"}, args...))
	r.out, r.err = out.String(), err.String()
	return r
}

const file = "services: {users: {url: http://users:8080, headers: {X-Api-Key: hunter2}}}\n"

func TestServeIsTheDefault(t *testing.T) {
	for _, args := range [][]string{
		{"serve", "--listen", ":9000", "--log-format", "json"},
		{"--listen", ":9000", "--log-format", "json", "serve"},
		{"--listen=:9000", "--log-format=json"},
	} {
		r := gateway(t, file, nil, args...)
		if r.status != 0 || r.out != "" || r.served == nil || r.served.Listen != ":9000" || r.served.Services["users"].URL != "http://users:8080" {
			t.Errorf("%v: %+v", args, r)
		}
		if !strings.Contains(r.err, `"msg":"serving"`) || strings.Contains(r.err, "hunter2") {
			t.Errorf("%v: %s", args, r.err)
		}
	}
}

func TestServeTellsTheConfigurationOnce(t *testing.T) {
	r := gateway(t, file, nil)
	if strings.Count(r.err, "msg=configuration") != 1 || !strings.Contains(r.err, "config.services.users.headers.X-Api-Key=[secret]") {
		t.Errorf("got %s", r.err)
	}
}

func TestServeFails(t *testing.T) {
	r := gateway(t, file, errors.New("the port is taken"), "--log-level=error")
	if r.status != 1 || r.err != "gateway: the port is taken\n" {
		t.Errorf("got %+v", r)
	}
}

func TestServeWithoutConfiguration(t *testing.T) {
	for _, args := range [][]string{{}, {"serve"}} {
		r := gateway(t, "", nil, args...)
		if r.status != 1 || r.served != nil || r.out != "" {
			t.Errorf("%v: %+v", args, r)
		}
		for _, want := range []string{"gateway.yaml", "--config FILE", "gateway demo"} {
			if !strings.Contains(r.err, want) {
				t.Errorf("%v: no %q in %s", args, want, r.err)
			}
		}
	}
}

func TestConfigFileByFlagAndVariable(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(other, []byte("log: {level: warn}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := gateway(t, file, nil, "config", "check", "-c", other); r.status != 0 || r.out != other+" is right: 0 services\n" {
		t.Errorf("got %+v", r)
	}
	t.Setenv("TRIBUTARY_CONFIG", other)
	if r := gateway(t, file, nil, "serve"); r.served == nil || r.served.Log.Level != "warn" {
		t.Errorf("got %+v", r)
	}
	if r := gateway(t, file, nil, "serve", "--config", "gateway.yaml"); r.served == nil || r.served.Log.Level != "info" {
		t.Errorf("got %+v", r)
	}
}

func TestOrderOfSources(t *testing.T) {
	t.Setenv("TRIBUTARY_LOG_LEVEL", "warn")
	t.Setenv("TRIBUTARY_LISTEN", ":7000")
	r := gateway(t, "listen: :6000\nlog: {level: debug, format: json}\n", nil, "config", "print", "--log-level", "error")
	for _, want := range []string{"listen: :7000\n", "level: error\n", "format: json\n"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
}

func TestConfigPrint(t *testing.T) {
	r := gateway(t, file, nil, "config", "print")
	if r.status != 0 || r.err != "" || !strings.Contains(r.out, `X-Api-Key: "[secret]"`) || strings.Contains(r.out, "hunter2") {
		t.Errorf("got %+v", r)
	}
}

func TestConfigSchemaNeedsNoFile(t *testing.T) {
	r := gateway(t, "", nil, "config", "schema")
	if r.status != 0 || r.err != "" || r.out != string(config.JSONSchema()) {
		t.Errorf("got %+v", r)
	}
}

func TestConfigCheckNamesEveryMistake(t *testing.T) {
	for _, args := range [][]string{{"config", "check"}, {"config", "print"}, {"serve"}} {
		r := gateway(t, "services: {users: {url: http://users:8080, timeuot: 2s}}\nlog: {level: loud}\n", nil, args...)
		want := `gateway.yaml:1:44: services.users: unknown key "timeuot"
   1 | services: {users: {url: http://users:8080, timeuot: 2s}}
                                                  ^^^^^^^
  did you mean "timeout"?

gateway.yaml:2:14: log.level: unknown value "loud"
   2 | log: {level: loud}
                    ^^^^
  known: debug, info, warn, error
`
		if r.status != 1 || r.out != "" || r.err != want || r.served != nil {
			t.Errorf("%v: status %d\n%s%s", args, r.status, r.out, r.err)
		}
	}
}

func TestVersion(t *testing.T) {
	r := gateway(t, "", nil, "version")
	if r.status != 0 || !strings.HasPrefix(r.out, "gateway ") || !strings.Contains(r.out, " go1.") {
		t.Errorf("got %+v", r)
	}
}

func TestUsageErrors(t *testing.T) {
	const rest = "\n\"gateway help\" lists commands and flags\n"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"srve"}, `gateway: gateway has no command "srve"; did you mean "serve"?` + rest},
		{[]string{"serve", "now"}, `gateway: gateway serve takes no argument: "now"` + rest},
		{[]string{"config", "chek"}, `gateway: gateway config has no command "chek"; did you mean "check"?` + rest},
		{[]string{"config", "check", "a.yaml"}, `gateway: gateway config check takes no argument: "a.yaml"` + rest},
		{[]string{"version", "x"}, `gateway: gateway version takes no argument: "x"` + rest},
		{[]string{"--nope"}, `gateway: flag provided but not defined: -nope` + rest},
		{[]string{"config", "print", "--nope"}, `gateway: flag provided but not defined: -nope` + rest},
		{[]string{"serve", "--listen"}, `gateway: flag needs an argument: --listen` + rest},
		{[]string{"serve", "--log-level", "loud"}, "--log-level: log.level: unknown value \"loud\"\n  known: debug, info, warn, error" + rest},
		{[]string{"serve", "--listen", "9000"}, "--listen: listen: \"9000\" is not an address\n  write \":9000\"" + rest},
	} {
		r := gateway(t, file, nil, tt.args...)
		if r.status != 2 || r.out != "" || r.err != tt.want || r.served != nil {
			t.Errorf("%v: status %d\n%s%s\nwant\n%s", tt.args, r.status, r.out, r.err, tt.want)
		}
	}
}

// TestEveryCommandHasHelpWithExamples walks all commands, those that will come too.
func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	var walk func(c *cli.Command, path []string)
	walk = func(c *cli.Command, path []string) {
		if c.Name == "help" {
			return
		}
		name := strings.Join(append([]string{"gateway"}, path...), " ")
		if c.Usage == "" || !strings.Contains(c.Description, "Examples:\n") {
			t.Errorf("%s: no usage or no examples", name)
		}
		r := gateway(t, "", nil, append(path, "--help")...)
		if r.status != 0 || r.err != "" || !strings.Contains(r.out, "Examples:\n     ") || r.served != nil {
			t.Errorf("%s --help: %+v", name, r)
		}
		for _, sub := range c.Commands {
			walk(sub, append(path[:len(path):len(path)], sub.Name))
		}
	}
	walk(newCommand(nil), nil)
}
