//go:build !race

package main

import (
	"net/http"
	"testing"
)

// mostObjects is how many objects the gateway may make for an answer that is kept, with a plan and the access log. The race
// detector makes some of its own.
const mostObjects = 25

func TestKeptAnswersAreCheap(t *testing.T) {
	h := keptHandler(t)
	if got := testing.AllocsPerRun(500, h.serve); got > mostObjects {
		t.Errorf("%.0f objects, want %d at most", got, mostObjects)
	}
	if h.w.status != http.StatusOK || h.w.bytes < 10_000 {
		t.Errorf("status %d, %d bytes", h.w.status, h.w.bytes)
	}
}
