package memory_test

import (
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/memory"
)

// restore puts the collector of the test's process back as it was.
func restore(t *testing.T) {
	t.Helper()
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Setenv(name, "") // puts it back at the end
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	debug.SetGCPercent(percent)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
}

func inForce() (percent int, limit int64) {
	percent = debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent, debug.SetMemoryLimit(-1)
}

func TestApply(t *testing.T) {
	restore(t)
	memory.Apply(t.Context(), memory.Config{GCPercent: 250, Limit: 512 << 20}, slog.New(slog.DiscardHandler))
	if percent, limit := inForce(); percent != 250 || limit != 512<<20 {
		t.Errorf("got %d %% and %d bytes", percent, limit)
	}
}

func TestDefaultsLeaveRoomOnTheMachine(t *testing.T) {
	restore(t)
	memory.Apply(t.Context(), memory.Config{}, slog.New(slog.DiscardHandler))
	if percent, limit := inForce(); percent != 400 || limit <= 0 || limit == math.MaxInt64 {
		t.Errorf("got %d %% and %d bytes", percent, limit)
	}
}

func TestTheEnvironmentWins(t *testing.T) {
	restore(t)
	t.Setenv("GOGC", "77")
	t.Setenv("GOMEMLIMIT", "1GiB")
	before, limitBefore := inForce()
	memory.Apply(t.Context(), memory.Config{GCPercent: 250, Limit: 512 << 20}, slog.New(slog.DiscardHandler))
	if percent, limit := inForce(); percent != before || limit != limitBefore {
		t.Errorf("got %d %% and %d bytes, before %d %% and %d", percent, limit, before, limitBefore)
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		config memory.Config
		want   string
	}{
		"zero":     {memory.Config{}, ""},
		"percent":  {memory.Config{GCPercent: -1}, "gc_percent is -1; give 50 to 10000"},
		"no room":  {memory.Config{Limit: 1 << 20}, "limit is under 16MiB, where Go can't work"},
		"negative": {memory.Config{Limit: -1}, "limit is under 16MiB, where Go can't work"},
	} {
		err := test.config.Validate()
		if got := text(err); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
