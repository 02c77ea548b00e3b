package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tributary-gateway/tributary/bench/internal/load"
)

// soak runs Q1 and prints how much memory the gateway has, in twenty steps.
func (f *fleet) soak(ctx context.Context, o options) error {
	begun := time.Now()
	for range 20 {
		r, err := f.cell(ctx, ours("Q1"), o.connections, o.soak*3/80) // with a third of it to warm up
		if err != nil {
			return err
		}
		resident, err := load.Resident(f.processes["gateway"].cmd.Process.Pid)
		if err != nil {
			return err
		}
		fmt.Printf("%6.0f s  %6.1f MiB resident  %.0f requests/s\n", time.Since(begun).Seconds(), float64(resident)/(1<<20), r.PerSecond())
	}
	return nil
}
