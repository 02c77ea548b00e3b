package telemetry_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/telemetry"
)

func TestEveryLevelWritesItselfAndWhatIsAbove(t *testing.T) {
	all := telemetry.Level("").Values()
	for i, level := range all {
		var out strings.Builder
		logger := telemetry.NewLogger(&out, telemetry.Config{Level: telemetry.Level(level), Format: "json"})
		for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			logger.Log(context.Background(), l, "line")
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			var record struct{ Level string }
			if err := json.Unmarshal([]byte(line), &record); err != nil {
				t.Fatalf("%s: %v in %q", level, err, line)
			}
			got = append(got, strings.ToLower(record.Level))
		}
		if !slices.Equal(got, all[i:]) {
			t.Errorf("%s writes %v, want %v", level, got, all[i:])
		}
	}
}

func TestZeroConfigIsTheDefault(t *testing.T) {
	for _, c := range []telemetry.Config{{}, telemetry.DefaultConfig(), {Level: "loud", Format: "xml"}} {
		var out strings.Builder
		logger := telemetry.NewLogger(&out, c)
		logger.Debug("hidden")
		logger.Info("shown", "n", 1)
		if got := out.String(); strings.Contains(got, "hidden") || !strings.HasSuffix(got, "level=INFO msg=shown n=1\n") {
			t.Errorf("%v writes %q", c, got)
		}
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	err := telemetry.Config{Level: "loud", Format: "xml"}.Validate()
	want := "level: \"loud\" is none of debug, info, warn, error\nformat: \"xml\" is none of text, json"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, c := range []telemetry.Config{{}, telemetry.DefaultConfig()} {
		if err := c.Validate(); err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
}
