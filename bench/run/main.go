// Command run measures the gateway against its yardsticks and prints a table of ratios.
//
//	go run ./bench/run [-rounds 5] [-seconds 1.5] [-connections 100] [-only Q1,Q3] [-relay plain] [-coalesce off] [-soak 10m] [-limits]
//
// It builds the programs of bench/, starts each as a process of its own on the loopback, and lets its load generator,
// another process, ask them in turn. A round measures each query at the gateway and right after at its yardstick, and
// what counts is the median over the rounds of the rounds' ratios: a machine that is busy with something else slows both.
// The status is 1 when something failed, and 2 when a target is missed and -strict is given.
package main

import (
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

// options are the flags.
type options struct {
	rounds      int
	seconds     float64
	connections int
	only        []string
	relay       string
	soak        time.Duration
	limits      bool
	coalesce    string
	strict      bool
}

var errMissed = errors.New("a target is missed")

func main() {
	if len(os.Args) > 1 && os.Args[1] == loadCommand {
		exit(generate(os.Stdin, os.Stdout))
	}
	var o options
	var only string
	flag.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flag.Float64Var(&o.seconds, "seconds", 1.5, "the length of one measurement; a third of it is run before to warm up")
	flag.IntVar(&o.connections, "connections", 100, "how many connections ask at once")
	flag.StringVar(&only, "only", "", "the rows to measure, by query or whole name, separated by commas; all without")
	flag.StringVar(&o.relay, "relay", "lean", "which relay is the floor: lean, or plain, which reads with io.ReadAll")
	flag.DurationVar(&o.soak, "soak", 0, "instead of the table: run Q1 for so long and print the gateway's memory")
	flag.BoolVar(&o.limits, "limits", false, "instead of the table: the gateway with limits, in memory and in Redis, against itself without")
	flag.StringVar(&o.coalesce, "coalesce", "on", "whether the gateway executes identical queries under way once: on, its default, or off")
	flag.BoolVar(&o.strict, "strict", false, "end with status 2 when a target is missed")
	flag.Parse()
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	exit(measure(ctx, o))
}

func exit(err error) {
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, errMissed):
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func measure(ctx context.Context, o options) (err error) {
	if o.rounds < 1 || o.seconds <= 0 || o.connections < 1 {
		return errors.New("-rounds, -seconds and -connections must be positive")
	}
	table, programs, report := table, programs, report
	if o.limits {
		table, programs, report = limitTable, limited, reportLimits
	}
	rows := slices.DeleteFunc(slices.Clone(table), func(r row) bool { return !r.wanted(o.only) })
	if len(rows) == 0 {
		return fmt.Errorf("-only %s names no row", strings.Join(o.only, ","))
	}
	switch o.relay {
	case "lean":
	case "plain":
		for i := range rows {
			rows[i].against.path = strings.Replace(rows[i].against.path, "/relay/", "/plain/", 1)
		}
	default:
		return fmt.Errorf("-relay is lean or plain, not %q", o.relay)
	}
	programs, rows, err = o.needed(programs, rows)
	if err != nil {
		return err
	}
	begun := time.Now()
	f, err := start(ctx, programs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	fmt.Printf("built and started in %.0f s\n", time.Since(begun).Seconds())
	if o.soak > 0 {
		return f.soak(ctx, o)
	}
	m, err := f.rounds(ctx, o, rows)
	if err != nil {
		return err
	}
	fmt.Printf("%d rounds of %.1f s at %d connections, %.0f s in all\n\n", o.rounds, o.seconds, o.connections, time.Since(begun).Seconds())
	if missed := report(os.Stdout, rows, m); missed > 0 && o.strict {
		return errMissed
	}
	return nil
}

// needed are the programs that the rows ask for, and those that they need. Rows that want a redis-server are left out when
// there is none and they weren't asked for by name.
func (o options) needed(programs []launch, rows []row) ([]launch, []row, error) {
	if o.coalesce != "on" && o.coalesce != "off" {
		return nil, nil, fmt.Errorf("-coalesce is on or off, not %q", o.coalesce)
	}
	asked := map[string]bool{"mock": true, "gateway": o.soak > 0}
	ask := func(r row) bool { return r.measured.program == keptInRedis || o.limits }
	if _, err := exec.LookPath(redisServer); err != nil && slices.ContainsFunc(rows, ask) {
		if o.limits || len(o.only) > 0 {
			return nil, nil, err
		}
		fmt.Println("there is no redis-server on the PATH: the rows that need one are left out")
		rows = slices.DeleteFunc(rows, ask)
	}
	for _, r := range rows {
		asked[r.measured.program], asked[r.against.program] = true, true
		asked[redisServer] = asked[redisServer] || ask(r)
	}
	programs = slices.DeleteFunc(slices.Clone(programs), func(l launch) bool { return !asked[l.name] })
	for i := range programs {
		programs[i].env = append([]string{"COALESCE=" + o.coalesce}, programs[i].env...)
	}
	return programs, rows, nil
}
