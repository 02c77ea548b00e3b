package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/bench/internal/load"
)

func measured(cpu ...time.Duration) []load.Result {
	var all []load.Result
	for _, d := range cpu {
		all = append(all, load.Result{Requests: 10, CPU: 10 * d, Elapsed: time.Second, P50: d})
	}
	return all
}

func TestRatiosAreMediansOfRounds(t *testing.T) {
	slow, fast := cell{program: "gateway"}, cell{program: "floor"}
	// The second round was disturbed on both sides, the third on one.
	m := results{slow: measured(120, 600, 900), fast: measured(100, 500, 100)}
	for _, c := range []struct {
		row    row
		got    string
		missed int
	}{
		{row{measured: slow, against: fast, atMost: 1.3}, "1.20 ×", 0},
		{row{measured: slow, against: fast, atMost: 1.1}, "1.20 ×", 1},
		{row{measured: slow, against: fast, atLeast: 1.1}, "1.20 ×", 0},
		{row{measured: slow, against: fast, atLeast: 2}, "1.20 ×", 1},
		{row{measured: slow, against: fast, within: 100}, "+0 µs", 0},
		{row{measured: slow, against: fast, within: 99}, "+0 µs", 1},
	} {
		var out strings.Builder
		if missed := report(&out, []row{c.row}, m); missed != c.missed || !strings.Contains(out.String(), c.got) {
			t.Errorf("%d missed in\n%s", missed, out.String())
		}
	}
}

func TestOnly(t *testing.T) {
	for only, want := range map[string]int{"Q1": 4, "Q1 kept": 1, "Q4": 2, "Q4 latency": 1, "Q9": 0} {
		n := 0
		for _, r := range table {
			if r.wanted([]string{only}) {
				n++
			}
		}
		if n != want {
			t.Errorf("%s names %d rows", only, n)
		}
	}
}
