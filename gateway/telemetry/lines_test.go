package telemetry_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/telemetry"
)

// file notes what each system call would have written.
type file struct {
	mu    sync.Mutex
	calls []string
}

func (f *file) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, string(p))
	return len(p), nil
}

func (f *file) got() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := strings.Join(f.calls, "|")
	f.calls = nil
	return strings.ReplaceAll(got, "\n", ";")
}

func TestLinesGoTogetherWhenThereAreMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(file)
		lines := telemetry.NewLines(f)
		logger := telemetry.NewLogger(lines, telemetry.Config{})
		say := func(what string) { _, _ = fmt.Fprintln(lines, what) }
		step := func(name, want string) {
			t.Helper()
			if got := f.got(); got != want {
				t.Errorf("%s: %q is written, want %q", name, got, want)
			}
		}
		say("a")
		step("a quiet moment", "a;")
		say("b")
		say("c")
		step("others come soon", "")
		time.Sleep(11 * time.Millisecond)
		step("the time is over", "b;c;")
		say("d")
		logger.With("k", "v").WithGroup("g").Warn("trouble")
		if got := f.got(); !strings.HasPrefix(got, "d;") || !strings.Contains(got, "trouble") {
			t.Errorf("a warning waits: %q", got)
		}
		logger.Info("e")
		step("no warning", "")
		time.Sleep(time.Second)
		if got := f.got(); !strings.Contains(got, "msg=e") {
			t.Errorf("%q", got)
		}
		say("f")
		long := strings.Repeat("x", 40<<10)
		say(long)
		step("much waits", "f;|"+long+";")
		say("g")
		lines.Close()
		step("closed", "g;")
		say("h")
		say("i")
		step("after it was closed", "h;|i;")
	})
}

func TestLinesStayWhole(t *testing.T) {
	var out bytes.Buffer
	lines := telemetry.NewLines(&out)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 500 {
				_, _ = fmt.Fprintf(lines, "%d-%d\n", i, j)
			}
		})
	}
	all.Wait()
	lines.Close()
	next := map[int]int{}
	for line := range strings.Lines(out.String()) {
		var i, j int
		if _, err := fmt.Sscanf(line, "%d-%d\n", &i, &j); err != nil || j != next[i] {
			t.Fatalf("%q after %d of %d: %v", line, next[i], i, err)
		}
		next[i]++
	}
	for i := range 8 {
		if next[i] != 500 {
			t.Errorf("%d lines of %d", next[i], i)
		}
	}
}

func BenchmarkLines(b *testing.B) {
	logger := telemetry.NewLogger(telemetry.NewLines(new(discard)), telemetry.Config{Format: "json"})
	b.ReportAllocs()
	for b.Loop() {
		logger.Info("request", "status", 200)
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }
