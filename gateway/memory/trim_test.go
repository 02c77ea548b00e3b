package memory

import "testing"

// TestDue: memory is given back once after a burst, and never while garbage is being collected.
func TestDue(t *testing.T) {
	const mebibyte = 1 << 20
	trims := trimmer{}
	for i, step := range []struct {
		cycles, held uint64
		due          bool
	}{
		{3, 10 * mebibyte, false},  // at start, not much
		{3, 12 * mebibyte, false},  // quiet, and still not much
		{9, 90 * mebibyte, false},  // a burst
		{30, 95 * mebibyte, false}, // goes on
		{30, 95 * mebibyte, true},  // is over: given back, 20 are left
		{31, 20 * mebibyte, false}, // the collection of giving back
		{31, 30 * mebibyte, false}, // little has come since
		{31, 37 * mebibyte, true},  // enough has
	} {
		if got := trims.due(sample{step.cycles, step.held}); got != step.due {
			t.Errorf("step %d: %v", i, got)
		}
		if step.due {
			trims.freed(sample{step.cycles + 1, 20 * mebibyte})
		}
	}
}

// TestRead: the runtime knows these names.
func TestRead(t *testing.T) {
	if s := read(); s.held == 0 {
		t.Errorf("%+v", s)
	}
}
