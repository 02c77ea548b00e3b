package config_test

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/config"
)

func printed(t *testing.T, c *config.Config) string {
	t.Helper()
	var out strings.Builder
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestPrintIsReadAgain: what is printed loads to the same configuration, secrets apart.
func TestPrintIsReadAgain(t *testing.T) {
	text, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	awkward := "services: {s: {url: http://s, user_agent: 'a: \"b\" # $${C} $$${D} $', timeout: 1h0m1s, forward: ['123', 'true', 'null', '1e3']}}"
	for _, text := range []string{"", string(text), awkward} {
		c := load(t, text, "USERS_API_KEY=k")
		out := printed(t, c)
		again := load(t, out)
		if diff := cmp.Diff(out, printed(t, again)); diff != "" {
			t.Errorf("(-printed +printed, loaded and printed)\n%s\n%s", diff, out)
		}
	}
}

func TestPrintMasksSecrets(t *testing.T) {
	c := load(t, "services: {s: {url: http://s, headers: {Authorization: '${TOKEN}'}}}", "TOKEN=hunter2")
	want := "services:\n  s:\n    url: http://s\n    timeout: 10s\n    max_body: 8MiB\n    user_agent: tributary\n    headers:\n      Authorization: \"[secret]\"\n"
	if out := printed(t, c); !strings.Contains(out, want) || strings.Contains(out, "hunter2") {
		t.Errorf("got\n%s", out)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("configuration", "config", c)
	if line := log.String(); !strings.Contains(line, " config.services.s.headers.Authorization=[secret]") || !strings.Contains(line, " config.server.idle_timeout=1m30s ") {
		t.Errorf("got %s", line)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]config.Size{"0B": 0, "1B": 1, "1024B": 1 << 10, "3KiB": 3 << 10, "8 MiB": 8 << 20, "2GiB": 2 << 30, "1025B": 1025} {
		got, err := config.ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
		if back, err := config.ParseSize(got.String()); err != nil || back != got {
			t.Errorf("%s is written %s and read %d, %v", text, got, back, err)
		}
	}
	for text, want := range map[string]string{
		"8":             `a size needs a unit; write 8B for 8 bytes`,
		"8mb":           `"8mb" is not a size; write 8MiB`,
		"8k":            `"8k" is not a size; write 8KiB`,
		"1.5MiB":        `"1.5MiB" is not a size; write a whole number and B, KiB, MiB or GiB: 8MiB`,
		"-1MiB":         `"-1MiB" is not a size; write a whole number and B, KiB, MiB or GiB: 8MiB`,
		"":              `"" is not a size; write a whole number and B, KiB, MiB or GiB: 8MiB`,
		"9000000000GiB": `"9000000000GiB" is more bytes than can be counted`,
	} {
		if _, err := config.ParseSize(text); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
