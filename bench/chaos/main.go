// Command chaos measures what clients notice when services fail.
//
//	go run ./bench/chaos [-only eject,outage] [-strict]
//
// It builds the gateway, starts it with its default settings over processes of its own on the loopback, one service in
// three instances, asks 150 times a second, and breaks things: instances answer errors, reset connections, hang, are
// slow, are killed, stopped (SIGSTOP) and started again. It prints what was measured beside what it may be at most. The
// status is 1 when something failed, and 2 when a figure is missed and -strict is given.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// perSecond is how often clients ask.
const perSecond = 150

// scenario breaks something and gives the figures of it.
type scenario struct {
	name string
	// many is the service with three instances.
	many string
	run  func(ctx context.Context, f *fleet) ([]figure, error)
}

var scenarios = []scenario{
	{"eject", "users", ejections},
	{"hang", "users", hanging},
	{"slow", "users", slow},
	{"outage", "users", outage},
	{"partial", "users", partial},
	{"bulkhead", "users", bulkhead},
	{"huge", "users", huge},
	{"leaks", "users", leaks},
	{"twice", "orders", twice},
}

var errMissed = errors.New("a figure is missed")

func main() {
	if len(os.Args) > 1 && os.Args[1] == instanceCommand {
		exit(serveInstance(os.Args[2:]))
	}
	only := flag.String("only", "", "the scenarios to run, separated by commas; all without")
	strict := flag.Bool("strict", false, "end with status 2 when a figure is missed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	exit(measure(ctx, *only, *strict))
}

func exit(err error) {
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, errMissed):
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "chaos:", err)
	os.Exit(1)
}

func measure(ctx context.Context, only string, strict bool) (err error) {
	wanted := strings.Split(only, ",")
	chosen := slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return only != "" && !slices.Contains(wanted, s.name) })
	if len(chosen) == 0 {
		return fmt.Errorf("-only %s names no scenario", only)
	}
	folder, err := os.MkdirTemp("", "tributary-chaos-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	build := exec.CommandContext(ctx, "go", "build", "-o", folder, "github.com/tributary-gateway/tributary/cmd/gateway")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	var figures []figure
	for _, s := range chosen {
		begun := time.Now()
		more, err := s.measure(ctx, folder)
		if err := cmp.Or(ctx.Err(), err); err != nil { // interrupted: the figures say nothing
			return fmt.Errorf("%s: %w", s.name, err)
		}
		figures = append(figures, more...)
		fmt.Printf("%s: %.0f s\n", s.name, time.Since(begun).Seconds())
	}
	fmt.Println()
	if print(os.Stdout, figures) > 0 && strict {
		return errMissed
	}
	return nil
}

// measure runs a scenario on a fleet of its own.
func (s scenario) measure(ctx context.Context, folder string) ([]figure, error) {
	f, err := raise(ctx, folder, s.many)
	if err != nil {
		return nil, err
	}
	defer f.lower()
	if s.many == "users" {
		if err := f.calm(ctx); err != nil {
			return nil, err
		}
	}
	return s.run(ctx, f)
}

// pause waits, less long when it's interrupted.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
